//! `POST /api/Device/{deviceId}/revoke`.

use contracts::{audit::Actor, device::DeviceView, ids::DeviceId};

use super::{
    Devices,
    devices::{Act, append_act},
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
        model::check_reason(&reason)?;
        let now = self.clock.now();
        let revoked = self
            .db
            .write(move |tx| {
                let before = store::find_device(tx, device_id)?.ok_or(DeviceError::Unknown(device_id))?;
                let Some(after) = store::revoke_device(tx, device_id, &reason, now)? else {
                    return store::find_device(tx, device_id)?.ok_or(DeviceError::Unknown(device_id));
                };
                let act = Act { actor: &actor, action: "device.revoked", before: Some(&before), after: &after };
                append_act(tx, &act, now)?;
                Ok(after)
            })
            .await?;
        self.share(&revoked, None);
        Ok(revoked)
    }
}
