//! `PUT /api/Device/{deviceId}`.

use contracts::{
    audit::Actor,
    device::{DeviceView, WriteDevice},
    ids::DeviceId,
};
use db::DbError;

use super::{
    Devices,
    devices::{Act, append_change},
};
use crate::{error::DeviceError, model, store};

impl Devices {
    /// Replaces what the owner says of a device, if it still has the version that the client read.
    ///
    /// # Errors
    /// [`DeviceError::VersionMismatch`], [`DeviceError::Revoked`], [`DeviceError::NameTaken`], and what is not acceptable.
    pub(crate) async fn replace_device(
        &self,
        actor: Actor,
        device_id: DeviceId,
        write: WriteDevice,
        expected_version: Option<i64>,
    ) -> Result<DeviceView, DeviceError> {
        let now = self.clock.now();
        let replaced = self
            .db
            .write(move |tx| {
                let before = store::find_device(tx, device_id)?.ok_or(DeviceError::Unknown(device_id))?;
                if before.revoked_at.is_some() {
                    return Err(DeviceError::Revoked(before.name));
                }
                if expected_version.is_some_and(|expected| expected != before.version) {
                    return Err(DeviceError::VersionMismatch { name: before.name, current: before.version });
                }
                let after = model::written(&before, write.clone())?;
                let replaced = store::replace_device(tx, &after).map_err(|error| match error {
                    DbError::Unique { .. } => DeviceError::NameTaken(after.name.clone()),
                    error => error.into(),
                })?;
                let Some(after) = replaced else {
                    return Err(DeviceError::VersionMismatch { name: before.name, current: after.version });
                };
                let act = Act { actor: &actor, action: "device.changed", before: Some(&before), after: &after };
                append_change(tx, &act, now)?;
                Ok(after)
            })
            .await?;
        self.share(&replaced, None);
        Ok(replaced)
    }
}
