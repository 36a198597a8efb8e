//! `GET /api/Device`, `GET /api/Device/{deviceId}`.

use contracts::{device::DeviceView, ids::DeviceId};
use db::DbError;

use super::Devices;
use crate::{error::DeviceError, model::DEVICES_MAX, store};

/// Every device in use, and the last hundred that were revoked.
const DEVICES_LISTED_MAX: u32 = DEVICES_MAX + 100;

impl Devices {
    /// The devices in use by their age, then those that were revoked, the last first.
    pub(crate) async fn list_devices(&self) -> Result<Vec<DeviceView>, DeviceError> {
        Ok(self.db.read::<_, DbError, _>(|tx| store::list_devices(tx, DEVICES_LISTED_MAX)).await?)
    }

    /// One device.
    ///
    /// # Errors
    /// [`DeviceError::Unknown`].
    pub(crate) async fn get_device(&self, device_id: DeviceId) -> Result<DeviceView, DeviceError> {
        let found = self.db.read::<_, DbError, _>(move |tx| store::find_device(tx, device_id)).await?;
        found.ok_or(DeviceError::Unknown(device_id))
    }
}
