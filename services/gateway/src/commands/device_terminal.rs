//! `fnb device`: devices, for whoever has the machine itself. No credential is asked for, and none of a service is needed.
//!
//! A running shop learns of a change by the event in the outbox, within seconds.

use contracts::{
    audit::Actor,
    device::{CreatePairingCode, DeviceView, PairingCodeView},
    ids::DeviceId,
    time::Timestamp,
};
use db::{Db, DbError};
use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};

use super::{create_pairing_code::create_code, list_devices::DEVICES_LISTED_MAX, revoke_device::revoke};
use crate::{error::DeviceError, store};

/// The devices cannot be read or changed.
#[derive(Debug, thiserror::Error)]
#[error("the devices were not changed")]
pub struct DeviceCommandError(#[source] DeviceError);

/// Makes a pairing code for a new device. `origin`: the shop's address.
///
/// # Errors
/// [`DeviceCommandError`], such as for a name that no list can show.
pub async fn create_pairing_code(
    db: &Db,
    request: CreatePairingCode,
    origin: &str,
    now: Timestamp,
) -> Result<PairingCodeView, DeviceCommandError> {
    create_code(db, Actor::terminal(), request, origin, now).await.map_err(DeviceCommandError)
}

/// The devices in use by their age, then those that were revoked, the last first.
///
/// # Errors
/// [`DeviceCommandError`] if they cannot be read.
pub async fn list_devices(db: &Db) -> Result<Vec<DeviceView>, DeviceCommandError> {
    let listed = db.read::<_, DbError, _>(|tx| store::list_devices(tx, DEVICES_LISTED_MAX)).await;
    listed.map_err(|error| DeviceCommandError(error.into()))
}

/// Revokes a device. One that was revoked before stays as it is.
///
/// # Errors
/// [`DeviceCommandError`], such as for a device that does not exist.
pub async fn revoke_device(
    db: &Db,
    device_id: DeviceId,
    reason: String,
    now: Timestamp,
) -> Result<DeviceView, DeviceCommandError> {
    revoke(db, Actor::terminal(), device_id, reason, now).await.map_err(DeviceCommandError)
}

/// A text as a QR code that a terminal shows, light on dark.
///
/// # Errors
/// [`DeviceCommandError`] if the text is too long.
pub fn qr_in_terminal(text: &str) -> Result<String, DeviceCommandError> {
    let drawn =
        QrCode::with_error_correction_level(text, EcLevel::L).map_err(|error| DeviceCommandError(error.into()))?;
    let mut shown = drawn.render::<Dense1x2>();
    Ok(shown.dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).quiet_zone(true).build())
}
