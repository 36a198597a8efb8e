//! The routes: parse, call a command, answer.

use access::{Access, CallerRole, Policy};
use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header},
    response::IntoResponse,
    routing::get,
};
use contracts::{
    Page,
    ids::OrderId,
    problem::Problem as ProblemBody,
    qr::{
        AttentionView, CodeView, CompleteDispense, Heartbeat, HeartbeatResponse, ReissueCodes, ResolveCode,
        ValidateCode, ValidateCodeResponse,
    },
    receipt::ReceiptCodes,
    staff::ApprovableAction,
};
use serde::Deserialize;
use utoipa::{IntoParams, openapi::OpenApi};
use utoipa_axum::routes;
use web::{Caller, IdempotentJson, Json, Path, Problem, Query, Ready, Routes};

use crate::{NAME, commands::Codes, error::QrError, model::Machine};

/// Dispensers, which report what they did.
const DISPENSERS: Policy = Policy::NOBODY.or(CallerRole::Dispenser);
/// Dispensers, and staff who hand a drink over by themselves.
const REDEEMERS: Policy = Policy::STAFF.or(CallerRole::Dispenser);

/// The service's routes and their document.
pub(crate) fn router(codes: Codes, access: &Access, ready: Ready) -> (Router, OpenApi) {
    let routes = Routes::new()
        .allow(REDEEMERS, routes!(validate_code))
        .allow(DISPENSERS, routes!(complete_dispense))
        .allow(DISPENSERS, routes!(record_heartbeat))
        .allow(Policy::MANAGERS.or_approved(ApprovableAction::ReissueCodes), routes!(reissue_codes))
        .allow(Policy::MANAGERS.or_approved(ApprovableAction::ResolveCode), routes!(resolve_code))
        .allow(Policy::STAFF, routes!(list_codes))
        .allow(Policy::STAFF, routes!(list_attention))
        .allow(Policy::STAFF_AND_KIOSKS, routes!(render_image))
        .internal("/internal/QrCode/receipt/{order_id}", get(get_receipt_codes))
        .with_state(codes);
    web::finish(NAME, "QR codes", "One code for each cup, and one drink for each code.", routes, access, ready)
}

/// Asks whether to pour (steps 33 to 36)
///
/// The response to a scan that does not pour is 200 too, with the reason. A valid `code` alone is redeemed by this request. A
/// dispenser adds `attemptId` and `journalEpoch`, gets a grant (`dispenseId`), and reports how it ended; a
/// retry gets the same grant.
#[utoipa::path(post, path = "/api/QrCode/validate", tag = "QrCode", request_body = ValidateCode,
    responses(
        (status = 200, description = "Whether to pour and for how long, or why not", body = ValidateCodeResponse),
        (status = 409, description = "The journal is not current", body = ProblemBody),
        (status = 422, description = "An id is missing or too long", body = ProblemBody),
    ))]
async fn validate_code(
    State(codes): State<Codes>,
    caller: Caller,
    Json(request): Json<ValidateCode>,
) -> Result<Json<ValidateCodeResponse>, Problem> {
    let machine = Machine::of_caller(&caller);
    if let Some(machine) = &machine {
        codes.accept_request(machine, &caller).await?;
    }
    Ok(Json(codes.validate_code(machine, caller.actor(), request).await?))
}

/// Reports how a grant ended
///
/// A device may send its report any number of times: the first one is final, and later ones only get the code. A lease
/// that ended without a report is corrected by it.
#[utoipa::path(post, path = "/api/QrCode/{code}/complete", tag = "QrCode", request_body = CompleteDispense,
    params(("code" = String, Path, description = "The code that was scanned", max_length = 256)),
    responses(
        (status = 200, description = "The code after the report", body = CodeView),
        (status = 404, description = "No such code or grant", body = ProblemBody),
        (status = 409, description = "Another device holds the grant", body = ProblemBody),
        (status = 422, description = "An id or an outcome that does not exist", body = ProblemBody),
    ))]
async fn complete_dispense(
    State(codes): State<Codes>,
    caller: Caller,
    Path(code): Path<String>,
    Json(report): Json<CompleteDispense>,
) -> Result<Json<CodeView>, Problem> {
    let machine = machine_of(&codes, &caller).await?;
    Ok(Json(codes.complete_dispense(machine, code, report).await?))
}

/// Reports which grants a device holds
///
/// Leases that the device knows of and does not hold become valid again, unless it waits for the answer to a scan. A
/// journal other than the current one changes nothing until a second heartbeat sends back the `grants` of the answer;
/// then the leases of the journal before go to REVIEW.
#[utoipa::path(post, path = "/api/QrCode/heartbeat", tag = "QrCode", request_body = Heartbeat,
    responses(
        (status = 200, description = "The number of the newest grant, and whether the journal is current",
            body = HeartbeatResponse),
        (status = 422, description = "An id is missing or too long, or too many dispenses are open",
            body = ProblemBody),
    ))]
async fn record_heartbeat(
    State(codes): State<Codes>,
    caller: Caller,
    Json(heartbeat): Json<Heartbeat>,
) -> Result<Json<HeartbeatResponse>, Problem> {
    let machine = machine_of(&codes, &caller).await?;
    Ok(Json(codes.record_heartbeat(machine, heartbeat).await?))
}

