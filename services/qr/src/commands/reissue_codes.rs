//! `POST /api/QrCode/generate`: new codes for paid drinks whose codes expired. The old codes become VOID.

use contracts::{
    audit::Actor,
    ids::OrderId,
    qr::{CodeStatus, CodeView, REISSUED_CODES_MAX, ReissueCodes},
};
use db::{
    DbResult, Tx, approvals,
    idempotency::{self, Answer, IdempotencyKey},
};

use super::{
    Codes, IssueTerms, append_codes_issued,
    audit::{CodeAct, append_replaced},
    effects::{Effects, ReceiptPart},
};
use crate::{
    error::QrError,
    model::{self, Code},
    store::{self, NewCode},
};

impl Codes {
    /// Reissues the named codes, or all that were paid and have expired, and returns the order's current codes.
    ///
    /// # Errors
    /// [`QrError::NotReissuable`]: no code is reissued. Its text names what to do instead.
    #[tracing::instrument(level = "debug", skip_all, fields(order_id = %request.order_id))]
    pub(crate) async fn reissue_codes(
        &self,
        actor: Actor,
        key: Option<IdempotencyKey>,
        request: ReissueCodes,
    ) -> Result<Vec<CodeView>, QrError> {
        let named = request.codes.as_ref().map_or(0, Vec::len);
        if named > REISSUED_CODES_MAX {
            return Err(QrError::TooManyCodes(named));
        }
        let terms = self.issue_terms();
        self.write(move |tx| {
            let mut effects = Effects::default();
            let answer = idempotency::once(tx, key.as_ref(), terms.now, |tx| {
                approvals::use_up(tx, &actor, terms.now)?;
                let (views, of_reissue) = reissue(tx, &actor, &request, terms)?;
                effects = of_reissue;
                Ok::<_, QrError>(views)
            })?;
            if matches!(answer, Answer::Repeated(_)) {
                effects = Effects::of_repetition(tx, request.order_id)?;
            }
            Ok((answer.into_inner(), effects))
        })
        .await
    }

    /// The terms of codes that are issued today.
    pub(super) fn issue_terms(&self) -> IssueTerms {
        let (now, shop) = (self.clock.now(), self.shop.current());
        IssueTerms { business_day: shop.business_day(now), expires_at: now + shop.code_validity(), now }
    }
}

fn reissue(
    tx: &mut Tx<'_>,
    actor: &Actor,
    request: &ReissueCodes,
    terms: IssueTerms,
) -> Result<(Vec<CodeView>, Effects), QrError> {
    let order_id: OrderId = request.order_id;
    let order = store::lock_order(tx, order_id)?.ok_or(QrError::NoCodes(order_id))?;
    let mut codes = store::list_codes(tx, order_id)?;
    if codes.is_empty() {
        return Err(QrError::NoCodes(order_id));
    }
    let replaced: Vec<Code> = match &request.codes {
        Some(names) => model::named_codes(&codes, names, terms.now)?,
        None => model::expired_codes(&codes, terms.now)?,
    }
    .into_iter()
    .cloned()
    .collect();
    let mut issued = Vec::with_capacity(replaced.len());
    for old in &replaced {
        let void = store::void_code(tx, &old.code, terms.now)?;
        let new = insert_replacement(tx, &void, terms)?;
        append_replaced(tx, &CodeAct { actor, action: "code.reissued", code: old }, &new, terms.now)?;
        issued.push(new);
    }
    append_codes_issued(tx, order_id, &issued, terms.now)?;
    let codes_issued = issued.len();
    codes.retain(|code| !replaced.iter().any(|old| old.code == code.code));
    codes.extend(issued);
    let views = model::current_codes(codes).iter().map(Code::view).collect();
    let part = ReceiptPart::read(tx, order_id, &order)?;
    Ok((views, Effects { codes_issued, ..Effects::receipt(part) }))
}

/// Inserts a valid code that replaces a paid one.
pub(super) fn insert_replacement(tx: &mut Tx<'_>, void: &Code, terms: IssueTerms) -> DbResult<Code> {
    let new = NewCode {
        code: terms.new_code(),
        order_id: void.order_id,
        cup: &void.cup,
        status: CodeStatus::Active,
        expires_at: terms.expires_at,
        issued_at: terms.now,
        version: void.version + 1,
        replaces: Some(&void.code),
    };
    store::insert_code(tx, new)
}
