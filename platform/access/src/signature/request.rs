//! The shop's side: a signed request, and the signature of its response.

use contracts::ids::DeviceId;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

use super::{
    ALGORITHM, CONTENT_DIGEST, Component, ContentDigest, FNB_DEVICE, FNB_SEQUENCE, LABEL, Line, REQUEST_COMPONENTS,
    SEQUENCE_MAX, SIGNATURE, SIGNATURE_INPUT, SignatureBase, SignatureError, content_digest, exchange::Exchange,
    header, refuse_changed_body, signature,
};
use crate::SigningKey;

/// Whether a request claims to be signed.
#[must_use]
pub fn is_signed(headers: &HeaderMap) -> bool {
    headers.contains_key(SIGNATURE) || headers.contains_key(SIGNATURE_INPUT)
}

/// A request with a signature that was read and not yet verified: nothing in it is to be believed.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    method: Method,
    path: String,
    content_digest: ContentDigest,
    /// The parameters as RFC 9651 writes them.
    parameters: String,
    exchange: Exchange,
}

impl SignedRequest {
    /// Reads the headers of a signed request.
    ///
    /// # Errors
    /// [`SignatureError`] names the header that is wrong, and what it must be.
    pub fn parse(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Self, SignatureError> {
        refuse_query(uri)?;
        let device_id = device_id(header(headers, FNB_DEVICE)?)?;
        let sequence = sequence(header(headers, FNB_SEQUENCE)?)?;
        let content_digest = content_digest(headers)?;
        let Input { label, parameters } = Input::parse(header(headers, SIGNATURE_INPUT)?, device_id)?;
        let signature = signature(headers, &label)?;
        let exchange = Exchange { device_id, sequence, label, signature };
        Ok(Self { method: method.clone(), path: uri.path().to_owned(), content_digest, parameters, exchange })
    }

    /// The device that the request claims to be from: its key verifies the request.
    #[must_use]
    pub fn device_id(&self) -> DeviceId {
        self.exchange.device_id
    }

    /// Verifies signature and body.
    ///
    /// # Errors
    /// [`SignatureError::WrongSignature`] with the expected signature base, or [`SignatureError::DigestMismatch`].
    pub fn verify(self, key: &SigningKey, body: &[u8]) -> Result<VerifiedRequest, SignatureError> {
        let Exchange { device_id, sequence, .. } = &self.exchange;
        let lines = request_lines(&self.method, &self.path, &self.content_digest, device_id, sequence);
        let base = SignatureBase { lines: &lines, parameters: &self.parameters };
        if !base.is_signed_by(key.bytes(), &self.exchange.signature) {
            return Err(SignatureError::WrongSignature { base: base.to_string() });
        }
        refuse_changed_body(self.content_digest, body)?;
        Ok(VerifiedRequest(self.exchange))
    }
}

/// A request that its device signed. Whether it is a repeated one, its sequence number shows.
#[derive(Clone, Debug)]
pub struct VerifiedRequest(Exchange);

impl VerifiedRequest {
    /// The device that signed it.
    #[must_use]
    pub fn device_id(&self) -> DeviceId {
        self.0.device_id
    }

    /// Its number. It is new if it is greater than the greatest one of its device.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.0.sequence
    }

    /// Adds the headers that make a response the answer to this request, and to no other.
    ///
    /// # Errors
    /// [`SignatureError::InvalidHeader`]; a response without a signature must not be sent in its place.
    pub fn sign_response(
        &self,
        key: &SigningKey,
        status: StatusCode,
        body: &[u8],
        headers: &mut HeaderMap,
    ) -> Result<(), SignatureError> {
        let content_digest = ContentDigest::of(body);
        let (input, signature) = self.0.with_response_base(status, &content_digest, |base| {
            (format!("{LABEL}={}", base.params()), format!("{LABEL}={}", base.sign(key.bytes())))
        });
        headers.insert(CONTENT_DIGEST, HeaderValue::try_from(content_digest.to_string())?);
        headers.insert(SIGNATURE_INPUT, HeaderValue::try_from(input)?);
        headers.insert(SIGNATURE, HeaderValue::try_from(signature)?);
        Ok(())
    }
}

