//! `POST /api/QrCode/{code}/resolve`: a person says whether a cup was poured that is in REVIEW, or in a dead machine,
//! or that they have seen what a machine said late.

use std::time::Duration;

use contracts::{
    event::DispenseCompleted,
    qr::{CodeStatus, CodeView, ResolveCode, ReviewDecision},
    time::{BusinessDay, Timestamp},
};
use db::{
    Tx,
    idempotency::{self, IdempotencyKey},
    outbox,
};

use super::{Codes, end_lease::status_after, receipt_part::ReceiptPart, reissue_codes::issue_instead, tell};
use crate::{
    error::QrError,
    model::{self, Account, Code, Ending},
    store::{self, Standing},
};

impl Codes {
    /// Ends a review or a lease: USED, or pouring again for at least five minutes. Of an order that is over it pours no
    /// more.
    ///
    /// A code that a machine has does not pour again, because the machine may still hold the grant: it dies, and a new
    /// one takes its place, which is what is answered then.
    ///
    /// Of a cup that may have been poured twice and whose code is USED or VOID, nothing is left to decide: it leaves
    /// the board, whatever the decision.
    ///
    /// # Errors
    /// [`QrError::NotInReview`], with where the code stands.
    pub(crate) async fn resolve(
        &self,
        key: Option<IdempotencyKey>,
        scanned: String,
        request: ResolveCode,
    ) -> Result<CodeView, QrError> {
        let code = model::read_code(&scanned).ok_or(QrError::UnknownCode(scanned))?;
        let (now, shop) = (self.clock.now(), self.shop.current());
        let day = shop.business_day(now);
        self.write_and_show(move |tx| {
            if let Some(earlier) = idempotency::find_response::<CodeView>(tx, key.as_ref())? {
                let part = ReceiptPart::as_it_is(tx, earlier.order_id)?;
                return Ok((earlier, part));
            }
            let seen = store::find(tx, &code)?.ok_or_else(|| QrError::UnknownCode(code.clone()))?;
            let order = store::lock_order(tx, seen.order_id)?.ok_or(QrError::NoCodes(seen.order_id))?;
            let stands = match store::acknowledge(tx, &code, now)? {
                Some(disputed) if matches!(disputed.status, CodeStatus::Used | CodeStatus::Void) => {
                    tell(tx, disputed.order_id, std::slice::from_ref(&disputed), now)?;
                    disputed
                }
                // As it stands now that nobody else changes it.
                _ => {
                    let seen = store::find(tx, &code)?.unwrap_or(seen);
                    settle(tx, &seen, &order, request.decision, (day, shop.code_validity()), now)?
                }
            };
            let view = stands.view();
            idempotency::save_response(tx, key.as_ref(), &view, now)?;
            let part = ReceiptPart::read(tx, stands.order_id, &order)?;
            Ok((view, Some(part)))
        })
        .await
    }
}

/// Ends the review or the lease, and says so. Answers the code that stands for the cup then: `new` is the day and the
/// life of one that is issued.
fn settle(
    tx: &mut Tx<'_>,
    seen: &Code,
    order: &Standing,
    decision: ReviewDecision,
    new: (BusinessDay, Duration),
    now: Timestamp,
) -> Result<Code, QrError> {
    let resolved = decide(tx, seen, order, decision, now)?;
    let stands = if needs_another(seen, &resolved, order) {
        let (day, life) = new;
        issue_instead(tx, &resolved, model::write_code(day, rand::random()), now + life, now)?
    } else {
        resolved
    };
    match decision {
        ReviewDecision::Poured => {
            outbox::append(tx, &DispenseCompleted { code: stands.view(), poured_ms: None }, now)?;
        }
        ReviewDecision::NotPoured => tell(tx, stands.order_id, std::slice::from_ref(&stands), now)?,
    }
    Ok(stands)
}

/// Writes the decision: on the code, and in the log of its grant.
fn decide(
    tx: &mut Tx<'_>,
    seen: &Code,
    order: &Standing,
    decision: ReviewDecision,
    now: Timestamp,
) -> Result<Code, QrError> {
    let ending = match decision {
        ReviewDecision::Poured => Ending::Used { poured_ms: None },
        ReviewDecision::NotPoured => Ending::GivenBack,
    };
    let to = match (seen.status, ending) {
        (CodeStatus::Leased, Ending::GivenBack) => CodeStatus::Void,
        (CodeStatus::Leased | CodeStatus::Review, _) => status_after(ending, order.is_open),
        (status, _) => return Err(QrError::NotInReview { code: seen.code.clone(), status }),
    };
    let until = model::given_back_until(now);
    let resolved = store::resolve(tx, &seen.code, seen.status, to, until, now)?;
    let resolved = resolved.ok_or(QrError::NotInReview { code: seen.code.clone(), status: seen.status })?;
    if let Some(dispense_id) = resolved.dispense_id {
        store::close(tx, dispense_id, Account::Unknown, now)?;
        store::decide(tx, dispense_id, decision, now)?;
    }
    Ok(resolved)
}

fn needs_another(seen: &Code, resolved: &Code, order: &Standing) -> bool {
    seen.status == CodeStatus::Leased && resolved.status == CodeStatus::Void && order.is_open
}
