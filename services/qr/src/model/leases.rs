//! When a scan pours, and what a pour's end makes of its code: the lease protocol's decisions.

use std::time::Duration;

use contracts::{
    ids::DispenseId,
    qr::{CodeStatus, DispenseOutcome, RefusalReason},
    time::Timestamp,
};

use super::Code;

/// A drink that the machine gives back: time to walk to another machine, or to staff.
const GIVEN_BACK_LIFE: Duration = Duration::from_secs(5 * 60);
/// A pour of nine tenths is a drink; nobody is called for the rest.
const POURED_TENTHS_MIN: u64 = 9;

/// A machine that asks for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    pub(crate) device_id: String,
    pub(crate) journal_epoch: String,
}

/// What a scan comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    /// The code pours.
    Pour,
    /// This machine has it already: it gets the same grant.
    SameGrant(DispenseId),
    /// It does not pour.
    Refuse(RefusalReason),
}

/// Decides a scan of `code` by `device_id` (step 34). `None`: a caller without leases.
pub(crate) fn scan(code: &Code, device_id: Option<&str>, now: Timestamp) -> Scan {
    match code.status {
        CodeStatus::Pending => Scan::Refuse(RefusalReason::Unpaid),
        CodeStatus::Active if code.is_past(now) => Scan::Refuse(RefusalReason::Expired),
        CodeStatus::Active => Scan::Pour,
        CodeStatus::Leased => match code.dispense_id {
            Some(grant) if device_id.is_some() && code.device_id.as_deref() == device_id => Scan::SameGrant(grant),
            _ => Scan::Refuse(RefusalReason::InUse),
        },
        CodeStatus::Used => Scan::Refuse(RefusalReason::Used),
        CodeStatus::Review => Scan::Refuse(RefusalReason::InReview),
        CodeStatus::Expired if !code.is_paid => Scan::Refuse(RefusalReason::Unpaid),
        CodeStatus::Expired => Scan::Refuse(RefusalReason::Expired),
        CodeStatus::Void => Scan::Refuse(RefusalReason::Void),
    }
}

/// For how many milliseconds a pump of this rate runs: 240 ml at 30 ml/s are 8 s. Never too short.
pub(crate) fn duration_ms(dispense_ml: u32, ml_per_second: u32) -> u32 {
    let exact = (u64::from(dispense_ml) * 1000).div_ceil(u64::from(ml_per_second.max(1)));
    u32::try_from(exact).unwrap_or(u32::MAX)
}

/// How a lease ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The drink is in the cup.
    Used { poured_ms: Option<u32> },
    /// Nothing was poured: the code pours again.
    GivenBack,
    /// A person must look.
    Review,
}

/// What a machine's report makes of its lease.
///
/// A report that nothing was poured though the pump ran contradicts itself: a person must look.
pub(crate) fn ending_by_report(outcome: DispenseOutcome, poured_ms: u32, duration_ms: u32) -> Ending {
    let is_nearly_whole = u64::from(poured_ms) * 10 >= u64::from(duration_ms) * POURED_TENTHS_MIN;
    match outcome {
        DispenseOutcome::Completed => Ending::Used { poured_ms: Some(poured_ms) },
        DispenseOutcome::NotPoured if poured_ms == 0 => Ending::GivenBack,
        DispenseOutcome::NotPoured => Ending::Review,
        DispenseOutcome::Partial | DispenseOutcome::Interrupted if is_nearly_whole => {
            Ending::Used { poured_ms: Some(poured_ms) }
        }
        DispenseOutcome::Partial | DispenseOutcome::Interrupted => Ending::Review,
    }
}

/// Whose word it is that a grant ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// The machine's own: it is final.
    Reported(DispenseOutcome, u32),
    /// Ours: the machine's heartbeat holds nothing of it.
    NotHeld,
    /// Nobody's: the machine lost its journal, or a person ends it.
    Unknown,
}

impl Account {
    pub(crate) fn outcome(self) -> Option<DispenseOutcome> {
        match self {
            Self::Reported(outcome, _) => Some(outcome),
            Self::NotHeld => Some(DispenseOutcome::NotPoured),
            Self::Unknown => None,
        }
    }

    pub(crate) fn poured_ms(self) -> Option<u32> {
        match self {
            Self::Reported(_, poured_ms) => Some(poured_ms),
            Self::NotHeld => Some(0),
            Self::Unknown => None,
        }
    }
}

/// What a machine's own report makes of a grant that was closed without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Late {
    /// The code stands as it was left: it goes where the report says.
    Apply,
    /// The report changes nothing.
    Keep,
    /// It poured, and the code went on: a person must know.
    Tell,
}

