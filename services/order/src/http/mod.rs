//! The routes of orders: parse, call a command, answer.

mod stream;

use std::{fmt::Display, str::FromStr, time::Duration};

use axum::{Router, extract::State, routing::get};
use contracts::{
    Page,
    ids::OrderId,
    order::{AmountDue, CUSTOMER_CHARS_MAX, ChangeOrder, Channel, OrderStatus, OrderView, PlaceOrder},
    page_rows,
    problem::Problem as ProblemBody,
    receipt::Receipt,
    text::{self, LineBreaks},
    time::BusinessDay,
};
use serde::Deserialize;
use strum::VariantArray;
use utoipa::{IntoParams, openapi::OpenApi};
use utoipa_axum::{router::OpenApiRouter, routes};
use web::{Created, IdempotentJson, Json, Path, Problem, Query, Ready};

use crate::{
    commands::{ListRequest, Orders},
    error::OrderError,
};

/// What a list answers when it is not asked for a number.
const DEFAULT_PAGE_ROWS: u32 = 50;
/// Longer than any name or number that is looked for.
const SEARCH_CHARS_MAX: usize = CUSTOMER_CHARS_MAX;
/// What a person writes when an order is given up.
const REASON_CHARS_MAX: usize = 160;

pub(crate) fn router(orders: Orders, ready: Ready) -> (Router, OpenApi) {
    let routes = OpenApiRouter::new()
        .routes(routes!(place_order, list_orders))
        .routes(routes!(stream::stream_orders))
        .routes(routes!(get_order, change_order, cancel_order))
        .routes(routes!(get_receipt))
        .merge(OpenApiRouter::from(Router::new().route("/internal/Order/{orderId}/due", get(amount_due))))
        .with_state(orders);
    web::finish("order", "Order", "The life of an order: place it, follow it, hand it over.", routes, ready)
}

/// Places an order, or says what differs (steps 1 to 13).
#[utoipa::path(
    post, path = "/api/Order", tag = "Order",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body again: the same answer.")),
    responses(
        (status = 201, body = OrderView),
        (status = 409, body = ProblemBody, description = "total-mismatch, out-of-stock, product-not-sold, order-id-taken"),
        (status = 422, body = ProblemBody, description = "invalid-order, unknown-product, idempotency-key-reused"),
        (status = 503, body = ProblemBody, description = "menu-away, stock-unknown: nothing was written"),
    )
)]
async fn place_order(
    State(orders): State<Orders>,
    submission: IdempotentJson<PlaceOrder>,
) -> Result<Created<OrderView>, Problem> {
    let order = orders.place(submission.key, submission.body).await?;
    Ok(Created::at(format!("/api/Order/{}", order.order_id), order))
}

/// The filters of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// PENDING, PROCESSING, READY, COMPLETED, CANCELLED or EXPIRED.
    status: Option<String>,
    /// POS or KIOSK.
    channel: Option<String>,
    /// Such as 2026-11-22.
    business_day: Option<String>,
    /// A part of the number or of the customer's name, in the orders of `businessDay` or of the last month.
    text: Option<String>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
    /// 1 to 200; 50 unless told.
    limit: Option<u32>,
}

