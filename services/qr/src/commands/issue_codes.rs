//! What events of orders and payments make of codes (steps 9 to 12 and 19).
//!
//! Events come twice and in any order, and end the same: of an order's events the one of the newest version says
//! whether it is open, and paid is paid. A newer event is always told to the row of the order first, so that two
//! events of one order wait for each other.

use contracts::{
    event::{PaymentCompleted, PlacedOrder},
    ids::OrderId,
    qr::CodeStatus,
    time::Timestamp,
};
use db::{
    DbError, DbResult, Tx,
    inbox::{self, Delivery},
};

use super::{Codes, receipt_part::ReceiptPart, tell};
use crate::{
    error::QrError,
    model::{self, Code, Cup, SECRET_BYTES},
    store::{self, NewCode},
};

impl Codes {
    /// Issues a code for each cup of the order that has none that lives.
    ///
    /// Nothing of an order without cups is kept: hearing it again does nothing again.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub(crate) async fn order_placed(&self, delivery: Delivery, order: PlacedOrder) -> Result<(), QrError> {
        let cups = model::cups(&order.items);
        if cups.is_empty() {
            return Ok(());
        }
        let (now, shop) = (self.clock.now(), self.shop.current());
        let part = self.db.write::<_, DbError, _>(move |tx| {
            if !inbox::insert_if_new(tx, delivery, now)? {
                return shown_before(tx, order.order_id);
            }
            let Some(standing) = store::open_order(tx, order.order_id, order.order_version)? else { return Ok(None) };
            let issue = Issue {
                order_id: order.order_id,
                is_paid: standing.paid_at.is_some(),
                expires_at: now.max(standing.paid_at.unwrap_or(now)) + shop.code_validity(),
                now,
            };
            let codes = issue.missing(tx, &cups, |secret| model::write_code(order.business_day, secret))?;
            Ok(Some(ReceiptPart::of(order.order_id, &standing, codes)))
        });
        self.show(part.await?).await;
        Ok(())
    }

    /// Makes the order's codes pour; remembers the payment of an order that is not known yet.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub(crate) async fn order_paid(&self, delivery: Delivery, payment: &PaymentCompleted) -> Result<(), QrError> {
        let (now, validity) = (self.clock.now(), self.shop.current().code_validity());
        let &PaymentCompleted { order_id, paid_at, .. } = payment;
        let part = self.db.write::<_, DbError, _>(move |tx| {
            if !inbox::insert_if_new(tx, delivery, now)? {
                return shown_before(tx, order_id);
            }
            let Some(standing) = store::pay(tx, order_id, paid_at)? else { return Ok(None) };
            if !standing.is_open {
                return Ok(None);
            }
            let mut codes = store::activate(tx, order_id, now.max(paid_at) + validity, now)?;
            codes.sort_by_key(|code| code.cup.cup_number);
            tell(tx, order_id, &codes, now)?;
            ReceiptPart::after(tx, order_id, &standing, codes).map(Some)
        });
        self.show(part.await?).await;
        Ok(())
    }

    /// Gives up the codes of an order that is over, be it given up or handed over by staff. A machine that has one
    /// may finish; a cup in review still waits for a person.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub(crate) async fn order_over(
        &self,
        delivery: Delivery,
        order_id: OrderId,
        order_version: i64,
    ) -> Result<(), QrError> {
        let now = self.clock.now();
        let part = self.db.write::<_, DbError, _>(move |tx| {
            if !inbox::insert_if_new(tx, delivery, now)? {
                return shown_before(tx, order_id);
            }
            let Some(standing) = store::close_order(tx, order_id, order_version)? else { return Ok(None) };
            let mut codes = store::void_all(tx, order_id, now)?;
            if codes.is_empty() {
                return Ok(None);
            }
            codes.sort_by_key(|code| code.cup.cup_number);
            tell(tx, order_id, &codes, now)?;
            ReceiptPart::read(tx, order_id, &standing).map(Some)
        });
        self.show(part.await?).await;
        Ok(())
    }
}

/// For an event that was acted on before: the program may have died before the cache had it.
fn shown_before(tx: &mut Tx<'_>, order_id: OrderId) -> DbResult<Option<ReceiptPart>> {
    let Some(order) = store::find_order(tx, order_id)? else { return Ok(None) };
    let codes = store::of_order(tx, order_id)?;
    Ok((!codes.is_empty()).then(|| ReceiptPart::of(order_id, &order, codes)))
}

/// How an order's codes are issued.
struct Issue {
    order_id: OrderId,
    is_paid: bool,
    expires_at: Timestamp,
    now: Timestamp,
}

impl Issue {
    /// Issues the codes that are missing, tells them, and answers all that the order has.
    fn missing(
        &self,
        tx: &mut Tx<'_>,
        cups: &[Cup],
        text: impl Fn([u8; SECRET_BYTES]) -> String,
    ) -> DbResult<Vec<Code>> {
        let mut all = store::of_order(tx, self.order_id)?;
        let mut issued = Vec::with_capacity(cups.len());
        let status = if self.is_paid { CodeStatus::Active } else { CodeStatus::Pending };
        for cup in cups {
            let same_cup = |code: &&Code| (code.cup.line, code.cup.unit) == (cup.line, cup.unit);
            let newest = all.iter().filter(same_cup).max_by_key(|code| code.version);
            if newest.is_some_and(|code| code.status != CodeStatus::Void) {
                continue;
            }
            let new = NewCode {
                code: text(rand::random()),
                order_id: self.order_id,
                cup,
                status,
                expires_at: self.expires_at,
                issued_at: self.now,
                version: newest.map_or(1, |code| code.version + 1),
                replaces: newest.map(|code| code.code.as_str()),
            };
            issued.push(store::insert(tx, new)?);
        }
        tell(tx, self.order_id, &issued, self.now)?;
        all.extend(issued);
        Ok(all)
    }
}
