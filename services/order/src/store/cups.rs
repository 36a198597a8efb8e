//! What QR and the machines said of each cup.

use contracts::{
    ids::OrderId,
    order::OrderView,
    qr::{CodeStatus, CodeView},
};
use db::{DbResult, Tx};

use super::listed_ids;

/// How a cup changed for those who watch the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CupChange {
    /// A newer word on it is known already.
    Stale,
    /// It changed, in nothing that an order shows.
    Unseen,
    /// It was poured, or came under review, or out of it.
    Seen,
}

/// Keeps what QR says of a cup, unless something newer is known. One statement says what was before it, too.
pub(crate) fn keep_cup(tx: &mut Tx<'_>, cup: &CodeView) -> DbResult<CupChange> {
    const SQL: &str = "
        INSERT INTO order_cups (order_id, line, unit, status, code, version) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (order_id, line, unit) DO UPDATE
               SET status_before = order_cups.status, status = excluded.status, code = excluded.code,
                   version = excluded.version
             WHERE excluded.version > order_cups.version
        RETURNING status_before";
    let params = (cup.order_id, cup.line, cup.unit, cup.status, &cup.code, cup.version);
    let Some(before) = tx.query_opt(SQL, params, |row| row.get::<Option<CodeStatus>>("status_before"))? else {
        return Ok(CupChange::Stale);
    };
    let shows = |status: CodeStatus| matches!(status, CodeStatus::Used | CodeStatus::Review);
    let is_seen = before != Some(cup.status) && (before.is_some_and(shows) || shows(cup.status));
    Ok(if is_seen { CupChange::Seen } else { CupChange::Unseen })
}

/// What became of each cup of these orders: the order, the line, where it stands.
pub(super) fn cups_of(tx: &mut Tx<'_>, orders: &[OrderView]) -> DbResult<Vec<(OrderId, u32, CodeStatus)>> {
    let (places, order_ids) = listed_ids(orders);
    let sql = format!("SELECT order_id, line, status FROM order_cups WHERE order_id IN ({places})");
    tx.query(&sql, order_ids, |row| Ok((row.get("order_id")?, row.get("line")?, row.get("status")?)))
}
