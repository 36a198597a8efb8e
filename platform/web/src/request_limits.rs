//! The limits around every handler: requests in flight, time, panics. Each request is counted and logged here.
//!
//! One hand-written future instead of a stack of layers: nothing is boxed or copied for a request that succeeds.

use std::{
    any::Any,
    convert::Infallible,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures::{FutureExt, future::CatchUnwind};
use pin_project_lite::pin_project;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Timeout, timeout},
};
use tower::{Layer, Service};

use crate::{Problem, metrics::RequestMetrics, observed_request::ObservedRequest};

/// How many requests a service works on at once. More would only wait for each other, so the next one gets 503.
const REQUESTS_IN_FLIGHT_MAX: usize = 1024;

/// How long a response may take to begin. A stream that has begun may go on without a limit.
pub(crate) const REQUEST_SECONDS_MAX: u64 = 30;

/// Puts the limits around each route of a service.
#[derive(Clone)]
pub(crate) struct RequestLimits {
    metrics: Arc<RequestMetrics>,
    in_flight: Arc<Semaphore>,
}

impl RequestLimits {
    pub(crate) fn new(service: &'static str) -> Self {
        Self::with_in_flight_max(service, REQUESTS_IN_FLIGHT_MAX)
    }

    pub(crate) fn with_in_flight_max(service: &'static str, in_flight_max: usize) -> Self {
        Self { metrics: Arc::new(RequestMetrics::new(service)), in_flight: Arc::new(Semaphore::new(in_flight_max)) }
    }
}

impl<S> Layer<S> for RequestLimits {
    type Service = LimitedService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        LimitedService { inner, limits: self.clone() }
    }
}

/// A route with its limits.
#[derive(Clone)]
pub(crate) struct LimitedService<S> {
    inner: S,
    limits: RequestLimits,
}

impl<S> Service<Request> for LimitedService<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = LimitedResponse<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let observed = ObservedRequest::new(Arc::clone(&self.limits.metrics), &request);
        let permit = Arc::clone(&self.limits.in_flight).try_acquire_owned().ok();
        let response = permit.is_some().then(|| {
            let handled = observed.in_scope(|| self.inner.call(request));
            let caught = AssertUnwindSafe(handled).catch_unwind();
            timeout(Duration::from_secs(REQUEST_SECONDS_MAX), caught)
        });
        LimitedResponse { response, observed, permit }
    }
}

pin_project! {
    /// The response of a route, within its limits.
    pub(crate) struct LimitedResponse<F> {
        // `None`: too many requests are in flight.
        #[pin]
        response: Option<Timeout<CatchUnwind<AssertUnwindSafe<F>>>>,
        observed: ObservedRequest,
        permit: Option<OwnedSemaphorePermit>,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for LimitedResponse<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let observed = this.observed;
        let mut response = match this.response.as_pin_mut() {
            None => overloaded().into_response(),
            Some(response) => match ready!(observed.in_scope(|| response.poll(cx))) {
                Ok(Ok(Ok(response))) => response,
                Ok(Ok(Err(never))) => match never {},
                Ok(Err(panic)) => panicked(panic.as_ref()).into_response(),
                Err(_) => timed_out().into_response(),
            },
        };
        *this.permit = None;
        observed.finish(&mut response);
        Poll::Ready(Ok(response))
    }
}

fn overloaded() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "overloaded",
        "Too many requests at once",
        format!("{REQUESTS_IN_FLIGHT_MAX} requests are in progress already. Nothing was done; try again in a second."),
    )
}

fn timed_out() -> Problem {
    Problem::new(
        StatusCode::GATEWAY_TIMEOUT,
        "timeout",
        "It took too long",
        format!(
            "There was no response within {REQUEST_SECONDS_MAX} s, and it is not known whether the request was carried \
             out. Look whether it was, or send it again with the same Idempotency-Key."
        ),
    )
}

fn panicked(panic: &(dyn Any + Send)) -> Problem {
    let message = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Problem::internal(format!("panic: {}", message.unwrap_or("without a message")))
}
