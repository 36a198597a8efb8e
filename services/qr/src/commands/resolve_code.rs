//! `POST /api/QrCode/{code}/resolve`: staff decide whether a cup was poured whose code is in REVIEW or leased by a dead
//! device, or acknowledge that a cup may have been poured twice.

use contracts::{
    audit::Actor,
    event::DispenseCompleted,
    qr::{CodeStatus, CodeView, ResolveCode, ReviewDecision},
    time::Timestamp,
};
use db::{
    DbResult, Tx, approvals,
    idempotency::{self, Answer, IdempotencyKey},
    outbox,
};

use super::{
    Codes, IssueTerms, append_codes_issued,
    audit::{CodeAct, append_replaced},
    effects::{Effects, ReceiptPart},
    reissue_codes::insert_replacement,
    release_lease::poured,
};
use crate::{
    error::QrError,
    model::{self, ClosedBy, Code, DispenseResult, Lease},
    store::{self, OrderState},
};

impl Codes {
    /// Ends a review or a lease: the code becomes USED, or valid again for at least five minutes. A cup of a closed
    /// order becomes VOID instead.
    ///
    /// A leased code does not become valid again, because its device may still hold the grant: it becomes VOID, and a
    /// new code replaces it and is the answer.
    ///
    /// If the cup may have been poured twice and its code is USED or VOID, nothing is left to decide: the mark is
    /// removed, whatever the decision.
    ///
    /// # Errors
    /// [`QrError::NotInReview`] with the status of the code.
    #[tracing::instrument(level = "debug", skip_all, fields(decision = %request.decision))]
    pub(crate) async fn resolve_code(
        &self,
        actor: Actor,
        key: Option<IdempotencyKey>,
        scanned: String,
        request: ResolveCode,
    ) -> Result<CodeView, QrError> {
        let code = model::parse_code(&scanned).ok_or(QrError::UnknownCode(scanned))?;
        let terms = self.issue_terms();
        self.write(move |tx| {
            let mut effects = Effects::default();
            let answer = idempotency::once(tx, key.as_ref(), terms.now, |tx| {
                approvals::use_up(tx, &actor, terms.now)?;
                let (view, of_decision) = resolve(tx, &actor, &code, request.decision, terms)?;
                effects = of_decision;
                Ok::<_, QrError>(view)
            })?;
            if let Answer::Repeated(view) = &answer {
                effects = Effects::of_repetition(tx, view.order_id)?;
            }
            Ok((answer.into_inner(), effects))
        })
        .await
    }
}

fn resolve(
    tx: &mut Tx<'_>,
    actor: &Actor,
    code: &str,
    decision: ReviewDecision,
    terms: IssueTerms,
) -> Result<(CodeView, Effects), QrError> {
    let unknown = || QrError::UnknownCode(code.to_owned());
    let order_id = store::find_code(tx, code)?.ok_or_else(unknown)?.order_id;
    let order = store::lock_order(tx, order_id)?.ok_or(QrError::NoCodes(order_id))?;
    let acknowledged = store::acknowledge_dispute(tx, code, terms.now)?;
    // Read after the lock: nobody else changes it now.
    let found = store::find_code(tx, code)?.ok_or_else(unknown)?;
    let is_over = matches!(found.status, CodeStatus::Used | CodeStatus::Void);
    let (current, counts) = if acknowledged.is_some() && is_over {
        append_codes_issued(tx, order_id, std::slice::from_ref(&found), terms.now)?;
        (found.clone(), Effects::default())
    } else {
        decide(tx, &found, &order, decision, terms)?
    };
    let act = CodeAct { actor, action: resolved_as(decision), code: &found };
    append_replaced(tx, &act, &current, terms.now)?;
    let part = ReceiptPart::read(tx, order_id, &order)?;
    Ok((current.view(), Effects { receipts: vec![part], ..counts }))
}

/// Ends the review or the lease and publishes it. Returns the current code of the cup.
fn decide(
    tx: &mut Tx<'_>,
    found: &Code,
    order: &OrderState,
    decision: ReviewDecision,
    terms: IssueTerms,
) -> Result<(Code, Effects), QrError> {
    let not_in_review = || QrError::NotInReview { code: found.code.clone(), status: found.status };
    let ended = match found.status {
        CodeStatus::Review => end_review(tx, found, order, decision, terms.now)?,
        CodeStatus::Leased => end_lease(tx, found, decision, terms.now)?,
        _ => None,
    };
    let ended = ended.ok_or_else(not_in_review)?;
    if let Some(dispense_id) = ended.dispense_id {
        store::close_dispense(tx, dispense_id, ClosedBy::Staff, terms.now)?;
        store::record_decision(tx, dispense_id, decision, terms.now)?;
    }
    let is_withdrawn = found.status == CodeStatus::Leased && ended.status == CodeStatus::Void;
    let mut effects = Effects { codes_poured: poured(result_of(decision)), ..Effects::default() };
    let current = if is_withdrawn && order.is_open {
        effects.codes_issued = 1;
        insert_replacement(tx, &ended, terms)?
    } else {
        ended
    };
    match decision {
        ReviewDecision::Poured => {
            outbox::append(tx, &DispenseCompleted { code: current.view(), poured_ms: None }, terms.now)?;
        }
        ReviewDecision::NotPoured => {
            append_codes_issued(tx, current.order_id, std::slice::from_ref(&current), terms.now)?;
        }
    }
    Ok((current, effects))
}

/// The decision in the audit trail.
fn resolved_as(decision: ReviewDecision) -> &'static str {
    match decision {
        ReviewDecision::Poured => "code.resolved_poured",
        ReviewDecision::NotPoured => "code.resolved_not_poured",
    }
}

fn result_of(decision: ReviewDecision) -> DispenseResult {
    match decision {
        ReviewDecision::Poured => DispenseResult::Poured { poured_ms: None },
        ReviewDecision::NotPoured => DispenseResult::NotPoured,
    }
}

/// `None`: the code is no longer in review.
fn end_review(
    tx: &mut Tx<'_>,
    found: &Code,
    order: &OrderState,
    decision: ReviewDecision,
    now: Timestamp,
) -> DbResult<Option<Code>> {
    let to = model::status_after(result_of(decision), order.is_open);
    store::resolve_review(tx, &found.code, to, model::released_until(now), now)
}

/// Ends the lease of a dead device, however often the grant was repeated. `None`: the lease is over.
fn end_lease(tx: &mut Tx<'_>, found: &Code, decision: ReviewDecision, now: Timestamp) -> DbResult<Option<Code>> {
    let Some(dispense_id) = found.dispense_id else { return Ok(None) };
    let lease = Lease { code: found.code.clone(), dispense_id, grant_number: i64::MAX };
    let to = match decision {
        ReviewDecision::Poured => CodeStatus::Used,
        ReviewDecision::NotPoured => CodeStatus::Void,
    };
    store::release_lease(tx, &lease, to, model::released_until(now), now)
}
