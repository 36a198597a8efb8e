//! The effects of a transaction outside the database: QR's part of receipts in the cache (step 12), and metrics.
//!
//! A lost cache entry costs time and no data: Order asks `/internal/QrCode/receipt/{orderId}` if it misses the part.

use contracts::{
    ids::OrderId,
    receipt::{ReceiptCodes, ReceiptField},
};
use db::{
    DbResult, Tx,
    inbox::{self, Delivery},
};

use super::{Codes, metrics};
use crate::{
    error::QrError,
    model::{self, Code},
    store::{self, OrderState},
};

/// QR's part of an order's receipt, at a version of the order's codes.
#[derive(Clone, Debug)]
pub(crate) struct ReceiptPart {
    order_id: OrderId,
    version: i64,
    pub(super) codes: ReceiptCodes,
}

impl ReceiptPart {
    /// The part with these codes: all of the order.
    pub(super) fn of(order_id: OrderId, order: &OrderState, all: Vec<Code>) -> Self {
        let codes = model::receipt_codes(all).iter().map(Code::view).collect();
        let is_paid = order.paid_at.is_some();
        Self { order_id, version: order.receipt_version, codes: ReceiptCodes { is_paid, codes } }
    }

    /// The part, read from the rows of an order that this transaction has locked.
    pub(super) fn read(tx: &mut Tx<'_>, order_id: OrderId, order: &OrderState) -> DbResult<Self> {
        Ok(Self::of(order_id, order, store::list_codes(tx, order_id)?))
    }

    /// The part of an order that may be unknown, read from the rows.
    pub(super) fn find(tx: &mut Tx<'_>, order_id: OrderId) -> DbResult<Option<Self>> {
        let Some(order) = store::find_order(tx, order_id)? else { return Ok(None) };
        Self::read(tx, order_id, &order).map(Some)
    }
}

/// What follows a commit.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(super) receipts: Vec<ReceiptPart>,
    pub(super) codes_issued: usize,
    pub(super) codes_poured: usize,
}

impl Effects {
    /// A change that shows on one receipt.
    pub(super) fn receipt(part: ReceiptPart) -> Self {
        Self { receipts: vec![part], ..Self::default() }
    }

    /// The effects of a request or event that comes again: the process may have stopped before the cache had the
    /// receipt.
    pub(super) fn of_repetition(tx: &mut Tx<'_>, order_id: OrderId) -> DbResult<Self> {
        Ok(Self { receipts: Vec::from_iter(ReceiptPart::find(tx, order_id)?), ..Self::default() })
    }

    pub(super) fn add(&mut self, other: Self) {
        self.receipts.extend(other.receipts);
        self.codes_issued += other.codes_issued;
        self.codes_poured += other.codes_poured;
    }
}

impl Codes {
    /// Commits `change`, then applies its effects, also if the caller disconnects meanwhile. Otherwise a receipt would
    /// show a code for hours that no device accepts.
    ///
    /// # Errors
    /// Those of `change`.
    pub(super) async fn write<T, F>(&self, change: F) -> Result<T, QrError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<(T, Effects), QrError> + Send + 'static,
    {
        let codes = self.clone();
        host::run_to_end(async move {
            let (answer, effects) = codes.db.write(change).await?;
            codes.apply_effects(effects).await;
            Ok(answer)
        })
        .await
    }

    /// Runs `change` the first time that this event of the order comes; later it only caches the receipt again.
    pub(super) async fn consume_once<F>(&self, delivery: Delivery, order_id: OrderId, change: F) -> Result<(), QrError>
    where
        F: Fn(&mut Tx<'_>) -> Result<Effects, QrError> + Send + 'static,
    {
        let now = self.clock.now();
        let once = move |tx: &mut Tx<'_>| {
            let effects = match inbox::once(tx, delivery, now, &change)? {
                Some(effects) => effects,
                None => Effects::of_repetition(tx, order_id)?,
            };
            Ok(((), effects))
        };
        self.write(once).await
    }

    /// Caches parts of receipts and counts.
    pub(super) async fn apply_effects(&self, effects: Effects) {
        metrics::count(&effects);
        for ReceiptPart { order_id, version, codes } in effects.receipts {
            host::put_receipt_part(&*self.cache, order_id, ReceiptField::Codes, version, &codes).await;
        }
    }
}
