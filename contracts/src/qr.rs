//! Codes: one for each cup, and exactly one drink for each code.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::{
    ids::{DispenseId, OrderId, ProductId},
    money::Amount,
    time::Timestamp,
};

/// The longest `attemptId` or `journalEpoch`.
pub const DEVICE_TEXT_CHARS_MAX: usize = 64;
/// The rate of a pump that is not calibrated, in millilitres per second.
pub const PUMP_ML_PER_SECOND: u32 = 30;
/// The shortest pour that a device accepts, in milliseconds.
pub const DISPENSE_MS_MIN: u32 = 200;
/// The longest pour that a device accepts, in milliseconds: a pump that runs longer is switched off.
pub const DISPENSE_MS_MAX: u32 = 60_000;
/// The longest text that a scanner may read; codes of this shop have 28 characters.
pub const SCANNED_CHARS_MAX: usize = 256;
/// The most codes that one reissue may name: more than staff tap in one go.
pub const REISSUED_CODES_MAX: usize = 200;
/// The most open dispenses in one heartbeat. A device pours one cup at a time; more is a defect of the device.
pub const OPEN_DISPENSES_MAX: usize = 64;

/// The status of a code.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum CodeStatus {
    /// Issued and not paid: it pours nothing.
    Pending,
    /// Paid: it pours once.
    Active,
    /// A device holds a grant to pour it.
    Leased,
    /// Poured.
    Used,
    /// Staff must decide whether it was poured.
    Review,
    /// Its validity is over. Staff can reissue it if it was paid.
    Expired,
    /// Its order was closed, or another code replaced it.
    Void,
}

impl CodeStatus {
    /// Whether any [`CodeTransition`] leads from `self` to `next`.
    #[must_use]
    pub fn can_transition_to(self, next: Self) -> bool {
        self != next && CodeTransition::VARIANTS.iter().any(|transition| transition.allows(self, next))
    }
}

/// What can happen to a code. This is the one table of legal transitions: each SQL statement that changes a status
/// takes its `WHERE status IN (...)` from [`CodeTransition::sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub enum CodeTransition {
    /// The order is paid. A code that expired unpaid becomes valid again.
    Activate,
    /// A device scans the code and gets a grant.
    Lease,
    /// A caller without the lease protocol scans the code (step 36: prevents replay).
    Redeem,
    /// A lease ends: by the device's report, by its heartbeat, by the loss of its journal, or by staff.
    Release,
    /// Staff decide on a review.
    Resolve,
    /// A device reports a grant that was closed without its report.
    Correct,
    /// A device reports that it poured a cup whose code went on to other grants.
    Dispute,
    /// The validity ends.
    Expire,
    /// The order is closed, or another code replaces this one.
    Void,
}

impl CodeTransition {
    /// The statuses in which this can happen.
    #[must_use]
    pub const fn sources(self) -> &'static [CodeStatus] {
        use CodeStatus::{Active, Expired, Leased, Pending, Review};
        match self {
            Self::Activate => &[Pending, Expired],
            Self::Lease | Self::Redeem => &[Active],
            Self::Release => &[Leased],
            Self::Resolve => &[Review],
            Self::Correct => &[Active, Expired, Review],
            Self::Dispute => &[Active, Expired],
            Self::Expire => &[Pending, Active],
            Self::Void => &[Pending, Active, Expired],
        }
    }

    /// The statuses that this can lead to.
    #[must_use]
    pub const fn targets(self) -> &'static [CodeStatus] {
        use CodeStatus::{Active, Expired, Leased, Review, Used, Void};
        match self {
            Self::Activate => &[Active],
            Self::Lease => &[Leased],
            Self::Redeem => &[Used],
            // A cup of a closed order becomes VOID instead of ACTIVE.
            Self::Release | Self::Correct => &[Used, Active, Review, Void],
            Self::Resolve => &[Used, Active, Void],
            Self::Dispute => &[Review],
            Self::Expire => &[Expired],
            Self::Void => &[Void],
        }
    }

    /// Whether this leads from `from` to `to`.
    #[must_use]
    pub fn allows(self, from: CodeStatus, to: CodeStatus) -> bool {
        self.sources().contains(&from) && self.targets().contains(&to)
    }
}

