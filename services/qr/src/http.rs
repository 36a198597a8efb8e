//! The routes: parse, call a command, answer.

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
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::{IdempotentJson, Json, Path, Problem, Query};

use crate::commands::Codes;

/// Every route of the service; those under `/internal` are in no document.
pub(crate) fn routes(codes: Codes) -> OpenApiRouter {
    let internal = Router::new().route("/internal/QrCode/receipt/{order_id}", get(receipt_codes));
    OpenApiRouter::new()
        .routes(routes!(validate_code))
        .routes(routes!(complete_dispense))
        .routes(routes!(hear_machine))
        .routes(routes!(reissue_codes))
        .routes(routes!(resolve_code))
        .routes(routes!(codes_of_order))
        .routes(routes!(codes_for_attention))
        .routes(routes!(code_image))
        .merge(OpenApiRouter::from(internal))
        .with_state(codes)
}

/// Asks whether to pour (steps 33 to 36).
///
/// What does not pour is answered 200 too, with the reason. A `code` alone that is valid is used up by this answer. A
/// dispenser adds `deviceId`, `attemptId` and `journalEpoch`, gets a grant (`dispenseId`), and reports how it ended;
/// asked again, it gets the same grant.
#[utoipa::path(post, path = "/api/QrCode/validate", tag = "QrCode", request_body = ValidateCode,
    responses(
        (status = 200, description = "Pour, and for how long; or why not", body = ValidateCodeResponse),
        (status = 409, description = "Of a former journal, or one machine or journal too many", body = ProblemBody),
        (status = 422, description = "A name is missing or too long", body = ProblemBody),
    ))]
async fn validate_code(
    State(codes): State<Codes>,
    Json(request): Json<ValidateCode>,
) -> Result<axum::Json<ValidateCodeResponse>, Problem> {
    Ok(axum::Json(codes.validate(request).await?))
}

/// Reports how a grant ended.
///
/// It may be sent any number of times: the machine's first report decides, later ones are answered with how the code
/// stands. A lease that was ended without the machine's word is still corrected by it.
#[utoipa::path(post, path = "/api/QrCode/{code}/complete", tag = "QrCode", request_body = CompleteDispense,
    params(("code" = String, Path, description = "What was scanned")),
    responses(
        (status = 200, description = "How the code stands", body = CodeView),
        (status = 404, description = "No such code or grant", body = ProblemBody),
        (status = 409, description = "Another machine's grant", body = ProblemBody),
        (status = 422, description = "A report that cannot be", body = ProblemBody),
    ))]
async fn complete_dispense(
    State(codes): State<Codes>,
    Path(code): Path<String>,
    Json(report): Json<CompleteDispense>,
) -> Result<axum::Json<CodeView>, Problem> {
    Ok(axum::Json(codes.complete(code, report).await?))
}

/// A dispenser says what it holds.
///
/// Leases that it was told of and does not hold pour again, unless it waits for the answer to a scan; those of a lost
/// journal go to REVIEW.
#[utoipa::path(post, path = "/api/QrCode/heartbeat", tag = "QrCode", request_body = Heartbeat,
    responses(
        (status = 200, description = "How many grants it was ever given", body = HeartbeatResponse),
        (status = 409, description = "Of a former journal, or one machine or journal too many", body = ProblemBody),
        (status = 422, description = "A heartbeat that cannot be", body = ProblemBody),
    ))]
async fn hear_machine(
    State(codes): State<Codes>,
    Json(heartbeat): Json<Heartbeat>,
) -> Result<axum::Json<HeartbeatResponse>, Problem> {
    Ok(axum::Json(codes.heartbeat(heartbeat).await?))
}

/// Replaces codes of paid drinks: those named, or all that have expired.
///
/// The old codes pour no more. A code that a machine has, or that is in review, or poured, is refused with what to do.
#[utoipa::path(post, path = "/api/QrCode/generate", tag = "QrCode", request_body = ReissueCodes,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same answer again")),
    responses(
        (status = 200, description = "The order's codes, one for each cup", body = Vec<CodeView>),
        (status = 404, description = "No such order or code", body = ProblemBody),
        (status = 409, description = "A code that cannot be replaced, and what to do", body = ProblemBody),
        (status = 422, description = "Too many codes, or a key of another request", body = ProblemBody),
    ))]
