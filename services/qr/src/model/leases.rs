//! The decisions of the lease protocol: when a scan pours, and how a lease ends.

use std::time::Duration;

use contracts::{
    ids::DispenseId,
    qr::{CodeStatus, DispenseOutcome, RefusalReason},
    time::Timestamp,
};

use super::Code;

/// How long a code stays valid at least after a device released it: time to walk to another device, or to staff.
const RELEASED_VALIDITY_MIN: Duration = Duration::from_secs(5 * 60);
/// A pour of nine tenths counts as a drink.
const POURED_TENTHS_MIN: u64 = 9;

/// A device and the journal that it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceJournal {
    pub(crate) device_id: String,
    pub(crate) journal_epoch: String,
}

/// The decision on a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScanDecision {
    /// The code pours.
    Grant,
    /// The device holds this lease already and gets the same grant again.
    RepeatGrant(DispenseId),
    /// The code does not pour.
    Refuse(RefusalReason),
}

/// Decides on a scan by a caller without the lease protocol (step 34).
pub(crate) fn decide_redeem(code: &Code, now: Timestamp) -> ScanDecision {
    refusal(code, now).map_or(ScanDecision::Grant, ScanDecision::Refuse)
}

/// Decides on a scan by a device that leases codes (step 34).
pub(crate) fn decide_lease(code: &Code, device_id: &str, now: Timestamp) -> ScanDecision {
    match code.dispense_id {
        Some(grant) if code.status == CodeStatus::Leased && code.device_id.as_deref() == Some(device_id) => {
            ScanDecision::RepeatGrant(grant)
        }
        _ => decide_redeem(code, now),
    }
}

fn refusal(code: &Code, now: Timestamp) -> Option<RefusalReason> {
    match code.status {
        CodeStatus::Active if code.has_expired(now) => Some(RefusalReason::Expired),
        CodeStatus::Active => None,
        CodeStatus::Pending => Some(RefusalReason::Unpaid),
        CodeStatus::Leased => Some(RefusalReason::InUse),
        CodeStatus::Used => Some(RefusalReason::Used),
        CodeStatus::Review => Some(RefusalReason::InReview),
        CodeStatus::Expired if !code.is_paid => Some(RefusalReason::Unpaid),
        CodeStatus::Expired => Some(RefusalReason::Expired),
        CodeStatus::Void => Some(RefusalReason::Void),
    }
}

/// How long a pump of this rate runs, in milliseconds, rounded up: 240 ml at 30 ml/s take 8 s.
pub(crate) fn duration_ms(dispense_ml: u32, ml_per_second: u32) -> u32 {
    let exact = (u64::from(dispense_ml) * 1000).div_ceil(u64::from(ml_per_second.max(1)));
    u32::try_from(exact).unwrap_or(u32::MAX)
}

/// How a grant ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DispenseResult {
    /// The drink is in the cup. `poured_ms`: how long the pump ran, if a device reported it.
    Poured { poured_ms: Option<u32> },
    /// Nothing was poured.
    NotPoured,
    /// Staff must decide.
    Unclear,
}

/// The result of a device's report.
///
/// `not_poured` with a pump that ran is a contradiction, so it is unclear.
pub(crate) fn result_of_report(outcome: DispenseOutcome, poured_ms: u32, duration_ms: u32) -> DispenseResult {
    let is_nearly_whole = u64::from(poured_ms) * 10 >= u64::from(duration_ms) * POURED_TENTHS_MIN;
    match outcome {
        DispenseOutcome::Completed => DispenseResult::Poured { poured_ms: Some(poured_ms) },
        DispenseOutcome::NotPoured if poured_ms == 0 => DispenseResult::NotPoured,
        DispenseOutcome::NotPoured => DispenseResult::Unclear,
        DispenseOutcome::Partial | DispenseOutcome::Interrupted if is_nearly_whole => {
            DispenseResult::Poured { poured_ms: Some(poured_ms) }
        }
        DispenseOutcome::Partial | DispenseOutcome::Interrupted => DispenseResult::Unclear,
    }
}

/// The status of a code whose grant had this result. A cup of a closed order does not become valid again: staff handed
/// it over, or it is refunded.
pub(crate) fn status_after(result: DispenseResult, order_is_open: bool) -> CodeStatus {
    match result {
        DispenseResult::Poured { .. } => CodeStatus::Used,
        DispenseResult::Unclear => CodeStatus::Review,
        DispenseResult::NotPoured if order_is_open => CodeStatus::Active,
        DispenseResult::NotPoured => CodeStatus::Void,
    }
}

/// Why a grant is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClosedBy {
    /// The device reported it. Its first report is final.
    DeviceReport { outcome: DispenseOutcome, poured_ms: u32 },
    /// The device's heartbeat shows that the device does not hold it.
    Heartbeat,
    /// The device lost its journal.
    JournalReset,
    /// Staff resolved the code.
    Staff,
}

