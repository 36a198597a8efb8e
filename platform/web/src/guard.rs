//! What stands around every handler: a bound on requests in flight, a bound on time, panics, metrics, the log.
//!
//! One hand-written future instead of a stack of layers: nothing is boxed or copied for a request that goes well.

use std::{
    any::Any,
    convert::Infallible,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request},
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use futures::{FutureExt, future::CatchUnwind};
use pin_project_lite::pin_project;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Timeout, timeout},
};
use tower::{Layer, Service};

use crate::{Problem, metrics::Traffic, problem::Cause};

/// How many requests a service works on at once. More only wait for each other; the next is told to come back.
const REQUESTS_IN_FLIGHT_MAX: usize = 1024;

/// How long an answer may take to begin. A stream that has begun may go on for as long as it likes.
pub(crate) const REQUEST_SECONDS_MAX: u64 = 30;

/// The label of requests that no route matched.
const NO_ROUTE: &str = "none";

/// Puts [`Guarded`] around each route.
#[derive(Clone)]
pub(crate) struct Guard {
    traffic: Arc<Traffic>,
    places: Arc<Semaphore>,
}

impl Guard {
    pub(crate) fn new(service: &'static str) -> Self {
        Self::with_places(service, REQUESTS_IN_FLIGHT_MAX)
    }

    pub(crate) fn with_places(service: &'static str, places: usize) -> Self {
        Self { traffic: Arc::new(Traffic::new(service)), places: Arc::new(Semaphore::new(places)) }
    }
}

impl<S> Layer<S> for Guard {
    type Service = GuardedService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GuardedService { inner, guard: self.clone() }
    }
}

/// A route behind its guard.
#[derive(Clone)]
pub(crate) struct GuardedService<S> {
    inner: S,
    guard: Guard,
}

impl<S> Service<Request> for GuardedService<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Guarded<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let asked = Asked {
            traffic: Arc::clone(&self.guard.traffic),
            method: request.method().clone(),
            uri: request.uri().clone(),
            route: request.extensions().get::<MatchedPath>().cloned(),
            since: Instant::now(),
        };
        let place = Arc::clone(&self.guard.places).try_acquire_owned().ok();
        let answer = place.is_some().then(|| {
            let caught = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
            timeout(Duration::from_secs(REQUEST_SECONDS_MAX), caught)
        });
        Guarded { answer, asked, place }
    }
}

pin_project! {
    /// A request on its way through a route.
    pub(crate) struct Guarded<F> {
        #[pin]
        answer: Option<Timeout<CatchUnwind<AssertUnwindSafe<F>>>>,
        asked: Asked,
        place: Option<OwnedSemaphorePermit>,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for Guarded<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = match this.answer.as_pin_mut() {
            None => overloaded().into_response(),
            Some(answer) => match ready!(answer.poll(cx)) {
                Ok(Ok(Ok(response))) => response,
                Ok(Ok(Err(never))) => match never {},
                Ok(Err(panic)) => panicked(panic.as_ref()).into_response(),
                Err(_) => too_slow().into_response(),
            },
        };
        *this.place = None;
        this.asked.answered(&response);
        Poll::Ready(Ok(response))
    }
}

/// What was asked, for the metrics and the log.
struct Asked {
    traffic: Arc<Traffic>,
    method: Method,
    uri: Uri,
    route: Option<MatchedPath>,
    since: Instant,
}

impl Asked {
    fn answered(&self, response: &Response) {
        let took = self.since.elapsed();
        let status = response.status();
        let route = self.route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
        self.traffic.count(&self.method, route, status, took);

        let (method, path) = (self.method.as_str(), self.uri.path());
        if !status.is_server_error() {
            tracing::debug!(method, path, status = status.as_u16(), ?took, "answered");
            return;
        }
        let cause = response.extensions().get::<Cause>().map_or("", |Cause(cause)| cause);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(method, path, status = status.as_u16(), ?took, cause, "turned away");
        } else {
            tracing::error!(method, path, status = status.as_u16(), ?took, cause, "failed");
        }
    }
}

fn overloaded() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "overloaded",
        "Too much at once",
        format!(
            "{REQUESTS_IN_FLIGHT_MAX} requests are being answered already. Nothing was done; try again in a second."
        ),
    )
}

fn too_slow() -> Problem {
    Problem::new(
        StatusCode::GATEWAY_TIMEOUT,
        "timeout",
        "It took too long",
        format!(
            "There was no answer within {REQUEST_SECONDS_MAX} s, and it is not known whether it was done. \
             Look whether it was, or send it again with the same Idempotency-Key."
        ),
    )
}

fn panicked(panic: &(dyn Any + Send)) -> Problem {
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Problem::internal(format_args!("panic: {}", said.unwrap_or("without a message")))
}
