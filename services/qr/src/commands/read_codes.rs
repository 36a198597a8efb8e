//! What people look at: an order's codes, those that wait for a person, a code's picture.

use contracts::{PAGE_ROWS_MAX, Page, ids::OrderId, qr::CodeView, time::Micros};
use db::{DbError, DbResult, Tx};
use qrcode::{EcLevel, QrCode, render::svg};

use super::Codes;
use crate::{
    error::QrError,
    model::{self, Code, Cursor, Rank},
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

    /// What the staff's board shows: paid codes in REVIEW, then those that a machine has had for long, then those that
    /// expired, each the latest first.
    ///
    /// # Errors
    /// [`QrError::InvalidCursor`], or where the database cannot be read.
    pub(crate) async fn attention(&self, cursor: Option<String>) -> Result<Page<CodeView>, QrError> {
        let after = cursor.map(|text| text.parse::<Cursor>().map_err(|()| QrError::InvalidCursor(text))).transpose()?;
        let now = self.clock.now();
        let (codes, next) = self.db.read::<_, DbError, _>(move |tx| waiting(tx, after.as_ref(), now)).await?;
        let next_cursor = next.map(|last| last.to_string());
        Ok(Page { items: codes.iter().map(Code::view).collect(), next_cursor })
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
fn waiting(tx: &mut Tx<'_>, after: Option<&Cursor>, now: Micros) -> DbResult<(Vec<Code>, Option<Cursor>)> {
    let mut codes: Vec<Code> = Vec::new();
    let mut last = None;
    for rank in Rank::ALL.into_iter().filter(|rank| after.is_none_or(|after| *rank >= after.rank)) {
        let left = PAGE_ROWS_MAX.saturating_sub(u32::try_from(codes.len()).unwrap_or(u32::MAX));
        if left == 0 {
            break;
        }
        let of_rank = after.filter(|after| after.rank == rank);
        for (code, changed_at) in store::attention(tx, rank, of_rank, now, left)? {
            last = Some(Cursor { rank, changed_at, code: code.code.clone() });
            codes.push(code);
        }
    }
    let is_full = codes.len() >= PAGE_ROWS_MAX as usize;
    Ok((codes, last.filter(|_| is_full)))
}
