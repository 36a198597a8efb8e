//! At start: the devices in use may call.

use db::DbError;

use super::Devices;
use crate::store::{self, DeviceInUse};

impl Devices {
    /// Makes the devices in use known to this process, with the keys of dispensers.
    pub(crate) async fn load_devices(&self) -> Result<(), DbError> {
        for DeviceInUse { view, signing_key } in self.db.read::<_, DbError, _>(store::list_devices_in_use).await? {
            self.access.put_device(&view, signing_key);
        }
        Ok(())
    }
}
