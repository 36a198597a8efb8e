//! The devices of a shop: tills, kiosks and dispensers, and how they are paired.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::{
    REDACTED,
    ids::{DeviceId, ProductId},
    time::Timestamp,
};

/// The longest name or place of a device.
pub const DEVICE_NAME_CHARS_MAX: usize = 40;
/// The longest reason of a revocation.
pub const REVOKE_REASON_CHARS_MAX: usize = 160;
/// The most products that one dispenser pours: more than any has pumps.
pub const DISPENSER_PRODUCTS_MAX: usize = 32;
/// The fastest pump, in millilitres per second.
pub const PUMP_ML_PER_SECOND_MAX: u32 = 1_000;
/// The letter before the numbers of orders that a person places on a device without a letter of its own, such as a laptop
/// that is not paired. No device has it.
pub const UNPAIRED_LETTER: &str = "X";
/// The digits of a pairing code.
pub const PAIRING_CODE_DIGITS: usize = 8;

/// What a device is.
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
pub enum DeviceKind {
    /// A tablet at the counter, for staff.
    Pos,
    /// A tablet for guests.
    Kiosk,
    /// A machine that pours.
    Dispenser,
}

/// A device, as orders and the audit trail name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRef {
    /// Its id.
    pub device_id: DeviceId,
    /// Its name at that time.
    pub name: String,
}

/// A device, for the owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceView {
    /// Its id.
    pub device_id: DeviceId,
    /// What it is.
    pub kind: DeviceKind,
    /// Its name in lists.
    pub name: String,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The letters before the numbers of its orders: `A` in `A-0042`. Absent: it takes no orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letter: Option<String>,
    /// The products that a dispenser pours. Empty: every product that a dispenser can pour.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<ProductId>,
    /// The measured rate of a dispenser's pump. Absent: it is no dispenser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ml_per_second: Option<u32>,
    /// Whether a dispenser may send its key as a bearer token instead of signing its requests.
    pub is_bearer_allowed: bool,
    /// When it was paired.
    pub paired_at: Timestamp,
    /// When it was last seen, within a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<Timestamp>,
    /// When it was revoked. Absent: it is in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// Why it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke_reason: Option<String>,
    /// Grows with every key that a dispenser gets, from 1. The numbers of its signed requests begin anew with each key.
    pub key_version: i64,
    /// Grows with every change, from 1.
    pub version: i64,
}

/// An owner makes a pairing code for a new device.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreatePairingCode {
    /// What the device will be.
    pub kind: DeviceKind,
    /// Its name in lists.
    #[schema(min_length = 1, max_length = 40)]
    pub name: String,
    /// Where it will stand.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 40)]
    pub place: Option<String>,
}

/// A pairing code: short, for one use, for ten minutes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PairingCodeView {
    /// Its eight digits.
    pub code: String,
    /// The page that the new device opens; the code's QR holds it.
    pub url: String,
    /// That QR as an SVG image.
    pub qr_svg: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl fmt::Debug for PairingCodeView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code: _, url: _, qr_svg: _, expires_at } = self;
        f.debug_struct("PairingCodeView")
            .field("code", &REDACTED)
            .field("url", &REDACTED)
            .field("qr_svg", &REDACTED)
            .field("expires_at", expires_at)
            .finish()
    }
}

/// What a pairing code makes of a device: shown on the device before it is paired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PairingView {
    /// What the device will be.
    pub kind: DeviceKind,
    /// Its name in lists.
    pub name: String,
    /// Where it will stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The letters before the numbers of its orders. Absent: it takes no orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letter: Option<String>,
    /// Who made the code.
    pub created_by: String,
    /// When the code ends.
    pub expires_at: Timestamp,
}

/// A device turns a pairing code into its own credential.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PairDevice {
    /// The eight digits.
    #[schema(pattern = "^[0-9]{8}$")]
    pub code: String,
    /// Another name than the one that the code was made for.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 40)]
    pub name: Option<String>,
    /// Another place than the one that the code was made for.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 40)]
    pub place: Option<String>,
}

impl fmt::Debug for PairDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code: _, name, place } = self;
        f.debug_struct("PairDevice").field("code", &REDACTED).field("name", name).field("place", place).finish()
    }
}

/// The response to a pairing. The credential is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DevicePaired {
    /// The device.
    pub device: DeviceView,
    /// A tablet's token, which a browser has as a cookie too: `Authorization: Bearer <token>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// When the token ends, unless the device renews it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// A dispenser's key for HTTP Message Signatures: 32 bytes in base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<String>,
}

impl fmt::Debug for DevicePaired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, token, expires_at, signing_key } = self;
        f.debug_struct("DevicePaired")
            .field("device", device)
            .field("token", &token.as_ref().map(|_| REDACTED))
            .field("expires_at", expires_at)
            .field("signing_key", &signing_key.as_ref().map(|_| REDACTED))
            .finish()
    }
}

/// What the owner says of a device, replaced whole.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteDevice {
    /// Its name in lists.
    #[schema(min_length = 1, max_length = 40)]
    pub name: String,
    /// Where it stands.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 40)]
    pub place: Option<String>,
    /// The products that a dispenser pours. Empty: every product that a dispenser can pour.
    #[serde(default)]
    #[schema(max_items = 32)]
    pub products: Vec<ProductId>,
    /// The measured rate of a dispenser's pump. Absent: 30, if it is a dispenser.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000)]
    pub ml_per_second: Option<u32>,
    /// Whether a dispenser may send its key as a bearer token instead of signing its requests.
    #[serde(default)]
    pub is_bearer_allowed: bool,
}

/// An owner revokes a device.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RevokeDevice {
    /// Why, for the audit trail: lost, sold, broken.
    #[schema(min_length = 1, max_length = 160)]
    pub reason: String,
}

/// A tablet's new token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RenewedToken {
    /// Send it as `Authorization: Bearer <token>`.
    pub token: String,
    /// When it ends, unless the device renews it before.
    pub expires_at: Timestamp,
}

impl fmt::Debug for RenewedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { token: _, expires_at } = self;
        f.debug_struct("RenewedToken").field("token", &REDACTED).field("expires_at", expires_at).finish()
    }
}
