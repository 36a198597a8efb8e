//! `GET /api/Order/stream`: the state of each order that changes, as server-sent events.

use std::{
    convert::Infallible,
    sync::{Arc, LazyLock},
    time::Duration,
};

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use bus::{Received, Subscription};
use contracts::{event::OrderChanged, order::OrderView, problem::Problem as ProblemBody, time::Timestamp};
use futures::{Stream, StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use web::Problem;

use crate::commands::{Backlog, Orders};

/// More screens than a large shop has. Each holds a connection.
const STREAMS_MAX: usize = 256;
/// Often enough for proxies to keep the connection, and for a screen to notice a dead one.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

static STREAMS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(STREAMS_MAX)));

/// Follows orders as they change.
///
/// Each event `order` has an order as its data: its whole state, not a difference. The first event is `connected`; it
/// has an id, so a client that has seen no order yet can resume, too. A client that resumes with `Last-Event-ID` gets
/// what it missed, some of it twice, or the event `reset`: it reads the list again.
#[utoipa::path(
    get, path = "/api/Order/stream", tag = "Order",
    params((
        "Last-Event-ID" = Option<String>, Header, pattern = "^[0-9]{1,18}$",
        description = "The id of the last event that the client received."
    )),
    responses(
        (status = 200, content_type = "text/event-stream", body = OrderView,
         description = "Events connected, order and reset, until the client leaves."),
        (status = 400, body = ProblemBody, description = "bad-request: Last-Event-ID is of no event"),
        (status = 503, body = ProblemBody, description = "too-many-streams")
    )
)]
pub(super) async fn stream_orders(State(orders): State<Orders>, headers: HeaderMap) -> Result<Response, Problem> {
    let permit = Arc::clone(&STREAMS).try_acquire_owned().map_err(|_| too_many_streams())?;
    let resume_from = last_event_id(&headers)?;
    // In this order nothing is missed: what changes after the position or the read reaches the subscription.
    let subscription = orders.subscribe();
    let position = orders.stream_position();
    let first = match resume_from {
        None => vec![connected(position)],
        Some(since) => match orders.changed_since(since).await? {
            // The client's own id, not a newer one: the stream may break off before the backlog is sent.
            Backlog::Orders(missed) => {
                std::iter::once(connected(since)).chain(missed.iter().map(order_event)).collect()
            }
            Backlog::Unknown => vec![reset(position)],
        },
    };
    let events = stream::iter(first).chain(follow(orders, subscription, permit)).map(Ok::<_, Infallible>);
    let answer = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE_INTERVAL));
    Ok(([("X-Accel-Buffering", "no")], answer).into_response())
}

fn too_many_streams() -> Problem {
    let detail = format!("{STREAMS_MAX} streams are open already. Close one, or read GET /api/Order instead.");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-streams", "Too many streams", detail)
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<Timestamp>, Problem> {
    let Some(id) = headers.get("Last-Event-ID") else { return Ok(None) };
    let micros = id.to_str().ok().and_then(|id| id.parse().ok()).map(Timestamp);
    micros.map(Some).ok_or_else(|| {
        Problem::bad_request("Last-Event-ID is not the id of an event of this stream. Leave it out to start now.")
    })
}

/// What changes from now on, until the bus ends the subscription.
fn follow(orders: Orders, subscription: Subscription, permit: OwnedSemaphorePermit) -> impl Stream<Item = Event> {
    stream::unfold((orders, subscription, permit), |(orders, mut subscription, permit)| async move {
        let event = match subscription.next().await? {
            Received::Lagged => reset(orders.stream_position()),
            Received::Event(event) => match event.data::<OrderChanged>() {
                Ok(OrderChanged(order)) => order_event(&order),
                Err(error) => {
                    tracing::error!(event_id = %event.id, error = %errors::chain(&error), "event not readable");
                    reset(orders.stream_position())
                }
            },
        };
        Some((event, (orders, subscription, permit)))
    })
}

fn order_event(order: &OrderView) -> Event {
    let event = Event::default().event("order").id(order.updated_at.0.to_string());
    event.json_data(order).unwrap_or_else(|error| {
        tracing::error!(order_id = %order.order_id, error = %errors::chain(&error), "order not writable as JSON");
        reset(order.updated_at)
    })
}

/// The stream is open; what changes after `position` follows.
fn connected(position: Timestamp) -> Event {
    Event::default().event("connected").id(position.0.to_string()).data("{}")
}

/// Something was missed: the client reads the list again.
fn reset(position: Timestamp) -> Event {
    Event::default().event("reset").id(position.0.to_string()).data("{}")
}