/// A code as staff and receipts see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CodeView {
    /// What the QR holds: `QR-20261122-` and 16 characters of Crockford's base32.
    pub code: String,
    /// The order that it belongs to.
    pub order_id: OrderId,
    /// The line of the order.
    pub line: u32,
    /// Which cup of the line, from 1.
    pub unit: u32,
    /// Which cup of the order's dispensable ones, such as `1/2`.
    pub cup: String,
    /// The product.
    pub product_id: ProductId,
    /// The product's name when it was ordered.
    pub product_name: String,
    /// The amount to pour, in millilitres.
    pub dispense_ml: u32,
    /// Its status.
    pub status: CodeStatus,
    /// When its validity ends.
    pub expires_at: Timestamp,
    /// The device that holds its lease, or held it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// Grows with every change of this cup, also from a code to its replacement.
    pub version: i64,
}

/// Why a code is on the staff's attention list; the most urgent first.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AttentionReason {
    /// A device reported late that it poured this cup, after the code went on to other grants: it may have been poured
    /// twice.
    PouredTwice,
    /// Staff must decide whether it was poured.
    InReview,
    /// A device has held its lease for minutes and may be dead.
    OldLease,
    /// It was paid, and its validity is over.
    Expired,
}

/// A code that waits for staff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttentionView {
    /// The code.
    #[serde(flatten)]
    pub code: CodeView,
    /// Why it waits.
    pub reason: AttentionReason,
}

/// `POST /api/QrCode/validate` (step 33). A `code` alone is redeemed at once; a dispenser adds the other two fields and
/// gets a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValidateCode {
    /// The scanned text, whatever it is. One that is no code of this shop is answered `not_found`.
    pub code: String,
    /// The device's id of this scan. A retry sends the same id and gets the same grant.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64)]
    pub attempt_id: Option<String>,
    /// The device's id of its journal. It changes when the flash is formatted.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64)]
    pub journal_epoch: Option<String>,
}

/// Why a scan is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// No such code.
    NotFound,
    /// Its order is not paid, whether or not the code's validity is over.
    Unpaid,
    /// It was paid, and its validity is over: staff can reissue it.
    Expired,
    /// It was poured.
    Used,
    /// Another device holds its lease.
    InUse,
    /// Staff must first decide whether it was poured.
    InReview,
    /// Its order was closed, or another code replaced it.
    Void,
    /// This machine does not pour the product. The code stays valid for one that does.
    WrongMachine,
}

/// A machine, as a guest finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MachineView {
    /// Its name.
    pub name: String,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// The answer to a scan (step 35).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidateCodeResponse {
    /// Whether to pour.
    pub valid: bool,
    /// The product's name. Present if `valid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_name: Option<String>,
    /// How long to run the pump, in seconds. Present if `valid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispense_duration: Option<DispenseSeconds>,
    /// The id of the grant, which the device reports back. Present if `valid` and the code is leased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispense_id: Option<DispenseId>,
    /// Why not. Present unless `valid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RefusalReason>,
    /// A machine that pours the product, if the reason is `wrong_machine` and there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineView>,
}

/// How long a pump runs: milliseconds in memory, decimal seconds in JSON (8, 7.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DispenseSeconds {
    /// Milliseconds.
    pub millis: u32,
}

impl Serialize for DispenseSeconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Amount::from_scaled(self.millis.into(), 3).serialize(serializer)
    }
}
impl<'de> Deserialize<'de> for DispenseSeconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let millis = Amount::deserialize(deserializer)?.scaled(3).and_then(|millis| u32::try_from(millis).ok());
        millis.map(|millis| Self { millis }).ok_or_else(|| de::Error::custom("not a number of seconds"))
    }
}
impl utoipa::PartialSchema for DispenseSeconds {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::Number)
            .description(Some("Seconds, with at most three decimals."))
            .minimum(Some(0))
            .multiple_of(Some(0.001))
            .into()
    }
}
impl ToSchema for DispenseSeconds {}

