//! A dispenser's signed request: it is verified before its handler runs, and the response is signed for it.

use std::sync::Arc;

use access::{
    Access, SigningKey,
    signature::{SignatureError, SignedRequest, VerifiedRequest},
};
use axum::{
    body::{Body, to_bytes},
    extract::Request,
    response::{IntoResponse, Response},
};

use crate::{
    Problem,
    caller::{Authenticated, Caller, Unauthenticated},
    extract::read_body,
};

/// The longest response that is signed: what a dispenser is told has some hundred bytes.
const SIGNED_RESPONSE_BYTES_MAX: usize = 64 * 1024;

/// A request that is being verified, and then answered.
pub(crate) struct Verification {
    /// The request, which says who sends it.
    pub(crate) request: Request,
    /// Signs the response. `None`: the request is not signed as it must be.
    pub(crate) responder: Option<Responder>,
}

/// Signs the response to one request.
pub(crate) struct Responder {
    verified: VerifiedRequest,
    key: SigningKey,
}

/// Reads and verifies a request that claims to be signed.
///
/// # Errors
/// The problem if its body does not arrive.
pub(crate) async fn verify(access: &Access, request: Request) -> Result<Verification, Problem> {
    let (mut parts, body) = request.into_parts();
    let read = read_body(Request::from_parts(parts.clone(), body)).await?;
    let outcome = SignedRequest::parse(&parts.method, &parts.uri, &parts.headers)
        .map_err(Unauthenticated::from)
        .and_then(|signed| authenticate(access, signed, &read.bytes));
    let (authenticated, responder) = match outcome {
        Ok((caller, responder)) => (Ok(caller), Some(responder)),
        Err(reason) => (Err(reason), None),
    };
    parts.extensions.insert(Authenticated(authenticated));
    Ok(Verification { request: Request::from_parts(parts, Body::from(read.bytes.clone())), responder })
}

fn authenticate(access: &Access, signed: SignedRequest, body: &[u8]) -> Result<(Caller, Responder), Unauthenticated> {
    let device_id = signed.device_id();
    let device = access.device(device_id).ok_or(Unauthenticated::UnknownDevice(device_id))?;
    let key = device.signing_key.clone().ok_or(Unauthenticated::UnknownDevice(device_id))?;
    let verified = signed.verify(&key, body)?;
    let sequence = Some(verified.sequence());
    let caller = access::Caller { device: Some(device), sequence, ..access::Caller::default() };
    Ok((Caller::from(caller), Responder { verified, key }))
}

impl Responder {
    /// The same response, signed.
    pub(crate) async fn sign(self, response: Response) -> Response {
        self.try_sign(response).await.unwrap_or_else(IntoResponse::into_response)
    }

    async fn try_sign(self, response: Response) -> Result<Response, Problem> {
        let (mut parts, body) = response.into_parts();
        let body = to_bytes(body, SIGNED_RESPONSE_BYTES_MAX).await.map_err(Problem::internal)?;
        let Self { verified, key } = self;
        verified.sign_response(&key, parts.status, &body, &mut parts.headers).map_err(Problem::internal)?;
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}

impl From<SignatureError> for Unauthenticated {
    fn from(error: SignatureError) -> Self {
        Self::Signature(Arc::new(error))
    }
}
