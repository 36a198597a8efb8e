//! The routes of stock: parse, call a command, answer.

use axum::{
    Json as Answer,
    extract::State,
    http::HeaderMap,
    response::IntoResponse,
    routing::{post, put},
};
use contracts::{
    Page,
    ids::{InventoryId, OrderId, ProductId},
    inventory::{
        AdjustStock, InventoryView, RecipeView, ReleaseStock, ReserveStock, StockMove, WriteInventory, WriteRecipe,
    },
    page_rows,
    problem::Problem as ProblemBody,
    text::{self, LineBreaks},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::{Created, IdempotentJson, Json, Path, Problem, Query, etag, if_match};

use crate::{commands::Inventory, store::ItemFilter};

/// One screen of a storeroom.
const PAGE_ROWS_DEFAULT: u32 = 50;
/// As long as the longest name.
const TEXT_CHARS_MAX: usize = 80;

/// Every route of this service.
pub(crate) fn routes(inventory: Inventory) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list_items, create_item))
        .routes(routes!(read_item, change_item))
        .routes(routes!(adjust_stock))
        .routes(routes!(list_moves))
        .routes(routes!(read_recipe, write_recipe))
        .route("/internal/Reservation/{orderId}", put(reserve_stock))
        .route("/internal/Reservation/{orderId}/release", post(release_stock))
        .with_state(inventory)
}

/// What `GET /api/Inventory` shows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListItems {
    /// Part of a name, in any case.
    #[serde(default)]
    text: Option<String>,
    /// `true`: only what is at its low level or below.
    #[serde(default)]
    low: bool,
    /// The `nextCursor` of the page before.
    #[serde(default)]
    cursor: Option<InventoryId>,
    /// Rows of a page: 50, at most 200.
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
    /// Rows of a page: 50, at most 200.
    #[serde(default)]
    limit: Option<u32>,
}

fn rows(limit: Option<u32>) -> Result<u32, Problem> {
    page_rows(limit, PAGE_ROWS_DEFAULT).map_err(|error| Problem::bad_request(format!("{error}.")))
}

/// The items of stock, by name.
#[utoipa::path(
    get, path = "/api/Inventory", tag = "Inventory", params(ListItems),
    responses((status = 200, description = "A page of items", body = Page<InventoryView>),
              (status = 400, description = "A filter that cannot be read", body = ProblemBody)),
)]
async fn list_items(
    State(inventory): State<Inventory>,
    Query(list): Query<ListItems>,
) -> Result<Answer<Page<InventoryView>>, Problem> {
    if let Some(text) = &list.text {
        text::check("text", text, TEXT_CHARS_MAX, LineBreaks::Forbidden)
            .map_err(|error| Problem::bad_request(format!("{error}.")))?;
    }
    let filter = ItemFilter { text: list.text, low: list.low, after: list.cursor };
    Ok(Answer(inventory.items(filter, rows(list.limit)?).await?))
}

/// Makes an item of stock. Nothing of it is there until a movement says so.
#[utoipa::path(
    post, path = "/api/Inventory", tag = "Inventory", request_body = WriteInventory,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a retry the same request")),
    responses((status = 201, description = "The item", body = InventoryView),
              (status = 409, description = "The id or the product is another item's", body = ProblemBody),
              (status = 422, description = "What is wrong with it", body = ProblemBody)),
)]
async fn create_item(
    State(inventory): State<Inventory>,
    submission: IdempotentJson<WriteInventory>,
) -> Result<impl IntoResponse, Problem> {
    let item = inventory.create_item(submission.key, submission.body).await?;
    Ok((etag(item.settings_version), Created::at(format!("/api/Inventory/{}", item.inventory_id), item)))
}

/// One item of stock.
#[utoipa::path(
    get, path = "/api/Inventory/{inventoryId}", tag = "Inventory",
    params(("inventoryId" = InventoryId, Path, description = "Which item")),
    responses((status = 200, description = "The item", body = InventoryView,
               headers(("ETag" = String, description = "The version of its settings"))),
              (status = 404, description = "There is none", body = ProblemBody)),
)]
async fn read_item(
    State(inventory): State<Inventory>,
    Path(id): Path<InventoryId>,
) -> Result<impl IntoResponse, Problem> {
    let item = inventory.item(id).await?;
    Ok((etag(item.settings_version), Answer(item)))
}

