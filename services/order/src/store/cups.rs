//! The code of each cup as QR last published it.

use contracts::{
    ids::OrderId,
    qr::{CodeStatus, CodeView},
};
use db::{DbResult, Tx};

use super::rows::listed_ids;
use crate::model::OrderHeader;

/// How a cup changed for those who watch the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CupChange {
    /// Not at all: a newer version is known.
    Outdated,
    /// It changed in nothing that an order shows.
    Invisible,
    /// It was poured, or went into or out of review.
    Visible,
}

/// Keeps what QR published of a cup, unless something newer is known. The statement returns the status before it, too.
pub(crate) fn upsert_cup(tx: &mut Tx<'_>, cup: &CodeView) -> DbResult<CupChange> {
    const SQL: &str = "
        INSERT INTO order_cups (order_id, line, unit, status, code, version) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (order_id, line, unit) DO UPDATE
               SET previous_status = order_cups.status, status = excluded.status, code = excluded.code,
                   version = excluded.version
             WHERE excluded.version > order_cups.version
        RETURNING previous_status";
    let params = (cup.order_id, cup.line, cup.unit, cup.status, &cup.code, cup.version);
    let previous = tx.query_opt(SQL, params, |row| row.get::<Option<CodeStatus>>("previous_status"))?;
    let Some(previous) = previous else { return Ok(CupChange::Outdated) };
    let shows = |status: CodeStatus| matches!(status, CodeStatus::Used | CodeStatus::Review);
    let is_visible = previous != Some(cup.status) && (previous.is_some_and(shows) || shows(cup.status));
    Ok(if is_visible { CupChange::Visible } else { CupChange::Invisible })
}

/// Each known cup of these orders: the order, the line, the status of its code.
pub(super) fn list_cups(tx: &mut Tx<'_>, orders: &[OrderHeader]) -> DbResult<Vec<(OrderId, u32, CodeStatus)>> {
    let (places, order_ids) = listed_ids(orders);
    let sql = format!("SELECT order_id, line, status FROM order_cups WHERE order_id IN ({places})");
    tx.query(&sql, order_ids, |row| Ok((row.get("order_id")?, row.get("line")?, row.get("status")?)))
}