/// How a pour ended.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DispenseOutcome {
    /// All of it.
    Completed,
    /// None of it: the code becomes valid again.
    NotPoured,
    /// A part: the cup was taken away.
    Partial,
    /// Unknown: the power failed.
    Interrupted,
}

/// `POST /api/QrCode/{code}/complete`: the device's report of a grant. It may be sent any number of times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CompleteDispense {
    /// The id of the grant.
    pub dispense_id: DispenseId,
    /// How it ended.
    pub outcome: DispenseOutcome,
    /// How long the pump ran, in milliseconds.
    #[schema(minimum = 0, maximum = 4_294_967_295_i64)]
    pub poured_ms: u32,
}

/// `POST /api/QrCode/heartbeat`: a device reports which grants it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Heartbeat {
    /// Its journal. A new one becomes current once a second heartbeat confirms it.
    #[schema(min_length = 1, max_length = 64)]
    pub journal_epoch: String,
    /// The grants that it holds open or has not reported yet.
    #[schema(max_items = 64)]
    pub open_dispenses: Vec<DispenseId>,
    /// The `grants` of the last answer that the device received. Leases up to this number that are not in
    /// `openDispenses` are released: they were granted before this heartbeat was sent, and the device does not hold
    /// them.
    #[serde(default)]
    pub seen_grants: i64,
    /// The `attemptId` of a scan that still waits for its answer. Its grant may be counted in `seenGrants` while the
    /// answer is on its way, so nothing is released. A device that cancels a scan ignores a late answer and stops
    /// sending this.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64)]
    pub open_attempt_id: Option<String>,
}

/// The answer to a heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeartbeatResponse {
    /// The number of the device's newest grant. The next heartbeat sends it back as `seenGrants`.
    pub grants: i64,
    /// Whether `journalEpoch` is the device's current journal. If not, the server changed nothing, and the device sends
    /// another heartbeat with these `grants` before it scans.
    pub confirmed: bool,
}

/// `POST /api/QrCode/generate`: reissues codes of paid drinks. The old codes become VOID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReissueCodes {
    /// The order.
    pub order_id: OrderId,
    /// The codes to reissue. Absent: all codes of the order that were paid and have expired.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub codes: Option<Vec<String>>,
}

/// `POST /api/QrCode/{code}/resolve`: a staff decision on a code in REVIEW, on one that is LEASED by a dead device, or
/// on a cup that may have been poured twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResolveCode {
    /// The decision.
    pub decision: ReviewDecision,
}

/// A staff decision on a cup.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ReviewDecision {
    /// The guest has the drink: the code is used.
    Poured,
    /// The guest has no drink: the code becomes valid again. If a device holds its lease, a new code replaces it.
    NotPoured,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_moves_only_along_these_transitions() {
        use CodeStatus::{Active, Expired, Leased, Pending, Review, Used, Void};
        let legal = |from: CodeStatus| -> Vec<CodeStatus> {
            CodeStatus::VARIANTS.iter().copied().filter(|next| from.can_transition_to(*next)).collect()
        };
        assert_eq!(legal(Pending), [Active, Expired, Void]);
        assert_eq!(legal(Active), [Leased, Used, Review, Expired, Void]);
        assert_eq!(legal(Leased), [Active, Used, Review, Void]);
        assert_eq!(legal(Review), [Active, Used, Void]);
        assert_eq!(legal(Expired), [Active, Used, Review, Void]);
        assert_eq!(legal(Used), []);
        assert_eq!(legal(Void), []);
    }

    #[test]
    fn an_unpaid_code_is_never_leased_redeemed_or_reviewed() {
        for transition in CodeTransition::VARIANTS {
            for to in [CodeStatus::Leased, CodeStatus::Used, CodeStatus::Review] {
                assert!(!transition.allows(CodeStatus::Pending, to), "{transition:?}");
            }
        }
    }
}
