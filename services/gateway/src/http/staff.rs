//! `/api/Staff`: the people of the shop.

use access::Policy;
use axum::{extract::State, http::HeaderMap, response::IntoResponse};
use contracts::{
    Page,
    ids::StaffId,
    page_rows,
    problem::Problem as ProblemBody,
    staff::{ApprovableAction, CreateStaff, SetPin, StaffView, WriteStaff},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;
use web::{Caller, Created, IdempotentJson, Json, Path, PinLimit, Problem, Query, Routes, etag, if_match};

use crate::commands::Staff;

/// How many people a list answers without `limit`: all of most shops.
const PAGE_ROWS: u32 = 200;

/// The routes of people.
pub(super) fn routes() -> Routes<Staff> {
    Routes::new()
        .allow(Policy::MANAGERS, routes!(list_staff))
        .allow(Policy::OWNERS, routes!(create_staff))
        .allow(Policy::MANAGERS, routes!(get_staff))
        .allow(Policy::OWNERS, routes!(replace_staff))
        .allow(Policy::STAFF, routes!(set_pin))
        .allow(Policy::MANAGERS.or_approved(ApprovableAction::UnlockStaff), routes!(unlock_staff))
        .allow(Policy::MANAGERS, routes!(sign_out_staff))
}

/// Which people to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StaffList {
    /// Those who no longer work here too.
    #[serde(default)]
    include_inactive: bool,
    /// The `nextCursor` of the page before.
    #[serde(default)]
    cursor: Option<StaffId>,
    /// Rows of the page, 1 to 200. Absent: 200.
    #[serde(default)]
    limit: Option<u32>,
}

/// Lists the people of the shop, in the order in which they were added
#[utoipa::path(get, path = "/api/Staff", tag = "Staff", params(StaffList), responses(
    (status = 200, description = "A page of people", body = Page<StaffView>),
    (status = 400, description = "The query cannot be read, or limit is out of bounds", body = ProblemBody),
))]
async fn list_staff(
    State(staff): State<Staff>,
    Query(list): Query<StaffList>,
) -> Result<Json<Page<StaffView>>, Problem> {
    let limit = page_rows(list.limit, PAGE_ROWS)?;
    Ok(Json(staff.list_staff(list.include_inactive, list.cursor, limit).await?))
}

/// Adds a person
///
/// Their PIN is stored as a hash (argon2id) and never shown.
#[utoipa::path(post, path = "/api/Staff", tag = "Staff", request_body = CreateStaff,
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of the client's choice, 1 to 255 characters: a repeated request with it gets the first response")),
    responses(
        (status = 201, description = "The new person", body = StaffView, headers(("ETag" = String, description = "Their version"))),
        (status = 409, description = "name-taken, staff-full", body = ProblemBody),
        (status = 422, description = "invalid: the name cannot be one", body = ProblemBody),
    )
)]
async fn create_staff(
    State(staff): State<Staff>,
    caller: Caller,
    request: IdempotentJson<CreateStaff>,
) -> Result<impl IntoResponse, Problem> {
    let actor = caller.actor();
    let created = host::run_to_end(async move { staff.create_staff(actor, request.key, request.body).await }).await?;
    Ok((etag(created.version), Created::at(format!("/api/Staff/{}", created.staff_id), created)))
}

/// Reads a person
#[utoipa::path(get, path = "/api/Staff/{staffId}", tag = "Staff",
    params(("staffId" = StaffId, Path, description = "Who")),
    responses(
        (status = 200, description = "The person", body = StaffView, headers(("ETag" = String, description = "Their version"))),
        (status = 404, description = "There is no such person", body = ProblemBody),
    )
)]
async fn get_staff(State(staff): State<Staff>, Path(id): Path<StaffId>) -> Result<impl IntoResponse, Problem> {
    Ok(versioned(staff.get_staff(id).await?))
}

