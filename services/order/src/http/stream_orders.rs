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
use contracts::{event::OrderChanged, order::OrderView, problem::Problem as ProblemBody, time::Timestamp};
use futures::{FutureExt, Stream, StreamExt, future::BoxFuture, stream};
use web::{Caller, Problem};

use super::stream_permits::{StreamPermit, StreamPermits, TooManyStreams};
use crate::{
    commands::{Backlog, Orders},
    model::Viewer,
};

/// Often enough for proxies to keep the connection, and for a screen to notice a dead one.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

static STREAMS: LazyLock<StreamPermits> = LazyLock::new(StreamPermits::default);

/// Follows orders as they change.
///
/// Each event `order` has an order as its data: its whole state, not a difference. The first event is `connected`; it
/// has an id, so a client that has seen no order yet can resume, too. A client that resumes with `Last-Event-ID` gets
/// what it missed, some of it twice, or the event `reset`: it reads the list again.
///
/// A kiosk follows its own orders. The event `signed-out` is the last one: the credential that opened the stream has
/// ended.
#[utoipa::path(
    get, path = "/api/Order/stream", tag = "Order",
    params((
        "Last-Event-ID" = Option<String>, Header, pattern = "^[0-9]{1,18}$",
        description = "The id of the last event that the client received."
    )),
    responses(
        (status = 200, content_type = "text/event-stream", body = OrderView,
         description = "Events connected, order, reset and signed-out, until the client leaves."),
        (status = 400, body = ProblemBody, description = "bad-request: Last-Event-ID is of no event"),
        (status = 503, body = ProblemBody, description = "too-many-streams")
    )
)]
pub(super) async fn stream_orders(
    State(orders): State<Orders>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let viewer = Viewer::from(&*caller);
    let permit = STREAMS.admit(&caller).map_err(too_many_streams)?;
    let resume_from = last_event_id(&headers)?;
    // In this order nothing is missed: what changes after the position or the read reaches the subscription.
    let subscription = orders.subscribe();
    let position = orders.stream_position();
    let first = match resume_from {
        None => vec![connected(position)],
        Some(since) => match orders.changed_since(viewer, since).await? {
            // The client's own id, not a newer one: the stream may break off before the backlog is sent.
            Backlog::Orders(missed) => {
                std::iter::once(connected(since)).chain(missed.iter().map(order_event)).collect()
            }
            Backlog::Unknown => vec![reset(position)],
        },
    };
    let events = stream::iter(first)
        .chain(Following::new(orders, caller, subscription, permit).events())
        .map(Ok::<_, Infallible>);
    let answer = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE_INTERVAL));
    Ok(([("X-Accel-Buffering", "no")], answer).into_response())
}

fn too_many_streams(refused: TooManyStreams) -> Problem {
    let open = match refused {
        TooManyStreams::OfClient(streams) => format!("This device or person has {streams} streams open already"),
        TooManyStreams::InTotal(streams) => format!("{streams} streams are open already"),
    };
    let detail = format!("{open}. Close one, or read GET /api/Order instead.");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-streams", "Too many streams", detail)
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<Timestamp>, Problem> {
    let Some(id) = headers.get("Last-Event-ID") else { return Ok(None) };
    let micros = id.to_str().ok().and_then(|id| id.parse().ok()).map(Timestamp);
    micros.map(Some).ok_or_else(|| {
        Problem::bad_request("Last-Event-ID is not the id of an event of this stream. Leave it out to start now.")
    })
}

/// What an open stream waits for.
struct Following {
    orders: Orders,
    viewer: Viewer,
    changes: Subscription,
    credential_ended: BoxFuture<'static, ()>,
    _permit: StreamPermit,
}

impl Following {
    fn new(orders: Orders, caller: Caller, changes: Subscription, permit: StreamPermit) -> Self {
        let (viewer, access) = (Viewer::from(&*caller), orders.clone());
        let credential_ended = async move { access.credential_ended(&caller).await }.boxed();
        Self { orders, viewer, changes, credential_ended, _permit: permit }
    }

    /// What changes from now on, until the bus ends the subscription or the credential of the stream ends.
    fn events(self) -> impl Stream<Item = Event> {
        stream::unfold(Some(self), |following| async move {
            let mut following = following?;
            loop {
                let received = tokio::select! {
                    () = &mut following.credential_ended => return Some((signed_out(), None)),
                    received = following.changes.next() => received?,
                };
                if let Some(event) = following.event_of(received) {
                    return Some((event, Some(following)));
                }
            }
        })
    }

    /// `None`: the order is not one that the client sees.
    fn event_of(&self, received: Received) -> Option<Event> {
        let event = match received {
            Received::Lagged => return Some(reset(self.orders.stream_position())),
            Received::Event(event) => event,
        };
        match event.data::<OrderChanged>() {
            Ok(OrderChanged(order)) => self.viewer.sees(&order.placed_by).then(|| order_event(&order)),
            Err(error) => {
                tracing::error!(event_id = %event.id, error = %errors::chain(&error), "event not readable");
                Some(reset(self.orders.stream_position()))
            }
        }
    }
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

/// The credential of the stream ended. Without an id, so that a client that signs in again resumes where it was.
fn signed_out() -> Event {
    Event::default().event("signed-out").data("{}")
}