/// Decides what a late report of `dispense_id` makes of its code, which it would end by `ending`.
pub(crate) fn late(code: &Code, dispense_id: DispenseId, ending: Ending) -> Late {
    let is_its_own = code.dispense_id == Some(dispense_id);
    match code.status {
        CodeStatus::Active | CodeStatus::Expired if is_its_own && ending == Ending::GivenBack => Late::Keep,
        CodeStatus::Review if is_its_own && ending == Ending::Review => Late::Keep,
        CodeStatus::Active | CodeStatus::Expired | CodeStatus::Review if is_its_own => Late::Apply,
        CodeStatus::Used if is_its_own => Late::Keep,
        CodeStatus::Pending
        | CodeStatus::Active
        | CodeStatus::Leased
        | CodeStatus::Used
        | CodeStatus::Review
        | CodeStatus::Expired
        | CodeStatus::Void => match ending {
            Ending::GivenBack => Late::Keep,
            Ending::Used { .. } | Ending::Review => Late::Tell,
        },
    }
}

/// A lease as its machine's heartbeat is held against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeldLease {
    pub(crate) code: String,
    pub(crate) dispense_id: DispenseId,
    /// The how-manieth grant of its machine it is.
    pub(crate) grant_number: i64,
}

/// What a machine says of itself in a heartbeat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holding<'a> {
    pub(crate) open_dispenses: &'a [DispenseId],
    /// Whether it waits for the answer to a scan.
    pub(crate) is_asking: bool,
    /// The number of our count of its grants that it saw last.
    pub(crate) seen_grants: i64,
}

/// Whether a heartbeat frees a lease: its grant was counted before the heartbeat was sent, and the machine does not hold
/// it. While a machine waits for the answer to a scan, nothing of it is freed: that answer may grant any of its leases,
/// and a request of an earlier scan that comes late may have been the last to renew it.
pub(crate) fn is_freed(lease: &HeldLease, holding: Holding<'_>) -> bool {
    let was_counted = lease.grant_number <= holding.seen_grants;
    was_counted && !holding.is_asking && !holding.open_dispenses.contains(&lease.dispense_id)
}

/// What a machine saw of our count of its grants; nothing, if it saw more than there are: then our rows are older than
/// the machine's memory (a backup was put back), and the next grants have numbers that it saw before.
pub(crate) fn believable_grants(seen_grants: i64, grants: i64) -> i64 {
    if seen_grants > grants { 0 } else { seen_grants }
}

/// Until when a code pours that was given back.
pub(crate) fn given_back_until(now: Timestamp) -> Timestamp {
    now + GIVEN_BACK_LIFE
}

#[cfg(test)]
mod tests {
    use super::{super::tests::*, *};

    const SEVEN: &str = "dispenser-7";

    #[test]
    fn only_a_paid_code_in_its_time_pours() {
        let refused = |status| scan(&a_code(status), None, NOW);
        assert_eq!(refused(CodeStatus::Active), Scan::Pour);
        assert_eq!(refused(CodeStatus::Pending), Scan::Refuse(RefusalReason::Unpaid));
        assert_eq!(refused(CodeStatus::Leased), Scan::Refuse(RefusalReason::InUse));
        assert_eq!(refused(CodeStatus::Used), Scan::Refuse(RefusalReason::Used));
        assert_eq!(refused(CodeStatus::Review), Scan::Refuse(RefusalReason::InReview));
        assert_eq!(refused(CodeStatus::Expired), Scan::Refuse(RefusalReason::Expired));
        assert_eq!(refused(CodeStatus::Void), Scan::Refuse(RefusalReason::Void));
    }

    #[test]
    fn a_code_that_expired_unpaid_is_unpaid_because_paying_makes_it_pour() {
        let unpaid = Code { is_paid: false, ..a_code(CodeStatus::Expired) };
        assert_eq!(scan(&unpaid, None, NOW), Scan::Refuse(RefusalReason::Unpaid));
    }

    #[test]
    fn a_code_does_not_pour_past_its_time_even_if_the_timer_is_late() {
        let code = Code { expires_at: NOW, ..a_code(CodeStatus::Active) };
        assert_eq!(scan(&code, None, NOW), Scan::Refuse(RefusalReason::Expired));
        assert_eq!(scan(&code, None, Timestamp(NOW.0 - 1)), Scan::Pour);
    }

