//! Extractors: what handlers take. Each refusal names what to do. [`Json`] is also a response.

mod body;
mod fingerprint;
mod json;
mod object_only;

use axum::{
    extract::{
        FromRequest, FromRequestParts, MatchedPath, Request,
        path::ErrorKind,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use db::idempotency::IdempotencyKey;
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use self::body::read as read_body;
use self::fingerprint::fingerprint;
pub use self::fingerprint::sha256_hex;
use crate::{
    Problem,
    caller::{Authenticated, Caller},
};

#[cfg(test)]
pub(crate) use self::body::BODY_BYTES_MAX;

/// The header under which a retry is the same request.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The longest Idempotency-Key.
pub(crate) const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;

/// How much of a client's text a refusal repeats.
const SHOWN_CHARS_MAX: usize = 300;

/// A JSON body. Where an object is expected, an array is refused.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The parameters of the path.
#[derive(Debug)]
pub struct Path<T>(pub T);

/// The parameters of the query.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// A JSON body that creates something, with the key under which a retry is the same request.
#[derive(Debug)]
pub struct IdempotentJson<T> {
    /// Absent if the client sent no Idempotency-Key.
    pub key: Option<IdempotencyKey>,
    /// What to create.
    pub body: T,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        json::check_content_type(request.headers())?;
        let body = body::read(request).await?;
        json::parse(&body.bytes).map(Json)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for IdempotentJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        json::check_content_type(request.headers())?;
        let key = idempotency_key(request.headers())?;
        let keyed = key.map(|key| (key, owner(&request), route(&request), request.uri().path().to_owned()));
        let received = body::read(request).await?;
        let body = json::parse(&received.bytes)?;
        let Some((key, caller, route, path)) = keyed else { return Ok(Self { key: None, body }) };
        let fingerprint = fingerprint(&path, &received.bytes)
            .map_err(|error| Problem::invalid(format!("The request cannot be compared with others: {error}.")))?;
        let key = IdempotencyKey { caller, route, key, fingerprint };
        Ok(Self { key: Some(key), body })
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(value)| Self(value)).map_err(invalid_path)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        query.map(|axum::extract::Query(value)| Self(value)).map_err(|rejection| invalid_query(&rejection))
    }
}

/// The beginning of a text that may repeat what the client sent, however long that is.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = value.as_bytes();
    let is_key = (1..=IDEMPOTENCY_KEY_CHARS_MAX).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(key) if is_key => Ok(Some(key.to_owned())),
        _ => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid-idempotency-key",
            "Not an Idempotency-Key",
            format!(
                "Idempotency-Key has 1 to {IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII characters. \
                 Send a new UUID for each new thing, and the same one for a retry."
            ),
        )),
    }
}

/// Under whose name a repeated request is the same request.
fn owner(request: &Request) -> String {
    let caller = match request.extensions().get::<Authenticated>() {
        Some(Authenticated(Ok(caller))) => caller.clone(),
        _ => Caller::default(),
    };
    caller.idempotency_owner()
}

/// The route as the API names it: `POST /api/Order`.
fn route(request: &Request) -> String {
    let pattern = request.extensions().get::<MatchedPath>().map_or(request.uri().path(), MatchedPath::as_str);
    format!("{} {pattern}", request.method())
}

fn invalid_path(rejection: PathRejection) -> Problem {
    let PathRejection::FailedToDeserializePathParams(failure) = rejection else {
        return Problem::internal(rejection);
    };
    let detail = match failure.kind() {
        ErrorKind::DeserializeError { key, message, .. } => {
            format!("{key}: {}. Copy it whole and ask again.", shortened(message))
        }
        ErrorKind::ParseErrorAtKey { key, value, expected_type } => {
            format!("{key} {:?} is not a {expected_type}. Correct the path and ask again.", shortened(value))
        }
        ErrorKind::InvalidUtf8InPathParam { key } => {
            format!("{key} is not text in UTF-8. Correct the path and ask again.")
        }
        ErrorKind::WrongNumberOfParameters { .. } | ErrorKind::UnsupportedType { .. } => {
            return Problem::internal(failure);
        }
        other => format!("{other}. Correct the path and ask again."),
    };
    Problem::new(StatusCode::BAD_REQUEST, "invalid-id", "Not an id", detail)
}

fn invalid_query(rejection: &QueryRejection) -> Problem {
    let text = rejection.body_text();
    let error = shortened(text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text));
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid-query",
        "The query cannot be understood",
        format!("After the question mark: {error}. Correct it and ask again."),
    )
}
