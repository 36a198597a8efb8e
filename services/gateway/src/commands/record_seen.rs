//! A timer: when each device called last.

use db::DbError;

use super::Devices;
use crate::store;

impl Devices {
    /// Writes when the devices called that called since the last time. Nobody waits for it.
    pub(crate) async fn record_seen(&self) -> Result<(), DbError> {
        let seen = self.access.take_seen();
        if seen.is_empty() {
            return Ok(());
        }
        let record = move |tx: &mut db::Tx<'_>| {
            seen.iter().try_for_each(|(device_id, at)| store::record_seen(tx, *device_id, *at))
        };
        self.db.write_deferred::<_, DbError, _>(record).await
    }
}
