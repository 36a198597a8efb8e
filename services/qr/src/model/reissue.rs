//! Which codes staff may reissue.

use contracts::{qr::CodeStatus, time::Timestamp};

use super::{Code, parse_code};

/// Why a code is not reissued.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReissueRefusal {
    /// The order has no code of this name.
    UnknownCode(String),
    /// The code's status does not allow it.
    NotReissuable { code: String, product_name: String, status: CodeStatus, is_paid: bool },
}

/// The codes with these names, each once. `codes`: all codes of the order.
///
/// # Errors
/// [`ReissueRefusal::NotReissuable`] names the first code that cannot be reissued; [`ReissueRefusal::UnknownCode`].
pub(crate) fn named_codes<'a>(
    codes: &'a [Code],
    names: &[String],
    now: Timestamp,
) -> Result<Vec<&'a Code>, ReissueRefusal> {
    let mut chosen: Vec<&Code> = Vec::with_capacity(names.len());
    for name in names {
        let text = parse_code(name);
        let found = codes.iter().find(|code| Some(&code.code) == text.as_ref());
        let code = found.ok_or_else(|| ReissueRefusal::UnknownCode(name.clone()))?;
        let is_reissuable = code.is_paid && (code.has_expired(now) || code.status == CodeStatus::Active);
        if !is_reissuable {
            return Err(not_reissuable(code));
        }
        if !chosen.iter().any(|earlier| earlier.code == code.code) {
            chosen.push(code);
        }
    }
    Ok(chosen)
}

/// The codes that were paid and have expired. `codes`: all codes of the order.
///
/// An order with a valid code has nothing to reissue, and that is no error: two of the staff may have tapped at once.
///
/// # Errors
/// [`ReissueRefusal::NotReissuable`] if no code of the order has expired or is valid.
pub(crate) fn expired_codes(codes: &[Code], now: Timestamp) -> Result<Vec<&Code>, ReissueRefusal> {
    let expired: Vec<&Code> = codes.iter().filter(|code| code.is_paid && code.has_expired(now)).collect();
    let has_active = codes.iter().any(|code| code.status == CodeStatus::Active);
    if !expired.is_empty() || has_active {
        return Ok(expired);
    }
    // The current code explains more than one that it replaced.
    match codes.iter().min_by_key(|code| code.status == CodeStatus::Void) {
        Some(code) => Err(not_reissuable(code)),
        None => Ok(expired),
    }
}

fn not_reissuable(code: &Code) -> ReissueRefusal {
    ReissueRefusal::NotReissuable {
        code: code.code.clone(),
        product_name: code.cup.product_name.clone(),
        status: code.status,
        is_paid: code.is_paid,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::*, *};

    fn refused(outcome: Result<Vec<&Code>, ReissueRefusal>) -> CodeStatus {
        match outcome {
            Err(ReissueRefusal::NotReissuable { status, .. }) => status,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn a_paid_code_that_expired_is_reissued() {
        let expired = [a_code(CodeStatus::Expired)];
        assert_eq!(expired_codes(&expired, NOW).unwrap(), [&expired[0]]);
        let just_over = [Code { expires_at: NOW, ..a_code(CodeStatus::Active) }];
        assert_eq!(expired_codes(&just_over, NOW).unwrap(), [&just_over[0]]);
    }

    #[test]
    fn a_valid_code_is_reissued_only_if_it_is_named() {
        let active = [a_code(CodeStatus::Active)];
        assert!(expired_codes(&active, NOW).unwrap().is_empty());
        let twice = [active[0].code.to_lowercase(), active[0].code.clone()];
        assert_eq!(named_codes(&active, &twice, NOW).unwrap(), [&active[0]]);
    }

    #[test]
    fn a_leased_reviewed_used_or_void_code_is_not_reissued() {
        for status in [CodeStatus::Leased, CodeStatus::Review, CodeStatus::Used, CodeStatus::Void] {
            let codes = [a_code(status)];
            assert_eq!(refused(expired_codes(&codes, NOW)), status);
            assert_eq!(refused(named_codes(&codes, &[codes[0].code.clone()], NOW)), status);
        }
    }

    #[test]
    fn an_unpaid_code_is_not_reissued() {
        for status in [CodeStatus::Pending, CodeStatus::Expired] {
            let codes = [Code { is_paid: false, ..a_code(status) }];
            assert_eq!(refused(expired_codes(&codes, NOW)), status);
        }
    }

    #[test]
    fn a_code_of_another_order_is_unknown() {
        let names = ["QR-20261122-0000000000000000".to_owned()];
        let codes = [a_code(CodeStatus::Expired)];
        assert!(matches!(named_codes(&codes, &names, NOW), Err(ReissueRefusal::UnknownCode(_))));
    }
}
