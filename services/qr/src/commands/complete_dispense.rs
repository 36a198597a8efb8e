//! `POST /api/QrCode/{code}/complete`: a device reports how a grant ended.

use contracts::{
    ids::DispenseId,
    qr::{CodeView, CompleteDispense},
    time::Timestamp,
};
use db::{DbResult, Tx};

use super::{
    Codes,
    effects::{Effects, ReceiptPart},
    release_lease::{Released, append_failure, append_result, poured, release},
};
use crate::{
    error::QrError,
    model::{self, ClosedBy, Code, DispenseResult, LateReport, Lease, Machine},
    store::{self, Dispense, OrderState},
};

/// A device's report of a grant.
struct Report {
    code: String,
    dispense_id: DispenseId,
    device_id: String,
    closed_by: ClosedBy,
    result: DispenseResult,
}

impl Codes {
    /// Ends the grant as the device reports, and returns the code.
    ///
    /// The first report of a grant is final; a later one, the same or not, only gets the code. A grant that was closed
    /// without a report is corrected by it. If the code was granted again meanwhile and the device poured, the cup is
    /// put on the staff's attention list.
    ///
    /// # Errors
    /// [`QrError::UnknownDispense`] and [`QrError::WrongDevice`].
    #[tracing::instrument(level = "debug", skip_all, fields(dispense_id = %report.dispense_id))]
    pub(crate) async fn complete_dispense(
        &self,
        machine: Machine,
        scanned: String,
        report: CompleteDispense,
    ) -> Result<CodeView, QrError> {
        let code = model::parse_code(&scanned).ok_or(QrError::UnknownCode(scanned))?;
        let device_id = machine.device_id.to_string();
        let CompleteDispense { dispense_id, outcome, poured_ms } = report;
        let now = self.clock.now();
        self.write(move |tx| {
            let grant = require_grant(tx, &code, &device_id, dispense_id)?;
            let Some(found) = store::find_code(tx, &code)? else { return Err(QrError::UnknownCode(code.clone())) };
            if grant.is_reported {
                return Ok((found.view(), Effects::of_repetition(tx, found.order_id)?));
            }
            let report = Report {
                code: code.clone(),
                dispense_id,
                device_id: device_id.clone(),
                closed_by: ClosedBy::DeviceReport { outcome, poured_ms },
                result: model::result_of_report(outcome, poured_ms, grant.duration_ms),
            };
            match report.write(tx, &found, now)? {
                Some(Released { code, effects }) => Ok((code.view(), effects)),
                None => Ok((store::find_code(tx, &code)?.unwrap_or(found).view(), Effects::default())),
            }
        })
        .await
    }
}

fn require_grant(tx: &mut Tx<'_>, code: &str, device_id: &str, dispense_id: DispenseId) -> Result<Dispense, QrError> {
    let grant = store::find_dispense(tx, dispense_id)?.filter(|dispense| dispense.code == code);
    let grant = grant.ok_or_else(|| QrError::UnknownDispense(code.to_owned()))?;
    if grant.device_id.as_deref() != Some(device_id) {
        return Err(QrError::WrongDevice(device_id.to_owned()));
    }
    Ok(grant)
}

impl Report {
    /// Ends the lease, or corrects how it ended. `None`: no code changed.
    fn write(&self, tx: &mut Tx<'_>, found: &Code, now: Timestamp) -> DbResult<Option<Released>> {
        // A device's own report ends its lease, however often the grant was repeated.
        let lease = Lease { code: self.code.clone(), dispense_id: self.dispense_id, grant_number: i64::MAX };
        if let Some(released) = release(tx, found.order_id, &lease, self.result, self.closed_by, now)? {
            return Ok(Some(released));
        }
        self.write_late(tx, found, now)
    }

    /// The lease ended before. `release` has locked the order, so nothing changes meanwhile.
    fn write_late(&self, tx: &mut Tx<'_>, found: &Code, now: Timestamp) -> DbResult<Option<Released>> {
        let is_reported = store::find_dispense(tx, self.dispense_id)?.is_none_or(|dispense| dispense.is_reported);
        let (Some(order), Some(code)) = (store::lock_order(tx, found.order_id)?, store::find_code(tx, &self.code)?)
        else {
            return Ok(None);
        };
        if is_reported {
            return Ok(None); // The same report was sent twice at once, and the other one was faster.
        }
        store::close_dispense(tx, self.dispense_id, self.closed_by, now)?;
        match model::judge_late_report(&code, self.dispense_id, self.result) {
            LateReport::Ignore => Ok(None),
            LateReport::Apply => self.correct(tx, &order, now),
            LateReport::Dispute => self.dispute(tx, &order, code, now).map(Some),
        }
    }

    /// The code gets the status of the report. `None`: it has gone on.
    fn correct(&self, tx: &mut Tx<'_>, order: &OrderState, now: Timestamp) -> DbResult<Option<Released>> {
        let to = model::status_after(self.result, order.is_open);
        let corrected = store::correct_code(tx, &self.code, self.dispense_id, to, model::released_until(now), now)?;
        let Some(code) = corrected else { return Ok(None) };
        append_result(tx, &code, self.result, self.closed_by, now)?;
        let part = ReceiptPart::read(tx, code.order_id, order)?;
        let effects = Effects { codes_poured: poured(self.result), ..Effects::receipt(part) };
        Ok(Some(Released { code, effects }))
    }

    /// The cup may have been poured twice: staff must know.
    fn dispute(&self, tx: &mut Tx<'_>, order: &OrderState, code: Code, now: Timestamp) -> DbResult<Released> {
        tracing::warn!(
            code = self.code, device_id = self.device_id, status = %code.status,
            "cup may have been poured twice: a device reported a grant after its code went on"
        );
        let disputed = store::dispute_cup(tx, &code, now)?;
        append_failure(tx, &disputed, self.closed_by, now)?;
        let part = ReceiptPart::read(tx, disputed.order_id, order)?;
        let code = if disputed.code == self.code { disputed } else { code };
        Ok(Released { code, effects: Effects::receipt(part) })
    }
}
