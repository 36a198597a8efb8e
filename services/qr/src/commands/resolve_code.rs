//! `POST /api/QrCode/{code}/resolve`: a person says whether a cup in REVIEW was poured.

use contracts::{
    event::DispenseCompleted,
    qr::{CodeView, ResolveCode, ReviewDecision},
};
use db::{
    idempotency::{self, RequestKey},
    outbox,
};

use super::{Codes, end_lease::status_after, receipt_part::ReceiptPart, tell};
use crate::{
    error::QrError,
    model::{self, Ending},
    store,
};

impl Codes {
    /// Ends the review: USED, or pouring again for at least five minutes. Of an order that is over it pours no more.
    ///
    /// # Errors
    /// [`QrError::NotInReview`], with where the code stands.
    pub async fn resolve(
        &self,
        key: Option<RequestKey>,
        scanned: String,
        request: ResolveCode,
    ) -> Result<CodeView, QrError> {
        let code = model::read_code(&scanned).ok_or(QrError::UnknownCode(scanned))?;
        let now = self.clock.now();
        let ending = match request.decision {
            ReviewDecision::Poured => Ending::Used { poured_ms: None },
            ReviewDecision::NotPoured => Ending::GivenBack,
        };
        let resolved = self.db.write(move |tx| {
            if let Some(earlier) = idempotency::replay(tx, key.as_ref())? {
                return Ok((earlier, None));
            }
            let seen = store::find(tx, &code)?.ok_or_else(|| QrError::UnknownCode(code.clone()))?;
            let order = store::lock_order(tx, seen.order_id)?.ok_or(QrError::NoCodes(seen.order_id))?;
            let to = status_after(ending, order.is_open);
            let Some(resolved) = store::resolve(tx, &code, to, model::given_back_until(now), now)? else {
                let status = store::find(tx, &code)?.map_or(seen.status, |code| code.status);
                return Err(QrError::NotInReview { code: code.clone(), status });
            };
            if let Some(dispense_id) = resolved.dispense_id {
                store::decide(tx, dispense_id, request.decision, now)?;
            }
            let view = resolved.view();
            match request.decision {
                ReviewDecision::Poured => {
                    outbox::append(tx, &DispenseCompleted { code: view.clone(), poured_ms: None }, now)?;
                }
                ReviewDecision::NotPoured => tell(tx, resolved.order_id, std::slice::from_ref(&resolved), now)?,
            }
            idempotency::remember(tx, key.as_ref(), &view, now)?;
            let part = ReceiptPart::read(tx, resolved.order_id, order.receipt_version)?;
            Ok::<_, QrError>((view, Some(part)))
        });
        let (view, part) = resolved.await?;
        self.show(part).await;
        Ok(view)
    }
}
