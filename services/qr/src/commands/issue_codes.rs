//! OrderCreated, OrderRevived: each cup of the order gets a code (steps 9 to 12).
//!
//! Events of an order come twice and in any order, and end the same: the event with the highest order version decides
//! whether the order is open, and a payment is never undone. Each event updates the row of the order first, so that two
//! events of one order wait for each other.

use contracts::{event::PlacedOrder, ids::OrderId, qr::CodeStatus};
use db::{DbResult, Tx, inbox::Delivery};

use super::{
    Codes, IssueTerms, append_codes_issued,
    effects::{Effects, ReceiptPart},
};
use crate::{
    error::QrError,
    model::{self, Code, Cup},
    store::{self, NewCode},
};

impl Codes {
    /// Issues a code for each cup of the order that has none, or a VOID one. An order without cups leaves no row.
    #[tracing::instrument(level = "debug", skip_all, fields(order_id = %order.order_id))]
    pub(crate) async fn issue_codes(&self, delivery: Delivery, order: PlacedOrder) -> Result<(), QrError> {
        let cups = model::cups(&order.items);
        if cups.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let expires_at = now + self.shop.current().code_validity();
        let terms = IssueTerms { business_day: order.business_day, expires_at, now };
        let PlacedOrder { order_id, order_version, .. } = order;
        self.consume_once(delivery, order_id, move |tx| {
            let Some(state) = store::record_open(tx, order_id, order_version)? else { return Ok(Effects::default()) };
            let status = if state.paid_at.is_some() { CodeStatus::Active } else { CodeStatus::Pending };
            let mut codes = store::list_codes(tx, order_id)?;
            let issued = issue_missing(tx, order_id, &codes, &cups, status, terms)?;
            append_codes_issued(tx, order_id, &issued, now)?;
            let codes_issued = issued.len();
            codes.extend(issued);
            Ok(Effects { codes_issued, ..Effects::receipt(ReceiptPart::of(order_id, &state, codes)) })
        })
        .await
    }
}

fn issue_missing(
    tx: &mut Tx<'_>,
    order_id: OrderId,
    existing: &[Code],
    cups: &[Cup],
    status: CodeStatus,
    terms: IssueTerms,
) -> DbResult<Vec<Code>> {
    let mut issued = Vec::with_capacity(cups.len());
    for cup in cups {
        let same_cup = |code: &&Code| (code.cup.line, code.cup.unit) == (cup.line, cup.unit);
        let newest = existing.iter().filter(same_cup).max_by_key(|code| code.version);
        if newest.is_some_and(|code| code.status != CodeStatus::Void) {
            continue;
        }
        let new = NewCode {
            code: terms.new_code(),
            order_id,
            cup,
            status,
            expires_at: terms.expires_at,
            issued_at: terms.now,
            version: newest.map_or(1, |code| code.version + 1),
            replaces: newest.map(|code| code.code.as_str()),
        };
        issued.push(store::insert_code(tx, new)?);
    }
    Ok(issued)
}
