//! Timer: codes that were issued or paid while the clock ran ahead get an expiry by the clock that is right now.

use contracts::{ids::OrderId, time::Timestamp};
use db::{DbError, DbResult, Tx};

use super::{
    Codes, append_codes_issued,
    effects::{Effects, ReceiptPart},
    expire_codes::{CODES_PER_BATCH_MAX, distinct},
};
use crate::{
    error::QrError,
    model::{CLOCK_TOLERANCE, Code},
    store,
};

impl Codes {
    /// Gives codes whose row is ahead of the clock a new validity from now on. Without it they would stay valid for as
    /// long as the clock ran ahead, a day or a year. A run takes one batch; the next run continues.
    #[tracing::instrument(level = "debug", skip_all)]
    pub(crate) async fn rebase_codes(&self) -> Result<(), QrError> {
        let now = self.clock.now();
        let expires_at = now + self.shop.current().code_validity();
        let ahead_of = now + CLOCK_TOLERANCE;
        let ahead = move |tx: &mut Tx<'_>| store::list_orders_ahead_of_clock(tx, ahead_of, CODES_PER_BATCH_MAX);
        let orders = distinct(self.db.read::<_, DbError, _>(ahead).await?);
        if orders.is_empty() {
            return Ok(());
        }
        tracing::warn!(orders = orders.len(), "codes ahead of the clock get a new expiry");
        self.write(move |tx| Ok(((), rebase(tx, &orders, ahead_of, expires_at, now)?))).await
    }
}

fn rebase(
    tx: &mut Tx<'_>,
    orders: &[OrderId],
    ahead_of: Timestamp,
    expires_at: Timestamp,
    now: Timestamp,
) -> DbResult<Effects> {
    let mut effects = Effects::default();
    for order_id in orders {
        let Some(order) = store::lock_order(tx, *order_id)? else { continue };
        let codes: Vec<Code> = store::rebase_codes(tx, *order_id, ahead_of, expires_at, now)?;
        append_codes_issued(tx, *order_id, &codes, now)?;
        effects.add(Effects::receipt(ReceiptPart::read(tx, *order_id, &order)?));
    }
    Ok(effects)
}
