//! `POST /api/Device/{deviceId}/revoke`.

use contracts::{audit::Actor, device::DeviceView, ids::DeviceId, time::Timestamp};
use db::Db;

use super::{
    Devices,
    devices::{Act, append_change},
};
use crate::{error::DeviceError, model, store};

impl Devices {
    /// Revokes a device: its credential and the sessions on it are refused from now on. A device that was revoked before
    /// is answered as it is.
    ///
    /// # Errors
    /// [`DeviceError::Unknown`].
    pub(crate) async fn revoke_device(
        &self,
        actor: Actor,
        device_id: DeviceId,
        reason: String,
    ) -> Result<DeviceView, DeviceError> {
        let revoked = revoke(&self.db, actor, device_id, reason, self.clock.now()).await?;
        self.share(&revoked, None);
        Ok(revoked)
    }
}

/// Revokes a device in the database.
pub(super) async fn revoke(
    db: &Db,
    actor: Actor,
    device_id: DeviceId,
    reason: String,
    now: Timestamp,
) -> Result<DeviceView, DeviceError> {
    model::check_reason(&reason)?;
    db.write(move |tx| {
        let before = store::find_device(tx, device_id)?.ok_or(DeviceError::Unknown(device_id))?;
        let Some(after) = store::revoke_device(tx, device_id, &reason, now)? else {
            return store::find_device(tx, device_id)?.ok_or(DeviceError::Unknown(device_id));
        };
        append_change(tx, &Act { actor: &actor, action: "device.revoked", before: Some(&before), after: &after }, now)?;
        Ok(after)
    })
    .await
}
