//! The routes of orders: parse, call a command, answer.

mod stream_orders;
mod stream_permits;

use std::time::Duration;

use access::{Access, Policy};
use axum::{Router, extract::State, routing::get};
use contracts::{
    Page,
    ids::OrderId,
    order::{AmountDue, CUSTOMER_CHARS_MAX, ChangeOrder, Channel, OrderStatus, OrderView, PlaceOrder, StockCheck},
    page_rows,
    problem::Problem as ProblemBody,
    receipt::Receipt,
    text::{self, LineBreaks},
    time::BusinessDay,
};
use serde::Deserialize;
use utoipa::{IntoParams, openapi::OpenApi};
use utoipa_axum::routes;
use web::{Caller, Created, IdempotentJson, Json, Path, Problem, Query, Ready, Routes};

use crate::{
    NAME,
    commands::{ListRequest, Orders},
    error::OrderError,
    model::Viewer,
};

/// How many orders a page has if the client names no limit.
const DEFAULT_PAGE_ROWS: u32 = 50;
/// The longest text that is searched: no name and no number is longer.
const SEARCH_CHARS_MAX: usize = CUSTOMER_CHARS_MAX;
/// The longest reason of a cancellation.
const REASON_CHARS_MAX: usize = 160;
/// The longest that a client may wait for codes: a guest does not wait longer for a printer.
const RECEIPT_WAIT_MAX_MS: u64 = 10_000;

/// The service's routes and their document.
pub(crate) fn router(orders: Orders, access: &Access, ready: Ready) -> (Router, OpenApi) {
    let routes = Routes::new()
        .allow(Policy::STAFF_AND_KIOSKS, routes!(place_order))
        .allow(Policy::STAFF, routes!(list_orders))
        .allow(Policy::STAFF_AND_KIOSKS, routes!(stream_orders::stream_orders))
        .allow(Policy::STAFF_AND_KIOSKS, routes!(get_order))
        .allow(Policy::STAFF, routes!(change_order))
        .allow(Policy::STAFF_AND_KIOSKS, routes!(cancel_order))
        .allow(Policy::STAFF_AND_KIOSKS, routes!(get_receipt))
        .internal("/internal/Order/{orderId}/due", get(get_amount_due))
        .internal("/internal/Order/{orderId}/receipt", get(get_receipt))
        .with_state(orders);
    web::finish(NAME, "Order", "Orders from placing to handing over.", routes, access, ready)
}

/// Places an order (steps 1 to 13).
///
/// A repeated request, by its Idempotency-Key or its orderId, gets the same order. Its number has the letter of the device
/// that places it, or X if that is not paired.
#[utoipa::path(
    post, path = "/api/Order", tag = "Order", request_body = PlaceOrder,
    params((
        "Idempotency-Key" = Option<String>, Header,
        description = "A new UUID for each new order, best a UUIDv7, and the same one for a retry."
    )),
    responses(
        (status = 201, body = OrderView, description = "The order, PENDING.",
         headers(("Location" = String, description = "Where the order is read."))),
        (status = 400, body = ProblemBody, description = "malformed-json, invalid-idempotency-key"),
        (status = 409, body = ProblemBody,
         description = "total-mismatch (its context has the items and the price), out-of-stock, product-not-sold, order-id-taken, too-many-open-orders (of a kiosk)"),
        (status = 422, body = ProblemBody,
         description = "invalid-order, unknown-product, invalid-body, idempotency-key-reused"),
        (status = 503, body = ProblemBody, description = "menu-unavailable, stock-unknown: nothing was written")
    )
)]
async fn place_order(
    State(orders): State<Orders>,
    caller: Caller,
    IdempotentJson { key, body }: IdempotentJson<PlaceOrder>,
) -> Result<Created<OrderView>, Problem> {
    let order = host::run_to_end(async move { orders.place_order(&caller, key, body).await }).await?;
    Ok(Created::at(format!("/api/Order/{}", order.order_id), order))
}

