//! `POST /api/QrCode/{code}/complete`: a machine reports how a grant ended.

use contracts::{
    event::DispenseFailed,
    ids::DispenseId,
    qr::{CodeView, CompleteDispense},
    time::Timestamp,
};
use db::{DbResult, Tx, outbox};

use super::{
    Codes, checked_name,
    end_lease::{Ended, end_lease, say, status_after},
    receipt_part::ReceiptPart,
};
use crate::{
    error::QrError,
    model::{self, Account, Code, Ending, HeldLease, Late},
    store::{self, Dispense, Standing},
};

/// A machine's report of a grant.
struct Report {
    code: String,
    dispense_id: DispenseId,
    device_id: String,
    account: Account,
    ending: Ending,
}

impl Codes {
    /// Ends the grant as the machine reports, and answers how its code stands.
    ///
    /// The machine's first report of a grant decides; any later one, the same or not, is answered with how the code
    /// stands. A grant that was ended without the machine's word, by its heartbeat, the loss of its journal or a person,
    /// is still corrected by it; where the code went on meanwhile and the machine poured, staff see it on their board.
    ///
    /// # Errors
    /// [`QrError::UnknownDispense`] and [`QrError::WrongDevice`], where the grant is not this code's or machine's.
    pub(crate) async fn complete(&self, scanned: String, report: CompleteDispense) -> Result<CodeView, QrError> {
        let code = model::read_code(&scanned).ok_or(QrError::UnknownCode(scanned))?;
        let device_id = checked_name("deviceId", report.device_id.clone())?;
        let now = self.clock.now();
        self.write_and_show(move |tx| {
            let granted = granted(tx, &code, &device_id, report.dispense_id)?;
            let Some(seen) = store::find(tx, &code)? else { return Err(QrError::UnknownCode(code.clone())) };
            if granted.is_reported {
                return Ok((seen.view(), ReceiptPart::as_it_is(tx, seen.order_id)?));
            }
            let CompleteDispense { dispense_id, outcome, poured_ms, .. } = report;
            let ending = model::ending_by_report(outcome, poured_ms, granted.duration_ms);
            let account = Account::Reported(outcome, poured_ms);
            let report = Report { code: code.clone(), dispense_id, device_id: device_id.clone(), account, ending };
            match report.write(tx, &seen, now)? {
                Some(ended) => Ok((ended.code.view(), Some(ended.part))),
                None => Ok((store::find(tx, &code)?.unwrap_or(seen).view(), None)),
            }
        })
        .await
    }
}

fn granted(tx: &mut Tx<'_>, code: &str, device_id: &str, dispense_id: DispenseId) -> Result<Dispense, QrError> {
    let granted = store::find_dispense(tx, dispense_id)?.filter(|dispense| dispense.code == code);
    let dispense = granted.ok_or_else(|| QrError::UnknownDispense(code.to_owned()))?;
    if dispense.device_id.as_deref() != Some(device_id) {
        return Err(QrError::WrongDevice(device_id.to_owned()));
    }
    Ok(dispense)
}

impl Report {
    /// Ends the lease, or corrects how it was ended. `None`: no code changed.
    fn write(&self, tx: &mut Tx<'_>, seen: &Code, now: Timestamp) -> DbResult<Option<Ended>> {
        // The machine's own word ends its lease, however often it was told of it.
        let lease = HeldLease { code: self.code.clone(), dispense_id: self.dispense_id, grant_number: i64::MAX };
        if let Some(ended) = end_lease(tx, seen.order_id, &lease, self.ending, self.account, now)? {
            return Ok(Some(ended));
        }
        self.write_late(tx, seen, now)
    }

    /// The lease was ended before. The order's row is ours since the attempt to end it: nothing changes meanwhile.
    fn write_late(&self, tx: &mut Tx<'_>, seen: &Code, now: Timestamp) -> DbResult<Option<Ended>> {
        let is_reported = store::find_dispense(tx, self.dispense_id)?.is_none_or(|dispense| dispense.is_reported);
        let (Some(order), Some(code)) = (store::lock_order(tx, seen.order_id)?, store::find(tx, &self.code)?) else {
            return Ok(None);
        };
        if is_reported {
            return Ok(None); // The same report, sent twice at once: the other was faster.
        }
        store::close(tx, self.dispense_id, self.account, now)?;
        let changed = match model::late(&code, self.dispense_id, self.ending) {
            Late::Keep => return Ok(None),
            Late::Apply => self.correct(tx, &order, now)?,
            Late::Tell => {
                tracing::warn!(
                    code = self.code, device = self.device_id, status = ?code.status,
                    "a machine poured by a grant that was given up, and its code went on: a person is told"
                );
                let disputed = store::dispute(tx, &code, now)?;
                let (outcome, poured_ms) = (self.account.outcome(), self.account.poured_ms());
                outbox::append(tx, &DispenseFailed { code: disputed.view(), outcome, poured_ms }, now)?;
                Some(disputed)
            }
        };
        let Some(changed) = changed else { return Ok(None) };
        let part = ReceiptPart::read(tx, changed.order_id, &order)?;
        let code = if changed.code == self.code { changed } else { code };
        Ok(Some(Ended { code, part }))
    }

    fn correct(&self, tx: &mut Tx<'_>, order: &Standing, now: Timestamp) -> DbResult<Option<Code>> {
        let to = status_after(self.ending, order.is_open);
        let corrected = store::correct(tx, &self.code, self.dispense_id, to, model::given_back_until(now), now)?;
        if let Some(code) = &corrected {
            say(tx, code, self.ending, self.account, now)?;
        }
        Ok(corrected)
    }
}
