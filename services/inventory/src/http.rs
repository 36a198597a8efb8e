//! The routes of stock: parse, call a command, respond.

use access::{Access, Policy};
use axum::{
    Router,
    extract::State,
    http::HeaderMap,
    response::IntoResponse,
    routing::{post, put},
};
use contracts::{
    Page,
    ids::{InventoryId, OrderId, ProductId},
    inventory::{
        AdjustStock, FindSoldOut, INVENTORY_NAME_CHARS_MAX, InventoryView, RecipeView, ReleaseStock, ReserveStock,
        SoldOut, StockMove, WriteInventory, WriteRecipe,
    },
    page_rows,
    problem::Problem as ProblemBody,
    staff::ApprovableAction,
    text::{self, LineBreaks},
};
use serde::Deserialize;
use utoipa::{IntoParams, openapi::OpenApi};
use utoipa_axum::routes;
use web::{Caller, Created, IdempotentJson, Json, Path, Problem, Query, Ready, Routes, etag, if_match};

use crate::{NAME, commands::Inventory, store::ItemFilter};

/// One screen of a storeroom.
const PAGE_ROWS_DEFAULT: u32 = 50;
/// As long as the longest name.
const TEXT_CHARS_MAX: usize = INVENTORY_NAME_CHARS_MAX;

/// The service's routes and their document.
pub(crate) fn router(inventory: Inventory, access: &Access, ready: Ready) -> (Router, OpenApi) {
    let routes = Routes::new()
        .allow(Policy::STAFF, routes!(list_items))
        .allow(Policy::MANAGERS, routes!(create_item))
        .allow(Policy::STAFF, routes!(get_item))
        .allow(Policy::MANAGERS, routes!(replace_item))
        .allow(Policy::MANAGERS.or_approved(ApprovableAction::AdjustStock), routes!(adjust_stock))
        .allow(Policy::STAFF, routes!(list_moves))
        .allow(Policy::STAFF, routes!(get_recipe))
        .allow(Policy::MANAGERS, routes!(write_recipe))
        .internal("/internal/Inventory/sold-out", post(find_sold_out))
        .internal("/internal/Reservation/{orderId}", put(reserve_stock))
        .internal("/internal/Reservation/{orderId}/release", post(release_stock))
        .with_state(inventory);
    web::finish(
        NAME,
        "Inventory",
        "Items of stock, their movements, and what one unit of a product takes of them.",
        routes,
        access,
        ready,
    )
}

/// What `GET /api/Inventory` shows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListItems {
    /// Part of a name, in any case, at most 80 characters.
    #[serde(default)]
    #[param(max_length = 80)]
    text: Option<String>,
    /// `true`: only items at their low level or below.
    #[serde(default)]
    low: bool,
    /// The `nextCursor` of the page before.
    #[serde(default)]
    cursor: Option<InventoryId>,
    /// Rows of the page, 1 to 200. Absent: 50.
    #[serde(default)]
    limit: Option<u32>,
}

/// What `GET /api/StockMovement/{inventoryId}` shows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListMoves {
    /// The `nextCursor` of the page before.
    #[serde(default)]
    cursor: Option<i64>,
    /// Rows of the page, 1 to 200. Absent: 50.
    #[serde(default)]
    limit: Option<u32>,
}

/// Lists the items of stock by name.
#[utoipa::path(
    get, path = "/api/Inventory", tag = "Inventory", params(ListItems),
    responses((status = 200, description = "A page of items", body = Page<InventoryView>),
              (status = 400, description = "A filter that cannot be read", body = ProblemBody)),
)]
async fn list_items(
    State(inventory): State<Inventory>,
    Query(list): Query<ListItems>,
) -> Result<Json<Page<InventoryView>>, Problem> {
    if let Some(text) = &list.text {
        text::check("text", text, TEXT_CHARS_MAX, LineBreaks::Forbidden)
            .map_err(|error| Problem::bad_request(format!("{error}.")))?;
    }
    let filter = ItemFilter { text: list.text, low: list.low, after: list.cursor };
    Ok(Json(inventory.list_items(filter, page_rows(list.limit, PAGE_ROWS_DEFAULT)?).await?))
}

