//! Why a signature is not accepted, for the person who writes a client.

use http::header::InvalidHeaderValue;

use super::{HEADER_BYTES_MAX, REQUEST_COMPONENTS, SEQUENCE_MAX};

/// A request or a response is not signed as it must be. Nothing in it is secret.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// A header is absent.
    #[error("the header {0} is missing")]
    MissingHeader(&'static str),
    /// A header that must be unique is not.
    #[error("the header {0} is there more than once: send it once")]
    RepeatedHeader(&'static str),
    /// A header is longer than any valid one.
    #[error("the header {0} has more than {HEADER_BYTES_MAX} bytes")]
    HeaderTooLong(&'static str),
    /// A header contains more than ASCII.
    #[error("the header {0} contains something other than ASCII")]
    NotAscii(&'static str),
    /// `Fnb-Device` is no id.
    #[error("the header fnb-device is {0:?}: it must be the device's id, a UUID in lower case")]
    InvalidDevice(String),
    /// `Fnb-Sequence` is no sequence number.
    #[error("the header fnb-sequence is {0:?}: it must be a number from 1 to {SEQUENCE_MAX} without leading zeros")]
    InvalidSequence(String),
    /// `Content-Digest` has another form.
    #[error("the header content-digest is {0:?}: it must be sha-256=:<base64 of the body's sha-256>: and nothing else")]
    InvalidDigest(String),
    /// `Signature-Input` is no dictionary of RFC 9651.
    #[error("the header signature-input is not a dictionary of RFC 9651")]
    InvalidInput(#[source] sfv::Error),
    /// There is no signature, or more than one.
    #[error("the header signature-input names {0} signatures: send exactly one")]
    NotOneSignature(usize),
    /// What is covered differs from the list, or stands in another order.
    #[error(
        "signature-input covers {found}: it must cover {REQUEST_COMPONENTS:?}, in this order and without parameters"
    )]
    WrongComponents {
        /// The components that came.
        found: String,
    },
    /// A parameter that is not understood must not be accepted.
    #[error("signature-input has the parameter {0}: only keyid, alg, created, expires and nonce are allowed")]
    UnknownParameter(String),
    /// A parameter has a value of another type.
    #[error(
        "the parameter {0} of signature-input is malformed: keyid, alg and nonce are strings, created and expires integers"
    )]
    InvalidParameter(String),
    /// The key is not named.
    #[error("signature-input has no keyid: it must be the device's id, as in fnb-device")]
    MissingKeyId,
    /// Another key is named.
    #[error("the keyid is {0:?}: it must be the device's id, as in fnb-device")]
    WrongKeyId(String),
    /// Another algorithm is named.
    #[error("the alg is {0:?}: it must be \"hmac-sha256\", or absent")]
    WrongAlgorithm(String),
    /// The query would not be covered.
    #[error("a signed request has no query, because @path does not cover it: send the values in the body")]
    QueryNotCovered,
    /// `Signature` has another form, or another label.
    #[error(
        "the header signature is {found:?}: it must be {label}=:<base64 of 32 bytes>: with the label of signature-input"
    )]
    InvalidSignature {
        /// The label of `Signature-Input`.
        label: String,
        /// The header that came.
        found: String,
    },
    /// The signature is of something else, or by another key.
    #[error("the signature is not the hmac-sha256 of the signature base with this device's key")]
    WrongSignature {
        /// The signature base that was expected, to compare with the client's.
        base: String,
    },
    /// The body was changed.
    #[error("the content-digest is {found}, but that of the body is {computed}")]
    DigestMismatch {
        /// The header.
        found: String,
        /// What it would have to be.
        computed: String,
    },
    /// A response answers another request, or is of another device.
    #[error("the signature-input of the response is {found}: it must be {expected}")]
    WrongResponseInput {
        /// The header.
        found: String,
        /// What it would have to be.
        expected: String,
    },
    /// A text cannot be sent as a header.
    #[error("a text cannot be sent as a header")]
    InvalidHeader(#[from] InvalidHeaderValue),
}
