//! Before each command of a device that signs: its requests are numbered, and a number counts once.

use db::Tx;

use super::{Codes, check_in_device};
use crate::{error::QrError, model::Machine, store};

impl Codes {
    /// Takes the number of a signed request, so that no copy of it is carried out. In a transaction of its own: a request
    /// that is refused later has used its number up too.
    ///
    /// # Errors
    /// [`QrError::SequenceNotNewer`] for a copy, or for a request that arrives after a later one.
    pub(crate) async fn advance_sequence(&self, machine: &Machine, sequence: Option<u64>) -> Result<(), QrError> {
        let Some(sequence) = sequence else { return Ok(()) };
        let sequence = i64::try_from(sequence).unwrap_or(i64::MAX);
        let machine = machine.clone();
        self.db
            .write(move |tx: &mut Tx<'_>| {
                if store::advance_sequence(tx, machine.device_id, sequence)? {
                    return Ok(());
                }
                // It may be the device's first request.
                check_in_device::lock(tx, &machine, None)?;
                if store::advance_sequence(tx, machine.device_id, sequence)? {
                    return Ok(());
                }
                let newest = store::newest_sequence(tx, machine.device_id)?;
                Err(QrError::SequenceNotNewer { sequence, newest })
            })
            .await
    }
}
