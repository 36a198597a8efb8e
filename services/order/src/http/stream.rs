//! `GET /api/Order/stream`: the state of each order that changes, as server-sent events.

use std::{convert::Infallible, sync::LazyLock, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use bus::{Received, Subscription};
use contracts::{event::OrderChanged, order::OrderView, time::Timestamp};
use futures::{Stream, StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use web::Problem;

use crate::commands::{Orders, STREAM_BACKLOG_ORDERS_MAX};

/// More screens than a large shop has; each holds a connection.
const STREAMS_MAX: usize = 256;
/// Often enough that proxies keep the connection, and a screen notices a dead one.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);

static STREAMS: LazyLock<std::sync::Arc<Semaphore>> =
    LazyLock::new(|| std::sync::Arc::new(Semaphore::new(STREAMS_MAX)));

/// Orders as they change: events `order` whose data is the order, its state and not a difference. A client that comes
/// back with `Last-Event-ID` is told what it missed (some of it twice), or `reset`: read the list anew.
#[utoipa::path(
    get, path = "/api/Order/stream", tag = "Order",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen.")),
    responses((status = 200, content_type = "text/event-stream", body = OrderView))
)]
pub(super) async fn stream_orders(State(orders): State<Orders>, headers: HeaderMap) -> Result<Response, Problem> {
    let permit = std::sync::Arc::clone(&STREAMS).try_acquire_owned().map_err(|_| too_many())?;
    // Hears first and reads then, so that nothing falls between the two.
    let listener = orders.changes();
    let missed = match last_event_id(&headers)? {
        Some(since) => orders.changed_since(since).await?,
        None => Vec::new(),
    };
    let events = stream::iter(told_again(&missed)).chain(live(listener, permit)).map(Ok::<_, Infallible>);
    let answer = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE_EVERY));
    Ok(([("X-Accel-Buffering", "no")], answer).into_response())
}

fn too_many() -> Problem {
    let detail = format!("{STREAMS_MAX} screens are listening already. Close one, or read GET /api/Order instead.");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-streams", "Too many streams", detail)
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<Timestamp>, Problem> {
    let Some(id) = headers.get("Last-Event-ID") else { return Ok(None) };
    let micros = id.to_str().ok().and_then(|id| id.parse().ok()).map(Timestamp);
    micros.map(Some).ok_or_else(|| {
        Problem::bad_request("Last-Event-ID is not the id of an event of this stream. Leave it out to start anew.")
    })
}

fn told_again(missed: &[OrderView]) -> Vec<Event> {
    if missed.len() > STREAM_BACKLOG_ORDERS_MAX as usize {
        return vec![reset()];
    }
    missed.iter().map(order_event).collect()
}

fn live(listener: Subscription, permit: OwnedSemaphorePermit) -> impl Stream<Item = Event> {
    stream::unfold((listener, permit), |(mut listener, permit)| async move {
        let event = match listener.next().await? {
            Received::Lagged => reset(),
            Received::Event(event) => match event.data::<OrderChanged>() {
                Ok(OrderChanged(order)) => order_event(&order),
                Err(error) => {
                    tracing::error!(event_id = %event.id, %error, "an order's change cannot be read");
                    reset()
                }
            },
        };
        Some((event, (listener, permit)))
    })
}

fn order_event(order: &OrderView) -> Event {
    let event = Event::default().event("order").id(order.updated_at.0.to_string());
    event.json_data(order).unwrap_or_else(|error| {
        tracing::error!(order_id = %order.order_id, %error, "an order cannot be written");
        reset()
    })
}

/// Something was missed: the client reads the list anew.
fn reset() -> Event {
    Event::default().event("reset").data("{}")
}