/// Lists orders, newest first.
#[utoipa::path(
    get, path = "/api/Order", tag = "Order", params(ListQuery),
    responses((status = 200, body = Page<OrderView>), (status = 400, body = ProblemBody))
)]
async fn list_orders(
    State(orders): State<Orders>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<OrderView>>, Problem> {
    let day = |text: String| {
        text.parse::<BusinessDay>()
            .map_err(|_| Problem::bad_request(format!("businessDay {text:?} is not a day such as 2026-11-22.")))
    };
    let request = ListRequest {
        status: query.status.as_deref().map(|word| choice::<OrderStatus>("status", word)).transpose()?,
        channel: query.channel.as_deref().map(|word| choice::<Channel>("channel", word)).transpose()?,
        business_day: query.business_day.map(day).transpose()?,
        text: query.text.filter(|text| !text.trim().is_empty()),
        cursor: query.cursor,
        limit: page_rows(query.limit, DEFAULT_PAGE_ROWS).map_err(|error| Problem::bad_request(format!("{error}.")))?,
    };
    if let Some(text) = &request.text {
        text::check("text", text, SEARCH_CHARS_MAX, LineBreaks::Forbidden)
            .map_err(|error| Problem::bad_request(format!("{error}.")))?;
    }
    Ok(Json(orders.list(request).await?))
}

fn choice<T: FromStr + VariantArray + Display>(name: &str, word: &str) -> Result<T, Problem> {
    word.parse().map_err(|_| {
        let words = T::VARIANTS.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Problem::bad_request(format!("{name} {word:?} is not one of {words}."))
    })
}

/// One order.
#[utoipa::path(
    get, path = "/api/Order/{orderId}", tag = "Order", params(("orderId" = OrderId, Path)),
    responses((status = 200, body = OrderView), (status = 404, body = ProblemBody))
)]
async fn get_order(State(orders): State<Orders>, Path(order_id): Path<OrderId>) -> Result<Json<OrderView>, Problem> {
    Ok(Json(orders.find(order_id).await?))
}

/// Makes an order READY or COMPLETED, revives an expired one, or writes a name or a table on it.
#[utoipa::path(
    patch, path = "/api/Order/{orderId}", tag = "Order", params(("orderId" = OrderId, Path)),
    responses(
        (status = 200, body = OrderView), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 503, body = ProblemBody)
    )
)]
async fn change_order(
    State(orders): State<Orders>,
    Path(order_id): Path<OrderId>,
    Json(change): Json<ChangeOrder>,
) -> Result<Json<OrderView>, Problem> {
    Ok(Json(orders.change(order_id, change).await?))
}

/// Why an order is given up.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CancelQuery {
    /// At most 160 characters.
    reason: String,
}

/// Gives an unpaid order up, with a reason.
#[utoipa::path(
    delete, path = "/api/Order/{orderId}", tag = "Order", params(("orderId" = OrderId, Path), CancelQuery),
    responses(
        (status = 200, body = OrderView), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 503, body = ProblemBody)
    )
)]
async fn cancel_order(
    State(orders): State<Orders>,
    Path(order_id): Path<OrderId>,
    Query(query): Query<CancelQuery>,
) -> Result<Json<OrderView>, Problem> {
    let reason = query.reason.trim();
    if reason.is_empty() {
        return Err(OrderError::Invalid("reason is empty. Say in a few words why.".into()).into());
    }
    text::check("reason", reason, REASON_CHARS_MAX, LineBreaks::Forbidden).map_err(OrderError::from)?;
    Ok(Json(orders.cancel(order_id, reason.to_owned()).await?))
}

/// How long to wait for codes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReceiptQuery {
    /// Milliseconds, at most 10000; 0 unless told.
    wait: Option<u64>,
}

/// The receipt of an order (steps 20 and 23).
#[utoipa::path(
    get, path = "/api/Order/{orderId}/receipt", tag = "Order", params(("orderId" = OrderId, Path), ReceiptQuery),
    responses((status = 200, body = Receipt), (status = 404, body = ProblemBody))
)]
async fn get_receipt(
    State(orders): State<Orders>,
    Path(order_id): Path<OrderId>,
    Query(query): Query<ReceiptQuery>,
) -> Result<Json<Receipt>, Problem> {
    let wait = Duration::from_millis(query.wait.unwrap_or(0));
    Ok(Json(orders.receipt(order_id, wait).await?))
}

/// What is owed, for Payment.
async fn amount_due(State(orders): State<Orders>, Path(order_id): Path<OrderId>) -> Result<Json<AmountDue>, Problem> {
    Ok(Json(orders.amount_due(order_id).await?))
}
