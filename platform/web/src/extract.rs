//! What handlers take. Every refusal of these says what to do. [`Json`] is also what they answer.

use axum::{
    body::{Body, Bytes},
    extract::{
        FromRequest, FromRequestParts, MatchedPath, Request,
        path::ErrorKind,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use db::idempotency::IdempotencyKey;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::error::Category;
use sha2::{Digest, Sha256};

use crate::Problem;

/// The largest body that is read: an order of 200 lines with every option and note is a tenth of it.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How much of a body that is too large is read and thrown away, so that its sender gets to read the refusal.
const DISCARDED_BYTES_MAX: usize = 16 * BODY_BYTES_MAX;

/// The longest Idempotency-Key.
const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;

/// How much a refusal shows of what it refuses.
const SHOWN_CHARS_MAX: usize = 300;

/// Whose requests these are until there is sign-in.
const ANONYMOUS: &str = "anonymous";

/// A JSON body.
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

/// A JSON body that makes something, with the key under which a retry is the same request.
#[derive(Debug)]
pub struct IdempotentJson<T> {
    /// Absent when the client sent no Idempotency-Key.
    pub key: Option<IdempotencyKey>,
    /// What is to be made.
    pub body: T,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        is_json(request.headers())?;
        let bytes = read(request).await?;
        decode(&bytes).map(Json)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for IdempotentJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        is_json(request.headers())?;
        let key = idempotency_key(request.headers())?;
        let asked = key.map(|key| (key, route(&request), request.uri().path().to_owned()));
        let bytes = read(request).await?;
        let body = decode(&bytes)?;
        let key = asked.map(|(key, route, path)| IdempotencyKey {
            caller: ANONYMOUS.to_owned(),
            route,
            key,
            fingerprint: fingerprint(&path, &bytes),
        });
        Ok(Self { key, body })
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(value)| Self(value)).map_err(|rejection| invalid_path(&rejection))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        query.map(|axum::extract::Query(value)| Self(value)).map_err(|rejection| invalid_query(&rejection))
    }
}

fn is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = given.split(';').next().unwrap_or_default().trim();
    let is_json = media.eq_ignore_ascii_case("application/json")
        || (media.get(..12).is_some_and(|start| start.eq_ignore_ascii_case("application/"))
            && media.get(media.len().saturating_sub(5)..).is_some_and(|end| end.eq_ignore_ascii_case("+json")));
    if is_json {
        return Ok(());
    }
    let sent =
        if given.is_empty() { "no Content-Type".to_owned() } else { format!("Content-Type {:?}", shortened(given)) };
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        "Not JSON",
        format!("The request has {sent}. Send JSON with Content-Type: application/json."),
    ))
}

/// The whole body, which is at most [`BODY_BYTES_MAX`] long, whether it says its length or not.
async fn read(request: Request) -> Result<Bytes, Problem> {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let mut body = request.into_body();
    if announced.is_some_and(|bytes: usize| bytes > BODY_BYTES_MAX) {
        discard(body).await;
        return Err(too_large());
    }
    match Limited::new(&mut body, BODY_BYTES_MAX).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            discard(body).await;
            Err(too_large())
        }
        Err(error) => Err(Problem::bad_request(format!("The body broke off ({error}). Send the request again."))),
    }
}

async fn discard(mut body: Body) {
    let mut bytes_left = DISCARDED_BYTES_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        match bytes_left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
            Some(left) => bytes_left = left,
            None => return,
        }
    }
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body-too-large",
        "The body is too large",
        format!("The body has more than {BODY_BYTES_MAX} bytes (1 MiB). Send less, or split it."),
    )
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        Category::Data => wrong_shape::<T>(bytes, &error),
        Category::Io | Category::Syntax | Category::Eof => malformed(bytes, &error),
    })
}

fn malformed(bytes: &[u8], error: &serde_json::Error) -> Problem {
    let detail = if bytes.is_empty() {
        "The body is empty. Send a JSON object.".to_owned()
    } else {
        format!("The body is not JSON: {error}. Look there, and send it again.")
    };
    Problem::new(StatusCode::BAD_REQUEST, "malformed-json", "The body is not JSON", detail)
}

/// Reads the body a second time to learn where it is wrong; the first time, nobody pays for that.
fn wrong_shape<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> Problem {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let at = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(error) => error.path().to_string(),
        Ok(_) => ".".to_owned(),
    };
    let (at, error) = (shortened(&at), shortened(&error.to_string()));
    let detail = match at.as_str() {
        "." => format!("The body is not what this route takes: {error}. Correct it and send it again."),
        field => format!("{field}: {error}. Correct it and send it again."),
    };
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-body", "The body is not what this route takes", detail)
}

/// A text that may hold what the client sent, however long that is, cut to what a person reads.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
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

/// The route as the API names it, `POST /api/Order`.
fn route(request: &Request) -> String {
    let pattern = request.extensions().get::<MatchedPath>().map_or(request.uri().path(), MatchedPath::as_str);
    format!("{} {pattern}", request.method())
}

/// What makes two requests the same: the thing they are about and their body, byte for byte.
fn fingerprint(path: &str, body: &[u8]) -> String {
    let digest = Sha256::new().chain_update(path).chain_update([0]).chain_update(body).finalize();
    let halves = digest.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    let mut hex = String::with_capacity(64);
    hex.extend(halves.filter_map(|half| char::from_digit(half.into(), 16)));
    hex
}

fn invalid_path(rejection: &PathRejection) -> Problem {
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
            return Problem::internal(rejection);
        }
        other => format!("{other}. Correct the path and ask again."),
    };
    Problem::new(StatusCode::BAD_REQUEST, "invalid-id", "Not an id", detail)
}

fn invalid_query(rejection: &QueryRejection) -> Problem {
    let said = rejection.body_text();
    let why = shortened(said.strip_prefix("Failed to deserialize query string: ").unwrap_or(&said));
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid-query",
        "The query cannot be understood",
        format!("After the question mark: {why}. Correct it and ask again."),
    )
}
