//! Calls to other services.
//!
//! In one process a call goes straight into the other service's router, with no socket between. A peer in another
//! process is the same [`ServiceClient`] over HTTP; that adapter's place is in this module, beside `ask`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{Method, Request, StatusCode, header},
    response::Response,
};
use serde::{Serialize, de::DeserializeOwned};
use tower::ServiceExt;

use crate::Problem;

/// How long a peer may take. A cashier waits for the sum of these, so it is short.
pub(crate) const PEER_TIMEOUT_MS: u64 = 2_000;

/// The longest answer that a peer may give: some thousand product cards.
const PEER_ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Every service that can be called from this process, by name.
#[derive(Clone, Default)]
pub struct ServiceRegistry(Arc<Mutex<HashMap<&'static str, Line>>>);

/// One service to call. May be taken before the service is there: it is away until then.
#[derive(Clone)]
pub struct ServiceClient {
    service: &'static str,
    line: Line,
}

type Line = Arc<RwLock<Option<Router>>>;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Not connected, too slow, overloaded or broken: it may or may not have acted.
    #[error("{service} is away: {why}")]
    Unavailable {
        /// Who was called.
        service: &'static str,
        /// What happened.
        why: String,
    },
    /// It answered, and the answer is no.
    #[error("{}: {}", .0.kind, .0.detail)]
    Refused(contracts::problem::Problem),
    /// It answered something that cannot be read: the two are of different versions, or one is wrong.
    #[error("{service} answered {path} with something else than was agreed: {why}")]
    MalformedResponse {
        /// Who was called.
        service: &'static str,
        /// What was asked.
        path: String,
        /// What cannot be read.
        why: String,
    },
}

impl ServiceRegistry {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on calls to `service` reach `router`.
    pub fn connect(&self, service: &'static str, router: Router) {
        *self.line(service).write().unwrap_or_else(PoisonError::into_inner) = Some(router);
    }

    /// The service of this name, connected now, later or never.
    #[must_use]
    pub fn client(&self, service: &'static str) -> ServiceClient {
        ServiceClient { service, line: self.line(service) }
    }

    fn line(&self, service: &'static str) -> Line {
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
    /// Reads `path`, which may have a query.
    ///
    /// # Errors
    /// [`CallError`] says whether the peer was away, refused, or cannot be understood.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.ask(Method::GET, path, Body::empty()).await
    }

    /// Sends `body` to be kept at `path`.
    ///
    /// # Errors
    /// [`CallError`] says whether the peer was away, refused, or cannot be understood.
    pub async fn put<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T, CallError> {
        self.ask(Method::PUT, path, self.json(path, body)?).await
    }

    /// Sends `body` to be acted on at `path`.
    ///
    /// # Errors
    /// [`CallError`] says whether the peer was away, refused, or cannot be understood.
    pub async fn post<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T, CallError> {
        self.ask(Method::POST, path, self.json(path, body)?).await
    }

    fn json<B: Serialize>(&self, path: &str, body: &B) -> Result<Body, CallError> {
        serde_json::to_vec(body).map(Body::from).map_err(|error| self.garbled(path, error.to_string()))
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: Body) -> Result<T, CallError> {
        let router = self.line.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(router) = router else { return Err(self.away("it is not running")) };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| self.garbled(path, error.to_string()))?;

        let answered = async {
            let response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
            whole(response).await
        };
        let (status, bytes) = tokio::time::timeout(Duration::from_millis(PEER_TIMEOUT_MS), answered)
            .await
            .map_err(|_| self.away(format!("no answer to {path} in {PEER_TIMEOUT_MS} ms")))?
            .map_err(|error| self.away(format!("its answer to {path} broke off: {error}")))?;
        self.read(path, status, &bytes)
    }

    fn read<T: DeserializeOwned>(&self, path: &str, status: StatusCode, bytes: &Bytes) -> Result<T, CallError> {
        if status.is_success() {
            let json: &[u8] = if bytes.is_empty() { b"null" } else { bytes };
            return serde_json::from_slice(json).map_err(|error| self.garbled(path, error.to_string()));
        }
        if !status.is_client_error() && !status.is_server_error() {
            return Err(self.garbled(path, format!("status {status}")));
        }
        let problem = serde_json::from_slice::<contracts::problem::Problem>(bytes);
        match (status.is_server_error(), problem) {
            (true, Ok(problem)) => Err(self.away(problem.detail)),
            (true, Err(_)) => Err(self.away(format!("status {status}"))),
            (false, Ok(problem)) => Err(CallError::Refused(problem)),
            (false, Err(error)) => Err(self.garbled(path, error.to_string())),
        }
    }

    fn away(&self, why: impl Into<String>) -> CallError {
        CallError::Unavailable { service: self.service, why: why.into() }
    }

    fn garbled(&self, path: &str, why: impl Into<String>) -> CallError {
        CallError::MalformedResponse { service: self.service, path: path.to_owned(), why: why.into() }
    }
}

async fn whole(response: Response) -> Result<(StatusCode, Bytes), axum::Error> {
    let status = response.status();
    Ok((status, to_bytes(response.into_body(), PEER_ANSWER_BYTES_MAX).await?))
}

impl From<CallError> for Problem {
    /// For a command that cannot go on without the peer: away is 503, a refusal is passed on in its own words.
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
