//! How a dispenser signs: HTTP Message Signatures (RFC 9421) with hmac-sha256, and Content-Digest (RFC 9530).
//!
//! Owns what is covered, in which form, and how it is verified. A request covers its method, its path, its body, its device
//! and its sequence number; the response covers its status, its body, and the signature and sequence number of that
//! request, so that it answers no other one. Does not know keys (the caller finds the device's), and does not know which
//! sequence number came last.
//!
//! Device and shop share one key. A request cannot be sent back as a response, because their bases start with different
//! components.

mod base;
mod client;
mod error;
mod exchange;
mod request;
#[cfg(test)]
mod tests;

use http::HeaderMap;

pub use base::{
    ALGORITHM, ByteSequence, Component, ContentDigest, KeyParameters, Line, SignatureBase, SignatureParams,
};
pub use client::{SentRequest, sign_request};
pub use error::SignatureError;
pub use request::{SignedRequest, VerifiedRequest, is_signed};

/// The header with the id of the device that sends a request.
pub const FNB_DEVICE: &str = "fnb-device";
/// The header with the number of a request, which is greater than that of every request before.
pub const FNB_SEQUENCE: &str = "fnb-sequence";
/// The header with the digest of the body.
pub const CONTENT_DIGEST: &str = "content-digest";
/// The header that names what is signed.
pub const SIGNATURE_INPUT: &str = "signature-input";
/// The header with the signature.
pub const SIGNATURE: &str = "signature";

/// What a request covers, in this order.
pub const REQUEST_COMPONENTS: [&str; 5] = ["@method", "@path", CONTENT_DIGEST, FNB_DEVICE, FNB_SEQUENCE];
/// The label of the signatures that we make. A client may choose another one.
pub const LABEL: &str = "fnb";
/// The greatest sequence number: the greatest integer of RFC 9651. Every database and JSON reader can hold it.
pub const SEQUENCE_MAX: u64 = 999_999_999_999_999;

/// The bytes of a header that is read: three times those of ours.
const HEADER_BYTES_MAX: usize = 512;

/// The only value of a header.
fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, SignatureError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(SignatureError::MissingHeader(name))?;
    if values.next().is_some() {
        return Err(SignatureError::RepeatedHeader(name));
    }
    if value.len() > HEADER_BYTES_MAX {
        return Err(SignatureError::HeaderTooLong(name));
    }
    value.to_str().map_err(|_| SignatureError::NotAscii(name))
}

/// The signature in the header `Signature`, which must have this label.
fn signature(headers: &HeaderMap, label: &str) -> Result<ByteSequence, SignatureError> {
    let text = header(headers, SIGNATURE)?;
    let signature = text.strip_prefix(label).and_then(|rest| rest.strip_prefix('=')).and_then(ByteSequence::parse);
    signature.ok_or_else(|| SignatureError::InvalidSignature { label: label.to_owned(), found: text.to_owned() })
}

/// The header `Content-Digest`.
fn content_digest(headers: &HeaderMap) -> Result<ContentDigest, SignatureError> {
    let text = header(headers, CONTENT_DIGEST)?;
    ContentDigest::parse(text).ok_or_else(|| SignatureError::InvalidDigest(text.to_owned()))
}

/// Refuses a body with another digest.
fn refuse_changed_body(found: ContentDigest, body: &[u8]) -> Result<(), SignatureError> {
    let computed = ContentDigest::of(body);
    if found == computed {
        return Ok(());
    }
    Err(SignatureError::DigestMismatch { found: found.to_string(), computed: computed.to_string() })
}