/// Creates an item of stock, with nothing on hand until a movement adds some.
#[utoipa::path(
    post, path = "/api/Inventory", tag = "Inventory", request_body = WriteInventory,
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of the client's choice, 1 to 255 characters: a repeated request with it gets the first response")),
    responses((status = 201, description = "The item", body = InventoryView),
              (status = 409, description = "inventory-id-taken or product-counted-elsewhere: it belongs to another item", body = ProblemBody),
              (status = 422, description = "invalid: the detail names what to change", body = ProblemBody)),
)]
async fn create_item(
    State(inventory): State<Inventory>,
    caller: Caller,
    request: IdempotentJson<WriteInventory>,
) -> Result<impl IntoResponse, Problem> {
    let item = inventory.create_item(caller.actor(), request.key, request.body).await?;
    Ok((etag(item.settings_version), Created::at(format!("/api/Inventory/{}", item.inventory_id), item)))
}

/// Reads an item of stock.
#[utoipa::path(
    get, path = "/api/Inventory/{inventoryId}", tag = "Inventory",
    params(("inventoryId" = InventoryId, Path, description = "Which item")),
    responses((status = 200, description = "The item", body = InventoryView,
               headers(("ETag" = String, description = "The version of its settings"))),
              (status = 404, description = "There is no such item", body = ProblemBody)),
)]
async fn get_item(
    State(inventory): State<Inventory>,
    Path(id): Path<InventoryId>,
) -> Result<impl IntoResponse, Problem> {
    let item = inventory.get_item(id).await?;
    Ok((etag(item.settings_version), Json(item)))
}

/// Replaces an item's name, unit, product, policy and low level. What is on hand stays. With If-Match only if nobody
/// else changed these meanwhile.
#[utoipa::path(
    put, path = "/api/Inventory/{inventoryId}", tag = "Inventory", request_body = WriteInventory,
    params(("inventoryId" = InventoryId, Path, description = "Which item"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the item as it was read")),
    responses((status = 200, description = "The item", body = InventoryView),
              (status = 404, description = "There is no such item", body = ProblemBody),
              (status = 409, description = "product-counted-elsewhere: the product is counted as another item", body = ProblemBody),
              (status = 400, description = "If-Match is no version", body = ProblemBody),
              (status = 412, description = "version-mismatch: it was changed meanwhile", body = ProblemBody),
              (status = 422, description = "invalid: the detail names what to change", body = ProblemBody)),
)]
async fn replace_item(
    State(inventory): State<Inventory>,
    caller: Caller,
    Path(id): Path<InventoryId>,
    headers: HeaderMap,
    Json(item): Json<WriteInventory>,
) -> Result<impl IntoResponse, Problem> {
    let item = inventory.replace_item(caller.actor(), id, if_match(&headers)?, item).await?;
    Ok((etag(item.settings_version), Json(item)))
}

/// Moves stock by hand: a delivery, waste, a count or a correction.
#[utoipa::path(
    post, path = "/api/Inventory/{inventoryId}/adjust", tag = "Inventory", request_body = AdjustStock,
    params(("inventoryId" = InventoryId, Path, description = "Which item"),
           ("Idempotency-Key" = Option<String>, Header, description = "A key of the client's choice, 1 to 255 characters: a repeated request with it gets the first response")),
    responses((status = 200, description = "The item after the movement", body = InventoryView),
              (status = 404, description = "There is no such item", body = ProblemBody),
              (status = 409, description = "insufficient-stock or stock-limit-exceeded: fewer are on hand, or more would be than is allowed", body = ProblemBody),
              (status = 422, description = "invalid: the detail names what to change", body = ProblemBody)),
)]
async fn adjust_stock(
    State(inventory): State<Inventory>,
    caller: Caller,
    Path(id): Path<InventoryId>,
    request: IdempotentJson<AdjustStock>,
) -> Result<Json<InventoryView>, Problem> {
    let actor = caller.approved_actor(ApprovableAction::AdjustStock, id)?;
    Ok(Json(inventory.adjust_stock(actor, request.key, id, request.body).await?))
}

