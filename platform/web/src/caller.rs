//! Who sends a request, for guards and handlers.

use std::{ops::Deref, sync::Arc};

use access::{TokenError, signature::SignatureError};
use axum::{extract::FromRequestParts, http::request::Parts};
use contracts::ids::DeviceId;

use crate::Problem;

/// Who sends a request. An extractor: without a valid credential it is a caller without roles, which only the routes of
/// [`Policy::ANYONE`](access::Policy::ANYONE) see.
#[derive(Clone, Debug, Default)]
pub struct Caller(Arc<access::Caller>);

impl From<access::Caller> for Caller {
    fn from(caller: access::Caller) -> Self {
        Self(Arc::new(caller))
    }
}

impl Deref for Caller {
    type Target = access::Caller;

    fn deref(&self) -> &access::Caller {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<Authenticated>() {
            Some(Authenticated(Ok(caller))) => Ok(caller.clone()),
            _ => Ok(Self::default()),
        }
    }
}

/// Why it is not known who sends a request.
#[derive(Clone, Debug)]
pub(crate) enum Unauthenticated {
    /// The request has no credential.
    NoCredential,
    /// Its token is not valid.
    Token(TokenError),
    /// It is not signed as it must be.
    Signature(Arc<SignatureError>),
    /// It names a device that is not paired, or was revoked.
    UnknownDevice(DeviceId),
}

/// Travels in a request's extensions to its guard and its handler.
#[derive(Clone, Debug)]
pub(crate) struct Authenticated(pub(crate) Result<Caller, Unauthenticated>);
