//! The routes: parse, call a command, answer.

use access::{Access, Policy};
use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use contracts::{
    Page,
    audit::Actor,
    ids::{OrderId, PaymentId},
    page_rows,
    payment::{AvailableMethods, CloseOrder, ConfirmPayment, CreatePayment, PaymentMethod, PaymentStatus, PaymentView},
    problem,
    receipt::ReceiptPayment,
    staff::ApprovableAction,
};
use serde::Deserialize;
use utoipa::{IntoParams, openapi::OpenApi};
use utoipa_axum::routes;
use web::{Caller, Created, IdempotentJson, Json, Path, Problem, Query, Ready, Routes};

use crate::{NAME, commands::Payments, store::PaymentFilter};

/// How many payments a list answers without `limit`: a screen of them.
const PAGE_ROWS: u32 = 50;

/// The service's routes and their document.
pub(crate) fn router(payments: Payments, access: &Access, ready: Ready) -> (Router, OpenApi) {
    let routes = Routes::new()
        .allow(Policy::STAFF_AND_KIOSKS, routes!(create_payment))
        .allow(Policy::STAFF, routes!(list_payments))
        .allow(Policy::STAFF_AND_TABLETS, routes!(list_methods))
        .allow(Policy::STAFF_AND_KIOSKS, routes!(get_payment))
        // What only a manager may do is decided once the gateway did not answer.
        .allow(Policy::STAFF.or_approved(ApprovableAction::ConfirmPayment), routes!(confirm_payment))
        .allow(Policy::STAFF, routes!(list_order_payments))
        .internal("/internal/Payment/receipt/{order_id}", get(get_receipt_payment))
        .internal("/internal/Payment/order/{order_id}/close", post(begin_closing_order))
        .with_state(payments);
    let description = "Takes the money of an order, once: cash with change, or QRIS through a gateway.";
    web::finish(NAME, "Payment", description, routes, access, ready)
}

/// Pays an order (step 15).
///
/// CASH: the response has rounding and change, and the order is paid. QRIS: the response has the QR code to show, the same one again while
/// it can be paid. The answer has the whole receipt (step 20). A kiosk pays its own orders, and takes no CASH.
#[utoipa::path(
    post, path = "/api/Payment", tag = "Payment",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters. The same key again gets the same answer.")),
    request_body = CreatePayment,
    responses(
        (status = 201, description = "The payment, PAID or PENDING.", body = PaymentView),
        (status = 400, description = "malformed-json, invalid-idempotency-key.", body = problem::Problem),
        (status = 403, description = "method-not-allowed-here: cash is taken at the counter.", body = problem::Problem),
        (status = 404, description = "unknown-order.", body = problem::Problem),
        (status = 409, description = "already-paid, amount-mismatch, method-not-accepted, order-cancelled, order-expired, order-closed, order-closing.", body = problem::Problem),
        (status = 422, description = "missing-tender, insufficient-tender, excessive-tender, tender-not-allowed, nothing-to-pay, invalid-amount, invalid-body, idempotency-key-reused.", body = problem::Problem),
        (status = 503, description = "order-unavailable, gateway-unavailable, concurrent-change: nothing was taken.", body = problem::Problem),
    )
)]
async fn create_payment(
    State(payments): State<Payments>,
    caller: Caller,
    IdempotentJson { key, body }: IdempotentJson<CreatePayment>,
) -> Result<Created<PaymentView>, Problem> {
    let payer = caller.clone();
    let payment = host::run_to_end(async move { payments.create_payment(&payer, key, body).await }).await?;
    let payment = shown_to(&caller, payment);
    Ok(Created::at(format!("/api/Payment/{}", payment.payment_id), payment))
}