/// The dispenser that calls. A signed request uses its number up.
async fn machine_of(codes: &Codes, caller: &Caller) -> Result<Machine, QrError> {
    let machine = Machine::of_caller(caller).ok_or(QrError::NoDevice)?;
    codes.accept_request(&machine, caller).await?;
    Ok(machine)
}

/// Reissues codes of paid drinks: the named ones, or all that have expired
///
/// The old codes become VOID. A code that is leased, in review or used is refused with what to do instead.
#[utoipa::path(post, path = "/api/QrCode/generate", tag = "QrCode", request_body = ReissueCodes,
    params(("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses(
        (status = 200, description = "The order's current codes, one for each cup", body = Vec<CodeView>),
        (status = 404, description = "No such order or code", body = ProblemBody),
        (status = 409, description = "A code that cannot be reissued, and what to do instead", body = ProblemBody),
        (status = 422, description = "Too many codes, or the key of another request", body = ProblemBody),
    ))]
async fn reissue_codes(
    State(codes): State<Codes>,
    caller: Caller,
    request: IdempotentJson<ReissueCodes>,
) -> Result<Json<Vec<CodeView>>, Problem> {
    let actor = caller.approved_actor(ApprovableAction::ReissueCodes, request.body.order_id)?;
    Ok(Json(codes.reissue_codes(actor, request.key, request.body).await?))
}

/// Decides on a code in REVIEW, or LEASED by a dead device: was the cup poured?
///
/// `not_poured` for a LEASED code returns the new code that replaces it, because the device may still hold the old one.
/// For a cup that may have been poured twice, any decision takes it off the list; a USED or VOID code stays as it is.
#[utoipa::path(post, path = "/api/QrCode/{code}/resolve", tag = "QrCode", request_body = ResolveCode,
    params(
        ("code" = String, Path, description = "A code in REVIEW or LEASED, or of a cup that may have been poured twice",
            max_length = 256),
        ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer"),
    ),
    responses(
        (status = 200, description = "The current code of the cup", body = CodeView),
        (status = 404, description = "No such code", body = ProblemBody),
        (status = 409, description = "There is nothing to decide", body = ProblemBody),
        (status = 422, description = "No such decision, or the key of another request", body = ProblemBody),
    ))]
async fn resolve_code(
    State(codes): State<Codes>,
    caller: Caller,
    Path(code): Path<String>,
    request: IdempotentJson<ResolveCode>,
) -> Result<Json<CodeView>, Problem> {
    let actor = caller.approved_actor(ApprovableAction::ResolveCode, &code)?;
    Ok(Json(codes.resolve_code(actor, request.key, code, request.body).await?))
}

/// Lists the codes of an order by line, VOID ones last
#[utoipa::path(get, path = "/api/QrCode/order/{orderId}", tag = "QrCode",
    params(("orderId" = OrderId, Path, description = "The order")),
    responses(
        (status = 200, description = "Its codes; none if no device pours any of it", body = Vec<CodeView>),
        (status = 400, description = "Not an id", body = ProblemBody),
    ))]
async fn list_codes(State(codes): State<Codes>, Path(order_id): Path<OrderId>) -> Result<Json<Vec<CodeView>>, Problem> {
    Ok(Json(codes.list_codes(order_id).await?))
}

/// The page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListAttention {
    /// The `nextCursor` of the page before. Absent: the first page.
    #[serde(default)]
    #[param(
        pattern = "^(poured_twice|in_review|old_lease|expired)\\.[0-9]{1,18}\\.QR-[0-9]{8}-[0-9A-HJKMNP-TV-Z]{16}$"
    )]
    cursor: Option<String>,
}

/// Lists the paid codes that wait for staff, and why: 200 on a page
///
/// First cups that may have been poured twice, then codes in REVIEW, codes that a device has held for minutes, and
/// expired ones.
#[utoipa::path(get, path = "/api/QrCode/attention", tag = "QrCode", params(ListAttention),
    responses(
        (status = 200, description = "A page of codes, for each reason the latest change first",
            body = Page<AttentionView>),
        (status = 400, description = "Not a cursor of this list", body = ProblemBody),
    ))]
async fn list_attention(
    State(codes): State<Codes>,
    Query(list): Query<ListAttention>,
) -> Result<Json<Page<AttentionView>>, Problem> {
    Ok(Json(codes.list_attention(list.cursor).await?))
}

/// A code's image never changes. A browser keeps it for a day, and no shared cache does.
const IMAGE_CACHING: HeaderValue = HeaderValue::from_static("private, max-age=86400, immutable");
const SVG: HeaderValue = HeaderValue::from_static("image/svg+xml");

/// Draws a code, to show it on a screen
#[utoipa::path(get, path = "/api/QrCode/{code}/image.svg", tag = "QrCode",
    params(("code" = String, Path, description = "The code", max_length = 256)),
    responses(
        (status = 200, description = "The image", body = String, content_type = "image/svg+xml"),
        (status = 404, description = "No such code", body = ProblemBody),
    ))]
async fn render_image(State(codes): State<Codes>, Path(code): Path<String>) -> Result<impl IntoResponse, Problem> {
    let image = codes.render_image(code).await?;
    Ok(([(header::CONTENT_TYPE, SVG), (header::CACHE_CONTROL, IMAGE_CACHING)], image))
}

/// QR's part of a receipt, for Order if the cache misses it.
async fn get_receipt_codes(
    State(codes): State<Codes>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<ReceiptCodes>, Problem> {
    Ok(Json(codes.get_receipt_codes(order_id).await?))
}
