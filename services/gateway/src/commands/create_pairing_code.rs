//! `POST /api/Device/pairing`, `POST /api/Device/{deviceId}/pairing-code`.

use contracts::{
    audit::{Actor, AuditArea, AuditEntry},
    device::{CreatePairingCode, DeviceKind, PairingCodeView},
    ids::DeviceId,
    time::Timestamp,
};
use db::{Db, DbError, DbResult, Tx, outbox};
use qrcode::{EcLevel, QrCode, render::svg};
use serde::Serialize;

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
    /// A name that no list can show; [`DeviceError::NameTaken`], [`DeviceError::TooManyCodes`].
    pub(crate) async fn create_pairing_code(
        &self,
        actor: Actor,
        request: CreatePairingCode,
        origin: &str,
    ) -> Result<PairingCodeView, DeviceError> {
        create_code(&self.db, actor, request, origin, self.clock.now()).await
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
        put_code(&self.db, pairing, origin, self.clock.now()).await
    }
}

/// A pairing code for a new device.
pub(super) async fn create_code(
    db: &Db,
    actor: Actor,
    request: CreatePairingCode,
    origin: &str,
    now: Timestamp,
) -> Result<PairingCodeView, DeviceError> {
    let CreatePairingCode { kind, name, place } = request;
    model::check_name(&name, place.as_deref())?;
    let expires_at = now + PAIRING_CODE_VALIDITY;
    let pairing = Pairing { kind, name, place, device_id: None, created_by: actor, expires_at };
    put_code(db, pairing, origin, now).await
}

/// Stores a new code in a free slot.
async fn put_code(db: &Db, pairing: Pairing, origin: &str, now: Timestamp) -> Result<PairingCodeView, DeviceError> {
    let expires_at = pairing.expires_at;
    let mut attempts = 1;
    let code = loop {
        match try_put_code(db, pairing.clone(), now).await {
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

async fn try_put_code(db: &Db, pairing: Pairing, now: Timestamp) -> Result<PairingCode, DeviceError> {
    let code = PairingCode::random();
    db.write(move |tx: &mut Tx<'_>| {
        if store::is_name_taken(tx, &pairing.name, pairing.device_id)? {
            return Err(DeviceError::NameTaken(pairing.name.clone()));
        }
        // A code that was used keeps its slot as long as others are free: the device may repeat its request.
        for used_before in [Timestamp(i64::MIN), now] {
            for slot in 1..=PAIRING_CODES_MAX {
                if store::put_pairing_code(tx, slot, &code.hash(), &pairing, now, used_before)? {
                    append_code_made(tx, &pairing, now)?;
                    return Ok(code.clone());
                }
            }
        }
        Err(DeviceError::TooManyCodes)
    })
    .await
}

/// For the audit trail: who may let a device in. The code itself is a secret.
fn append_code_made(tx: &mut Tx<'_>, pairing: &Pairing, now: Timestamp) -> DbResult<()> {
    let Pairing { kind, name, place, device_id, created_by, expires_at } = pairing;
    let subject = device_id.map_or_else(|| name.clone(), |device_id| device_id.to_string());
    let made = CodeMade { kind: *kind, place: place.as_deref(), expires_at: *expires_at };
    let actor = created_by.clone();
    let entry = AuditEntry::new(actor, AuditArea::Device, "device.pairing_code_made", subject, name, now);
    outbox::append_act(tx, entry.with_after(&made)?)
}

/// What the audit trail keeps of a pairing code.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CodeMade<'a> {
    kind: DeviceKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a str>,
    expires_at: Timestamp,
}
