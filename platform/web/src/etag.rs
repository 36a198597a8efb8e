//! Versions in HTTP: `ETag: "3"` in a response, `If-Match: "3"` in a change that must not overwrite another.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::Problem;

/// The `ETag` header of a response that shows this version.
#[must_use]
pub fn etag(version: i64) -> [(header::HeaderName, HeaderValue); 1] {
    let value = HeaderValue::try_from(format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"\""));
    [(header::ETAG, value)]
}

/// The version that a change is meant for, from `If-Match`. `None`: any version.
///
/// # Errors
/// 400 for anything but one strong ETag of ours, or `*`.
pub fn if_match(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let mut values = headers.get_all(header::IF_MATCH).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = if values.next().is_none() { value.to_str().unwrap_or_default().trim() } else { "" };
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).and_then(|digits| digits.parse().ok());
    version.map(Some).ok_or_else(|| {
        Problem::bad_request(
            "If-Match is not a version. Send the ETag of what was read, such as \"3\", or leave it out.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version_in(if_match_header: &'static str) -> Result<Option<i64>, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, HeaderValue::from_static(if_match_header));
        if_match(&headers)
    }

    #[test]
    fn a_change_names_the_version_that_was_read_or_any() {
        assert_eq!(if_match(&HeaderMap::new()).unwrap(), None);
        assert_eq!(version_in(" * ").unwrap(), None);
        assert_eq!(version_in("\"3\"").unwrap(), Some(3));
        for wrong in ["3", "W/\"3\"", "\"three\"", "\"3\", \"4\"", "\"", ""] {
            assert_eq!(version_in(wrong).unwrap_err().status(), 400, "{wrong:?}");
        }
        let mut twice = HeaderMap::new();
        twice.append(header::IF_MATCH, HeaderValue::from_static("\"3\""));
        twice.append(header::IF_MATCH, HeaderValue::from_static("\"3\""));
        assert_eq!(if_match(&twice).unwrap_err().status(), 400);
    }
}
