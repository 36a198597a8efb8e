//! The reports' routes: parse, call a command, answer.

use axum::{Json, extract::State};
use contracts::{
    problem::Problem as ProblemBody,
    report::{Favorite, RecentOrder, Summary, TrendDay},
    time::BusinessDay,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::{Problem, Query};

use crate::commands::Analytics;

/// Every route of the reports.
pub(crate) fn router(analytics: Analytics) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(summary))
        .routes(routes!(favorites))
        .routes(routes!(sales_trend))
        .routes(routes!(recent_orders))
        .with_state(analytics)
}

/// Which business days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SpanQuery {
    /// The first business day. Absent: the report's usual number of days before the last.
    #[serde(default)]
    from: Option<BusinessDay>,
    /// The last business day. Absent: today.
    #[serde(default)]
    to: Option<BusinessDay>,
}

/// Which business days, and how many rows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FavoritesQuery {
    /// The first business day. Absent: the last.
    #[serde(default)]
    from: Option<BusinessDay>,
    /// The last business day. Absent: today.
    #[serde(default)]
    to: Option<BusinessDay>,
    /// At most this many rows, 1 to 50. Absent: 10.
    #[serde(default)]
    limit: Option<u32>,
}

/// How many rows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RecentQuery {
    /// At most this many rows, 1 to 200. Absent: 20.
    #[serde(default)]
    limit: Option<u32>,
}

/// Sums the paid orders of some business days, today's by default
#[utoipa::path(get, path = "/api/v1/reports/summary", tag = "Analytics", params(SpanQuery),
    responses(
        (status = 200, body = Summary),
        (status = 400, description = "A query that cannot be read", body = ProblemBody),
        (status = 422, description = "No report can be about these days", body = ProblemBody),
    ))]
async fn summary(State(analytics): State<Analytics>, Query(query): Query<SpanQuery>) -> Result<Json<Summary>, Problem> {
    Ok(Json(analytics.summary(query.from, query.to).await?))
}

/// Lists what sold most in some business days, today by default
#[utoipa::path(get, path = "/api/v1/reports/favorites", tag = "Analytics", params(FavoritesQuery),
    responses(
        (status = 200, body = Vec<Favorite>),
        (status = 400, description = "A query that cannot be read", body = ProblemBody),
        (status = 422, description = "No report can be about these days", body = ProblemBody),
    ))]
async fn favorites(
    State(analytics): State<Analytics>,
    Query(query): Query<FavoritesQuery>,
) -> Result<Json<Vec<Favorite>>, Problem> {
    Ok(Json(analytics.favorites(query.from, query.to, query.limit).await?))
}

/// Lists the sales of each business day, of the last seven by default
#[utoipa::path(get, path = "/api/v1/reports/sales-trend", tag = "Analytics", params(SpanQuery),
    responses(
        (status = 200, body = Vec<TrendDay>),
        (status = 400, description = "A query that cannot be read", body = ProblemBody),
        (status = 422, description = "No report can be about these days", body = ProblemBody),
    ))]
async fn sales_trend(
    State(analytics): State<Analytics>,
    Query(query): Query<SpanQuery>,
) -> Result<Json<Vec<TrendDay>>, Problem> {
    Ok(Json(analytics.sales_trend(query.from, query.to).await?))
}

/// Lists the orders that were placed last, whatever became of them
#[utoipa::path(get, path = "/api/v1/reports/recent-orders", tag = "Analytics", params(RecentQuery),
    responses(
        (status = 200, body = Vec<RecentOrder>),
        (status = 400, description = "A query that cannot be read", body = ProblemBody),
    ))]
async fn recent_orders(
    State(analytics): State<Analytics>,
    Query(query): Query<RecentQuery>,
) -> Result<Json<Vec<RecentOrder>>, Problem> {
    Ok(Json(analytics.recent_orders(query.limit).await?))
}
