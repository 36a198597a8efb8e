//! `POST /api/Device/pairing`, `POST /api/Device/{deviceId}/pairing-code`.

use contracts::{
    audit::Actor,
    device::{CreatePairingCode, PairingCodeView},
    ids::DeviceId,
};
use db::{DbError, Tx};
use qrcode::{EcLevel, QrCode, render::svg};

use super::Devices;
use crate::{
    error::DeviceError,
    model::{self, PAIRING_CODE_VALIDITY, PAIRING_CODES_MAX, Pairing, PairingCode},
    store,
};

/// Large enough to be scanned from a till's screen.
const IMAGE_PIXELS_MIN: u32 = 256;
/// How often another code is drawn if there is such a code already, once in five million.
const ATTEMPTS_MAX: u32 = 3;

impl Devices {
    /// A pairing code for a new device.
    ///
    /// # Errors
    /// A name that no list can show; [`DeviceError::TooManyCodes`].
    pub(crate) async fn create_pairing_code(
        &self,
        actor: Actor,
        request: CreatePairingCode,
        origin: &str,
    ) -> Result<PairingCodeView, DeviceError> {
        let CreatePairingCode { kind, name, place } = request;
        model::check_name(&name, place.as_deref())?;
        let expires_at = self.clock.now() + PAIRING_CODE_VALIDITY;
        self.put_code(Pairing { kind, name, place, device_id: None, created_by: actor, expires_at }, origin).await
    }

    /// A pairing code that pairs a device again: a dispenser gets another key, and a tablet that was lost is replaced by
    /// one with its name and letter.
    ///
    /// # Errors
    /// [`DeviceError::Unknown`], [`DeviceError::TooManyCodes`].
    pub(crate) async fn create_code_to_pair_again(
        &self,
        actor: Actor,
        device_id: DeviceId,
        origin: &str,
    ) -> Result<PairingCodeView, DeviceError> {
        let device = self.get_device(device_id).await?;
        let expires_at = self.clock.now() + PAIRING_CODE_VALIDITY;
        let pairing = Pairing {
            kind: device.kind,
            name: device.name,
            place: device.place,
            device_id: Some(device_id),
            created_by: actor,
            expires_at,
        };
        self.put_code(pairing, origin).await
    }

    async fn put_code(&self, pairing: Pairing, origin: &str) -> Result<PairingCodeView, DeviceError> {
        let expires_at = pairing.expires_at;
        let mut attempts = 1;
        let code = loop {
            match self.try_put_code(pairing.clone()).await {
                Err(DeviceError::Db(DbError::Unique { .. })) if attempts < ATTEMPTS_MAX => attempts += 1,
                other => break other?,
            }
        };
        let url = format!("{origin}/pair?code={}", code.digits());
        let drawn = QrCode::with_error_correction_level(&url, EcLevel::M)?;
        let mut image = drawn.render::<svg::Color<'_>>();
        let qr_svg = image.quiet_zone(true).min_dimensions(IMAGE_PIXELS_MIN, IMAGE_PIXELS_MIN).build();
        Ok(PairingCodeView { code: code.digits().to_owned(), url, qr_svg, expires_at })
    }

    async fn try_put_code(&self, pairing: Pairing) -> Result<PairingCode, DeviceError> {
        let (code, now) = (PairingCode::random(), self.clock.now());
        self.db
            .write(move |tx: &mut Tx<'_>| {
                for slot in 1..=PAIRING_CODES_MAX {
                    if store::put_pairing_code(tx, slot, &code.hash(), &pairing, now)? {
                        return Ok(code.clone());
                    }
                }
                Err(DeviceError::TooManyCodes)
            })
            .await
    }
}
