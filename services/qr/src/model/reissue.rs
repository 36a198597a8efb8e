//! Which codes staff may replace by new ones.

use contracts::{qr::CodeStatus, time::Timestamp};

use super::{Code, read_code};
use crate::error::QrError;

/// The codes to replace: those named, or all that were paid and have expired. `codes`: the order's, all of them.
///
/// Without names, an order whose codes pour has nothing to replace, and that is no error: two of the staff may have
/// tapped at once.
///
/// # Errors
/// Names the first code that cannot be replaced, and what to do instead.
pub(crate) fn to_reissue<'a>(
    codes: &'a [Code],
    named: Option<&[String]>,
    now: Timestamp,
) -> Result<Vec<&'a Code>, QrError> {
    match named {
        Some(names) => named_codes(codes, names, now),
        None => expired_codes(codes, now),
    }
}

fn named_codes<'a>(codes: &'a [Code], names: &[String], now: Timestamp) -> Result<Vec<&'a Code>, QrError> {
    let mut chosen: Vec<&Code> = Vec::with_capacity(names.len());
    for name in names {
        let text = read_code(name);
        let found = codes.iter().find(|code| Some(&code.code) == text.as_ref());
        let code = found.ok_or_else(|| QrError::UnknownCode(name.clone()))?;
        refuse_unless(code, code.is_paid && (code.is_past(now) || code.status == CodeStatus::Active))?;
        if !chosen.iter().any(|earlier| earlier.code == code.code) {
            chosen.push(code);
        }
    }
    Ok(chosen)
}

fn expired_codes(codes: &[Code], now: Timestamp) -> Result<Vec<&Code>, QrError> {
    let expired: Vec<&Code> = codes.iter().filter(|code| code.is_paid && code.is_past(now)).collect();
    let has_active = codes.iter().any(|code| code.status == CodeStatus::Active);
    if expired.is_empty() && !has_active {
        // A replaced code explains nothing while a living one does.
        let telling = codes.iter().min_by_key(|code| code.status == CodeStatus::Void);
        telling.map_or(Ok(()), |code| refuse_unless(code, false))?;
    }
    Ok(expired)
}

fn refuse_unless(code: &Code, may_be_replaced: bool) -> Result<(), QrError> {
    if may_be_replaced {
        return Ok(());
    }
    let Code { code: text, status, is_paid, .. } = code;
    let product_name = code.cup.product_name.clone();
    Err(QrError::NotReissuable { code: text.clone(), product_name, status: *status, is_paid: *is_paid })
}

#[cfg(test)]
mod tests {
    use super::{super::tests::*, *};

    fn refused(codes: &[Code], named: Option<&[String]>) -> CodeStatus {
        match to_reissue(codes, named, NOW) {
            Err(QrError::NotReissuable { status, .. }) => status,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn a_paid_code_that_expired_is_replaced() {
        let expired = a_code(CodeStatus::Expired);
        assert_eq!(to_reissue(std::slice::from_ref(&expired), None, NOW).unwrap(), [&expired]);
        let about_to = Code { expires_at: NOW, ..a_code(CodeStatus::Active) };
        assert_eq!(to_reissue(std::slice::from_ref(&about_to), None, NOW).unwrap(), [&about_to]);
    }

    #[test]
    fn a_code_that_pours_is_replaced_only_when_it_is_named() {
        let active = [a_code(CodeStatus::Active)];
        assert!(to_reissue(&active, None, NOW).unwrap().is_empty());
        let twice = [active[0].code.to_lowercase(), active[0].code.clone()];
        assert_eq!(to_reissue(&active, Some(&twice), NOW).unwrap(), [&active[0]]);
    }

    #[test]
    fn a_code_that_is_in_a_machine_in_review_used_or_given_up_is_not_replaced() {
        for status in [CodeStatus::Leased, CodeStatus::Review, CodeStatus::Used, CodeStatus::Void] {
            let codes = [a_code(status)];
            assert_eq!(refused(&codes, None), status);
            assert_eq!(refused(&codes, Some(&[codes[0].code.clone()])), status);
        }
    }

    #[test]
    fn an_unpaid_code_is_not_replaced() {
        for status in [CodeStatus::Pending, CodeStatus::Expired] {
            let codes = [Code { is_paid: false, ..a_code(status) }];
            assert_eq!(refused(&codes, None), status);
        }
    }

    #[test]
    fn a_code_of_another_order_is_unknown_here() {
        let named = ["QR-20261122-0000000000000000".to_owned()];
        let codes = [a_code(CodeStatus::Expired)];
        assert!(matches!(to_reissue(&codes, Some(&named), NOW), Err(QrError::UnknownCode(_))));
    }
}
