//! `GET /api/QrCode/attention`: the codes that wait for staff.

use contracts::{
    PAGE_ROWS_MAX, Page,
    qr::{AttentionReason, AttentionView, CodeStatus},
    time::Timestamp,
};
use db::{DbError, DbResult, Tx};
use strum::VariantArray;

use super::Codes;
use crate::{
    error::QrError,
    model::{self, Code, Cursor},
    store,
};

impl Codes {
    /// A page of the attention list: the most urgent reason first, and for each reason the latest change first.
    ///
    /// # Errors
    /// [`QrError::InvalidCursor`].
    pub(crate) async fn list_attention(&self, cursor: Option<String>) -> Result<Page<AttentionView>, QrError> {
        let after = cursor.map(|text| text.parse::<Cursor>().map_err(|_| QrError::InvalidCursor(text))).transpose()?;
        let now = self.clock.now();
        let (items, next) = self.db.read::<_, DbError, _>(move |tx| page(tx, after.as_ref(), now)).await?;
        Ok(Page { items, next_cursor: next.map(|last| last.to_string()) })
    }
}

/// The page after `after`, and the cursor of the next page, if there may be one.
fn page(tx: &mut Tx<'_>, after: Option<&Cursor>, now: Timestamp) -> DbResult<(Vec<AttentionView>, Option<Cursor>)> {
    let mut items: Vec<AttentionView> = Vec::new();
    let mut last = None;
    for reason in AttentionReason::VARIANTS.iter().copied() {
        if after.is_some_and(|after| reason < after.reason) {
            continue;
        }
        let left = PAGE_ROWS_MAX.saturating_sub(u32::try_from(items.len()).unwrap_or(u32::MAX));
        if left == 0 {
            break;
        }
        let after = after.filter(|after| after.reason == reason);
        for (code, changed_at) in list_reason(tx, reason, after, now, left)? {
            last = Some(Cursor { reason, changed_at, code: code.code.clone() });
            items.push(AttentionView { code: code.view(), reason });
        }
    }
    let is_full = items.len() >= PAGE_ROWS_MAX as usize;
    Ok((items, last.filter(|_| is_full)))
}

fn list_reason(
    tx: &mut Tx<'_>,
    reason: AttentionReason,
    after: Option<&Cursor>,
    now: Timestamp,
    limit: u32,
) -> DbResult<Vec<(Code, Timestamp)>> {
    let status = match reason {
        AttentionReason::PouredTwice => return store::list_disputed(tx, after, limit),
        AttentionReason::InReview => CodeStatus::Review,
        AttentionReason::OldLease => CodeStatus::Leased,
        AttentionReason::Expired => CodeStatus::Expired,
    };
    store::list_waiting(tx, status, model::changed_within(reason, now), after, limit)
}