/// The filters of a list. Absent: any.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only orders of this status.
    #[param(inline)]
    status: Option<OrderStatus>,
    /// Only orders of this channel.
    #[param(inline)]
    channel: Option<Channel>,
    /// Only orders whose stock is like this. SHORT: a person must decide.
    #[param(inline)]
    stock: Option<StockCheck>,
    /// Only orders of this business day, such as 2026-11-22.
    #[param(inline)]
    business_day: Option<BusinessDay>,
    /// A part of the number or of the customer's name, in any case. Without `businessDay`, the last 31 days are
    /// searched.
    #[param(max_length = 80)]
    text: Option<String>,
    /// The `nextCursor` of the page before.
    #[param(pattern = "^[0-9]{1,18}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    cursor: Option<String>,
    /// How many orders. Absent: 50.
    limit: Option<u32>,
}

/// Lists orders, newest first.
#[utoipa::path(
    get, path = "/api/Order", tag = "Order", params(ListQuery),
    responses(
        (status = 200, body = Page<OrderView>, description = "One page. nextCursor is absent on the last one."),
        (status = 400, body = ProblemBody, description = "invalid-query, bad-request")
    )
)]
async fn list_orders(
    State(orders): State<Orders>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<OrderView>>, Problem> {
    let request = ListRequest {
        status: query.status,
        channel: query.channel,
        stock: query.stock,
        business_day: query.business_day,
        text: query.text.filter(|text| !text.trim().is_empty()),
        cursor: query.cursor,
        limit: page_rows(query.limit, DEFAULT_PAGE_ROWS)?,
    };
    if let Some(text) = &request.text {
        text::check("text", text, SEARCH_CHARS_MAX, LineBreaks::Forbidden)
            .map_err(|error| Problem::bad_request(format!("{error}.")))?;
    }
    Ok(Json(orders.list_orders(request).await?))
}

/// One order. A kiosk reads its own orders only.
#[utoipa::path(
    get, path = "/api/Order/{orderId}", tag = "Order",
    params(("orderId" = OrderId, Path, description = "The order's id.")),
    responses(
        (status = 200, body = OrderView, description = "The order as it is now."),
        (status = 400, body = ProblemBody, description = "invalid-id"),
        (status = 404, body = ProblemBody, description = "unknown-order")
    )
)]
async fn get_order(
    State(orders): State<Orders>,
    caller: Caller,
    Path(order_id): Path<OrderId>,
) -> Result<Json<OrderView>, Problem> {
    Ok(Json(orders.get_order(Viewer::from(&*caller), order_id).await?))
}

/// Makes an order READY or COMPLETED, revives an expired one, or writes a name or a table on it.
#[utoipa::path(
    patch, path = "/api/Order/{orderId}", tag = "Order", request_body = ChangeOrder,
    params(("orderId" = OrderId, Path, description = "The order's id.")),
    responses(
        (status = 200, body = OrderView, description = "The order as it is now."),
        (status = 400, body = ProblemBody, description = "malformed-json, invalid-id"),
        (status = 404, body = ProblemBody, description = "unknown-order"),
        (status = 409, body = ProblemBody,
         description = "illegal-transition, cup-in-review, earlier-business-day, out-of-stock, late-payment-refunded, \
                        changed-concurrently"),
        (status = 422, body = ProblemBody, description = "invalid-order, status-not-settable, invalid-body"),
        (status = 503, body = ProblemBody, description = "payment-unavailable, stock-unknown: nothing was changed")
    )
)]
async fn change_order(
    State(orders): State<Orders>,
    caller: Caller,
    Path(order_id): Path<OrderId>,
    Json(change): Json<ChangeOrder>,
) -> Result<Json<OrderView>, Problem> {
    let actor = caller.actor();
    Ok(Json(host::run_to_end(async move { orders.change_order(actor, order_id, change).await }).await?))
}

/// Why an order is cancelled.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CancelQuery {
    /// Why, in a few words.
    #[param(min_length = 1, max_length = 160)]
    reason: String,
}