/// Confirms that a payment's money arrived.
///
/// The gateway decides. If it does not answer, a manager confirms with the bank's reference, or approves that a cashier
/// does.
#[utoipa::path(
    post, path = "/api/Payment/{paymentId}/confirm", tag = "Payment",
    params(
        ("paymentId" = PaymentId, Path, description = "The payment to confirm."),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters. The same key again gets the same answer."),
    ),
    request_body = ConfirmPayment,
    responses(
        (status = 200, description = "The payment: PAID, or REFUND_DUE if another payment paid the order.", body = PaymentView),
        (status = 400, description = "invalid-id.", body = problem::Problem),
        (status = 403, description = "approval-required: the gateway does not answer.", body = problem::Problem),
        (status = 404, description = "unknown-payment.", body = problem::Problem),
        (status = 409, description = "not-paid-yet, payment-failed, reference-required.", body = problem::Problem),
        (status = 422, description = "invalid-reference, invalid-body, idempotency-key-reused.", body = problem::Problem),
    )
)]
async fn confirm_payment(
    State(payments): State<Payments>,
    caller: Caller,
    Path(payment_id): Path<PaymentId>,
    IdempotentJson { key, body }: IdempotentJson<ConfirmPayment>,
) -> Result<Json<PaymentView>, Problem> {
    let confirm = async move { payments.confirm_payment(&caller, key, payment_id, body).await };
    Ok(Json(host::run_to_end(confirm).await?))
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

/// Lists payments.
///
/// The newest first; with `status=REFUND_DUE` the oldest first, because that list is worked off: each is money to give
/// back, for the reason in `refundReason`.
#[utoipa::path(
    get, path = "/api/Payment", tag = "Payment", params(ListPayments),
    responses(
        (status = 200, description = "One page.", body = Page<PaymentView>),
        (status = 400, description = "A parameter that is not valid.", body = problem::Problem),
    )
)]
async fn list_payments(
    State(payments): State<Payments>,
    Query(query): Query<ListPayments>,
) -> Result<Json<Page<PaymentView>>, Problem> {
    let limit = page_rows(query.limit, PAGE_ROWS)?;
    let ListPayments { status, method, order_id, cursor, .. } = query;
    Ok(Json(payments.list_payments(PaymentFilter { status, method, order_id, cursor }, limit).await?))
}

/// Lists the methods by which guests can pay right now on the device that asks.
#[utoipa::path(
    get, path = "/api/Payment/methods", tag = "Payment",
    responses((status = 200, description = "The methods that work.", body = AvailableMethods))
)]
async fn list_methods(State(payments): State<Payments>, caller: Caller) -> Json<AvailableMethods> {
    Json(AvailableMethods { methods: payments.available_methods(&caller) })
}

/// Gets one payment. A kiosk gets those of its own orders only.
#[utoipa::path(
    get, path = "/api/Payment/{paymentId}", tag = "Payment",
    params(("paymentId" = PaymentId, Path, description = "The payment to get.")),
    responses(
        (status = 200, description = "The payment.", body = PaymentView),
        (status = 400, description = "invalid-id.", body = problem::Problem),
        (status = 404, description = "unknown-payment.", body = problem::Problem),
    )
)]
async fn get_payment(
    State(payments): State<Payments>,
    caller: Caller,
    Path(payment_id): Path<PaymentId>,
) -> Result<Json<PaymentView>, Problem> {
    let kiosk = caller.kiosk().map(|kiosk| kiosk.device_id);
    Ok(Json(shown_to(&caller, payments.get_payment(kiosk, payment_id).await?)))
}

/// The payment as `caller` may see it: a kiosk learns nothing about people.
fn shown_to(caller: &Caller, payment: PaymentView) -> PaymentView {
    if caller.kiosk().is_none() {
        return payment;
    }
    let PaymentView { taken_by, confirmed_by, .. } = payment;
    let (taken_by, confirmed_by) = (taken_by.without_people(), confirmed_by.map(Actor::without_people));
    PaymentView { taken_by, confirmed_by, ..payment }
}

/// Lists the payments of an order, newest first; at most one of them is PAID.
#[utoipa::path(
    get, path = "/api/Payment/order/{orderId}", tag = "Payment",
    params(("orderId" = OrderId, Path, description = "The order whose payments to list.")),
    responses(
        (status = 200, description = "Its payments; empty if there are none.", body = [PaymentView]),
        (status = 400, description = "invalid-id.", body = problem::Problem),
    )
)]
async fn list_order_payments(
    State(payments): State<Payments>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<Vec<PaymentView>>, Problem> {
    Ok(Json(payments.list_order_payments(order_id).await?))
}

/// Payment's part of an order's receipt; `null` if the order is not paid.
async fn get_receipt_payment(
    State(payments): State<Payments>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<Option<ReceiptPayment>>, Problem> {
    Ok(Json(payments.get_receipt_payment(order_id).await?))
}

/// Order is about to close an order. Payment's part of its receipt if it is paid; else `null`, and no money is taken for
/// it while Order closes it.
async fn begin_closing_order(
    State(payments): State<Payments>,
    Path(order_id): Path<OrderId>,
    Json(request): Json<CloseOrder>,
) -> Result<Json<Option<ReceiptPayment>>, Problem> {
    Ok(Json(payments.begin_closing_order(order_id, request).await?))
}