/// Lists the movements of an item, the newest first.
#[utoipa::path(
    get, path = "/api/StockMovement/{inventoryId}", tag = "Inventory",
    params(("inventoryId" = InventoryId, Path, description = "Which item"), ListMoves),
    responses((status = 200, description = "A page of movements", body = Page<StockMove>),
              (status = 404, description = "There is no such item", body = ProblemBody)),
)]
async fn list_moves(
    State(inventory): State<Inventory>,
    Path(id): Path<InventoryId>,
    Query(list): Query<ListMoves>,
) -> Result<Json<Page<StockMove>>, Problem> {
    Ok(Json(inventory.list_moves(id, list.cursor, page_rows(list.limit, PAGE_ROWS_DEFAULT)?).await?))
}

/// Reads what one unit of a product takes of the stock.
#[utoipa::path(
    get, path = "/api/Recipe/{productId}", tag = "Inventory",
    params(("productId" = ProductId, Path, description = "Which product")),
    responses((status = 200, description = "Its recipe", body = RecipeView)),
)]
async fn get_recipe(
    State(inventory): State<Inventory>,
    Path(product_id): Path<ProductId>,
) -> Result<Json<RecipeView>, Problem> {
    Ok(Json(inventory.get_recipe(product_id).await?))
}

/// Writes what one unit of a product takes, and what its options change. Without parts it takes nothing.
#[utoipa::path(
    put, path = "/api/Recipe/{productId}", tag = "Inventory", request_body = WriteRecipe,
    params(("productId" = ProductId, Path, description = "Which product")),
    responses((status = 200, description = "Its recipe", body = RecipeView),
              (status = 404, description = "There is no such product", body = ProblemBody),
              (status = 422, description = "invalid, unknown-option or unknown-inventory-item: the detail names what to change",
               body = ProblemBody),
              (status = 503, description = "The product could not be looked up", body = ProblemBody)),
)]
async fn write_recipe(
    State(inventory): State<Inventory>,
    caller: Caller,
    Path(product_id): Path<ProductId>,
    Json(recipe): Json<WriteRecipe>,
) -> Result<Json<RecipeView>, Problem> {
    Ok(Json(inventory.write_recipe(caller.actor(), product_id, recipe).await?))
}

/// `PUT /internal/Reservation/{orderId}`: holds an order's stock, for Order.
async fn reserve_stock(
    State(inventory): State<Inventory>,
    Path(order_id): Path<OrderId>,
    Json(request): Json<ReserveStock>,
) -> Result<Json<serde_json::Value>, Problem> {
    inventory.reserve_stock(order_id, request).await?;
    Ok(Json(serde_json::json!({})))
}

/// `POST /internal/Reservation/{orderId}/release`: releases what Order reserved and did not write.
async fn release_stock(
    State(inventory): State<Inventory>,
    Path(order_id): Path<OrderId>,
    Json(release): Json<ReleaseStock>,
) -> Result<Json<serde_json::Value>, Problem> {
    inventory.release_stock(order_id, release).await?;
    Ok(Json(serde_json::json!({})))
}

/// `POST /internal/Inventory/sold-out`: which products cannot be made now, for Product.
async fn find_sold_out(
    State(inventory): State<Inventory>,
    Json(request): Json<FindSoldOut>,
) -> Result<Json<SoldOut>, Problem> {
    Ok(Json(inventory.find_sold_out(request).await?))
}
