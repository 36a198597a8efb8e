//! Finds out who sends a request: from a bearer token, a cookie, a dispenser's signature, or because another service of
//! this process calls.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use access::{Access, TokenError, signature};
use axum::{
    extract::Request,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use futures::{
    FutureExt,
    future::{BoxFuture, Either},
};
use tower::{Layer, Service, ServiceExt};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::{
    caller::{Authenticated, Caller, Unauthenticated},
    signed_request::{self, Verification},
};

/// The cookie with a person's token.
pub const SESSION_COOKIE: &str = "fnb_session";
/// The cookie with a tablet's token.
pub const DEVICE_COOKIE: &str = "fnb_device";
/// The header with a manager's approval.
pub const APPROVAL_HEADER: &str = "approval";

/// The name of bearer tokens in API documents.
pub(crate) const BEARER_SCHEME: &str = "token";
/// The name of the session's cookie in API documents.
pub(crate) const SESSION_SCHEME: &str = "session";
/// The name of dispensers' signatures in API documents.
pub(crate) const SIGNATURE_SCHEME: &str = "signature";

/// How a caller can prove who it is, for API documents.
pub(crate) fn security_schemes() -> [(&'static str, SecurityScheme); 3] {
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "The token of POST /api/Session or of POST /api/Device/pair. x-roles of an operation names who may call it.",
    ));
    let session = ApiKeyValue::with_description(SESSION_COOKIE, "The same token, as a browser's cookie.");
    let signature = ApiKeyValue::with_description(
        "Signature",
        "A dispenser's HTTP Message Signature (RFC 9421, hmac-sha256) with Signature-Input, Content-Digest, Fnb-Device \
         and Fnb-Sequence.",
    );
    [
        (BEARER_SCHEME, SecurityScheme::Http(token.build())),
        (SESSION_SCHEME, SecurityScheme::ApiKey(ApiKey::Cookie(session))),
        (SIGNATURE_SCHEME, SecurityScheme::ApiKey(ApiKey::Header(signature))),
    ]
}

/// Marks a request of another service in this process, as an extension of the request. No request from a network
/// carries extensions.
#[derive(Clone, Copy, Debug)]
pub struct ServiceCall;

/// Puts [`Authenticated`] into each request.
#[derive(Clone)]
pub(crate) struct Authentication(Access);

impl Authentication {
    pub(crate) fn new(access: Access) -> Self {
        Self(access)
    }

    fn authenticate(&self, request: &Request) -> Result<Caller, Unauthenticated> {
        if request.extensions().get::<ServiceCall>().is_some() {
            return Ok(Caller::from(access::Caller::service()));
        }
        let mut caller = self.credential(request.headers())?;
        if let Some(approval) = request.headers().get(APPROVAL_HEADER) {
            let approval = approval.to_str().map_err(|_| TokenError::Invalid);
            let approval = approval.and_then(|token| self.0.approval(token, &caller));
            caller.approval = Some(approval.map_err(Unauthenticated::Token)?);
        }
        Ok(Caller::from(caller))
    }

    /// A token that is sent on purpose counts alone. Of cookies, which browsers send by themselves, a session that ended
    /// leaves the tablet.
    fn credential(&self, headers: &HeaderMap) -> Result<access::Caller, Unauthenticated> {
        if let Some(token) = bearer_token(headers) {
            return self.0.caller(token).map_err(Unauthenticated::Token);
        }
        let session = cookie(headers, SESSION_COOKIE).map(|token| self.0.caller(token));
        if let Some(Ok(caller)) = session {
            return Ok(caller);
        }
        match (cookie(headers, DEVICE_COOKIE).map(|token| self.0.caller(token)), session) {
            (Some(Ok(caller)), _) => Ok(caller),
            (_, Some(Err(error))) | (Some(Err(error)), _) => Err(Unauthenticated::Token(error)),
            (None, _) => Err(Unauthenticated::NoCredential),
        }
    }
}

impl<S> Layer<S> for Authentication {
    type Service = AuthenticatedService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthenticatedService { inner, authentication: self.clone() }
    }
}

/// A route whose requests say who sends them.
#[derive(Clone)]
pub(crate) struct AuthenticatedService<S> {
    inner: S,
    authentication: Authentication,
}

impl<S> Service<Request> for AuthenticatedService<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        if signature::is_signed(request.headers()) {
            let (access, inner) = (self.authentication.0.clone(), self.inner.clone());
            return Either::Right(answer_signed(access, inner, request).boxed());
        }
        let authenticated = Authenticated(self.authentication.authenticate(&request));
        request.extensions_mut().insert(authenticated);
        Either::Left(self.inner.call(request))
    }
}

async fn answer_signed<S>(access: Access, inner: S, request: Request) -> Result<Response, Infallible>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let Verification { request, responder } = match signed_request::verify(&access, request).await {
        Ok(verification) => verification,
        Err(problem) => return Ok(problem.into_response()),
    };
    let response = inner.oneshot(request).await?;
    Ok(match responder {
        Some(responder) => responder.sign(response).await,
        None => response,
    })
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    // Another scheme is a credential too, and not a valid one.
    Some(if scheme.eq_ignore_ascii_case("bearer") { token.trim() } else { "" })
}

/// The value of a cookie (RFC 6265).
#[must_use]
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(cookie, _)| *cookie == name).map(|(_, value)| value)
}
