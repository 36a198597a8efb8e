//! The routes: parse, call a command, answer.

use axum::{Router, extract::State, routing::get};
use contracts::{
    Page,
    ids::{OrderId, PaymentId},
    page_rows,
    payment::{AvailableMethods, ConfirmPayment, CreatePayment, PaymentMethod, PaymentStatus, PaymentView},
    problem,
    receipt::ReceiptPayment,
};
use serde::Deserialize;
use utoipa::{IntoParams, openapi::OpenApi};
use utoipa_axum::{router::OpenApiRouter, routes};
use web::{Created, IdempotentJson, Json, Path, Problem, Query};

use crate::{NAME, Payments, store::Wanted};

/// How many payments a list answers that says no limit: a screen of them.
const PAGE_ROWS: u32 = 50;

/// The service's router, and what it says of its public routes.
pub(crate) fn routes(payments: &Payments) -> (Router, OpenApi) {
    let public = OpenApiRouter::new()
        .routes(routes!(pay, list))
        .routes(routes!(methods))
        .routes(routes!(one))
        .routes(routes!(confirm))
        .routes(routes!(of_order))
        .with_state(payments.clone());
    // Not for clients: the gateway never passes it on.
    let internal: Router =
        Router::new().route("/internal/Payment/receipt/{order_id}", get(receipt_part)).with_state(payments.clone());
    let description = "Takes the money of an order, once: cash with change, or QRIS through a gateway.";
    web::finish(NAME, "Payment", description, public.merge(OpenApiRouter::from(internal)), host::ready(&payments.db))
}

/// Pays an order (step 15).
///
/// CASH answers rounding and change, and the order is paid. QRIS answers the QR to show; the same one again while it
/// can be paid. The answer has the whole receipt (step 20).
#[utoipa::path(
    post, path = "/api/Payment", tag = "Payment",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key again gets the same answer.")),
    request_body = CreatePayment,
    responses(
        (status = 201, description = "The payment, PAID or PENDING.", body = PaymentView),
        (status = 404, description = "No such order.", body = problem::Problem),
        (status = 409, description = "already-paid, amount-mismatch, method-not-accepted, order-cancelled, order-expired, order-closed.", body = problem::Problem),
        (status = 422, description = "tendered-missing, insufficient-tender, tendered-for-qris, nothing-to-pay, invalid-amount.", body = problem::Problem),
        (status = 503, description = "order-away, gateway-away, try-again: nothing was taken.", body = problem::Problem),
    )
)]
async fn pay(
    State(payments): State<Payments>,
    submission: IdempotentJson<CreatePayment>,
) -> Result<Created<PaymentView>, Problem> {
    let payment = payments.pay(submission.key, submission.body).await?;
    Ok(Created::at(format!("/api/Payment/{}", payment.payment_id), payment))
}

/// Asks whether a payment's money came.
///
/// The gateway's word counts. Where it cannot be asked, a manager vouches with the bank's reference.
#[utoipa::path(
    post, path = "/api/Payment/{paymentId}/confirm", tag = "Payment",
    params(
        ("paymentId" = PaymentId, Path, description = "Which payment."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again gets the same answer."),
    ),
    request_body = ConfirmPayment,
    responses(
        (status = 200, description = "The payment; its money is here.", body = PaymentView),
        (status = 404, description = "No such payment.", body = problem::Problem),
        (status = 409, description = "not-paid-yet, payment-failed, proof-needed.", body = problem::Problem),
        (status = 422, description = "invalid-reference.", body = problem::Problem),
    )
)]
async fn confirm(
    State(payments): State<Payments>,
    Path(payment_id): Path<PaymentId>,
    submission: IdempotentJson<ConfirmPayment>,
) -> Result<Json<PaymentView>, Problem> {
    Ok(Json(payments.confirm(submission.key, payment_id, submission.body).await?))
}

/// Which payments to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListPayments {
    /// Only of this status.
    status: Option<PaymentStatus>,
    /// Only of this method.
    method: Option<PaymentMethod>,
    /// Only of this order.
    order_id: Option<OrderId>,
    /// `nextCursor` of the page before.
    cursor: Option<PaymentId>,
    /// How many, 1 to 200; 50 if absent.
    limit: Option<u32>,
}

/// Lists payments, newest first.
#[utoipa::path(
    get, path = "/api/Payment", tag = "Payment", params(ListPayments),
    responses(
        (status = 200, description = "One page.", body = Page<PaymentView>),
        (status = 400, description = "A filter that cannot be.", body = problem::Problem),
    )
)]
async fn list(
    State(payments): State<Payments>,
    Query(asked): Query<ListPayments>,
) -> Result<Json<Page<PaymentView>>, Problem> {
    let limit = page_rows(asked.limit, PAGE_ROWS).map_err(|error| Problem::bad_request(format!("{error}.")))?;
    let ListPayments { status, method, order_id, cursor: before, .. } = asked;
    Ok(Json(payments.list(Wanted { status, method, order_id, before }, limit).await?))
}

/// How guests can pay right now.
#[utoipa::path(
    get, path = "/api/Payment/methods", tag = "Payment",
    responses((status = 200, description = "The methods that work.", body = AvailableMethods))
)]
async fn methods(State(payments): State<Payments>) -> Json<AvailableMethods> {
    Json(AvailableMethods { methods: payments.working_methods() })
}

/// One payment.
#[utoipa::path(
    get, path = "/api/Payment/{paymentId}", tag = "Payment",
    params(("paymentId" = PaymentId, Path, description = "Which payment.")),
    responses(
        (status = 200, description = "The payment.", body = PaymentView),
        (status = 404, description = "No such payment.", body = problem::Problem),
    )
)]
async fn one(
    State(payments): State<Payments>,
    Path(payment_id): Path<PaymentId>,
) -> Result<Json<PaymentView>, Problem> {
    Ok(Json(payments.one(payment_id).await?))
}

/// The payments of an order, newest first; at most one of them paid it.
#[utoipa::path(
    get, path = "/api/Payment/order/{orderId}", tag = "Payment",
    params(("orderId" = OrderId, Path, description = "Which order.")),
    responses((status = 200, description = "Its payments; none where none was tried.", body = [PaymentView]))
)]
async fn of_order(
    State(payments): State<Payments>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<Vec<PaymentView>>, Problem> {
    Ok(Json(payments.of_order(order_id).await?))
}

/// Payment's part of an order's receipt; `null` while the order is not paid.
async fn receipt_part(
    State(payments): State<Payments>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<Option<ReceiptPayment>>, Problem> {
    Ok(Json(payments.receipt_part(order_id).await?))
}
