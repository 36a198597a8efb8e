//! `POST /api/QrCode/{code}/complete`: a machine reports how a grant ended.

use contracts::qr::{CodeView, CompleteDispense};

use super::{Codes, checked_name, end_lease::end_lease};
use crate::{
    error::QrError,
    model::{self, HeldLease},
    store,
};

impl Codes {
    /// Ends the grant as the machine reports, and answers how its code stands.
    ///
    /// The first report of a grant decides. Any later one, the same or not, is answered with how the code stands.
    ///
    /// # Errors
    /// [`QrError::UnknownDispense`] and [`QrError::WrongDevice`], where the grant is not this code's or machine's.
    pub async fn complete(&self, scanned: String, report: CompleteDispense) -> Result<CodeView, QrError> {
        let code = model::read_code(&scanned).ok_or(QrError::UnknownCode(scanned))?;
        let CompleteDispense { dispense_id, device_id, outcome, poured_ms } = report;
        let device_id = checked_name("deviceId", device_id)?;
        let now = self.clock.now();
        let ended = self.db.write(move |tx| {
            let granted = store::find_dispense(tx, dispense_id)?.filter(|dispense| dispense.code == code);
            let Some(dispense) = granted else { return Err(QrError::UnknownDispense(code.clone())) };
            if dispense.device_id.as_ref() != Some(&device_id) {
                return Err(QrError::WrongDevice(device_id.clone()));
            }
            let Some(seen) = store::find(tx, &code)? else { return Err(QrError::UnknownCode(code.clone())) };
            if dispense.is_closed {
                return Ok((seen.view(), None));
            }
            // The machine's own word ends its lease, however often it was told of it.
            let grant_number = i64::MAX;
            let journal_epoch = String::new();
            let lease = HeldLease { code: code.clone(), dispense_id, journal_epoch, grant_number };
            let ending = model::ending_by_report(outcome, poured_ms, dispense.duration_ms);
            match end_lease(tx, seen.order_id, &lease, ending, Some((outcome, poured_ms)), now)? {
                Some(ended) => Ok((ended.code.view(), Some(ended.part))),
                // The same report, sent twice at once: the other was faster.
                None => Ok((store::find(tx, &code)?.unwrap_or(seen).view(), None)),
            }
        });
        let (view, part) = ended.await?;
        self.show(part).await;
        Ok(view)
    }
}
