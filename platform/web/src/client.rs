//! Calls to other services.
//!
//! In one process a call goes straight into the other service's router, without a socket. A service in another
//! process is the same [`ServiceClient`] over HTTP; that adapter belongs in this module, beside `call`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{Method, Request, StatusCode, header},
    response::Response,
};
use errors::BoxError;
use serde::{Serialize, de::DeserializeOwned};
use tower::ServiceExt;
use trace::TraceContext;
use tracing::{Instrument, Span, field::Empty};

use crate::{Problem, authentication::ServiceCall, metrics};

/// How long a service may take to respond. A cashier waits for the sum of these, so it is short.
pub(crate) const CALL_TIMEOUT_MS: u64 = 2_000;

/// The longest response that a service may send: some thousand product cards.
const RESPONSE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Every service that can be called from this process, by name.
#[derive(Clone, Default)]
pub struct ServiceRegistry(Arc<Mutex<HashMap<&'static str, SharedRouter>>>);

/// Calls one service. It may be created before the service is connected: until then calls are [`CallError::Unavailable`].
#[derive(Clone)]
pub struct ServiceClient {
    service: &'static str,
    router: SharedRouter,
}

/// `None` until the service is connected.
type SharedRouter = Arc<RwLock<Option<Router>>>;

/// A call has no usable response.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Not connected, too slow, overloaded or broken: it may or may not have acted.
    #[error("the {service} service is unavailable")]
    Unavailable {
        /// The service that was called.
        service: &'static str,
        /// What happened.
        #[source]
        cause: BoxError,
    },
    /// It responded with a refusal.
    #[error("refused with {}: {}", .0.kind, .0.detail)]
    Refused(contracts::problem::Problem),
    /// Its response cannot be read: the two services are of different versions, or one has a defect.
    #[error("the {service} service sent a malformed response to {path}")]
    MalformedResponse {
        /// The service that was called.
        service: &'static str,
        /// The path that was called.
        path: String,
        /// What cannot be read.
        #[source]
        cause: BoxError,
    },
}

#[derive(Debug, thiserror::Error)]
enum CallFailure {
    #[error("it is not running")]
    NotConnected,
    #[error("no response to {path} in {CALL_TIMEOUT_MS} ms")]
    TimedOut { path: String },
    #[error("its response to {path} broke off")]
    BrokenOff {
        path: String,
        #[source]
        cause: axum::Error,
    },
    #[error("it responded with status {0}")]
    Status(StatusCode),
}

impl ServiceRegistry {
    /// A registry without services.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on calls to `service` reach `router`.
    pub fn connect(&self, service: &'static str, router: Router) {
        *self.router(service).write().unwrap_or_else(PoisonError::into_inner) = Some(router);
    }

    /// A client of the service of this name, whether it is connected now, later or never.
    #[must_use]
    pub fn client(&self, service: &'static str) -> ServiceClient {
        ServiceClient { service, router: self.router(service) }
    }

    fn router(&self, service: &'static str) -> SharedRouter {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(service).or_default().clone()
    }
}

impl std::fmt::Debug for ServiceRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.lock().unwrap_or_else(PoisonError::into_inner).keys()).finish()
    }
}

impl std::fmt::Debug for ServiceClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ServiceClient").field(&self.service).finish()
    }
}

