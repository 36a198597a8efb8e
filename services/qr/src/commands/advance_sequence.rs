//! Before each command of a device that signs: its requests are numbered, and a number counts once.

use access::Caller;
use db::Tx;

use super::{Codes, check_in_device};
use crate::{error::QrError, model::Machine, store};

impl Codes {
    /// Takes the number of a signed request, so that no copy of it is carried out. In a transaction of its own: a request
    /// that is refused later has used its number up too. Only a request that is no copy shows that the device is in use.
    ///
    /// # Errors
    /// [`QrError::SequenceNotNewer`] for a copy, for a request that arrives after a later one, or with a former key.
    pub(crate) async fn accept_request(&self, machine: &Machine, caller: &Caller) -> Result<(), QrError> {
        let Some(sequence) = caller.sequence else { return Ok(()) };
        self.advance_sequence(machine, sequence).await?;
        if let Some(device) = &caller.device {
            self.access.touch(device);
        }
        Ok(())
    }

    async fn advance_sequence(&self, machine: &Machine, sequence: u64) -> Result<(), QrError> {
        let sequence = i64::try_from(sequence).unwrap_or(i64::MAX);
        let machine = machine.clone();
        self.db
            .write(move |tx: &mut Tx<'_>| {
                if store::advance_sequence(tx, machine.device_id, machine.key_version, sequence)? {
                    return Ok(());
                }
                // It may be the device's first request, or the first with a newer key.
                check_in_device::lock(tx, &machine, None)?;
                if store::advance_sequence(tx, machine.device_id, machine.key_version, sequence)? {
                    return Ok(());
                }
                let newest = store::newest_sequence(tx, machine.device_id)?;
                Err(QrError::SequenceNotNewer { sequence, newest })
            })
            .await
    }
}