/// Cancels an unpaid order, for a reason. A kiosk cancels its own orders only.
#[utoipa::path(
    delete, path = "/api/Order/{orderId}", tag = "Order",
    params(("orderId" = OrderId, Path, description = "The order's id."), CancelQuery),
    responses(
        (status = 200, body = OrderView, description = "The order, CANCELLED."),
        (status = 400, body = ProblemBody, description = "invalid-id, invalid-query"),
        (status = 404, body = ProblemBody, description = "unknown-order"),
        (status = 409, body = ProblemBody,
         description = "illegal-transition: it is paid, or closed otherwise; changed-concurrently"),
        (status = 422, body = ProblemBody, description = "invalid-order"),
        (status = 503, body = ProblemBody, description = "payment-unavailable, closed-too-late: nothing was changed")
    )
)]
async fn cancel_order(
    State(orders): State<Orders>,
    caller: Caller,
    Path(order_id): Path<OrderId>,
    Query(query): Query<CancelQuery>,
) -> Result<Json<OrderView>, Problem> {
    let reason = query.reason.trim().to_owned();
    if reason.is_empty() {
        return Err(OrderError::Invalid("reason is empty. Write in a few words why.".into()).into());
    }
    text::check("reason", &reason, REASON_CHARS_MAX, LineBreaks::Forbidden).map_err(OrderError::from)?;
    Ok(Json(host::run_to_end(async move { orders.cancel_order(&caller, order_id, reason).await }).await?))
}

/// How long to wait for codes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReceiptQuery {
    /// Milliseconds to wait while codes are being issued. Absent: 0.
    #[param(minimum = 0, maximum = 10000)]
    wait: Option<u64>,
}

/// The receipt of an order (steps 20 and 23). A kiosk reads those of its own orders only.
#[utoipa::path(
    get, path = "/api/Order/{orderId}/receipt", tag = "Order",
    params(("orderId" = OrderId, Path, description = "The order's id."), ReceiptQuery),
    responses(
        (status = 200, body = Receipt, description = "The receipt as it is now; qrPending if codes are still to come."),
        (status = 400, body = ProblemBody, description = "invalid-id, invalid-query, bad-request"),
        (status = 404, body = ProblemBody, description = "unknown-order")
    )
)]
async fn get_receipt(
    State(orders): State<Orders>,
    caller: Caller,
    Path(order_id): Path<OrderId>,
    Query(query): Query<ReceiptQuery>,
) -> Result<Json<Receipt>, Problem> {
    let wait_ms = query.wait.unwrap_or(0);
    if wait_ms > RECEIPT_WAIT_MAX_MS {
        let detail = format!("wait is {wait_ms} ms; wait at most {RECEIPT_WAIT_MAX_MS} ms, then ask again.");
        return Err(Problem::bad_request(detail));
    }
    Ok(Json(orders.get_receipt(Viewer::from(&*caller), order_id, Duration::from_millis(wait_ms)).await?))
}

/// What is owed, for Payment.
async fn get_amount_due(
    State(orders): State<Orders>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<AmountDue>, Problem> {
    Ok(Json(orders.get_amount_due(order_id).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parameter<T: IntoParams>(name: &str) -> Value {
        let parameters = serde_json::to_value(T::into_params(|| None)).unwrap();
        let found = parameters.as_array().unwrap().iter().find(|parameter| parameter["name"] == name);
        found.unwrap()["schema"].clone()
    }

    #[test]
    fn the_api_document_has_the_bounds_of_the_parameters() {
        assert_eq!(parameter::<ListQuery>("text")["maxLength"], json!(SEARCH_CHARS_MAX));
        assert_eq!(parameter::<CancelQuery>("reason")["maxLength"], json!(REASON_CHARS_MAX));
        assert_eq!(parameter::<ReceiptQuery>("wait")["maximum"], json!(RECEIPT_WAIT_MAX_MS));
    }
}
