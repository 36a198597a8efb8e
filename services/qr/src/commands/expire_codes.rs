//! The timer: codes whose time is over.

use contracts::{ids::OrderId, time::Timestamp};
use db::{DbError, DbResult, Tx};

use super::{Codes, receipt_part::ReceiptPart, tell};
use crate::{error::QrError, model::Code, store};

/// A batch holds the writer for a few milliseconds; scans wait no longer than that.
const CODES_PER_BATCH_MAX: u32 = 100;
/// What one run of the timer does at most: the codes of the busiest second, and some of a backlog.
const BATCHES_PER_RUN_MAX: u32 = 20;

impl Codes {
    /// Expires what is due. What was paid is told, because staff reissue it; what was not, nobody waits for.
    ///
    /// Validation looks at the time by itself, so that a late timer pours nothing.
    ///
    /// # Errors
    /// Where the database cannot be written; the next run goes on.
    pub(crate) async fn expire_due(&self) -> Result<(), QrError> {
        let now = self.clock.now();
        for _ in 0..BATCHES_PER_RUN_MAX {
            let due = self.db.read::<_, DbError, _>(move |tx| store::due(tx, now, CODES_PER_BATCH_MAX)).await?;
            let is_last = due.len() < CODES_PER_BATCH_MAX as usize;
            let orders = each_once(due);
            if !orders.is_empty() {
                self.show(self.db.write::<_, DbError, _>(move |tx| expire(tx, &orders, now)).await?).await;
            }
            if is_last {
                break;
            }
        }
        Ok(())
    }
}

/// In the order of their ids, as everyone who writes several orders does: two such never wait for each other.
fn each_once(mut orders: Vec<OrderId>) -> Vec<OrderId> {
    orders.sort_unstable();
    orders.dedup();
    orders
}

fn expire(tx: &mut Tx<'_>, orders: &[OrderId], now: Timestamp) -> DbResult<Vec<ReceiptPart>> {
    let mut parts = Vec::with_capacity(orders.len());
    for order_id in orders {
        let Some(order) = store::lock_order(tx, *order_id)? else { continue };
        let mut expired = store::expire(tx, *order_id, now)?;
        expired.sort_by_key(|code| code.cup.cup_number);
        let paid: Vec<Code> = expired.into_iter().filter(|code| code.is_paid).collect();
        tell(tx, *order_id, &paid, now)?;
        parts.push(ReceiptPart::read(tx, *order_id, &order)?);
    }
    Ok(parts)
}
