//! What people look at: an order's codes, those that wait for a person, a code's picture.

use contracts::{
    PAGE_ROWS_MAX, Page,
    ids::OrderId,
    qr::{AttentionReason, AttentionView, CodeView},
    time::Timestamp,
};
use db::{DbError, DbResult, Tx};
use qrcode::{EcLevel, QrCode, render::svg};
use strum::VariantArray;

use super::Codes;
use crate::{
    error::QrError,
    model::{self, Code, Cursor},
    store,
};

/// Large enough to be scanned from a phone's screen without zooming.
const IMAGE_PIXELS_MIN: u32 = 256;

impl Codes {
    /// Every code of an order: those that live, then those that were given up. None where no machine pours any of it.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub(crate) async fn of_order(&self, order_id: OrderId) -> Result<Vec<CodeView>, QrError> {
        let codes = self.db.read::<_, DbError, _>(move |tx| store::of_order(tx, order_id)).await?;
        Ok(model::living_first(codes).iter().map(Code::view).collect())
    }

    /// What the staff's board shows, the most pressing first: paid codes of cups that may have been poured twice, those
    /// in REVIEW, those that a machine has had for long, those that expired; each the latest first.
    ///
    /// # Errors
    /// [`QrError::InvalidCursor`], or where the database cannot be read.
    pub(crate) async fn attention(&self, cursor: Option<String>) -> Result<Page<AttentionView>, QrError> {
        let after = cursor.map(|text| text.parse::<Cursor>().map_err(|()| QrError::InvalidCursor(text))).transpose()?;
        let now = self.clock.now();
        let (items, next) = self.db.read::<_, DbError, _>(move |tx| waiting(tx, after.as_ref(), now)).await?;
        Ok(Page { items, next_cursor: next.map(|last| last.to_string()) })
    }

    /// The code as an SVG picture: error correction M, with its quiet zone.
    ///
    /// # Errors
    /// [`QrError::UnknownCode`].
    pub(crate) async fn image(&self, scanned: String) -> Result<String, QrError> {
        let text = model::read_code(&scanned).ok_or_else(|| QrError::UnknownCode(scanned.clone()))?;
        let found = self.db.read::<_, DbError, _>(move |tx| store::find(tx, &text)).await?;
        let Code { code, .. } = found.ok_or(QrError::UnknownCode(scanned))?;
        let drawn = QrCode::with_error_correction_level(&code, EcLevel::M);
        let drawn = drawn.map_err(|_| QrError::NotDrawable(code))?;
        let mut picture = drawn.render::<svg::Color<'_>>();
        Ok(picture.quiet_zone(true).min_dimensions(IMAGE_PIXELS_MIN, IMAGE_PIXELS_MIN).build())
    }
}

/// A page of what waits after `after`, and where the next one begins, if there may be more.
fn waiting(tx: &mut Tx<'_>, after: Option<&Cursor>, now: Timestamp) -> DbResult<(Vec<AttentionView>, Option<Cursor>)> {
    let mut waiting: Vec<AttentionView> = Vec::new();
    let mut last = None;
    for reason in
        AttentionReason::VARIANTS.iter().copied().filter(|reason| after.is_none_or(|after| *reason >= after.reason))
    {
        let left = PAGE_ROWS_MAX.saturating_sub(u32::try_from(waiting.len()).unwrap_or(u32::MAX));
        if left == 0 {
            break;
        }
        let of_reason = after.filter(|after| after.reason == reason);
        for (code, changed_at) in store::attention(tx, reason, of_reason, now, left)? {
            last = Some(Cursor { reason, changed_at, code: code.code.clone() });
            waiting.push(AttentionView { code: code.view(), reason });
        }
    }
    let is_full = waiting.len() >= PAGE_ROWS_MAX as usize;
    Ok((waiting, last.filter(|_| is_full)))
}