async fn reissue_codes(
    State(codes): State<Codes>,
    submission: IdempotentJson<ReissueCodes>,
) -> Result<axum::Json<Vec<CodeView>>, Problem> {
    Ok(axum::Json(codes.reissue(submission.key, submission.body).await?))
}

/// Decides on a code in REVIEW, or LEASED by a machine that is dead: was the cup poured?
///
/// `not_poured` of a LEASED code answers the new code that takes its place: the machine may still hold the old one. Of
/// a cup that may have been poured twice, any decision takes it off the board; a code that is USED or VOID stays so.
#[utoipa::path(post, path = "/api/QrCode/{code}/resolve", tag = "QrCode", request_body = ResolveCode,
    params(
        ("code" = String, Path, description = "The code in REVIEW or LEASED, or of a cup that may have been poured twice"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same answer again"),
    ),
    responses(
        (status = 200, description = "How the code stands now", body = CodeView),
        (status = 404, description = "No such code", body = ProblemBody),
        (status = 409, description = "Nothing is to be decided", body = ProblemBody),
        (status = 422, description = "No such decision, or a key of another request", body = ProblemBody),
    ))]
async fn resolve_code(
    State(codes): State<Codes>,
    Path(code): Path<String>,
    submission: IdempotentJson<ResolveCode>,
) -> Result<axum::Json<CodeView>, Problem> {
    Ok(axum::Json(codes.resolve(submission.key, code, submission.body).await?))
}

/// An order's codes: those that live, by line, then those that were given up.
#[utoipa::path(get, path = "/api/QrCode/order/{orderId}", tag = "QrCode",
    params(("orderId" = OrderId, Path, description = "The order")),
    responses(
        (status = 200, description = "Its codes; none where no machine pours any of it", body = Vec<CodeView>),
        (status = 400, description = "No id", body = ProblemBody),
    ))]
async fn codes_of_order(
    State(codes): State<Codes>,
    Path(order_id): Path<OrderId>,
) -> Result<axum::Json<Vec<CodeView>>, Problem> {
    Ok(axum::Json(codes.of_order(order_id).await?))
}

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListAttention {
    /// The `nextCursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
}

/// The paid codes that wait for a person, and why: of a cup that may have been poured twice, in REVIEW, in a machine
/// for minutes, expired; 200 on a page.
#[utoipa::path(get, path = "/api/QrCode/attention", tag = "QrCode", params(ListAttention),
    responses(
        (status = 200, description = "A page of codes, of each kind the latest first", body = Page<AttentionView>),
        (status = 400, description = "No cursor of this list", body = ProblemBody),
    ))]
async fn codes_for_attention(
    State(codes): State<Codes>,
    Query(list): Query<ListAttention>,
) -> Result<axum::Json<Page<AttentionView>>, Problem> {
    Ok(axum::Json(codes.attention(list.cursor).await?))
}

/// A code's picture never changes; a browser keeps it for a day, and nobody between it and us does.
const IMAGE_CACHING: HeaderValue = HeaderValue::from_static("private, max-age=86400, immutable");
const SVG: HeaderValue = HeaderValue::from_static("image/svg+xml");

/// The code as a picture to show on a screen.
#[utoipa::path(get, path = "/api/QrCode/{code}/image.svg", tag = "QrCode",
    params(("code" = String, Path, description = "The code")),
    responses(
        (status = 200, description = "The picture", body = String, content_type = "image/svg+xml"),
        (status = 404, description = "No such code", body = ProblemBody),
    ))]
async fn code_image(State(codes): State<Codes>, Path(code): Path<String>) -> Result<impl IntoResponse, Problem> {
    let picture = codes.image(code).await?;
    Ok(([(header::CONTENT_TYPE, SVG), (header::CACHE_CONTROL, IMAGE_CACHING)], picture))
}

/// What the receipt says of an order's codes: for Order, when the cache does not have it.
async fn receipt_codes(
    State(codes): State<Codes>,
    Path(order_id): Path<OrderId>,
) -> Result<axum::Json<ReceiptCodes>, Problem> {
    Ok(axum::Json(codes.receipt_codes(order_id).await?))
}
