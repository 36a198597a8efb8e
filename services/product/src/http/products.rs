//! `/api/Product`.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use contracts::{
    Page,
    ids::{CategoryId, ProductId},
    problem::Problem as ProblemBody,
    product::{Availability, NAME_CHARS_MAX, ProductCard, WriteAvailability, WriteProduct},
    text::{self, LineBreaks},
};
use serde::Deserialize;
use utoipa::IntoParams;
use web::{Created, IdempotentJson, Json, Path, Problem, Query, etag, if_match};

use super::paging;
use crate::commands::{ProductQuery, Products};

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
    /// Those with this text in name or description, in capitals or not (from A to Z).
    #[serde(default)]
    text: Option<String>,
    /// Those that were archived too.
    #[serde(default)]
    include_archived: bool,
    /// Where to go on: the `nextCursor` of the page before.
    #[serde(default)]
    cursor: Option<ProductId>,
    /// At most this many, 1 to 200. Absent: 200.
    #[serde(default)]
    limit: Option<u32>,
}

/// Lists the products in the menu's order
#[utoipa::path(get, path = "/api/Product", tag = "Product", params(ProductList),
    responses(
        (status = 200, body = Page<ProductCard>),
        (status = 400, description = "A filter that cannot be read", body = ProblemBody),
    ))]
pub(super) async fn list_products(
    State(products): State<Products>,
    Query(list): Query<ProductList>,
) -> Result<axum::Json<Page<ProductCard>>, Problem> {
    if let Some(text) = &list.text {
        text::check("text", text, TEXT_CHARS_MAX, LineBreaks::Forbidden)
            .map_err(|error| Problem::bad_request(format!("{error}.")))?;
    }
    let query = ProductQuery {
        category_id: list.category_id,
        is_available: list.available,
        text: list.text,
        include_archived: list.include_archived,
        after: list.cursor,
        limit: paging::rows(list.limit)?,
    };
    Ok(axum::Json(products.page(query).await?))
}

/// Lists what of the menu is on sale
#[utoipa::path(get, path = "/api/Product/availability", tag = "Product",
    responses((status = 200, body = Vec<Availability>)))]
pub(super) async fn list_availability(
    State(products): State<Products>,
) -> Result<axum::Json<Vec<Availability>>, Problem> {
    Ok(axum::Json(products.availability().await?))
}

/// Adds a product, for sale at once
#[utoipa::path(post, path = "/api/Product", tag = "Product", request_body = WriteProduct,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same request again is answered as the first time.")),
    responses(
        (status = 201, body = ProductCard),
        (status = 409, description = "The id is another product's, or the menu is full", body = ProblemBody),
        (status = 422, description = "What is wrong with it", body = ProblemBody),
    ))]
pub(super) async fn create_product(
    State(products): State<Products>,
    submission: IdempotentJson<WriteProduct>,
) -> Result<impl IntoResponse, Problem> {
    let card = products.create(submission.key, submission.body).await?;
    Ok((etag(card.version), Created::at(format!("/api/Product/{}", card.product_id), card)))
}

/// Reads a product, archived or not
#[utoipa::path(get, path = "/api/Product/{productId}", tag = "Product", params(("productId" = ProductId, Path)),
    responses(
        (status = 200, body = ProductCard, headers(("ETag" = String, description = "Its version."))),
        (status = 404, description = "There is none", body = ProblemBody),
    ))]
pub(super) async fn read_product(
    State(products): State<Products>,
    Path(id): Path<ProductId>,
) -> Result<impl IntoResponse, Problem> {
    let card = products.find(id).await?;
    Ok((etag(card.version), axum::Json(card)))
}

/// Replaces the whole product
#[utoipa::path(put, path = "/api/Product/{productId}", tag = "Product",
    params(("productId" = ProductId, Path),
        ("If-Match" = Option<String>, Header, description = "The ETag of what was read: 412 where it was changed since.")),
    request_body = WriteProduct, responses(
        (status = 200, body = ProductCard),
        (status = 400, description = "If-Match is no version", body = ProblemBody),
        (status = 404, description = "There is none", body = ProblemBody),
        (status = 409, description = "It has left the menu", body = ProblemBody),
        (status = 412, description = "It was changed meanwhile", body = ProblemBody),
        (status = 422, description = "What is wrong with it", body = ProblemBody),
    ))]
pub(super) async fn replace_product(
    State(products): State<Products>,
    Path(id): Path<ProductId>,
    headers: HeaderMap,
    Json(write): Json<WriteProduct>,
) -> Result<impl IntoResponse, Problem> {
    let card = products.replace(id, if_match(&headers)?, write).await?;
    Ok((etag(card.version), axum::Json(card)))
}

/// Takes a product off the menu for good; its past orders keep it
#[utoipa::path(delete, path = "/api/Product/{productId}", tag = "Product", params(("productId" = ProductId, Path)),
    responses(
        (status = 204, description = "It is off the menu."),
        (status = 404, description = "There is none", body = ProblemBody),
    ))]
pub(super) async fn archive_product(
    State(products): State<Products>,
    Path(id): Path<ProductId>,
) -> Result<StatusCode, Problem> {
    products.archive(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts a product on sale, or takes it off for today
#[utoipa::path(put, path = "/api/Product/{productId}/availability", tag = "Product",
    params(("productId" = ProductId, Path)), request_body = WriteAvailability,
    responses(
        (status = 200, body = Availability),
        (status = 404, description = "There is none", body = ProblemBody),
        (status = 409, description = "It has left the menu", body = ProblemBody),
    ))]
pub(super) async fn set_availability(
    State(products): State<Products>,
    Path(id): Path<ProductId>,
    Json(write): Json<WriteAvailability>,
) -> Result<axum::Json<Availability>, Problem> {
    Ok(axum::Json(products.set_available(id, write.is_available).await?))
}
