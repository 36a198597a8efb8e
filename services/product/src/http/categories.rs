//! `/api/Category`.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use contracts::{
    PAGE_ROWS_MAX, Page,
    ids::CategoryId,
    page_rows,
    problem::Problem as ProblemBody,
    product::{CategoryView, WriteCategory},
};
use serde::Deserialize;
use utoipa::IntoParams;
use web::{Caller, Created, IdempotentJson, Json, Path, Problem, Query, etag, if_match};

use crate::commands::Products;

/// Which categories to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CategoryList {
    /// Archived ones too.
    #[serde(default)]
    include_archived: bool,
    /// The `nextCursor` of the page before.
    #[serde(default)]
    cursor: Option<CategoryId>,
    /// Rows of the page, 1 to 200. Absent: 200.
    #[serde(default)]
    limit: Option<u32>,
}

/// Lists the categories in the menu's order
#[utoipa::path(get, path = "/api/Category", tag = "Product", params(CategoryList),
    responses(
        (status = 200, description = "A page of categories", body = Page<CategoryView>),
        (status = 400, description = "The query cannot be read, or limit is out of bounds", body = ProblemBody),
    ))]
pub(super) async fn list_categories(
    State(products): State<Products>,
    Query(list): Query<CategoryList>,
) -> Result<Json<Page<CategoryView>>, Problem> {
    let limit = page_rows(list.limit, PAGE_ROWS_MAX)?;
    Ok(Json(products.list_categories(list.include_archived, list.cursor, limit).await?))
}

/// Adds a category
#[utoipa::path(post, path = "/api/Category", tag = "Product", request_body = WriteCategory,
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of the client's choice, 1 to 255 characters: a repeated request with it gets the first response")),
    responses(
        (status = 201, description = "The new category", body = CategoryView),
        (status = 409, description = "category-exists: the id belongs to another category", body = ProblemBody),
        (status = 422, description = "invalid: the detail names what to change", body = ProblemBody),
    ))]
pub(super) async fn create_category(
    State(products): State<Products>,
    caller: Caller,
    request: IdempotentJson<WriteCategory>,
) -> Result<impl IntoResponse, Problem> {
    let category = products.create_category(caller.actor(), request.key, request.body).await?;
    Ok((etag(category.version), Created::at(format!("/api/Category/{}", category.category_id), category)))
}

/// Reads a category, archived or not
#[utoipa::path(get, path = "/api/Category/{categoryId}", tag = "Product", params(("categoryId" = CategoryId, Path, description = "Which category")),
    responses(
        (status = 200, description = "The category", body = CategoryView, headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "There is no such category", body = ProblemBody),
    ))]
pub(super) async fn get_category(
    State(products): State<Products>,
    Path(id): Path<CategoryId>,
) -> Result<impl IntoResponse, Problem> {
    let category = products.get_category(id).await?;
    Ok((etag(category.version), Json(category)))
}

/// Names and places a category
#[utoipa::path(put, path = "/api/Category/{categoryId}", tag = "Product",
    params(("categoryId" = CategoryId, Path, description = "Which category"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what was read: 412 if it was changed since")),
    request_body = WriteCategory, responses(
        (status = 200, description = "The category", body = CategoryView),
        (status = 400, description = "If-Match is no version", body = ProblemBody),
        (status = 404, description = "There is no such category", body = ProblemBody),
        (status = 409, description = "category-archived", body = ProblemBody),
        (status = 412, description = "version-mismatch: it was changed meanwhile", body = ProblemBody),
        (status = 422, description = "invalid: the detail names what to change", body = ProblemBody),
    ))]
pub(super) async fn replace_category(
    State(products): State<Products>,
    caller: Caller,
    Path(id): Path<CategoryId>,
    headers: HeaderMap,
    Json(write): Json<WriteCategory>,
) -> Result<impl IntoResponse, Problem> {
    let category = products.replace_category(caller.actor(), id, if_match(&headers)?, write).await?;
    Ok((etag(category.version), Json(category)))
}

/// Takes an empty category off the menu for good
#[utoipa::path(delete, path = "/api/Category/{categoryId}", tag = "Product", params(("categoryId" = CategoryId, Path, description = "Which category")),
    responses(
        (status = 204, description = "It is archived"),
        (status = 404, description = "There is no such category", body = ProblemBody),
        (status = 409, description = "category-in-use: products are still in it", body = ProblemBody),
    ))]
pub(super) async fn archive_category(
    State(products): State<Products>,
    caller: Caller,
    Path(id): Path<CategoryId>,
) -> Result<StatusCode, Problem> {
    products.archive_category(caller.actor(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
