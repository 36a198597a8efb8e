//! What people look at: an order's codes, those that wait for a person, a code's picture.

use contracts::{PAGE_ROWS_MAX, ids::OrderId, qr::CodeView};
use db::DbError;
use qrcode::{EcLevel, QrCode, render::svg};

use super::Codes;
use crate::{
    error::QrError,
    model::{self, Code},
    store,
};

/// Large enough to be scanned from a phone's screen without zooming.
const IMAGE_PIXELS_MIN: u32 = 256;

impl Codes {
    /// Every code of an order: those that live, then those that were given up. None where no machine pours any of it.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn of_order(&self, order_id: OrderId) -> Result<Vec<CodeView>, QrError> {
        let codes = self.db.read::<_, DbError, _>(move |tx| store::of_order(tx, order_id)).await?;
        Ok(model::living_first(codes).iter().map(Code::view).collect())
    }

    /// The latest paid codes that expired or are in REVIEW: what the staff's board shows.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn attention(&self) -> Result<Vec<CodeView>, QrError> {
        let codes = self.db.read::<_, DbError, _>(|tx| store::attention(tx, PAGE_ROWS_MAX)).await?;
        Ok(codes.iter().map(Code::view).collect())
    }

    /// The code as an SVG picture: error correction M, with its quiet zone.
    ///
    /// # Errors
    /// [`QrError::UnknownCode`].
    pub async fn image(&self, scanned: String) -> Result<String, QrError> {
        let text = model::read_code(&scanned).ok_or_else(|| QrError::UnknownCode(scanned.clone()))?;
        let found = self.db.read::<_, DbError, _>(move |tx| store::find(tx, &text)).await?;
        let Code { code, .. } = found.ok_or(QrError::UnknownCode(scanned))?;
        let drawn = QrCode::with_error_correction_level(&code, EcLevel::M);
        let drawn = drawn.map_err(|_| QrError::NotDrawable(code))?;
        let mut picture = drawn.render::<svg::Color<'_>>();
        Ok(picture.quiet_zone(true).min_dimensions(IMAGE_PIXELS_MIN, IMAGE_PIXELS_MIN).build())
    }
}