impl ClosedBy {
    pub(crate) fn outcome(self) -> Option<DispenseOutcome> {
        match self {
            Self::DeviceReport { outcome, .. } => Some(outcome),
            Self::Heartbeat => Some(DispenseOutcome::NotPoured),
            Self::JournalReset | Self::Staff => None,
        }
    }

    pub(crate) fn poured_ms(self) -> Option<u32> {
        match self {
            Self::DeviceReport { poured_ms, .. } => Some(poured_ms),
            Self::Heartbeat => Some(0),
            Self::JournalReset | Self::Staff => None,
        }
    }
}

/// What a device's report changes if its grant was closed without the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LateReport {
    /// The code was not granted again: it gets the status of the report.
    Apply,
    /// Nothing.
    Ignore,
    /// The device poured, and the code was granted again or resolved: staff must know.
    Dispute,
}

/// Judges a late report of `dispense_id` with this result.
pub(crate) fn judge_late_report(code: &Code, dispense_id: DispenseId, result: DispenseResult) -> LateReport {
    let is_last_grant = code.dispense_id == Some(dispense_id);
    match code.status {
        CodeStatus::Active | CodeStatus::Expired if is_last_grant && result == DispenseResult::NotPoured => {
            LateReport::Ignore
        }
        CodeStatus::Review if is_last_grant && result == DispenseResult::Unclear => LateReport::Ignore,
        CodeStatus::Active | CodeStatus::Expired | CodeStatus::Review if is_last_grant => LateReport::Apply,
        CodeStatus::Used if is_last_grant => LateReport::Ignore,
        CodeStatus::Pending
        | CodeStatus::Active
        | CodeStatus::Leased
        | CodeStatus::Used
        | CodeStatus::Review
        | CodeStatus::Expired
        | CodeStatus::Void => match result {
            DispenseResult::NotPoured => LateReport::Ignore,
            DispenseResult::Poured { .. } | DispenseResult::Unclear => LateReport::Dispute,
        },
    }
}

/// A lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) code: String,
    pub(crate) dispense_id: DispenseId,
    /// The number of the grant. Numbers of one device only grow; a repeated grant gets a new one.
    pub(crate) grant_number: i64,
}

/// What a device reports in a heartbeat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeartbeatState<'a> {
    pub(crate) open_dispenses: &'a [DispenseId],
    /// Whether the device waits for the answer to a scan.
    pub(crate) awaits_scan: bool,
    /// The newest grant number that the device knows.
    pub(crate) seen_grants: i64,
}

/// Whether a heartbeat releases a lease: the grant was numbered before the heartbeat was sent, and the device does not
/// hold it. While the device waits for the answer to a scan nothing is released: the answer may grant any of its
/// leases, and a delayed request of an earlier scan may have renewed one last.
pub(crate) fn is_released_by(lease: &Lease, heartbeat: HeartbeatState<'_>) -> bool {
    let was_counted = lease.grant_number <= heartbeat.seen_grants;
    was_counted && !heartbeat.awaits_scan && !heartbeat.open_dispenses.contains(&lease.dispense_id)
}

/// The grants that a device may have seen. If it saw more than there are, the database is older than the device's
/// memory (a backup was restored): 0, because the next grants get numbers that the device saw before.
pub(crate) fn believable_grants(seen_grants: i64, grants: i64) -> i64 {
    if seen_grants > grants { 0 } else { seen_grants }
}

/// Until when a released code stays valid at least.
pub(crate) fn released_until(now: Timestamp) -> Timestamp {
    now + RELEASED_VALIDITY_MIN
}

#[cfg(test)]
mod tests {
    use super::{super::tests::*, *};

    const SEVEN: &str = "dispenser-7";

    #[test]
    fn only_a_paid_code_within_its_validity_pours() {
        let decision = |status| decide_redeem(&a_code(status), NOW);
        assert_eq!(decision(CodeStatus::Active), ScanDecision::Grant);
        assert_eq!(decision(CodeStatus::Pending), ScanDecision::Refuse(RefusalReason::Unpaid));
        assert_eq!(decision(CodeStatus::Leased), ScanDecision::Refuse(RefusalReason::InUse));
        assert_eq!(decision(CodeStatus::Used), ScanDecision::Refuse(RefusalReason::Used));
        assert_eq!(decision(CodeStatus::Review), ScanDecision::Refuse(RefusalReason::InReview));
        assert_eq!(decision(CodeStatus::Expired), ScanDecision::Refuse(RefusalReason::Expired));
        assert_eq!(decision(CodeStatus::Void), ScanDecision::Refuse(RefusalReason::Void));
    }

    #[test]
    fn a_code_that_expired_unpaid_is_refused_as_unpaid() {
        let unpaid = Code { is_paid: false, ..a_code(CodeStatus::Expired) };
        assert_eq!(decide_redeem(&unpaid, NOW), ScanDecision::Refuse(RefusalReason::Unpaid));
    }