    #[test]
    fn the_machine_that_has_the_lease_gets_it_again_and_no_other_does() {
        let grant = DispenseId::new(NOW);
        let leased = Code { device_id: Some(SEVEN.into()), dispense_id: Some(grant), ..a_code(CodeStatus::Leased) };
        assert_eq!(scan(&leased, Some(SEVEN), NOW), Scan::SameGrant(grant));
        assert_eq!(scan(&leased, Some("dispenser-8"), NOW), Scan::Refuse(RefusalReason::InUse));
        assert_eq!(scan(&leased, None, NOW), Scan::Refuse(RefusalReason::InUse));
    }

    #[test]
    fn a_lease_that_outlives_its_code_still_pours() {
        let grant = DispenseId::new(NOW);
        let device_id = Some(SEVEN.into());
        let late = Code { device_id, dispense_id: Some(grant), expires_at: Timestamp(0), ..a_code(CodeStatus::Leased) };
        assert_eq!(scan(&late, Some(SEVEN), NOW), Scan::SameGrant(grant));
    }

    #[test]
    fn two_hundred_and_forty_millilitres_take_eight_seconds_and_no_pour_is_cut_short() {
        assert_eq!(duration_ms(240, 30), 8000);
        assert_eq!(duration_ms(100, 30), 3334);
        assert_eq!(duration_ms(0, 30), 0);
    }

    #[test]
    fn a_pour_from_nine_tenths_on_is_a_drink_and_less_is_for_a_person() {
        use DispenseOutcome::{Completed, Interrupted, NotPoured, Partial};
        let used = |poured_ms| Ending::Used { poured_ms: Some(poured_ms) };
        assert_eq!(ending_by_report(Completed, 8000, 8000), used(8000));
        assert_eq!(ending_by_report(Partial, 7200, 8000), used(7200));
        assert_eq!(ending_by_report(Partial, 7199, 8000), Ending::Review);
        assert_eq!(ending_by_report(Interrupted, 7200, 8000), used(7200));
        assert_eq!(ending_by_report(Interrupted, 0, 8000), Ending::Review);
        assert_eq!(ending_by_report(NotPoured, 0, 8000), Ending::GivenBack);
        assert_eq!(ending_by_report(NotPoured, 1, 8000), Ending::Review);
    }

    #[test]
    fn a_heartbeat_frees_what_the_machine_was_told_of_and_does_not_hold() {
        let grant = DispenseId::new(NOW);
        let lease = HeldLease { code: String::new(), dispense_id: grant, grant_number: 5 };
        let freed = |open_dispenses: &[DispenseId], is_asking, seen_grants| {
            is_freed(&lease, Holding { open_dispenses, is_asking, seen_grants })
        };
        assert!(!freed(&[grant], false, 5), "it is pouring");
        assert!(!freed(&[], false, 4), "it was granted after the heartbeat was sent");
        assert!(!freed(&[], true, 5), "its answer may be on its way");
        assert!(freed(&[], false, 5));
    }

    #[test]
    fn a_late_report_is_applied_where_the_code_still_stands_and_told_where_it_went_on() {
        use CodeStatus::{Active, Expired, Leased, Review, Used, Void};
        let (own, other) = (DispenseId::new(NOW), DispenseId::new(NOW));
        let poured = Ending::Used { poured_ms: Some(8000) };
        let decided = |status, ending, of| late(&Code { dispense_id: Some(of), ..a_code(status) }, own, ending);
        for status in [Active, Expired, Review] {
            assert_eq!(decided(status, poured, own), Late::Apply, "{status:?}");
        }
        assert_eq!(decided(Active, Ending::Review, own), Late::Apply);
        assert_eq!(decided(Review, Ending::GivenBack, own), Late::Apply);
        for (status, ending) in [(Active, Ending::GivenBack), (Expired, Ending::GivenBack), (Review, Ending::Review)] {
            assert_eq!(decided(status, ending, own), Late::Keep, "as it was left");
        }
        assert_eq!(decided(Used, poured, own), Late::Keep, "a person said so before");
        assert_eq!(decided(Void, poured, own), Late::Tell);
        for status in [Active, Expired, Review, Leased, Used] {
            assert_eq!(decided(status, poured, other), Late::Tell, "{status:?}");
            assert_eq!(decided(status, Ending::GivenBack, other), Late::Keep, "{status:?}");
        }
    }

    #[test]
    fn a_machine_that_saw_more_grants_than_there_are_frees_nothing() {
        assert_eq!(believable_grants(5, 5), 5);
        assert_eq!(believable_grants(6, 5), 0);
    }
}
