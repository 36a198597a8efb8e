//! The people of a shop, and how they sign in.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::{
    REDACTED,
    ids::{DeviceId, StaffId},
    time::Timestamp,
};

/// The longest name of a person: what fits on a tile.
pub const STAFF_NAME_CHARS_MAX: usize = 40;
/// The fewest digits of a PIN.
pub const PIN_DIGITS_MIN: usize = 4;
/// The most digits of a PIN.
pub const PIN_DIGITS_MAX: usize = 8;

/// What a person may do. Each role may do all that the one before may.
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
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// Sells, takes payments and hands over.
    Cashier,
    /// Also corrects: refunds, codes, stock, the menu.
    Manager,
    /// Also decides about people, devices and settings.
    Owner,
}

/// A PIN: 4 to 8 digits. It is never shown, also not by `Debug`.
#[derive(Clone, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, min_length = 4, max_length = 8, pattern = "^[0-9]{4,8}$")]
pub struct Pin(String);

/// A text that is no [`Pin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a PIN has {PIN_DIGITS_MIN} to {PIN_DIGITS_MAX} digits")]
pub struct InvalidPin;

impl Pin {
    /// The PIN with these digits.
    ///
    /// # Errors
    /// [`InvalidPin`] for anything but 4 to 8 digits.
    pub fn new(digits: impl Into<String>) -> Result<Self, InvalidPin> {
        let digits = digits.into();
        let is_pin = (PIN_DIGITS_MIN..=PIN_DIGITS_MAX).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_digit());
        if is_pin { Ok(Self(digits)) } else { Err(InvalidPin) }
    }

    /// Its digits, to hash them, to compare them, or to print them once.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(****)")
    }
}

impl<'de> Deserialize<'de> for Pin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A person of the shop, for the owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StaffView {
    /// The person's id.
    pub staff_id: StaffId,
    /// The name on the sign-in screen.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// Whether the person works here. Others cannot sign in.
    pub is_active: bool,
    /// Until when wrong PINs keep the person from signing in. Absent: they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Timestamp>,
    /// How many wrong PINs were entered since the last right one.
    pub failed_attempts: u32,
    /// When the person last signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in_at: Option<Timestamp>,
    /// The device on which the person last signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in_on: Option<String>,
    /// Whether the person is signed in somewhere.
    pub is_signed_in: bool,
    /// When the person was added.
    pub created_at: Timestamp,
    /// Grows with every change, from 1.
    pub version: i64,
}

/// A new person.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateStaff {
    /// The name on the sign-in screen.
    #[schema(min_length = 1, max_length = 40)]
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// The person's PIN.
    pub pin: Pin,
}

/// A person's name, role and whether the person works here, replaced whole.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteStaff {
    /// The name on the sign-in screen.
    #[schema(min_length = 1, max_length = 40)]
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// Whether the person works here.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub is_active: bool,
}

const fn yes() -> bool {
    true
}

/// A new PIN for a person.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetPin {
    /// The new PIN.
    pub pin: Pin,
}

/// One tile of the sign-in screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StaffTile {
    /// The person to sign in as.
    pub staff_id: StaffId,
    /// The person's name.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// Since when the person is signed in somewhere. Absent: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in_since: Option<Timestamp>,
    /// Until when wrong PINs keep the person from signing in. Absent: they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Timestamp>,
}

/// A person, as tokens, orders and the audit trail name them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StaffRef {
    /// The person's id.
    pub staff_id: StaffId,
    /// The person's name at that time.
    pub name: String,
    /// The person's role at that time.
    pub role: Role,
}

/// A person signs in.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignIn {
    /// Who.
    pub staff_id: StaffId,
    /// The person's PIN.
    pub pin: Pin,
}

/// A person is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// Who.
    pub staff: StaffRef,
    /// The device on which. Absent: one that is not paired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
    /// When the session ends by itself.
    pub expires_at: Timestamp,
}

/// The response to a sign-in. A browser has the token as a cookie too.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// The session.
    #[serde(flatten)]
    pub session: SessionView,
    /// Send it as `Authorization: Bearer <token>`.
    pub token: String,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { session, token: _ } = self;
        f.debug_struct("SignedIn").field("session", session).field("token", &REDACTED).finish()
    }
}

/// What a manager can approve on a cashier's tablet.
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
pub enum ApprovableAction {
    /// To confirm a payment without the gateway's word. The subject is the payment's id.
    ConfirmPayment,
    /// To reissue codes. The subject is the order's id.
    ReissueCodes,
    /// To decide whether a cup was poured. The subject is the code.
    ResolveCode,
    /// To correct the stock of an item. The subject is the item's id.
    AdjustStock,
    /// To let a person try PINs again. The subject is the person's id.
    UnlockStaff,
}

/// A manager enters their PIN to approve one act of the person who is signed in.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateApproval {
    /// The manager.
    pub staff_id: StaffId,
    /// The manager's PIN.
    pub pin: Pin,
    /// What is approved.
    pub action: ApprovableAction,
    /// The id of the order, payment, code, item or person that it is approved for.
    #[schema(min_length = 1, max_length = 64)]
    pub subject: String,
}

/// An approval for one action on one subject, for the person who asked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalView {
    /// Send it in the header `Approval` with the request that it approves.
    pub approval: String,
    /// Who approved.
    pub approved_by: StaffRef,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl fmt::Debug for ApprovalView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { approval: _, approved_by, expires_at } = self;
        f.debug_struct("ApprovalView")
            .field("approval", &REDACTED)
            .field("approved_by", approved_by)
            .field("expires_at", expires_at)
            .finish()
    }
}
