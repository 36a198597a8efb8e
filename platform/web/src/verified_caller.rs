//! The caller of a route that answers anyone, if a credential that is sent must be valid all the same.

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::{
    Problem,
    caller::{Authenticated, Caller, Unauthenticated},
    guard,
};

/// The [`Caller`] of a route of anyone, for which a credential that is sent must be valid: whoever was signed out or
/// revoked is told so, and is not taken for a stranger.
#[derive(Clone, Debug)]
pub struct VerifiedCaller(pub Caller);

impl<S: Send + Sync> FromRequestParts<S> for VerifiedCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<Authenticated>() {
            Some(Authenticated(Ok(caller))) => Ok(Self(caller.clone())),
            Some(Authenticated(Err(Unauthenticated::NoCredential))) | None => Ok(Self(Caller::default())),
            Some(Authenticated(Err(reason))) => Err(guard::refuse_credential(reason, &parts.extensions)),
        }
    }
}
