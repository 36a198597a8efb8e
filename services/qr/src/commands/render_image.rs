//! `GET /api/QrCode/{code}/image.svg`: a code as a picture.

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
    /// The code as an SVG: error correction M, with its quiet zone.
    ///
    /// # Errors
    /// [`QrError::UnknownCode`].
    pub(crate) async fn render_image(&self, scanned: String) -> Result<String, QrError> {
        let text = model::parse_code(&scanned).ok_or_else(|| QrError::UnknownCode(scanned.clone()))?;
        let found = self.db.read::<_, DbError, _>(move |tx| store::find_code(tx, &text)).await?;
        let Code { code, .. } = found.ok_or(QrError::UnknownCode(scanned))?;
        let drawn = QrCode::with_error_correction_level(&code, EcLevel::M);
        let drawn = drawn.map_err(|source| QrError::NotDrawable { code, source })?;
        let mut image = drawn.render::<svg::Color<'_>>();
        Ok(image.quiet_zone(true).min_dimensions(IMAGE_PIXELS_MIN, IMAGE_PIXELS_MIN).build())
    }
}
