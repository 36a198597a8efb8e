//! Codes: one for each cup, and exactly one drink for each code.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::{
    ids::{DispenseId, OrderId, ProductId},
    money::Amount,
    time::Timestamp,
};

/// The longest name of a device, an attempt or a journal epoch.
pub const DEVICE_TEXT_CHARS_MAX: usize = 64;
/// What a machine's pump moves in a second where nobody measured it, in millilitres.
pub const PUMP_ML_PER_SECOND: u32 = 30;
/// The shortest pour that a machine does not refuse, in milliseconds.
pub const DISPENSE_MS_MIN: u32 = 200;
/// The longest, in milliseconds: a pump that runs on is switched off.
pub const DISPENSE_MS_MAX: u32 = 60_000;
/// The longest text that a scanner may read; ours have 28 characters.
pub const SCANNED_CHARS_MAX: usize = 256;

/// Where a code stands.
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
    /// Issued, not paid: it pours nothing.
    Pending,
    /// Paid: it pours once.
    Active,
    /// A machine has it.
    Leased,
    /// Poured.
    Used,
    /// A person must say whether it was poured.
    Review,
    /// Its time is over. If it was paid, staff reissue it.
    Expired,
    /// Given up or replaced.
    Void,
}

impl CodeStatus {
    /// Whether a code may go from `self` to `next`.
    #[must_use]
    pub const fn can_transition_to(self, next: Self) -> bool {
        match self {
            Self::Pending => matches!(next, Self::Active | Self::Expired | Self::Void),
            // A caller without the lease protocol uses a code at once.
            // A machine may say late that it poured what its heartbeat gave back: a person, or its word, decides.
            Self::Active => matches!(next, Self::Leased | Self::Used | Self::Review | Self::Expired | Self::Void),
            // Of an order that is over nothing is given back.
            Self::Leased => matches!(next, Self::Used | Self::Active | Self::Review | Self::Void),
            Self::Review => matches!(next, Self::Used | Self::Active | Self::Void),
            // Payment counts the time anew; a machine's late word as above.
            Self::Expired => matches!(next, Self::Active | Self::Used | Self::Review | Self::Void),
            Self::Used | Self::Void => false,
        }
    }
}

/// A code as staff and receipts see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CodeView {
    /// What the QR holds: `QR-20261122-` and 16 characters of Crockford's base32.
    pub code: String,
    /// The order that paid for it.
    pub order_id: OrderId,
    /// The order's line.
    pub line: u32,
    /// Which cup of the line, from 1.
    pub unit: u32,
    /// Which cup of the order's dispensable ones, such as `1/2`.
    pub cup: String,
    /// Which product.
    pub product_id: ProductId,
    /// What it was called when it was ordered.
    pub product_name: String,
    /// How much is poured, in millilitres.
    pub dispense_ml: u32,
    /// Where it stands.
    pub status: CodeStatus,
    /// Until when it pours.
    pub expires_at: Timestamp,
    /// The machine that has it or had it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// Grows with every change of this cup, also from a code to the one that replaces it.
    pub version: i64,
}

/// Why a code is on the staff's board; the most pressing first.
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
    /// A machine said late that it poured this cup, whose code had gone on meanwhile: it may have been poured twice.
    PouredTwice,
    /// A person must say whether it was poured.
    InReview,
    /// A machine has had it for minutes, and may be dead.
    OldLease,
    /// It was paid, and its time is over.
    Expired,
}

/// A code that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttentionView {
    /// The code.
    #[serde(flatten)]
    pub code: CodeView,
    /// What it waits for.
    pub reason: AttentionReason,
}

/// `POST /api/QrCode/validate` (step 33). A `code` alone is used up by being valid; a dispenser adds the rest and
/// gets a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValidateCode {
    /// What was scanned.
    pub code: String,
    /// Which machine asks.
    #[serde(default)]
    pub device_id: Option<String>,
    /// The machine's name for this scan: the same again gets the same grant.
    #[serde(default)]
    pub attempt_id: Option<String>,
    /// The machine's name for its journal: it changes when its flash is formatted.
    #[serde(default)]
    pub journal_epoch: Option<String>,
}

/// Why a code does not pour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// No such code.
    NotFound,
    /// Its order is not paid, whether or not the code's time is over.
    Unpaid,
    /// It was paid, and its time is over: staff reissue it.
    Expired,
    /// It was poured.
    Used,
    /// Another machine has it.
    InUse,
    /// A person must first say whether it was poured.
    InReview,
    /// It was given up or replaced.
    Void,
}

/// What a machine is told (step 35).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidateCodeResponse {
    /// Whether to pour.
    pub valid: bool,
    /// What.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_name: Option<String>,
    /// For how many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispense_duration: Option<DispenseSeconds>,
    /// The grant, of the lease protocol: it is reported back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispense_id: Option<DispenseId>,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RefusalReason>,
}

/// How long a pump runs: milliseconds inside, decimal seconds in JSON (8, 7.5).
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
        utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::Number).into()
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
    /// None of it: the code pours again.
    NotPoured,
    /// A part: the cup was taken away.
    Partial,
    /// Unknown: the power went.
    Interrupted,
}

/// `POST /api/QrCode/{code}/complete`: the machine's report. It may be sent any number of times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CompleteDispense {
    /// The grant.
    pub dispense_id: DispenseId,
    /// Which machine.
    pub device_id: String,
    /// How it ended.
    pub outcome: DispenseOutcome,
    /// For how long the pump ran, in milliseconds.
    pub poured_ms: u32,
}

/// `POST /api/QrCode/heartbeat`: a machine says what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Heartbeat {
    /// Which machine.
    pub device_id: String,
    /// Its journal. A new one moves the machine's leases to REVIEW.
    pub journal_epoch: String,
    /// The grants that it holds open or has yet to report.
    pub open_dispenses: Vec<DispenseId>,
    /// The `grants` of the last answer that it saw. Leases up to it that are not open are freed: they were counted
    /// before this was sent, and the machine does not hold them.
    #[serde(default)]
    pub seen_grants: i64,
    /// The `attemptId` of the scan that it waits to be answered, if there is one: its grant may be counted in
    /// `seenGrants` while the answer is still on its way, so nothing is freed. A machine that gives a scan up takes no
    /// answer to it any more, and stops sending this.
    #[serde(default)]
    pub open_attempt_id: Option<String>,
}

/// What a heartbeat answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeartbeatResponse {
    /// How many grants this machine was ever given.
    pub grants: i64,
}

/// `POST /api/QrCode/generate`: new codes for paid drinks whose codes expired; the old ones die.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReissueCodes {
    /// Whose.
    pub order_id: OrderId,
    /// Which. Absent: all of the order that were paid and have expired.
    #[serde(default)]
    pub codes: Option<Vec<String>>,
}

/// `POST /api/QrCode/{code}/resolve`: a person's decision on a code in REVIEW, LEASED by a machine that is dead, or of
/// a cup that may have been poured twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResolveCode {
    /// What the person saw.
    pub decision: ReviewDecision,
}

/// What a person saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewDecision {
    /// The guest has the drink: the code is used.
    Poured,
    /// The guest has none: the code pours again, or where a machine has it, a new one in its place.
    NotPoured,
}
