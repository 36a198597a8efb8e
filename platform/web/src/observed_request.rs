//! What the metrics and the log learn of a request.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request},
    http::{Method, StatusCode, Uri},
    response::Response,
};

use crate::{metrics::RequestMetrics, problem::Cause};

/// The label of requests that no route matched.
const NO_ROUTE: &str = "none";

/// A request in progress.
pub(crate) struct ObservedRequest {
    metrics: Arc<RequestMetrics>,
    method: Method,
    uri: Uri,
    route: Option<MatchedPath>,
    started: Instant,
}

impl ObservedRequest {
    pub(crate) fn new(metrics: Arc<RequestMetrics>, request: &Request) -> Self {
        Self {
            metrics,
            method: request.method().clone(),
            uri: request.uri().clone(),
            route: request.extensions().get::<MatchedPath>().cloned(),
            started: Instant::now(),
        }
    }

    /// Counts the request, and logs it if it failed.
    pub(crate) fn finish(&self, response: &Response) {
        let duration = self.started.elapsed();
        let status = response.status();
        let route = self.route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
        self.metrics.record(&self.method, route, status, duration);
        if status.is_server_error() {
            self.log_failure(response);
        }
    }

    fn log_failure(&self, response: &Response) {
        let (method, path, status) = (self.method.as_str(), self.uri.path(), response.status().as_u16());
        let duration = self.started.elapsed();
        let error = response.extensions().get::<Cause>().map(|Cause(cause)| errors::chain(&**cause).to_string());
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(method, path, status, ?duration, error, "request_refused");
        } else {
            tracing::error!(method, path, status, ?duration, error, "request_failed");
        }
    }
}
