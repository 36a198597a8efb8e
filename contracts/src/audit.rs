//! The audit trail: who did what to what, when and from which device, before and after.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::{device::DeviceRef, staff::StaffRef, time::Timestamp};

/// Who acted. Without a person and a device: the shop itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// The person who was signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<StaffRef>,
    /// The device on which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceRef>,
    /// The manager who approved it with their PIN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<StaffRef>,
}

/// What an act is about.
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
pub enum AuditArea {
    /// An order.
    Order,
    /// A payment.
    Money,
    /// A code and its drink.
    Code,
    /// The menu and its prices.
    Menu,
    /// Stock and recipes.
    Stock,
    /// A person.
    Person,
    /// A device.
    Device,
    /// The shop's settings.
    Setting,
}

/// One act.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What it is about.
    pub area: AuditArea,
    /// What was done: `order.cancelled`, `staff.locked`.
    pub action: String,
    /// The id of what it was done to.
    pub subject: String,
    /// What people call that: an order's number, a product's name.
    pub label: String,
    /// Why, in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The changed values before. Absent: there was nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub before: Option<Box<RawValue>>,
    /// The changed values after. Absent: there is nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub after: Option<Box<RawValue>>,
}

/// One act, with its place in the chain.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditView {
    /// Its number in the trail, from 1 without gaps.
    pub sequence: i64,
    /// The act.
    #[serde(flatten)]
    pub entry: AuditEntry,
    /// The hash of the entry before.
    pub previous_hash: String,
    /// The SHA-256 of `previousHash` and this entry.
    pub hash: String,
}
