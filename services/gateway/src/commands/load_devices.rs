//! At start, and after events were missed: the devices in use may call, and those that were revoked may not.

use std::time::Duration;

use db::DbError;

use super::{DEVICE_TOKEN_LIFETIME, Devices};
use crate::store::{self, StoredDevice};

/// How long a revoked device must be known: a day longer than its last token. An event from before the revocation may
/// be published again at start, and would let a device call that is not known to be revoked.
const REVOKED_DEVICES_KNOWN: Duration = DEVICE_TOKEN_LIFETIME.saturating_add(Duration::from_secs(24 * 60 * 60));
/// More devices than a shop pairs in that time. Those in use come first.
const DEVICES_LOADED_MAX: u32 = 10_000;

impl Devices {
    /// Makes the devices known to this process, with the keys of dispensers.
    pub(crate) async fn load_devices(&self) -> Result<(), DbError> {
        let revoked_after = self.clock.now() - REVOKED_DEVICES_KNOWN;
        let list = move |tx: &mut db::Tx<'_>| store::list_devices_to_load(tx, revoked_after, DEVICES_LOADED_MAX);
        for StoredDevice { view, signing_key } in self.db.read::<_, DbError, _>(list).await? {
            self.access.put_device(&view, signing_key);
        }
        Ok(())
    }
}
