//! One use case per file: it opens the transaction, decides, writes, and appends its events.

mod activate_codes;
mod advance_sequence;
mod audit;
mod check_in_device;
mod complete_dispense;
mod effects;
mod expire_codes;
mod get_receipt_codes;
mod issue_codes;
mod lease_code;
mod list_attention;
mod list_codes;
mod metrics;
mod rebase_codes;
mod record_device;
mod record_heartbeat;
mod redeem_code;
mod reissue_codes;
mod release_lease;
mod render_image;
mod resolve_code;
mod validate_code;
mod void_codes;

use std::sync::Arc;

use access::Access;
use cache::Cache;
use clock::Clock;
use contracts::{
    event::CodesIssued,
    ids::OrderId,
    qr::DEVICE_TEXT_CHARS_MAX,
    text::{self, LineBreaks},
    time::{BusinessDay, Timestamp},
};
use db::{Db, DbResult, Tx, outbox};
use host::{ServiceContext, SharedShopRules};

use crate::{
    error::QrError,
    model::{self, Code},
};

pub(crate) use metrics::describe;
pub(crate) use void_codes::ClosedOrder;

/// The most codes in one event, so that the event stays small for a broker. A larger order takes several events.
const CODES_PER_EVENT_MAX: usize = 500;

/// The state of the service. Clones share it.
#[derive(Clone)]
pub(crate) struct Codes {
    pub(crate) db: Db,
    pub(crate) cache: Arc<dyn Cache>,
    pub(crate) clock: Clock,
    pub(crate) shop: SharedShopRules,
    pub(crate) access: Access,
}

impl Codes {
    pub(crate) fn new(db: Db, context: &ServiceContext) -> Self {
        let ServiceContext { cache, clock, shop, access, .. } = context;
        Self { db, cache: cache.clone(), clock: clock.clone(), shop: shop.clone(), access: access.clone() }
    }
}

/// What the new codes of one transaction have in common.
#[derive(Clone, Copy)]
struct IssueTerms {
    business_day: BusinessDay,
    expires_at: Timestamp,
    now: Timestamp,
}

impl IssueTerms {
    /// A code that nobody can guess.
    fn new_code(self) -> String {
        model::format_code(self.business_day, rand::random())
    }
}

/// Publishes how these codes of an order are now.
fn append_codes_issued(tx: &mut Tx<'_>, order_id: OrderId, codes: &[Code], now: Timestamp) -> DbResult<()> {
    for chunk in codes.chunks(CODES_PER_EVENT_MAX) {
        let codes = chunk.iter().map(Code::view).collect();
        outbox::append(tx, &CodesIssued { order_id, codes }, now)?;
    }
    Ok(())
}

/// Refuses an id of an attempt or a journal that no screen and no log can show.
fn check_device_text(field: &'static str, text: String) -> Result<String, QrError> {
    let chars = text.chars().count();
    let is_readable = !text.trim().is_empty() && text::is_readable(&text, LineBreaks::Forbidden);
    if is_readable && chars <= DEVICE_TEXT_CHARS_MAX {
        return Ok(text);
    }
    Err(QrError::InvalidDeviceText { field, chars })
}
