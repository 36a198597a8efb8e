//! The rules of codes, without I/O: the format of a code, the cups of an order, when a scan pours, how a lease ends,
//! which codes staff may reissue.

mod attention;
mod code_format;
mod leases;
mod machine;
mod reissue;

use std::time::Duration;

use contracts::{
    event::PlacedItem,
    ids::{DispenseId, OrderId, ProductId},
    qr::{CodeStatus, CodeView},
    time::Timestamp,
};

pub(crate) use attention::{ChangedWithin, Cursor, changed_within};
pub(crate) use code_format::{format_code, parse_code};
pub(crate) use leases::{
    ClosedBy, DeviceJournal, DispenseResult, HeartbeatState, LateReport, Lease, ScanDecision, believable_grants,
    decide_lease, decide_redeem, duration_ms, is_released_by, judge_late_report, released_until, result_of_report,
    status_after,
};
pub(crate) use machine::{Machine, machine_for, pours};
pub(crate) use reissue::{ReissueRefusal, expired_codes, named_codes};

/// How far two clocks may differ. A row that is further ahead of the clock was written before the clock was set back.
pub(crate) const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

/// A cup that a device pours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cup {
    /// The line of the order.
    pub(crate) line: u32,
    /// Which cup of the line, from 1.
    pub(crate) unit: u32,
    /// Which cup of the order, from 1.
    pub(crate) cup_number: u32,
    /// How many cups the order has.
    pub(crate) cup_count: u32,
    /// The product.
    pub(crate) product_id: ProductId,
    /// The product's name when it was ordered.
    pub(crate) product_name: String,
    /// The amount to pour, in millilitres.
    pub(crate) dispense_ml: u32,
}

/// A row of `qr_codes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) code: String,
    pub(crate) order_id: OrderId,
    pub(crate) cup: Cup,
    pub(crate) status: CodeStatus,
    pub(crate) is_paid: bool,
    pub(crate) expires_at: Timestamp,
    /// The cup's version.
    pub(crate) version: i64,
    /// The device that holds its lease, or held it last.
    pub(crate) device_id: Option<String>,
    /// The grant of its lease, or of its last lease.
    pub(crate) dispense_id: Option<DispenseId>,
}

impl Code {
    /// The code as staff and receipts see it.
    pub(crate) fn view(&self) -> CodeView {
        CodeView {
            code: self.code.clone(),
            order_id: self.order_id,
            line: self.cup.line,
            unit: self.cup.unit,
            cup: format!("{}/{}", self.cup.cup_number, self.cup.cup_count),
            product_id: self.cup.product_id,
            product_name: self.cup.product_name.clone(),
            dispense_ml: self.cup.dispense_ml,
            status: self.status,
            expires_at: self.expires_at,
            device_id: self.device_id.clone(),
            version: self.version,
        }
    }

    /// Whether its validity is over, even if the timer has not run yet.
    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        match self.status {
            CodeStatus::Expired => true,
            CodeStatus::Pending | CodeStatus::Active => self.expires_at <= now,
            CodeStatus::Leased | CodeStatus::Used | CodeStatus::Review | CodeStatus::Void => false,
        }
    }
}

/// The cups of an order: one for each unit that a device pours, in the order of the lines.
pub(crate) fn cups(items: &[PlacedItem]) -> Vec<Cup> {
    let dispensable = || items.iter().filter_map(|item| item.dispense_ml.map(|ml| (item, ml)));
    let cup_count = dispensable().map(|(item, _)| item.quantity).sum();
    let units = dispensable().flat_map(|(item, ml)| (1..=item.quantity).map(move |unit| (item, ml, unit)));
    (1..)
        .zip(units)
        .map(|(cup_number, (item, dispense_ml, unit))| Cup {
            line: item.line,
            unit,
            cup_number,
            cup_count,
            product_id: item.product_id,
            product_name: item.product_name.clone(),
            dispense_ml,
        })
        .collect()
}

/// The newest code of each cup, in the order of the lines.
pub(crate) fn current_codes(mut codes: Vec<Code>) -> Vec<Code> {
    codes.sort_by_key(|code| (code.cup.line, code.cup.unit, -code.version));
    codes.dedup_by_key(|code| (code.cup.line, code.cup.unit));
    codes
}

/// The codes that a receipt shows: the newest code of each cup, unless it is VOID.
pub(crate) fn receipt_codes(codes: Vec<Code>) -> Vec<Code> {
    let mut codes = current_codes(codes);
    codes.retain(|code| code.status != CodeStatus::Void);
    codes
}

/// All codes of an order for a list: VOID ones last, otherwise by line.
pub(crate) fn void_last(mut codes: Vec<Code>) -> Vec<Code> {
    codes.sort_by_key(|code| (code.status == CodeStatus::Void, code.cup.line, code.cup.unit, -code.version));
    codes
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    pub(crate) fn a_code(status: CodeStatus) -> Code {
        let order_id = OrderId::new(Timestamp(0));
        Code {
            code: "QR-20261122-01AB1CDE0FGH1JKM".into(),
            order_id,
            cup: Cup {
                line: 1,
                unit: 1,
                cup_number: 1,
                cup_count: 1,
                product_id: ProductId::new(Timestamp(0)),
                product_name: "Latte".into(),
                dispense_ml: 240,
            },
            status,
            is_paid: true,
            expires_at: Timestamp(NOW.0 + 1),
            version: 1,
            device_id: None,
            dispense_id: None,
        }
    }

    fn item(line: u32, quantity: u32, dispense_ml: Option<u32>) -> PlacedItem {
        let product_id = ProductId::new(Timestamp(0));
        PlacedItem {
            line,
            product_id,
            product_name: format!("Drink {line}"),
            quantity,
            options: Vec::new(),
            dispense_ml,
        }
    }

    #[test]
    fn every_unit_that_a_device_pours_is_a_cup_and_cake_is_not() {
        let cups = cups(&[item(1, 2, Some(240)), item(2, 3, None), item(3, 1, Some(180))]);
        let seen: Vec<_> =
            cups.iter().map(|cup| (cup.line, cup.unit, cup.cup_number, cup.cup_count, cup.dispense_ml)).collect();
        assert_eq!(seen, [(1, 1, 1, 3, 240), (1, 2, 2, 3, 240), (3, 1, 3, 3, 180)]);
    }

    #[test]
    fn a_receipt_shows_the_newest_code_of_each_cup_unless_it_is_void() {
        let old = Code { version: 2, ..a_code(CodeStatus::Void) };
        let new = Code { version: 3, code: "new".into(), ..a_code(CodeStatus::Active) };
        assert_eq!(receipt_codes(vec![old.clone(), new.clone()]), std::slice::from_ref(&new));
        assert_eq!(receipt_codes(vec![old.clone()]), []);
        assert_eq!(void_last(vec![old.clone(), new.clone()]), [new, old]);
    }
}