impl ServiceClient {
    /// `GET path`, which may have a query.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.call(Method::GET, path, Body::empty()).await
    }

    /// `PUT path` with a JSON body.
    pub async fn put<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T, CallError> {
        self.call(Method::PUT, path, self.json(path, body)?).await
    }

    /// `POST path` with a JSON body.
    pub async fn post<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T, CallError> {
        self.call(Method::POST, path, self.json(path, body)?).await
    }

    fn json<B: Serialize>(&self, path: &str, body: &B) -> Result<Body, CallError> {
        serde_json::to_vec(body).map(Body::from).map_err(|error| self.malformed(path, error))
    }

    async fn call<T: DeserializeOwned>(&self, method: Method, path: &str, body: Body) -> Result<T, CallError> {
        let (parent, context) = (TraceContext::current(), TraceContext::child_of_current());
        let span = self.call_span(&method, path, parent, context);
        let started = Instant::now();
        let sent = self.send(method.clone(), path, body, context).instrument(span.clone()).await;
        let status = sent.as_ref().ok().map(|(status, _)| *status);
        metrics::record_call(self.service, &method, status, started.elapsed());
        match status {
            Some(status) => span.record("status", status.as_u16()),
            None => span.record("otel.status_code", "error"),
        };
        let (status, bytes) = sent?;
        self.parse(path, status, &bytes)
    }

    /// At DEBUG, as the spans of requests.
    fn call_span(&self, method: &Method, path: &str, parent: Option<TraceContext>, context: TraceContext) -> Span {
        let (method, path) = (method.as_str(), path.split('?').next().unwrap_or_default());
        tracing::debug_span!(
            "call",
            otel.kind = "client",
            otel.name = %format_args!("{method} {}", self.service),
            otel.status_code = Empty,
            server = self.service,
            method,
            path,
            status = Empty,
            trace_id = %context.trace_id_hex(),
            span_id = %context.span_id_hex(),
            parent_span_id = parent.map(|parent| tracing::field::display(parent.span_id_hex())),
        )
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Body,
        context: TraceContext,
    ) -> Result<(StatusCode, Bytes), CallError> {
        let router = self.router.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(router) = router else { return Err(self.unavailable(CallFailure::NotConnected)) };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(trace::TRACEPARENT, context.to_string())
            .extension(ServiceCall)
            .body(body)
            .map_err(|error| self.malformed(path, error))?;
        let response = async {
            let response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
            read_whole(response).await
        };
        tokio::time::timeout(Duration::from_millis(CALL_TIMEOUT_MS), response)
            .await
            .map_err(|_| self.unavailable(CallFailure::TimedOut { path: path.to_owned() }))?
            .map_err(|cause| self.unavailable(CallFailure::BrokenOff { path: path.to_owned(), cause }))
    }

    fn parse<T: DeserializeOwned>(&self, path: &str, status: StatusCode, bytes: &Bytes) -> Result<T, CallError> {
        if status.is_success() {
            let json: &[u8] = if bytes.is_empty() { b"null" } else { bytes };
            return serde_json::from_slice(json).map_err(|error| self.malformed(path, error));
        }
        if !status.is_client_error() && !status.is_server_error() {
            return Err(self.malformed(path, CallFailure::Status(status)));
        }
        let problem = serde_json::from_slice::<contracts::problem::Problem>(bytes);
        match (status.is_server_error(), problem) {
            (true, Ok(problem)) => Err(self.unavailable(Problem::from(problem))),
            (true, Err(_)) => Err(self.unavailable(CallFailure::Status(status))),
            (false, Ok(problem)) => Err(CallError::Refused(problem)),
            (false, Err(error)) => Err(self.malformed(path, error)),
        }
    }

    fn unavailable(&self, cause: impl Into<BoxError>) -> CallError {
        CallError::Unavailable { service: self.service, cause: cause.into() }
    }

    fn malformed(&self, path: &str, cause: impl Into<BoxError>) -> CallError {
        CallError::MalformedResponse { service: self.service, path: path.to_owned(), cause: cause.into() }
    }
}

async fn read_whole(response: Response) -> Result<(StatusCode, Bytes), axum::Error> {
    let status = response.status();
    Ok((status, to_bytes(response.into_body(), RESPONSE_BYTES_MAX).await?))
}

impl From<CallError> for Problem {
    /// For a command that cannot go on without the other service: unavailable is 503, a refusal is passed on as it is.
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unavailable { service, .. } => {
                Self::unavailable(format!("The {service} service is not available right now. Try again in a second."))
                    .caused_by(error)
            }
            CallError::Refused(problem) => problem.into(),
            CallError::MalformedResponse { .. } => Self::internal(error),
        }
    }
}
