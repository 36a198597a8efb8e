//! Timer: codes expire at the end of their validity.

use contracts::{ids::OrderId, time::Timestamp};
use db::{DbError, DbResult, Tx};

use super::{
    Codes, append_codes_issued,
    effects::{Effects, ReceiptPart},
};
use crate::{error::QrError, model::Code, store};

/// A batch holds the writer for a few milliseconds, which scans have to wait.
pub(super) const CODES_PER_BATCH_MAX: u32 = 100;
/// The codes of the busiest second, and some of a backlog; the next run continues.
const BATCHES_PER_RUN_MAX: u32 = 20;

impl Codes {
    /// Expires codes whose validity is over. Only paid ones are published: staff can reissue them.
    ///
    /// A scan compares the validity itself, so a late timer pours nothing.
    #[tracing::instrument(level = "debug", skip_all)]
    pub(crate) async fn expire_codes(&self) -> Result<(), QrError> {
        let now = self.clock.now();
        for _ in 0..BATCHES_PER_RUN_MAX {
            let due = move |tx: &mut Tx<'_>| store::list_orders_with_expired_codes(tx, now, CODES_PER_BATCH_MAX);
            let due = self.db.read::<_, DbError, _>(due).await?;
            let is_last = due.len() < CODES_PER_BATCH_MAX as usize;
            let orders = distinct(due);
            if !orders.is_empty() {
                self.write(move |tx| Ok(((), expire(tx, &orders, now)?))).await?;
            }
            if is_last {
                break;
            }
        }
        Ok(())
    }
}

/// Each order once, in the order of the ids: two transactions that write several orders then never deadlock.
pub(super) fn distinct(mut orders: Vec<OrderId>) -> Vec<OrderId> {
    orders.sort_unstable();
    orders.dedup();
    orders
}

fn expire(tx: &mut Tx<'_>, orders: &[OrderId], now: Timestamp) -> DbResult<Effects> {
    let mut effects = Effects::default();
    for order_id in orders {
        let Some(order) = store::lock_order(tx, *order_id)? else { continue };
        let mut expired = store::expire_codes(tx, *order_id, now)?;
        expired.sort_by_key(|code| code.cup.cup_number);
        let paid: Vec<Code> = expired.into_iter().filter(|code| code.is_paid).collect();
        append_codes_issued(tx, *order_id, &paid, now)?;
        effects.add(Effects::receipt(ReceiptPart::read(tx, *order_id, &order)?));
    }
    Ok(effects)
}
