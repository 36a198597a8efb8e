//! The routes: parse, call a command, answer.

use access::{Access, Policy};
use axum::{Router, extract::State};
use contracts::{
    problem::Problem as ProblemBody,
    report::{Favorite, RecentOrder, Summary, TrendDay},
    time::BusinessDay,
};
use serde::Deserialize;
use utoipa::{IntoParams, openapi::OpenApi};
use utoipa_axum::routes;
use web::{Json, Problem, Query, Ready, Routes};

use crate::{NAME, commands::Analytics};

/// The service's routes and their document.
pub(crate) fn router(analytics: Analytics, access: &Access, ready: Ready) -> (Router, OpenApi) {
    let routes = Routes::new()
        .allow(Policy::MANAGERS, routes!(get_summary))
        .allow(Policy::MANAGERS, routes!(list_favorites))
        .allow(Policy::MANAGERS, routes!(list_sales_trend))
        .allow(Policy::MANAGERS, routes!(list_recent_orders))
        .with_state(analytics);
    let description = "Sales: sums of business days, favorites, the trend, recent orders.";
    web::finish(NAME, "Analytics", description, routes, access, ready)
}

/// A period of business days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PeriodQuery {
    /// The first business day. Absent: the report's default number of days before the last. At most 1830 days.
    #[serde(default)]
    from: Option<BusinessDay>,
    /// The last business day. Absent: today.
    #[serde(default)]
    to: Option<BusinessDay>,
}

/// A period of business days, and a number of rows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FavoritesQuery {
    /// The first business day. Absent: the last one. At most 1830 days.
    #[serde(default)]
    from: Option<BusinessDay>,
    /// The last business day. Absent: today.
    #[serde(default)]
    to: Option<BusinessDay>,
    /// The most rows to answer. Absent: 10.
    #[serde(default)]
    #[param(minimum = 1, maximum = 50)]
    limit: Option<u32>,
}

/// A number of rows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RecentQuery {
    /// The most rows to answer. Absent: 20.
    #[serde(default)]
    limit: Option<u32>,
}

/// Sums the paid orders of a period, by default of today
#[utoipa::path(get, path = "/api/v1/reports/summary", tag = "Analytics", params(PeriodQuery),
    responses(
        (status = 200, description = "The sums", body = Summary),
        (status = 400, description = "A parameter is malformed, unknown or out of bounds", body = ProblemBody),
        (status = 422, description = "The period is backwards or too long", body = ProblemBody),
    ))]
async fn get_summary(
    State(analytics): State<Analytics>,
    Query(query): Query<PeriodQuery>,
) -> Result<Json<Summary>, Problem> {
    Ok(Json(analytics.summarize_sales(query.from, query.to).await?))
}

/// Lists the best-selling products of a period, by default of today
#[utoipa::path(get, path = "/api/v1/reports/favorites", tag = "Analytics", params(FavoritesQuery),
    responses(
        (status = 200, description = "Products, the most units first", body = Vec<Favorite>),
        (status = 400, description = "A parameter is malformed, unknown or out of bounds", body = ProblemBody),
        (status = 422, description = "The period is backwards or too long", body = ProblemBody),
    ))]
async fn list_favorites(
    State(analytics): State<Analytics>,
    Query(query): Query<FavoritesQuery>,
) -> Result<Json<Vec<Favorite>>, Problem> {
    Ok(Json(analytics.list_favorites(query.from, query.to, query.limit).await?))
}

/// Lists the sales of each business day of a period, by default of the last seven days
#[utoipa::path(get, path = "/api/v1/reports/sales-trend", tag = "Analytics", params(PeriodQuery),
    responses(
        (status = 200, description = "Every day of the period in order", body = Vec<TrendDay>),
        (status = 400, description = "A parameter is malformed, unknown or out of bounds", body = ProblemBody),
        (status = 422, description = "The period is backwards or too long", body = ProblemBody),
    ))]
async fn list_sales_trend(
    State(analytics): State<Analytics>,
    Query(query): Query<PeriodQuery>,
) -> Result<Json<Vec<TrendDay>>, Problem> {
    Ok(Json(analytics.list_sales_trend(query.from, query.to).await?))
}

/// Lists the orders that were placed last, whatever their status
#[utoipa::path(get, path = "/api/v1/reports/recent-orders", tag = "Analytics", params(RecentQuery),
    responses(
        (status = 200, description = "Orders, the newest first", body = Vec<RecentOrder>),
        (status = 400, description = "A parameter is malformed, unknown or out of bounds", body = ProblemBody),
    ))]
async fn list_recent_orders(
    State(analytics): State<Analytics>,
    Query(query): Query<RecentQuery>,
) -> Result<Json<Vec<RecentOrder>>, Problem> {
    Ok(Json(analytics.list_recent_orders(query.limit).await?))
}
