//! `/api/Product`.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use contracts::{
    PAGE_ROWS_MAX, Page,
    ids::{CategoryId, ProductId},
    page_rows,
    problem::Problem as ProblemBody,
    product::{Availability, NAME_CHARS_MAX, ProductCard, WriteAvailability, WriteProduct},
    text::{self, LineBreaks},
};
use serde::Deserialize;
use utoipa::IntoParams;
use web::{Caller, Created, IdempotentJson, Json, Path, Problem, Query, etag, if_match};

use crate::{commands::Products, store::products::ProductFilter};

/// As long as the longest name.
const TEXT_CHARS_MAX: usize = NAME_CHARS_MAX;

/// Which products to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ProductList {
    /// Those of this category.
    #[serde(default)]
    category_id: Option<CategoryId>,
    /// Those that are on sale, or those that are not.
    #[serde(default)]
    available: Option<bool>,
    /// Those with this text in name or description, in any case, at most 80 characters.
    #[serde(default)]
    #[param(max_length = 80)]
    text: Option<String>,
    /// Archived ones too.
    #[serde(default)]
    include_archived: bool,
    /// The `nextCursor` of the page before.
    #[serde(default)]
    cursor: Option<ProductId>,
    /// Rows of the page, 1 to 200. Absent: 200.
    #[serde(default)]
    limit: Option<u32>,
}

/// Lists the products in the menu's order
#[utoipa::path(get, path = "/api/Product", tag = "Product", params(ProductList),
    responses(
        (status = 200, description = "A page of products", body = Page<ProductCard>),
        (status = 400, description = "The query cannot be read, or limit is out of bounds", body = ProblemBody),
    ))]
pub(super) async fn list_products(
    State(products): State<Products>,
    Query(list): Query<ProductList>,
) -> Result<Json<Page<ProductCard>>, Problem> {
    if let Some(text) = &list.text {
        text::check("text", text, TEXT_CHARS_MAX, LineBreaks::Forbidden)
            .map_err(|error| Problem::bad_request(format!("{error}.")))?;
    }
    let filter = ProductFilter {
        category_id: list.category_id,
        is_available: list.available,
        text: list.text,
        include_archived: list.include_archived,
    };
    Ok(Json(products.list_products(filter, list.cursor, page_rows(list.limit, PAGE_ROWS_MAX)?).await?))
}

/// Lists what of the menu can be ordered now
///
/// A product is available if it is on sale and not sold out: no item of stock that blocks orders has too little for one
/// with its default options. While Inventory is unavailable, `isSoldOut` is absent. At most two seconds old.
#[utoipa::path(get, path = "/api/Product/availability", tag = "Product",
    responses((status = 200, description = "Every product of the menu, at most 5000", body = Vec<Availability>)))]
pub(super) async fn list_availability(State(products): State<Products>) -> Result<Json<Vec<Availability>>, Problem> {
    Ok(Json(products.list_availability().await?))
}

/// Adds a product, on sale at once
#[utoipa::path(post, path = "/api/Product", tag = "Product", request_body = WriteProduct,
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of the client's choice, 1 to 255 characters: a repeated request with it gets the first response")),
    responses(
        (status = 201, description = "The new product", body = ProductCard),
        (status = 409, description = "product-exists or menu-full", body = ProblemBody),
        (status = 422, description = "invalid: the detail names what to change", body = ProblemBody),
    ))]
pub(super) async fn create_product(
    State(products): State<Products>,
    caller: Caller,
    request: IdempotentJson<WriteProduct>,
) -> Result<impl IntoResponse, Problem> {
    let card = products.create_product(caller.actor(), request.key, request.body).await?;
    Ok((etag(card.version), Created::at(format!("/api/Product/{}", card.product_id), card)))
}

/// Reads a product, archived or not
#[utoipa::path(get, path = "/api/Product/{productId}", tag = "Product", params(("productId" = ProductId, Path, description = "Which product")),
    responses(
        (status = 200, description = "The product", body = ProductCard, headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "There is no such product", body = ProblemBody),
    ))]
pub(super) async fn get_product(
    State(products): State<Products>,
    Path(id): Path<ProductId>,
) -> Result<impl IntoResponse, Problem> {
    let card = products.get_product(id).await?;
    Ok((etag(card.version), Json(card)))
}

/// Replaces the whole product
#[utoipa::path(put, path = "/api/Product/{productId}", tag = "Product",
    params(("productId" = ProductId, Path, description = "Which product"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what was read: 412 if it was changed since")),
    request_body = WriteProduct, responses(
        (status = 200, description = "The product", body = ProductCard),
        (status = 400, description = "If-Match is no version", body = ProblemBody),
        (status = 404, description = "There is no such product", body = ProblemBody),
        (status = 409, description = "product-archived", body = ProblemBody),
        (status = 412, description = "version-mismatch: it was changed meanwhile", body = ProblemBody),
        (status = 422, description = "invalid: the detail names what to change", body = ProblemBody),
    ))]
pub(super) async fn replace_product(
    State(products): State<Products>,
    caller: Caller,
    Path(id): Path<ProductId>,
    headers: HeaderMap,
    Json(write): Json<WriteProduct>,
) -> Result<impl IntoResponse, Problem> {
    let card = products.replace_product(caller.actor(), id, if_match(&headers)?, write).await?;
    Ok((etag(card.version), Json(card)))
}

/// Takes a product off the menu for good; its past orders keep it
#[utoipa::path(delete, path = "/api/Product/{productId}", tag = "Product", params(("productId" = ProductId, Path, description = "Which product")),
    responses(
        (status = 204, description = "It is archived"),
        (status = 404, description = "There is no such product", body = ProblemBody),
    ))]
pub(super) async fn archive_product(
    State(products): State<Products>,
    caller: Caller,
    Path(id): Path<ProductId>,
) -> Result<StatusCode, Problem> {
    products.archive_product(caller.actor(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts a product on sale, or takes it off for today
#[utoipa::path(put, path = "/api/Product/{productId}/availability", tag = "Product",
    params(("productId" = ProductId, Path, description = "Which product")), request_body = WriteAvailability,
    responses(
        (status = 200, description = "Whether it is on sale", body = Availability),
        (status = 404, description = "There is no such product", body = ProblemBody),
        (status = 409, description = "product-archived", body = ProblemBody),
    ))]
pub(super) async fn set_availability(
    State(products): State<Products>,
    caller: Caller,
    Path(id): Path<ProductId>,
    Json(write): Json<WriteAvailability>,
) -> Result<Json<Availability>, Problem> {
    Ok(Json(products.set_availability(caller.actor(), id, write.is_available).await?))
}
