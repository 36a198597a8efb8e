//! Guards a route: its handler runs for callers that its policy allows.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use access::{CallerRole, NotApproved, Policy, TokenError};
use axum::{
    extract::Request,
    http::{Extensions, StatusCode},
    response::{IntoResponse, Response},
};
use contracts::staff::ApprovableAction;
use futures::future::{Either, Ready, ready};
use serde::Serialize;
use tower::{Layer, Service};

use crate::{
    Peer, Problem,
    caller::{Authenticated, Unauthenticated},
    rate_limits,
};

/// Guards the handlers of a route.
#[derive(Clone, Copy)]
pub(crate) struct Guard {
    policy: Policy,
    /// Whether this machine itself may too, without a credential.
    allows_this_machine: bool,
}

impl Guard {
    pub(crate) const fn new(policy: Policy) -> Self {
        Self { policy, allows_this_machine: false }
    }

    /// This guard, and it also lets requests pass that come from this machine.
    pub(crate) const fn or_this_machine(self) -> Self {
        Self { allows_this_machine: true, ..self }
    }

    fn check(self, request: &Request) -> Result<(), Problem> {
        if self.policy.roles().is_none() || self.is_from_this_machine(request) {
            return Ok(());
        }
        match request.extensions().get::<Authenticated>() {
            Some(Authenticated(Ok(caller))) if self.policy.allows(caller) => Ok(()),
            Some(Authenticated(Ok(caller))) => Err(match self.policy.approvable() {
                Some(action) if caller.staff.is_some() => approval_required(action),
                _ => self.forbidden(),
            }),
            Some(Authenticated(Err(Unauthenticated::NoCredential))) | None => {
                Err(unauthenticated(&Unauthenticated::NoCredential))
            }
            Some(Authenticated(Err(reason))) => Err(refuse_credential(reason, request.extensions())),
        }
    }

    fn is_from_this_machine(self, request: &Request) -> bool {
        self.allows_this_machine && Peer::of(request.extensions()).is_none_or(Peer::is_loopback)
    }

    fn forbidden(self) -> Problem {
        let roles = self.policy.roles().map(|roles| roles.iter().map(role_in_words).collect::<Vec<_>>());
        let roles = roles.unwrap_or_default().join(", ");
        Problem::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "Not allowed",
            format!("This can be done by: {roles}. Sign in as one of them, or ask one of them to do it."),
        )
    }
}

impl<S> Layer<S> for Guard {
    type Service = GuardedRoute<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GuardedRoute { inner, guard: *self }
    }
}

/// A route with its guard.
#[derive(Clone)]
pub(crate) struct GuardedRoute<S> {
    inner: S,
    guard: Guard,
}

impl<S> Service<Request> for GuardedRoute<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response, Infallible>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.guard.check(&request) {
            Ok(()) => Either::Right(self.inner.call(request)),
            Err(problem) => Either::Left(ready(Ok(problem.into_response()))),
        }
    }
}

/// Counts a credential that is not valid, and says why.
pub(crate) fn refuse_credential(reason: &Unauthenticated, extensions: &Extensions) -> Problem {
    rate_limits::count_refused_credential(extensions).err().unwrap_or_else(|| unauthenticated(reason))
}

fn unauthenticated(reason: &Unauthenticated) -> Problem {
    let (slug, title, detail) = match reason {
        Unauthenticated::NoCredential => (
            "sign-in-required",
            "Sign-in required",
            "This needs a credential. Sign in with a PIN (POST /api/Session), or pair this device (/pair).".to_owned(),
        ),
        Unauthenticated::Token(TokenError::Invalid) => (
            "invalid-token",
            "Not a credential of this shop",
            "The token is not one of this shop, or was changed. Sign in or pair the device again.".to_owned(),
        ),
        Unauthenticated::Token(TokenError::Expired(at)) => (
            "token-expired",
            "The sign-in ended",
            format!("The token ended at {at}. Sign in again; a tablet that was off for months is paired again."),
        ),
        Unauthenticated::Token(TokenError::Revoked) => (
            "token-revoked",
            "The sign-in was ended",
            "The session was ended, or the device was revoked. Sign in again, or ask the owner to pair the device."
                .to_owned(),
        ),
        Unauthenticated::Signature(error) => (
            "invalid-signature",
            "Not signed as it must be",
            format!(
                "{}. Nothing was done; docs/DISPENSER-PROTOCOL.md shows a signed request.",
                errors::chain(&**error)
            ),
        ),
        Unauthenticated::UnknownDevice(device_id) => (
            "unknown-device",
            "Not a device of this shop",
            format!("The device {device_id} is not paired with this shop, or was revoked. Ask the owner to pair it."),
        ),
    };
    Problem::new(StatusCode::UNAUTHORIZED, slug, title, detail)
}

/// What must be approved.
#[derive(Serialize)]
struct ApprovalContext {
    action: ApprovableAction,
}

fn approval_required(action: ApprovableAction) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "approval-required",
        "A manager must approve this",
        format!(
            "{action} needs a manager. Let one enter their PIN (POST /api/Approval), and send the request again with the \
             header Approval."
        ),
    )
    .with_context(&ApprovalContext { action })
}

impl From<NotApproved> for Problem {
    fn from(refused: NotApproved) -> Self {
        approval_required(refused.action).caused_by(refused)
    }
}

fn role_in_words(role: CallerRole) -> &'static str {
    match role {
        CallerRole::Cashier => "a cashier",
        CallerRole::Manager => "a manager",
        CallerRole::Owner => "an owner",
        CallerRole::Pos => "a paired till",
        CallerRole::Kiosk => "a paired kiosk",
        CallerRole::Dispenser => "a paired dispenser",
        CallerRole::Service => "another service of the shop",
    }
}
