//! `/internal/Product`: for other services only.

use axum::extract::State;
use contracts::{ids::ProductId, money::Currency, product::ProductCard};
use serde::Deserialize;
use web::{Json, Problem, Query};

use crate::commands::Products;

/// As many products as an order has lines.
const CARDS_PER_CALL_MAX: usize = contracts::order::ITEMS_MAX;

/// The query of `GET /internal/Product/cards`.
#[derive(Debug, Deserialize)]
pub(super) struct CardsQuery {
    /// Ids with commas between them.
    ids: String,
}

/// `GET /internal/Product/cards?ids=a,b,c`: the cards of these products, archived ones too. Unknown ids are left out.
pub(super) async fn list_cards(
    State(products): State<Products>,
    Query(query): Query<CardsQuery>,
) -> Result<Json<Vec<ProductCard>>, Problem> {
    let ids = query.ids.split(',').filter(|id| !id.is_empty()).map(str::parse::<ProductId>);
    let ids = ids.collect::<Result<Vec<_>, _>>().map_err(|error| Problem::bad_request(format!("ids: {error}")))?;
    if ids.len() > CARDS_PER_CALL_MAX {
        let asked = ids.len();
        return Err(Problem::invalid(format!("ids has {asked} ids: ask for at most {CARDS_PER_CALL_MAX} at once.")));
    }
    Ok(Json(products.list_cards(ids).await?))
}

/// `GET /internal/Product/currencies`: the currencies of the prices on the menu.
pub(super) async fn list_currencies(State(products): State<Products>) -> Result<Json<Vec<Currency>>, Problem> {
    Ok(Json(products.list_currencies().await?))
}

/// `GET /internal/Product/taxes`: the names of the taxes that products of the menu name.
pub(super) async fn list_taxes(State(products): State<Products>) -> Result<Json<Vec<String>>, Problem> {
    Ok(Json(products.list_taxes().await?))
}
