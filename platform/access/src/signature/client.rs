//! The dispenser's side: for the simulator, and for tests.

use contracts::ids::DeviceId;
use http::{HeaderValue, Request, Response};

use super::{
    CONTENT_DIGEST, ContentDigest, FNB_DEVICE, FNB_SEQUENCE, KeyParameters, LABEL, SEQUENCE_MAX, SIGNATURE,
    SIGNATURE_INPUT, SignatureBase, SignatureError, content_digest,
    exchange::Exchange,
    header, refuse_changed_body,
    request::{refuse_query, request_lines},
    signature,
};
use crate::SigningKey;

/// A request that was signed: what is needed to recognise its response.
#[derive(Clone, Debug)]
pub struct SentRequest(Exchange);

/// Signs `request` as `device_id`. `sequence` is greater than that of every request before, also of those that failed.
///
/// # Errors
/// [`SignatureError::InvalidSequence`], [`SignatureError::QueryNotCovered`].
pub fn sign_request<Body: AsRef<[u8]>>(
    request: &mut Request<Body>,
    key: &SigningKey,
    device_id: DeviceId,
    sequence: u64,
) -> Result<SentRequest, SignatureError> {
    refuse_query(request.uri())?;
    if sequence == 0 || sequence > SEQUENCE_MAX {
        return Err(SignatureError::InvalidSequence(sequence.to_string()));
    }
    let content_digest = ContentDigest::of(request.body().as_ref());
    let path = request.uri().path();
    let lines = request_lines(request.method(), &path, &content_digest, &device_id, &sequence);
    let base = SignatureBase { lines: &lines, parameters: &KeyParameters { device: &device_id } };
    let signature = base.sign(key.bytes());
    let input = format!("{LABEL}={}", base.params());

    let headers = request.headers_mut();
    headers.insert(FNB_DEVICE, HeaderValue::try_from(device_id.to_string())?);
    headers.insert(FNB_SEQUENCE, HeaderValue::from(sequence));
    headers.insert(CONTENT_DIGEST, HeaderValue::try_from(content_digest.to_string())?);
    headers.insert(SIGNATURE_INPUT, HeaderValue::try_from(input)?);
    headers.insert(SIGNATURE, HeaderValue::try_from(format!("{LABEL}={signature}"))?);
    Ok(SentRequest(Exchange { device_id, sequence, label: LABEL.to_owned(), signature }))
}

impl SentRequest {
    /// Whether the shop sent this response, to this request. The form of a response is fixed, so it is compared and not
    /// parsed.
    ///
    /// # Errors
    /// [`SignatureError`]: the machine must not act on the response.
    pub fn verify_response<Body: AsRef<[u8]>>(
        &self,
        key: &SigningKey,
        response: &Response<Body>,
    ) -> Result<(), SignatureError> {
        let headers = response.headers();
        let content_digest = content_digest(headers)?;
        let input = header(headers, SIGNATURE_INPUT)?;
        let signature = signature(headers, LABEL)?;
        self.0.with_response_base(response.status(), &content_digest, |base| {
            let expected = format!("{LABEL}={}", base.params());
            if input != expected {
                return Err(SignatureError::WrongResponseInput { found: input.to_owned(), expected });
            }
            if !base.is_signed_by(key.bytes(), &signature) {
                return Err(SignatureError::WrongSignature { base: base.to_string() });
            }
            Ok(())
        })?;
        refuse_changed_body(content_digest, response.body().as_ref())
    }
}
