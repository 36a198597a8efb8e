//! `/api/Session`: who is signed in. `/api/Approval`: what a manager allows them.

use access::Policy;
use axum::{extract::State, http::StatusCode, response::IntoResponse};
use contracts::{
    problem::Problem as ProblemBody,
    staff::{ApprovalView, CreateApproval, SessionView, SignIn, SignedIn, StaffTile},
};
use utoipa_axum::routes;
use web::{Caller, Created, Json, Peer, PinLimit, Problem, Routes, SESSION_COOKIE};

use super::cookies::{clear_cookie, is_encrypted, set_cookie};
use crate::{commands::Staff, error::StaffError};

/// The routes of sessions.
pub(super) fn routes() -> Routes<Staff> {
    Routes::new()
        .allow(Policy::ANYONE, routes!(sign_in))
        .allow(Policy::STAFF, routes!(get_session))
        .allow(Policy::ANYONE, routes!(sign_out))
        .allow(Policy::STAFF_AND_TABLETS, routes!(list_tiles))
        .allow(Policy::STAFF, routes!(create_approval))
}

/// Signs a person in with their PIN
///
/// On a paired tablet, whoever was signed in there is signed out. A browser gets the token as a cookie too. The session
/// ends by itself after twelve hours.
#[utoipa::path(post, path = "/api/Session", tag = "Session", request_body = SignIn, responses(
    (status = 201, description = "The session and its token", body = SignedIn, headers(("Set-Cookie" = String, description = "The token, for browsers"))),
    (status = 401, description = "wrong-pin: also for a person who does not exist or does not work here", body = ProblemBody),
    (status = 429, description = "staff-locked: too many wrong PINs; context.lockedUntil says until when. rate-limited: PINs come too fast", body = ProblemBody),
    (status = 503, description = "overloaded: too many PINs at once; nothing was counted", body = ProblemBody),
))]
async fn sign_in(
    State(staff): State<Staff>,
    caller: Caller,
    peer: Option<Peer>,
    _: PinLimit,
    Json(request): Json<SignIn>,
) -> Result<impl IntoResponse, Problem> {
    let now = staff.now();
    let signed_in: SignedIn = host::run_to_end(async move { staff.sign_in(caller, request).await }).await?;
    let cookie = set_cookie(SESSION_COOKIE, &signed_in.token, now, signed_in.session.expires_at, is_encrypted(peer));
    Ok((cookie, Created::at("/api/Session".to_owned(), signed_in)))
}

/// Tells who is signed in
#[utoipa::path(get, path = "/api/Session", tag = "Session", responses(
    (status = 200, description = "The session of the token", body = SessionView),
))]
async fn get_session(caller: Caller) -> Result<Json<SessionView>, Problem> {
    let (Some(staff), Some(expires_at)) = (caller.staff.clone(), caller.expires_at) else {
        return Err(StaffError::NoSession.into());
    };
    Ok(Json(SessionView { staff, device_id: caller.device_id(), expires_at }))
}

/// Signs out
///
/// The token is refused from now on, in every process. A tablet stays paired. Signing out again changes nothing.
#[utoipa::path(delete, path = "/api/Session", tag = "Session", responses(
    (status = 204, description = "Nobody is signed in with this token", headers(("Set-Cookie" = String, description = "Clears the cookie"))),
))]
async fn sign_out(
    State(staff): State<Staff>,
    caller: Caller,
    peer: Option<Peer>,
) -> Result<impl IntoResponse, Problem> {
    if let Some(session_id) = caller.session_id {
        host::run_to_end(async move { staff.sign_out(session_id).await }).await?;
    }
    Ok((StatusCode::NO_CONTENT, clear_cookie(SESSION_COOKIE, is_encrypted(peer))))
}

/// Lists the people who can sign in, by name
#[utoipa::path(get, path = "/api/Session/staff", tag = "Session", responses(
    (status = 200, description = "A tile for each", body = [StaffTile]),
))]
async fn list_tiles(State(staff): State<Staff>) -> Result<Json<Vec<StaffTile>>, Problem> {
    Ok(Json(staff.list_tiles().await?))
}

/// Approves one act with a manager's PIN
///
/// The person who is signed in stays so, and sends the approval in the header Approval with the act: within two minutes,
/// for this action on this subject alone. Wrong PINs count as at sign-in.
#[utoipa::path(post, path = "/api/Approval", tag = "Session", request_body = CreateApproval, responses(
    (status = 200, description = "The approval", body = ApprovalView),
    (status = 401, description = "wrong-pin", body = ProblemBody),
    (status = 403, description = "cannot-approve: the person is no manager", body = ProblemBody),
    (status = 422, description = "invalid: the subject has 1 to 64 characters", body = ProblemBody),
    (status = 429, description = "staff-locked: too many wrong PINs. rate-limited: PINs come too fast", body = ProblemBody),
    (status = 503, description = "overloaded: too many PINs at once; nothing was counted", body = ProblemBody),
))]
async fn create_approval(
    State(staff): State<Staff>,
    caller: Caller,
    _: PinLimit,
    Json(request): Json<CreateApproval>,
) -> Result<Json<ApprovalView>, Problem> {
    Ok(Json(host::run_to_end(async move { staff.create_approval(caller, request).await }).await?))
}
