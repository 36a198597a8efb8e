//! The id of a request: the client's `x-request-id`, or one of ours. The response and the log carry it.

use std::fmt;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use trace::TraceContext;

/// The header, in requests and responses.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over: several UUIDs.
const REQUEST_ID_CHARS_MAX: usize = 128;

/// The id of one request.
#[derive(Clone, Debug)]
pub(crate) enum RequestId {
    /// The client's.
    Given(HeaderValue),
    /// The trace's, so that one id finds a request and everything that followed from it.
    Trace(TraceContext),
}

impl RequestId {
    /// The id that the client sent, if it is one, or the id of the trace.
    pub(crate) fn of(headers: &HeaderMap, context: TraceContext) -> Self {
        match headers.get(X_REQUEST_ID).filter(|value| is_request_id(value.as_bytes())) {
            Some(value) => Self::Given(value.clone()),
            None => Self::Trace(context),
        }
    }

    /// Adds the id to a response.
    pub(crate) fn insert_into(&self, headers: &mut HeaderMap) {
        let value = match self {
            Self::Given(value) => Ok(value.clone()),
            Self::Trace(context) => HeaderValue::try_from(context.trace_id_hex().to_string()),
        };
        if let Ok(value) = value {
            headers.insert(X_REQUEST_ID, value);
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(value) => f.write_str(value.to_str().unwrap_or_default()),
            Self::Trace(context) => context.trace_id_hex().fmt(f),
        }
    }
}

/// Characters that a log and a search may carry as they are.
fn is_request_id(value: &[u8]) -> bool {
    let is_char = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    (1..=REQUEST_ID_CHARS_MAX).contains(&value.len()) && value.iter().all(is_char)
}