/// Writes an item of stock anew: name, unit, product, policy, low level. How much is there stays. With If-Match only if
/// nobody else changed these meanwhile.
#[utoipa::path(
    put, path = "/api/Inventory/{inventoryId}", tag = "Inventory", request_body = WriteInventory,
    params(("inventoryId" = InventoryId, Path, description = "Which item"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the item as it was read")),
    responses((status = 200, description = "The item", body = InventoryView),
              (status = 404, description = "There is none", body = ProblemBody),
              (status = 409, description = "The product is another item's", body = ProblemBody),
              (status = 400, description = "If-Match is no version", body = ProblemBody),
              (status = 412, description = "It was changed meanwhile", body = ProblemBody),
              (status = 422, description = "What is wrong with it", body = ProblemBody)),
)]
async fn change_item(
    State(inventory): State<Inventory>,
    Path(id): Path<InventoryId>,
    headers: HeaderMap,
    Json(item): Json<WriteInventory>,
) -> Result<impl IntoResponse, Problem> {
    let item = inventory.change_item(id, if_match(&headers)?, item).await?;
    Ok((etag(item.settings_version), Answer(item)))
}

/// Moves stock by hand: a delivery, waste, a count or a correction.
#[utoipa::path(
    post, path = "/api/Inventory/{inventoryId}/adjust", tag = "Inventory", request_body = AdjustStock,
    params(("inventoryId" = InventoryId, Path, description = "Which item"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes a retry the same request")),
    responses((status = 200, description = "The item as it is then", body = InventoryView),
              (status = 404, description = "There is none", body = ProblemBody),
              (status = 409, description = "Less is there than is to leave", body = ProblemBody),
              (status = 422, description = "What is wrong with it", body = ProblemBody)),
)]
async fn adjust_stock(
    State(inventory): State<Inventory>,
    Path(id): Path<InventoryId>,
    submission: IdempotentJson<AdjustStock>,
) -> Result<Answer<InventoryView>, Problem> {
    Ok(Answer(inventory.adjust(submission.key, id, submission.body).await?))
}

/// The movements of an item, the newest first.
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
) -> Result<Answer<Page<StockMove>>, Problem> {
    Ok(Answer(inventory.moves(id, list.cursor, rows(list.limit)?).await?))
}

/// What one unit of a product takes of the stock.
#[utoipa::path(
    get, path = "/api/Recipe/{productId}", tag = "Inventory",
    params(("productId" = ProductId, Path, description = "Which product")),
    responses((status = 200, description = "Its recipe", body = RecipeView)),
)]
async fn read_recipe(
    State(inventory): State<Inventory>,
    Path(product_id): Path<ProductId>,
) -> Result<Answer<RecipeView>, Problem> {
    Ok(Answer(inventory.recipe(product_id).await?))
}

/// Writes what one unit of a product takes. No parts: it takes nothing.
#[utoipa::path(
    put, path = "/api/Recipe/{productId}", tag = "Inventory", request_body = WriteRecipe,
    params(("productId" = ProductId, Path, description = "Which product")),
    responses((status = 200, description = "Its recipe", body = RecipeView),
              (status = 422, description = "What is wrong with it", body = ProblemBody)),
)]
async fn write_recipe(
    State(inventory): State<Inventory>,
    Path(product_id): Path<ProductId>,
    Json(recipe): Json<WriteRecipe>,
) -> Result<Answer<RecipeView>, Problem> {
    Ok(Answer(inventory.write_recipe(product_id, recipe).await?))
}

/// Holds an order's stock. Order's alone: it is not in the API document, and the gateway never passes it on.
async fn reserve_stock(
    State(inventory): State<Inventory>,
    Path(order_id): Path<OrderId>,
    Json(asked): Json<ReserveStock>,
) -> Result<Answer<serde_json::Value>, Problem> {
    inventory.reserve(order_id, asked).await?;
    Ok(Answer(serde_json::json!({})))
}

/// Gives back what Order asked for and did not write. Order's alone, as [`reserve_stock`].
async fn release_stock(
    State(inventory): State<Inventory>,
    Path(order_id): Path<OrderId>,
    Json(released): Json<ReleaseStock>,
) -> Result<Answer<serde_json::Value>, Problem> {
    inventory.release(order_id, released).await?;
    Ok(Answer(serde_json::json!({})))
}
