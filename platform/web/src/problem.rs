//! Problems (RFC 9457): how every service refuses a request.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use contracts::InvalidLimit;
use db::{DbError, approvals::ApprovalError, idempotency::IdempotencyError};
use errors::BoxError;
use serde::Serialize;

/// How long a client waits before it retries a 503. Longer than any queue of ours takes to drain.
const RETRY_AFTER_SECONDS: u64 = 1;

/// How to prove who calls (RFC 6750).
const BEARER: HeaderValue = HeaderValue::from_static("Bearer");

/// The media type of RFC 9457.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// A refusal: what happened, to what, and what to do now. `slug` becomes the type `/problems/{slug}`.
pub struct Problem(Box<Refusal>);

struct Refusal {
    status: StatusCode,
    body: contracts::problem::Problem,
    /// For the log; a client never sees it.
    cause: Option<Cause>,
    retry_after_seconds: Option<u64>,
}

/// Travels in a response's extensions to the place that logs it.
#[derive(Clone)]
pub(crate) struct Cause(pub(crate) Arc<dyn std::error::Error + Send + Sync>);

/// A failure on our side, by the name that the client was given for it.
#[derive(Debug, thiserror::Error)]
#[error("incident {incident}")]
struct Incident {
    incident: String,
    #[source]
    cause: BoxError,
}

impl Problem {
    /// A problem of this kind. `detail` names the thing and what to do now.
    #[must_use]
    pub fn new(status: StatusCode, slug: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        let body = contracts::problem::Problem {
            kind: format!("/problems/{slug}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            context: None,
        };
        Self::refusal(status, body)
    }

    fn refusal(status: StatusCode, body: contracts::problem::Problem) -> Self {
        let retry_after_seconds = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER_SECONDS);
        Self(Box::new(Refusal { status, body, cause: None, retry_after_seconds }))
    }

    /// Says when to try again, in whole seconds, rounded up.
    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.0.retry_after_seconds = Some(pause.as_secs() + u64::from(pause.subsec_nanos() > 0));
        self
    }

    /// Adds what a client needs to go on, such as the order's own lines and total.
    #[must_use]
    pub fn with_context<T: Serialize>(mut self, context: &T) -> Self {
        match serde_json::value::to_raw_value(context) {
            Ok(context) => self.0.body.context = Some(context),
            Err(error) => tracing::error!(%error, kind = self.0.body.kind, "problem context not serialized"),
        }
        self
    }

    /// Keeps the error behind the problem: the log shows it with its causes, the client never sees it.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<BoxError>) -> Self {
        self.0.cause = Some(Cause(Arc::from(cause.into())));
        self
    }

    /// 400: the request cannot be understood.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request cannot be understood", detail)
    }

    /// 404: there is no `what` (a noun such as "order") of this id.
    #[must_use]
    pub fn not_found(what: &str, id: impl fmt::Display) -> Self {
        let detail = format!("There is no {what} {id}. Check the id, or list what there is.");
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// 409: the thing is not in a state in which this can be done.
    #[must_use]
    pub fn conflict(slug: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, slug, title, detail)
    }

    /// 422: well-formed, but not acceptable.
    #[must_use]
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Not acceptable", detail)
    }

    /// 503 with `Retry-After`: something that the request needs is unavailable for now.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available right now", detail)
    }

    /// 500: a defect or a broken machine. The client gets a name under which the log holds `cause`.
    #[must_use]
    pub fn internal(cause: impl Into<BoxError>) -> Self {
        let incident = incident();
        let detail = format!(
            "Something went wrong on our side. Try again; if it happens again, look into the log for incident {incident}."
        );
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong", detail)
            .caused_by(Incident { incident, cause: cause.into() })
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The body of the response.
    #[must_use]
    pub fn body(&self) -> &contracts::problem::Problem {
        &self.0.body
    }
}

/// The microsecond at which it happened, in hexadecimal: short enough to read out on the phone.
fn incident() -> String {
    let micros = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_micros());
    format!("{micros:x}")
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Refusal { status, body, cause, retry_after_seconds } = *self.0;
        let text = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], text).into_response();
        if let Some(seconds) = retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, BEARER);
        }
        if let Some(cause) = cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.body.detail)
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal { status, body, cause, .. } = &*self.0;
        f.debug_struct("Problem")
            .field("status", status)
            .field("kind", &body.kind)
            .field("detail", &body.detail)
            .field("cause", &cause.as_ref().map(|Cause(cause)| cause))
            .finish()
    }
}

impl std::error::Error for Problem {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let Cause(cause) = self.0.cause.as_ref()?;
        Some(&**cause)
    }
}

impl From<contracts::problem::Problem> for Problem {
    /// Passes on another service's refusal as it is.
    fn from(body: contracts::problem::Problem) -> Self {
        let status = StatusCode::from_u16(body.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::refusal(status, body)
    }
}

impl From<InvalidLimit> for Problem {
    fn from(error: InvalidLimit) -> Self {
        Self::bad_request(format!("{error}."))
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Overloaded => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "Too many requests at once",
                "The database has more work waiting than it can do in time. Nothing was written; try again in a second.",
            )
            .caused_by(error),
            DbError::Closed => {
                Self::unavailable("The program is stopping. Nothing was written; try again when it runs.")
                    .caused_by(error)
            }
            DbError::DiskFull(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "disk-full",
                "The disk is full",
                "The disk that holds the database is full. Nothing was written; free space on it, then try again.",
            )
            .caused_by(error),
            DbError::Contended(_) => Self::unavailable(
                "Too many requests were changing the same data at once. Nothing was written; try again in a second.",
            )
            .caused_by(error),
            DbError::Unavailable(..) => Self::unavailable(
                "The database cannot be used right now, and it is not known whether this was written. \
                 Try again in a second, with the same Idempotency-Key if the request had one.",
            )
            .caused_by(error),
            other => Self::internal(other),
        }
    }
}

impl From<ApprovalError> for Problem {
    fn from(error: ApprovalError) -> Self {
        let detail = error.to_string();
        match error {
            ApprovalError::Used => Self::new(StatusCode::FORBIDDEN, "approval-used", "The approval was used", detail),
            ApprovalError::Db(error) => error.into(),
        }
    }
}

impl From<IdempotencyError> for Problem {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::KeyReused { key } => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "Idempotency-Key used again",
                format!(
                    "Idempotency-Key {key} was used before with another body. \
                     Send the same body to get the first response again, or a new key for a new request."
                ),
            ),
            IdempotencyError::Db(error) => error.into(),
        }
    }
}
