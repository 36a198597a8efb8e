//! Reads JSON, and explains what is wrong with it.

use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::{object_only::ObjectOnly, shortened};
use crate::Problem;

/// What serde calls the types that a field may have, and what a person calls them.
const TYPE_NAMES: [(&str, &str); 9] = [
    ("expected u8", "expected a whole number, 0 or more"),
    ("expected u16", "expected a whole number, 0 or more"),
    ("expected u32", "expected a whole number, 0 or more"),
    ("expected u64", "expected a whole number, 0 or more"),
    ("expected usize", "expected a whole number, 0 or more"),
    ("expected i32", "expected a whole number"),
    ("expected i64", "expected a whole number"),
    ("expected f64", "expected a number"),
    ("expected a sequence", "expected an array"),
];

/// Refuses another media type than JSON: a browser's form cannot send this one to another origin.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let is_json = media_type.eq_ignore_ascii_case("application/json")
        || (media_type.get(..12).is_some_and(|start| start.eq_ignore_ascii_case("application/"))
            && media_type
                .get(media_type.len().saturating_sub(5)..)
                .is_some_and(|end| end.eq_ignore_ascii_case("+json")));
    if is_json {
        return Ok(());
    }
    let sent = match content_type {
        "" => "no Content-Type".to_owned(),
        other => format!("Content-Type {:?}", shortened(other)),
    };
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        "Not JSON",
        format!("The request has {sent}. Send JSON with Content-Type: application/json."),
    ))
}

/// The value that the JSON text holds.
///
/// # Errors
/// 400 for text that is no JSON, 422 with the name of the field for JSON of another shape.
pub(super) fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = T::deserialize(ObjectOnly(&mut deserializer)).and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| match error.classify() {
        Category::Data => wrong_shape::<T>(json, &error),
        Category::Io | Category::Syntax | Category::Eof => malformed(json, &error),
    })
}

fn malformed(json: &[u8], error: &serde_json::Error) -> Problem {
    let detail = if json.is_empty() {
        "The body is empty. Send a JSON object.".to_owned()
    } else {
        format!("The body is not JSON: {error}. Correct it and send it again.")
    };
    Problem::new(StatusCode::BAD_REQUEST, "malformed-json", "The body is not JSON", detail)
}

/// Parses a second time to find the field, so that only refused bodies pay for it.
fn wrong_shape<T: DeserializeOwned>(json: &[u8], error: &serde_json::Error) -> Problem {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let path = match serde_path_to_error::deserialize::<_, T>(ObjectOnly(&mut deserializer)) {
        Err(error) => error.path().to_string(),
        Ok(_) => ".".to_owned(),
    };
    let (path, error) = (shortened(&path), shortened(&in_plain_words(&error.to_string())));
    let detail = match path.as_str() {
        "." => format!("The body is not what this route takes: {error}. Correct it and send it again."),
        field => format!("{field}: {error}. Correct it and send it again."),
    };
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-body", "The body is not what this route takes", detail)
}

/// serde's message without the names of Rust's types and without the place, which the path shows better.
fn in_plain_words(message: &str) -> String {
    let message = message.rfind(" at line ").map_or(message, |place| &message[..place]);
    if let Some(start) = message.find("expected struct ") {
        return format!("{}expected an object", &message[..start]);
    }
    let name = TYPE_NAMES.iter().find(|(serde_name, _)| message.ends_with(serde_name));
    name.map_or_else(
        || message.to_owned(),
        |(serde_name, plain)| format!("{}{plain}", message.trim_end_matches(serde_name)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_no_type_of_the_program() {
        for (message, plain) in [
            (
                "invalid type: string \"x\", expected i64 at line 1 column 9",
                "invalid type: string \"x\", expected a whole number",
            ),
            (
                "invalid value: integer `-1`, expected u32 at line 1 column 9",
                "invalid value: integer `-1`, expected a whole number, 0 or more",
            ),
            ("invalid type: map, expected a sequence at line 1 column 9", "invalid type: map, expected an array"),
            (
                "invalid type: null, expected struct PlaceOrder at line 1 column 4",
                "invalid type: null, expected an object",
            ),
            ("missing field `items` at line 1 column 2", "missing field `items`"),
        ] {
            assert_eq!(in_plain_words(message), plain);
        }
    }
}
