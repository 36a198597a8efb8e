//! `POST /api/QrCode/generate`: new codes for paid drinks whose codes expired. The old ones die.

use contracts::{
    qr::{CodeStatus, CodeView, ReissueCodes},
    time::Timestamp,
};
use db::{
    DbResult, Tx,
    idempotency::{self, IdempotencyKey},
};

use super::{Codes, receipt_part::ReceiptPart, tell};
use crate::{
    error::QrError,
    model::{self, Code},
    store::{self, NewCode},
};

/// More than staff tap in one go.
const CODES_NAMED_MAX: usize = 200;

impl Codes {
    /// Replaces the codes named, or all that were paid and have expired, and answers the order's codes.
    ///
    /// # Errors
    /// [`QrError::NotReissuable`] says what to do instead; then none is replaced.
    pub(crate) async fn reissue(
        &self,
        key: Option<IdempotencyKey>,
        request: ReissueCodes,
    ) -> Result<Vec<CodeView>, QrError> {
        let named = request.codes.as_ref().map_or(0, Vec::len);
        if named > CODES_NAMED_MAX {
            return Err(QrError::Invalid(format!(
                "codes names {named} codes. Name at most {CODES_NAMED_MAX} at once."
            )));
        }
        let (now, shop) = (self.clock.now(), self.shop.current());
        let day = shop.business_day(now);
        self.write_and_show(move |tx| {
            if let Some(earlier) = idempotency::find_response(tx, key.as_ref())? {
                return Ok((earlier, ReceiptPart::as_it_is(tx, request.order_id)?));
            }
            let order = store::lock_order(tx, request.order_id)?.ok_or(QrError::NoCodes(request.order_id))?;
            let mut all = store::of_order(tx, request.order_id)?;
            if all.is_empty() {
                return Err(QrError::NoCodes(request.order_id));
            }
            let replaced: Vec<Code> =
                model::to_reissue(&all, request.codes.as_deref(), now)?.into_iter().cloned().collect();
            let expires_at = now + shop.code_validity();
            let text = || model::write_code(day, rand::random());
            let issued = replace(tx, &replaced, text, expires_at, now)?;
            tell(tx, request.order_id, &issued, now)?;
            all.retain(|code| !replaced.iter().any(|old| old.code == code.code));
            all.extend(issued);
            let views: Vec<CodeView> = model::current(all).iter().map(Code::view).collect();
            idempotency::save_response(tx, key.as_ref(), &views, now)?;
            let part = ReceiptPart::read(tx, request.order_id, &order)?;
            Ok((views, Some(part)))
        })
        .await
    }
}

fn replace(
    tx: &mut Tx<'_>,
    replaced: &[Code],
    text: impl Fn() -> String,
    expires_at: Timestamp,
    now: Timestamp,
) -> DbResult<Vec<Code>> {
    let mut issued = Vec::with_capacity(replaced.len());
    for old in replaced {
        let void = store::void(tx, &old.code, now)?;
        issued.push(issue_instead(tx, &void, text(), expires_at, now)?);
    }
    Ok(issued)
}

/// Issues a code that pours in the place of a paid one that was given up.
pub(super) fn issue_instead(
    tx: &mut Tx<'_>,
    void: &Code,
    text: String,
    expires_at: Timestamp,
    now: Timestamp,
) -> DbResult<Code> {
    let new = NewCode {
        code: text,
        order_id: void.order_id,
        cup: &void.cup,
        status: CodeStatus::Active,
        expires_at,
        issued_at: now,
        version: void.version + 1,
        replaces: Some(&void.code),
    };
    store::insert(tx, new)
}
