//! Versions as HTTP carries them: `ETag: "3"` in an answer, `If-Match: "3"` in a change that must not overwrite another.

use axum::http::{HeaderMap, HeaderValue, header};
use web::Problem;

/// The header that says which version an answer shows.
pub(super) fn etag(version: i64) -> [(header::HeaderName, HeaderValue); 1] {
    let value = HeaderValue::try_from(format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"\""));
    [(header::ETAG, value)]
}

/// The version that a change is meant for. `None`: whatever it is now.
pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).and_then(|digits| digits.parse().ok());
    version.map(Some).ok_or_else(|| {
        Problem::bad_request("If-Match is not a version: send the ETag of the product as it was read, such as \"3\".")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(if_match_header: &'static str) -> Result<Option<i64>, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, HeaderValue::from_static(if_match_header));
        if_match(&headers)
    }

    #[test]
    fn a_change_names_the_version_that_it_was_made_on_or_any() {
        assert_eq!(if_match(&HeaderMap::new()).unwrap(), None);
        assert_eq!(asked("*").unwrap(), None);
        assert_eq!(asked("\"3\"").unwrap(), Some(3));
        for wrong in ["3", "W/\"3\"", "\"three\"", "\"", ""] {
            assert_eq!(asked(wrong).unwrap_err().status(), 400, "{wrong:?}");
        }
    }
}