/// What a request covers: [`REQUEST_COMPONENTS`] with their values.
pub(super) fn request_lines<'a>(
    method: &'a Method,
    path: &'a dyn std::fmt::Display,
    content_digest: &'a ContentDigest,
    device_id: &'a DeviceId,
    sequence: &'a u64,
) -> [Line<'a>; REQUEST_COMPONENTS.len()] {
    let [on_method, on_path, on_digest, on_device, on_sequence] = REQUEST_COMPONENTS.map(Component::Message);
    [
        Line { component: on_method, value: method },
        Line { component: on_path, value: path },
        Line { component: on_digest, value: content_digest },
        Line { component: on_device, value: device_id },
        Line { component: on_sequence, value: sequence },
    ]
}

/// `@path` covers no query.
pub(super) fn refuse_query(uri: &Uri) -> Result<(), SignatureError> {
    if uri.query().is_some() { Err(SignatureError::QueryNotCovered) } else { Ok(()) }
}

fn device_id(text: &str) -> Result<DeviceId, SignatureError> {
    let device_id = text.parse::<DeviceId>().ok().filter(|device_id| device_id.to_string() == text);
    device_id.ok_or_else(|| SignatureError::InvalidDevice(text.to_owned()))
}

fn sequence(text: &str) -> Result<u64, SignatureError> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let sequence = text.parse().ok().filter(|sequence| is_plain && *sequence <= SEQUENCE_MAX);
    sequence.ok_or_else(|| SignatureError::InvalidSequence(text.to_owned()))
}

/// The header `Signature-Input` of a request.
struct Input {
    label: String,
    parameters: String,
}

impl Input {
    fn parse(text: &str, device_id: DeviceId) -> Result<Self, SignatureError> {
        let members: sfv::Dictionary = sfv::Parser::new(text).parse().map_err(SignatureError::InvalidInput)?;
        let count = members.len();
        let Some((label, member)) = members.into_iter().next().filter(|_| count == 1) else {
            return Err(SignatureError::NotOneSignature(count));
        };
        let sfv::ListEntry::InnerList(sfv::InnerList { items, params }) = member else {
            return Err(SignatureError::WrongComponents { found: "no list".into() });
        };
        refuse_other_components(items)?;
        refuse_other_parameters(&params, device_id)?;
        Ok(Self { label: label.as_str().to_owned(), parameters: to_text(&params) })
    }
}

fn refuse_other_components(items: Vec<sfv::Item>) -> Result<(), SignatureError> {
    let is_component = |(item, name): (&sfv::Item, &&str)| {
        item.params.is_empty() && item.bare_item.as_string().is_some_and(|found| found.as_str() == *name)
    };
    if items.len() == REQUEST_COMPONENTS.len() && items.iter().zip(&REQUEST_COMPONENTS).all(is_component) {
        return Ok(());
    }
    let mut found = sfv::ListSerializer::new();
    found.members(&[sfv::ListEntry::InnerList(sfv::InnerList::new(items))]);
    Err(SignatureError::WrongComponents { found: found.finish().unwrap_or_default() })
}

fn refuse_other_parameters(params: &sfv::Parameters, device_id: DeviceId) -> Result<(), SignatureError> {
    for (name, value) in params {
        let name = name.as_str();
        let is_right_type = match name {
            "keyid" | "alg" | "nonce" => value.as_string().is_some(),
            "created" | "expires" => value.as_integer().is_some(),
            _ => return Err(SignatureError::UnknownParameter(name.to_owned())),
        };
        if !is_right_type {
            return Err(SignatureError::InvalidParameter(name.to_owned()));
        }
    }
    let text = |name: &str| params.get(name).and_then(|value| value.as_string()).map(|text| text.as_str());
    let key_id = text("keyid").ok_or(SignatureError::MissingKeyId)?;
    if key_id != device_id.to_string() {
        return Err(SignatureError::WrongKeyId(key_id.to_owned()));
    }
    match text("alg") {
        None | Some(ALGORITHM) => Ok(()),
        Some(other) => Err(SignatureError::WrongAlgorithm(other.to_owned())),
    }
}

/// The parameters as RFC 9651 writes them, which is what the signature covers.
fn to_text(params: &sfv::Parameters) -> String {
    let mut list = sfv::ListSerializer::new();
    let _written = list.inner_list().finish().parameters(params);
    let text = list.finish().unwrap_or_default();
    text.strip_prefix("()").unwrap_or_default().to_owned()
}
