//! `/api/Category`.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use contracts::{
    Page,
    ids::CategoryId,
    problem::Problem as ProblemBody,
    product::{CategoryView, WriteCategory},
};
use serde::Deserialize;
use utoipa::IntoParams;
use web::{Created, IdempotentJson, Json, Path, Problem, Query, etag, if_match};

use super::paging;
use crate::commands::Products;

/// Which categories to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CategoryList {
    /// Those that were archived too.
    #[serde(default)]
    include_archived: bool,
    /// Where to go on: the `nextCursor` of the page before.
    #[serde(default)]
    cursor: Option<CategoryId>,
    /// At most this many, 1 to 200. Absent: 200.
    #[serde(default)]
    limit: Option<u32>,
}

/// Lists the categories in the menu's order
#[utoipa::path(get, path = "/api/Category", tag = "Product", params(CategoryList),
    responses(
        (status = 200, body = Page<CategoryView>),
        (status = 400, description = "A page that cannot be", body = ProblemBody),
    ))]
pub(super) async fn list_categories(
    State(products): State<Products>,
    Query(list): Query<CategoryList>,
) -> Result<axum::Json<Page<CategoryView>>, Problem> {
    let limit = paging::rows(list.limit)?;
    Ok(axum::Json(products.category_page(list.include_archived, list.cursor, limit).await?))
}

/// Adds a category
#[utoipa::path(post, path = "/api/Category", tag = "Product", request_body = WriteCategory,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same request again is answered as the first time.")),
    responses(
        (status = 201, body = CategoryView),
        (status = 409, description = "The id is another category's", body = ProblemBody),
        (status = 422, description = "What is wrong with it", body = ProblemBody),
    ))]
pub(super) async fn create_category(
    State(products): State<Products>,
    submission: IdempotentJson<WriteCategory>,
) -> Result<impl IntoResponse, Problem> {
    let category = products.create_category(submission.key, submission.body).await?;
    Ok((etag(category.version), Created::at(format!("/api/Category/{}", category.category_id), category)))
}

/// Reads a category, archived or not
#[utoipa::path(get, path = "/api/Category/{categoryId}", tag = "Product", params(("categoryId" = CategoryId, Path)),
    responses(
        (status = 200, body = CategoryView, headers(("ETag" = String, description = "Its version."))),
        (status = 404, description = "There is none", body = ProblemBody),
    ))]
pub(super) async fn read_category(
    State(products): State<Products>,
    Path(id): Path<CategoryId>,
) -> Result<impl IntoResponse, Problem> {
    let category = products.find_category(id).await?;
    Ok((etag(category.version), axum::Json(category)))
}

/// Names and places a category
#[utoipa::path(put, path = "/api/Category/{categoryId}", tag = "Product",
    params(("categoryId" = CategoryId, Path),
        ("If-Match" = Option<String>, Header, description = "The ETag of what was read: 412 where it was changed since.")),
    request_body = WriteCategory, responses(
        (status = 200, body = CategoryView),
        (status = 400, description = "If-Match is no version", body = ProblemBody),
        (status = 404, description = "There is none", body = ProblemBody),
        (status = 409, description = "It has left the menu", body = ProblemBody),
        (status = 412, description = "It was changed meanwhile", body = ProblemBody),
        (status = 422, description = "What is wrong with it", body = ProblemBody),
    ))]
pub(super) async fn replace_category(
    State(products): State<Products>,
    Path(id): Path<CategoryId>,
    headers: HeaderMap,
    Json(write): Json<WriteCategory>,
) -> Result<impl IntoResponse, Problem> {
    let category = products.replace_category(id, if_match(&headers)?, write).await?;
    Ok((etag(category.version), axum::Json(category)))
}

/// Takes an empty category off the menu for good
#[utoipa::path(delete, path = "/api/Category/{categoryId}", tag = "Product", params(("categoryId" = CategoryId, Path)),
    responses(
        (status = 204, description = "It is off the menu."),
        (status = 404, description = "There is none", body = ProblemBody),
        (status = 409, description = "Products are still in it", body = ProblemBody),
    ))]
pub(super) async fn archive_category(
    State(products): State<Products>,
    Path(id): Path<CategoryId>,
) -> Result<StatusCode, Problem> {
    products.archive_category(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
