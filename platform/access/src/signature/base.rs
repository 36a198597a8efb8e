//! The signature base of RFC 9421, its hmac-sha256, and the digest of RFC 9530.
//!
//! Needs `core` alone and allocates nothing, so that the firmware of a dispenser can use the same file: a base is written
//! piece by piece into the hash and never exists as a whole.

use core::fmt::{self, Write};

use base64::{Engine, display::Base64Display, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The value of the parameter `alg`.
pub const ALGORITHM: &str = "hmac-sha256";
/// The bytes of a sha-256, and so of an hmac-sha256.
const HASH_BYTES: usize = 32;
/// The bytes that sha-256 takes at once. RFC 2104 fills a shorter key with zeros up to here.
const BLOCK_BYTES: usize = 64;
/// The bytes that the text of a hash can decode to at most: base64 comes in groups of three bytes.
const DECODED_BYTES_MAX: usize = 36;

/// What a line of a signature base is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component<'a> {
    /// The message itself: `"content-digest"`.
    Message(&'a str),
    /// The request that a response answers: `"fnb-sequence";req`.
    Request(&'a str),
    /// One member of a dictionary in that request: `"signature";req;key="fnb"`.
    RequestMember(&'a str, &'a str),
}

impl fmt::Display for Component<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(name) => write!(f, "\"{name}\""),
            Self::Request(name) => write!(f, "\"{name}\";req"),
            Self::RequestMember(name, member) => write!(f, "\"{name}\";req;key=\"{member}\""),
        }
    }
}

/// One line of a signature base. Its value contains no line break.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    /// What it is about.
    pub component: Component<'a>,
    /// The value there.
    pub value: &'a dyn fmt::Display,
}

/// What is signed (RFC 9421, section 2.5): a line for each component, and a last one for the parameters.
#[derive(Clone, Copy)]
pub struct SignatureBase<'a> {
    /// The covered components, in their order.
    pub lines: &'a [Line<'a>],
    /// The parameters, each with its semicolon: `;keyid="..."`.
    pub parameters: &'a dyn fmt::Display,
}

/// The components and the parameters, as the header `Signature-Input` has them after the label.
#[derive(Clone, Copy)]
pub struct SignatureParams<'a>(SignatureBase<'a>);

impl<'a> SignatureBase<'a> {
    /// The components and the parameters, for the header `Signature-Input`.
    #[must_use]
    pub fn params(&self) -> SignatureParams<'a> {
        SignatureParams(*self)
    }

    /// The hmac-sha256 of this base.
    #[must_use]
    pub fn sign<const KEY_BYTES: usize>(&self, key: &[u8; KEY_BYTES]) -> ByteSequence {
        let mut mac = MacWriter::new(key);
        // This writer takes everything, and no text of a base fails.
        let _written = write!(mac, "{self}");
        ByteSequence(mac.0.finalize().into_bytes().into())
    }

    /// Whether `signature` is the hmac-sha256 of this base. Takes the same time wherever it differs.
    #[must_use]
    pub fn is_signed_by<const KEY_BYTES: usize>(&self, key: &[u8; KEY_BYTES], signature: &ByteSequence) -> bool {
        let mut mac = MacWriter::new(key);
        write!(mac, "{self}").is_ok() && mac.0.verify_slice(&signature.0).is_ok()
    }
}

impl fmt::Display for SignatureBase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Line { component, value } in self.lines {
            writeln!(f, "{component}: {value}")?;
        }
        write!(f, "\"@signature-params\": {}", self.params())
    }
}

impl fmt::Display for SignatureParams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('(')?;
        for (index, line) in self.0.lines.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{}", line.component)?;
        }
        write!(f, "){}", self.0.parameters)
    }
}

/// The parameters that we send: the device's id as `keyid`, and the algorithm.
#[derive(Clone, Copy)]
pub struct KeyParameters<'a> {
    /// The device's id.
    pub device: &'a dyn fmt::Display,
}

impl fmt::Display for KeyParameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ";keyid=\"{}\";alg=\"{ALGORITHM}\"", self.device)
    }
}

/// A hash, as structured fields write bytes: base64 between colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteSequence([u8; HASH_BYTES]);

impl ByteSequence {
    /// The hash with exactly this text. There is no second way to write one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let base64 = text.strip_prefix(':')?.strip_suffix(':')?;
        let mut decoded = [0; DECODED_BYTES_MAX];
        let bytes = STANDARD.decode_slice(base64, &mut decoded).ok()?;
        decoded.get(..bytes)?.try_into().ok().map(Self)
    }
}

impl fmt::Display for ByteSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ":{}:", Base64Display::new(&self.0, &STANDARD))
    }
}

/// The header `Content-Digest` with the sha-256 of a body (RFC 9530).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentDigest(ByteSequence);

impl ContentDigest {
    /// The digest of `body`.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        Self(ByteSequence(Sha256::digest(body).into()))
    }

    /// The digest with exactly this text: `sha-256=:...:`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        ByteSequence::parse(text.strip_prefix("sha-256=")?).map(Self)
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha-256={}", self.0)
    }
}

/// Takes a text into the hash.
struct MacWriter(Hmac<Sha256>);

impl MacWriter {
    fn new<const KEY_BYTES: usize>(key: &[u8; KEY_BYTES]) -> Self {
        const { assert!(KEY_BYTES <= BLOCK_BYTES, "a longer key would have to be hashed first") };
        let mut block = Zeroizing::new([0; BLOCK_BYTES]);
        for (to, from) in block.iter_mut().zip(key) {
            *to = *from;
        }
        Self(Hmac::new((&*block).into()))
    }
}

impl fmt::Write for MacWriter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}