/// Changes a person's name or role, or whether they work here
///
/// Another role, or leaving, ends their sessions in every process.
#[utoipa::path(put, path = "/api/Staff/{staffId}", tag = "Staff", request_body = WriteStaff,
    params(("staffId" = StaffId, Path, description = "Who"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what was read: 412 if it was changed since")),
    responses(
        (status = 200, description = "The person", body = StaffView, headers(("ETag" = String, description = "Their new version"))),
        (status = 400, description = "If-Match is no version", body = ProblemBody),
        (status = 404, description = "There is no such person", body = ProblemBody),
        (status = 409, description = "last-owner, name-taken", body = ProblemBody),
        (status = 412, description = "version-mismatch: it was changed meanwhile", body = ProblemBody),
        (status = 422, description = "invalid: the name cannot be one", body = ProblemBody),
    )
)]
async fn replace_staff(
    State(staff): State<Staff>,
    caller: Caller,
    Path(id): Path<StaffId>,
    headers: HeaderMap,
    Json(write): Json<WriteStaff>,
) -> Result<impl IntoResponse, Problem> {
    let (actor, expected) = (caller.actor(), if_match(&headers)?);
    Ok(versioned(host::run_to_end(async move { staff.replace_staff(actor, id, expected, write).await }).await?))
}

/// Gives a person another PIN
///
/// Owners for anyone, others for themselves, with the PIN of whoever is signed in. It lifts a lock, and ends the person's sessions in every process.
#[utoipa::path(put, path = "/api/Staff/{staffId}/pin", tag = "Staff", request_body = SetPin,
    params(("staffId" = StaffId, Path, description = "Who")),
    responses(
        (status = 200, description = "The person", body = StaffView, headers(("ETag" = String, description = "Their new version"))),
        (status = 401, description = "wrong-pin: callerPin is not the PIN of the person who is signed in", body = ProblemBody),
        (status = 403, description = "forbidden: not the caller's own", body = ProblemBody),
        (status = 404, description = "There is no such person", body = ProblemBody),
        (status = 429, description = "staff-locked: too many wrong PINs; rate-limited: PINs come too fast", body = ProblemBody),
        (status = 503, description = "overloaded: too many PINs at once", body = ProblemBody),
    )
)]
async fn set_pin(
    State(staff): State<Staff>,
    caller: Caller,
    Path(id): Path<StaffId>,
    _: PinLimit,
    Json(request): Json<SetPin>,
) -> Result<impl IntoResponse, Problem> {
    Ok(versioned(host::run_to_end(async move { staff.set_pin(caller, id, request).await }).await?))
}

/// Lets a person try PINs again
///
/// Somebody with a higher role does it, or an owner; or they approve it on the tablet of whoever is signed in
/// (UNLOCK_STAFF). The wrong PINs still count: the next lock is longer.
#[utoipa::path(post, path = "/api/Staff/{staffId}/unlock", tag = "Staff", extensions(("x-without-body" = json!(true))),
    params(("staffId" = StaffId, Path, description = "Who")),
    responses(
        (status = 200, description = "The person, who is not locked", body = StaffView, headers(("ETag" = String, description = "Their version"))),
        (status = 403, description = "approval-required, approval-used; forbidden: the person's role is as high, or higher", body = ProblemBody),
        (status = 404, description = "There is no such person", body = ProblemBody),
    )
)]
async fn unlock_staff(
    State(staff): State<Staff>,
    caller: Caller,
    Path(id): Path<StaffId>,
) -> Result<impl IntoResponse, Problem> {
    let actor = caller.approved_actor(ApprovableAction::UnlockStaff, id)?;
    Ok(versioned(host::run_to_end(async move { staff.unlock_staff(actor, id).await }).await?))
}

/// Signs a person out everywhere
///
/// Oneself, or somebody with a lower role; owners anyone.
#[utoipa::path(post, path = "/api/Staff/{staffId}/sign-out", tag = "Staff", extensions(("x-without-body" = json!(true))),
    params(("staffId" = StaffId, Path, description = "Who")),
    responses(
        (status = 200, description = "The person, who is signed in nowhere", body = StaffView, headers(("ETag" = String, description = "Their version"))),
        (status = 403, description = "forbidden: the person's role is as high, or higher", body = ProblemBody),
        (status = 404, description = "There is no such person", body = ProblemBody),
    )
)]
async fn sign_out_staff(
    State(staff): State<Staff>,
    caller: Caller,
    Path(id): Path<StaffId>,
) -> Result<impl IntoResponse, Problem> {
    let actor = caller.actor();
    Ok(versioned(host::run_to_end(async move { staff.sign_out_staff(actor, id).await }).await?))
}

fn versioned(staff: StaffView) -> impl IntoResponse {
    (etag(staff.version), Json(staff))
}
