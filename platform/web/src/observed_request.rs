//! What metrics, traces and the log learn of a request. Its path is not in them: paths hold codes that pour a drink or pair a
//! device. The route that matched says what was asked for.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, Method, StatusCode},
    response::Response,
};
use trace::TraceContext;
use tracing::{Span, field::Empty};

use crate::{metrics::RequestMetrics, problem::Cause, request_id::RequestId};

/// The label of requests that no route matched.
const NO_ROUTE: &str = "none";

/// A request in progress.
pub(crate) struct ObservedRequest {
    metrics: Arc<RequestMetrics>,
    method: Method,
    route: Option<MatchedPath>,
    started: Instant,
    context: TraceContext,
    request_id: RequestId,
    span: Span,
}

impl ObservedRequest {
    /// Begins to observe a request, in the caller's trace or in a new one.
    pub(crate) fn new(metrics: Arc<RequestMetrics>, request: &Request) -> Self {
        metrics.begin();
        let parent = parent_context(request.headers());
        let context = parent.map_or_else(TraceContext::new_root, |parent| parent.child());
        let request_id = RequestId::of(request.headers(), context);
        let route = request.extensions().get::<MatchedPath>().cloned();
        let span = request_span(&metrics, request, route.as_ref(), parent, context, &request_id);
        Self { metrics, method: request.method().clone(), route, started: Instant::now(), context, request_id, span }
    }

    /// Runs a part of the handler's work in the request's trace and span.
    pub(crate) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        self.span.in_scope(|| trace::enter(Some(self.context), work))
    }

    /// Records the request, logs it if it failed, and adds its id to the response.
    pub(crate) fn finish(&self, response: &mut Response) {
        let duration = self.started.elapsed();
        let status = response.status();
        self.metrics.record(&self.method, self.route(), status, duration);
        self.span.record("status", status.as_u16());
        self.request_id.insert_into(response.headers_mut());
        // In the span, so that each line has the trace's id.
        self.span.in_scope(|| self.log(response, duration));
    }

    fn route(&self) -> &str {
        self.route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str)
    }

    fn log(&self, response: &Response, duration: Duration) {
        let status = response.status();
        if status.is_server_error() {
            self.span.record("otel.status_code", "error");
            self.log_failure(response);
        } else {
            let (method, route, status) = (self.method.as_str(), self.route(), status.as_u16());
            tracing::debug!(method, route, status, ?duration, "request completed");
        }
    }

    fn log_failure(&self, response: &Response) {
        let (method, route, status) = (self.method.as_str(), self.route(), response.status().as_u16());
        let (service, duration) = (self.metrics.service(), self.started.elapsed());
        let (request_id, trace_id) = (&self.request_id, self.context.trace_id_hex());
        let cause = response.extensions().get::<Cause>().map(|Cause(cause)| cause);
        let error = cause.map(|cause| errors::chain(&**cause).to_string());
        if response.status() != StatusCode::SERVICE_UNAVAILABLE {
            tracing::error!(service, method, route, status, ?duration, %request_id, %trace_id, error, "request failed");
            return;
        }
        // The outermost error is the same for every request that is refused for the same reason.
        let reason = cause.map_or_else(String::new, ToString::to_string);
        match self.metrics.refusals().should_log(&reason, Instant::now()) {
            Some(repeated) => tracing::warn!(
                service, method, route, status, ?duration, %request_id, %trace_id, error, repeated, "request refused"
            ),
            None => tracing::debug!(service, method, route, status, %request_id, %trace_id, error, "request refused"),
        }
    }
}

impl Drop for ObservedRequest {
    fn drop(&mut self) {
        self.metrics.end();
    }
}

fn parent_context(headers: &HeaderMap) -> Option<TraceContext> {
    TraceContext::from_traceparent(headers.get(trace::TRACEPARENT)?.to_str().ok())
}

/// At DEBUG, which the default levels of the log leave out: then it costs a comparison.
fn request_span(
    metrics: &RequestMetrics,
    request: &Request,
    route: Option<&MatchedPath>,
    parent: Option<TraceContext>,
    context: TraceContext,
    request_id: &RequestId,
) -> Span {
    let method = request.method().as_str();
    let route = route.map_or(NO_ROUTE, MatchedPath::as_str);
    tracing::debug_span!(
        "request",
        otel.kind = "server",
        otel.name = %format_args!("{method} {route}"),
        otel.status_code = Empty,
        service = metrics.service(),
        method,
        route,
        status = Empty,
        %request_id,
        trace_id = %context.trace_id_hex(),
        span_id = %context.span_id_hex(),
        parent_span_id = parent.map(|parent| tracing::field::display(parent.span_id_hex())),
    )
}
