//! The headers that keep browsers from misusing a response.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");

/// On every response. There is no Strict-Transport-Security: browsers would then refuse the plain port of the same host,
/// which explains how to install the authority.
static OF_EVERY_RESPONSE: [(HeaderName, HeaderValue); 4] = [
    // What is sent as JSON or an image is never run as a script.
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // Addresses hold ids of orders.
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    // For browsers that do not know frame-ancestors.
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    // A page of another origin cannot even load our images.
    (RESOURCE_POLICY, SAME_ORIGIN),
];

/// Adds what the handler has not set itself.
pub(super) fn add_to(headers: &mut HeaderMap) {
    headers.reserve(OF_EVERY_RESPONSE.len() + 1);
    for (name, value) in &OF_EVERY_RESPONSE {
        headers.entry(name).or_insert_with(|| value.clone());
    }
    if is_page(headers) {
        headers.entry(OPENER_POLICY).or_insert(SAME_ORIGIN);
    }
}

fn is_page(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}
