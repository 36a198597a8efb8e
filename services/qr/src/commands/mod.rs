//! One file for each use case: it opens the transaction, decides, writes, and says what happened.

mod complete_dispense;
mod end_lease;
mod expire_codes;
mod hear_machine;
mod issue_codes;
mod meet_machine;
mod read_codes;
mod receipt_part;
mod reissue_codes;
mod resolve_code;
mod validate_code;

use std::sync::Arc;

use cache::Cache;
use clock::Clock;
use contracts::{event::CodesIssued, ids::OrderId, qr::DEVICE_TEXT_CHARS_MAX, time::Timestamp};
use db::{Db, DbResult, Tx, outbox};
use host::SharedShopRules;

use crate::{error::QrError, model::Code};

/// An event that a broker carries without strain; an order of more cups is told in several.
const CODES_PER_EVENT_MAX: usize = 500;

/// The codes: one for each cup, and one drink for each code. Clones are the same.
#[derive(Clone)]
pub(crate) struct Codes {
    pub(crate) db: Db,
    pub(crate) cache: Arc<dyn Cache>,
    pub(crate) clock: Clock,
    pub(crate) shop: SharedShopRules,
}

/// Tells the others how these codes of an order stand now.
fn tell(tx: &mut Tx<'_>, order_id: OrderId, codes: &[Code], now: Timestamp) -> DbResult<()> {
    for told in codes.chunks(CODES_PER_EVENT_MAX) {
        let codes = told.iter().map(Code::view).collect();
        outbox::append(tx, &CodesIssued { order_id, codes }, now)?;
    }
    Ok(())
}

/// A name that a machine gives to itself, an attempt or its journal.
fn checked_name(what: &str, name: String) -> Result<String, QrError> {
    let chars = name.chars().count();
    if (1..=DEVICE_TEXT_CHARS_MAX).contains(&chars) && !name.contains('\0') {
        return Ok(name);
    }
    Err(QrError::Invalid(format!("{what} has {chars} characters. Send 1 to {DEVICE_TEXT_CHARS_MAX}, without NUL.")))
}