    #[test]
    fn an_expired_code_does_not_pour_even_if_the_timer_is_late() {
        let code = Code { expires_at: NOW, ..a_code(CodeStatus::Active) };
        assert_eq!(decide_redeem(&code, NOW), ScanDecision::Refuse(RefusalReason::Expired));
        assert_eq!(decide_redeem(&code, Timestamp(NOW.0 - 1)), ScanDecision::Grant);
    }

    #[test]
    fn only_the_device_that_holds_a_lease_gets_its_grant_again() {
        let grant = DispenseId::new(NOW);
        let leased = Code { device_id: Some(SEVEN.into()), dispense_id: Some(grant), ..a_code(CodeStatus::Leased) };
        assert_eq!(decide_lease(&leased, SEVEN, NOW), ScanDecision::RepeatGrant(grant));
        assert_eq!(decide_lease(&leased, "dispenser-8", NOW), ScanDecision::Refuse(RefusalReason::InUse));
        assert_eq!(decide_redeem(&leased, NOW), ScanDecision::Refuse(RefusalReason::InUse));
    }

    #[test]
    fn a_lease_pours_after_the_validity_of_its_code() {
        let grant = DispenseId::new(NOW);
        let device_id = Some(SEVEN.into());
        let late = Code { device_id, dispense_id: Some(grant), expires_at: Timestamp(0), ..a_code(CodeStatus::Leased) };
        assert_eq!(decide_lease(&late, SEVEN, NOW), ScanDecision::RepeatGrant(grant));
    }

    #[test]
    fn two_hundred_and_forty_millilitres_take_eight_seconds_and_no_pour_is_cut_short() {
        assert_eq!(duration_ms(240, 30), 8000);
        assert_eq!(duration_ms(100, 30), 3334);
        assert_eq!(duration_ms(0, 30), 0);
    }

    #[test]
    fn a_pour_of_nine_tenths_is_a_drink_and_less_is_for_staff() {
        use DispenseOutcome::{Completed, Interrupted, NotPoured, Partial};
        let poured = |poured_ms| DispenseResult::Poured { poured_ms: Some(poured_ms) };
        assert_eq!(result_of_report(Completed, 8000, 8000), poured(8000));
        assert_eq!(result_of_report(Partial, 7200, 8000), poured(7200));
        assert_eq!(result_of_report(Partial, 7199, 8000), DispenseResult::Unclear);
        assert_eq!(result_of_report(Interrupted, 7200, 8000), poured(7200));
        assert_eq!(result_of_report(Interrupted, 0, 8000), DispenseResult::Unclear);
        assert_eq!(result_of_report(NotPoured, 0, 8000), DispenseResult::NotPoured);
        assert_eq!(result_of_report(NotPoured, 1, 8000), DispenseResult::Unclear);
    }

    #[test]
    fn a_heartbeat_releases_what_was_granted_before_it_and_is_not_held() {
        let grant = DispenseId::new(NOW);
        let lease = Lease { code: String::new(), dispense_id: grant, grant_number: 5 };
        let released = |open_dispenses: &[DispenseId], awaits_scan, seen_grants| {
            is_released_by(&lease, HeartbeatState { open_dispenses, awaits_scan, seen_grants })
        };
        assert!(!released(&[grant], false, 5), "the device is pouring");
        assert!(!released(&[], false, 4), "it was granted after the heartbeat was sent");
        assert!(!released(&[], true, 5), "its answer may be on its way");
        assert!(released(&[], false, 5));
    }

    #[test]
    fn a_late_report_applies_unless_the_code_went_on_and_then_staff_know() {
        use CodeStatus::{Active, Expired, Leased, Review, Used, Void};
        let (own, other) = (DispenseId::new(NOW), DispenseId::new(NOW));
        let poured = DispenseResult::Poured { poured_ms: Some(8000) };
        let judged =
            |status, result, last| judge_late_report(&Code { dispense_id: Some(last), ..a_code(status) }, own, result);
        for status in [Active, Expired, Review] {
            assert_eq!(judged(status, poured, own), LateReport::Apply, "{status:?}");
        }
        assert_eq!(judged(Active, DispenseResult::Unclear, own), LateReport::Apply);
        assert_eq!(judged(Review, DispenseResult::NotPoured, own), LateReport::Apply);
        for (status, result) in [
            (Active, DispenseResult::NotPoured),
            (Expired, DispenseResult::NotPoured),
            (Review, DispenseResult::Unclear),
            (Used, poured),
        ] {
            assert_eq!(judged(status, result, own), LateReport::Ignore, "{status:?}");
        }
        assert_eq!(judged(Void, poured, own), LateReport::Dispute);
        for status in [Active, Expired, Review, Leased, Used] {
            assert_eq!(judged(status, poured, other), LateReport::Dispute, "{status:?}");
            assert_eq!(judged(status, DispenseResult::NotPoured, other), LateReport::Ignore, "{status:?}");
        }
    }

    #[test]
    fn a_device_that_saw_more_grants_than_there_are_releases_nothing() {
        assert_eq!(believable_grants(5, 5), 5);
        assert_eq!(believable_grants(6, 5), 0);
    }
}
