//! The audit trail: who did what to what, when and from which device, before and after.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::{device::DeviceRef, ids::ApprovalId, staff::StaffRef, time::Timestamp};

/// Who acted. Without a person, a device and `via`: the shop itself.
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
    /// The approval, which is used up by one act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<ApprovalId>,
    /// From where, if nobody was signed in. Absent: through the API, or by the shop itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<ActorVia>,
}

/// From where somebody acted who was not signed in.
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
pub enum ActorVia {
    /// By a command in a terminal of the shop's machine, which asks for no PIN.
    Terminal,
}

impl Actor {
    /// Somebody at a terminal of the shop's machine.
    #[must_use]
    pub fn terminal() -> Self {
        Self { via: Some(ActorVia::Terminal), ..Self::default() }
    }
}

impl Actor {
    /// The device alone, for guests: the people of the shop are none of their business.
    #[must_use]
    pub fn without_people(self) -> Self {
        Self { device: self.device, ..Self::default() }
    }
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

/// Fields that every change changes. They say nothing about the act.
const BOOKKEEPING_FIELDS: [&str; 3] = ["version", "settingsVersion", "updatedAt"];

impl AuditEntry {
    /// What `actor` did to `subject` at `at`. Name the action as `noun.verb`: `product.created`.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "callers pass an id or a text, whichever they have")]
    pub fn new(
        actor: Actor,
        area: AuditArea,
        action: impl Into<String>,
        subject: impl ToString,
        label: impl Into<String>,
        at: Timestamp,
    ) -> Self {
        Self {
            at,
            actor,
            area,
            action: action.into(),
            subject: subject.to_string(),
            label: label.into(),
            reason: None,
            before: None,
            after: None,
        }
    }

    /// Why, in the person's words. `None`, or a blank text: no reason was given.
    #[must_use]
    pub fn with_reason(self, reason: impl Into<Option<String>>) -> Self {
        Self { reason: reason.into().filter(|reason| !reason.trim().is_empty()), ..self }
    }

    /// The values before: a struct or a map. No secret belongs here: no PIN, key or token.
    ///
    /// # Errors
    /// If `before` has no fields, or cannot be written as JSON.
    pub fn with_before(self, before: &impl Serialize) -> serde_json::Result<Self> {
        Ok(Self { before: Some(to_raw_value(&fields_of(before)?)?), ..self })
    }

    /// The values after: a struct or a map. No secret belongs here: no PIN, key or token.
    ///
    /// # Errors
    /// If `after` has no fields, or cannot be written as JSON.
    pub fn with_after(self, after: &impl Serialize) -> serde_json::Result<Self> {
        Ok(Self { after: Some(to_raw_value(&fields_of(after)?)?), ..self })
    }

    /// The fields that differ between `before` and `after`, each with its whole value: `{"price":20000}` and
    /// `{"price":22000}`. A field that only one of them has is shown in that one. Versions and the time of the change
    /// are left out.
    ///
    /// # Errors
    /// If they have no fields, or cannot be written as JSON.
    pub fn with_change<T: Serialize>(self, before: &T, after: &T) -> serde_json::Result<Self> {
        let (mut before, mut after) = (fields_of(before)?, fields_of(after)?);
        before.retain(|name, value| match after.get(name) {
            Some(other) if other.get() == value.get() => {
                after.remove(name);
                false
            }
            _ => true,
        });
        for name in BOOKKEEPING_FIELDS {
            before.remove(name);
            after.remove(name);
        }
        Ok(Self { before: Some(to_raw_value(&before)?), after: Some(to_raw_value(&after)?), ..self })
    }
}

/// The fields of a struct or a map, each with the exact text of its value.
fn fields_of(value: &impl Serialize) -> serde_json::Result<BTreeMap<String, Box<RawValue>>> {
    serde_json::from_str(&serde_json::to_string(value)?)
}

/// One act, with its place in the chain.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditView {
    /// Its number in the trail, from 1 without gaps.
    pub sequence: i64,
    /// The act, in the exact text that is hashed.
    #[schema(value_type = AuditEntry)]
    pub entry: Box<RawValue>,
    /// The hash of the entry before: 64 hexadecimal digits. That of the first entry is 64 zeros.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub previous_hash: String,
    /// The SHA-256 of `previousHash`, `sequence` and `entry`.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub hash: String,
}

/// Whether the audit trail is as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditVerification {
    /// How many entries were verified, from the first. If it is less than `headSequence`, ask again: the next response
    /// goes on from there.
    pub entries: i64,
    /// Whether every verified entry is as it was written.
    pub is_intact: bool,
    /// The number of the last entry.
    pub head_sequence: i64,
    /// The hash of the last entry.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub head_hash: String,
    /// When this was verified.
    pub verified_at: Timestamp,
    /// The first entry that is not as it was written. Absent: none was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_broken: Option<BrokenEntry>,
}

/// An entry that is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrokenEntry {
    /// Its number in the trail.
    pub sequence: i64,
    /// What is wrong with it.
    pub fault: AuditFault,
}

/// What is wrong with an entry of the audit trail.
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
pub enum AuditFault {
    /// The entry was removed.
    Missing,
    /// It does not continue the entry before: it was put there later, or moved.
    NotChained,
    /// Its text, its number or its hash was changed.
    Changed,
    /// The columns that filters use say something else than its text.
    ColumnsDiffer,
    /// It is behind the last entry that the trail counted.
    AfterHead,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry() -> AuditEntry {
        AuditEntry::new(Actor::default(), AuditArea::Menu, "product.changed", "7", "Latte", Timestamp(0))
    }

    fn texts(entry: &AuditEntry) -> (Option<&str>, Option<&str>) {
        (entry.before.as_deref().map(RawValue::get), entry.after.as_deref().map(RawValue::get))
    }

    #[test]
    fn a_change_shows_the_fields_that_differ_and_no_others() {
        let before = json!({"name": "Latte", "price": 20000, "version": 3, "updatedAt": "a", "tags": ["x"], "note": 1});
        let after = json!({"name": "Latte", "price": 22000, "version": 4, "updatedAt": "b", "tags": ["y"], "sku": "L"});
        let changed = entry().with_change(&before, &after).unwrap();
        let expected = (r#"{"note":1,"price":20000,"tags":["x"]}"#, r#"{"price":22000,"sku":"L","tags":["y"]}"#);
        assert_eq!(texts(&changed), (Some(expected.0), Some(expected.1)));
        assert_eq!(texts(&entry().with_change(&before, &before).unwrap()), (Some("{}"), Some("{}")));
    }

    #[test]
    fn decimals_keep_their_text() {
        #[derive(Serialize)]
        struct Priced {
            price: Box<RawValue>,
        }
        let priced = |text: &str| Priced { price: RawValue::from_string(text.to_owned()).unwrap() };
        let changed = entry().with_change(&priced("4.50"), &priced("10000000000000000000000.05")).unwrap();
        let expected = (Some(r#"{"price":4.50}"#), Some(r#"{"price":10000000000000000000000.05}"#));
        assert_eq!(texts(&changed), expected);
    }

    #[test]
    fn what_is_new_has_no_before_and_what_is_gone_no_after() {
        let created = entry().with_after(&json!({"name": "Latte"})).unwrap();
        assert_eq!(texts(&created), (None, Some(r#"{"name":"Latte"}"#)));
        let removed = entry().with_before(&json!({"name": "Latte"})).unwrap();
        assert_eq!(texts(&removed), (Some(r#"{"name":"Latte"}"#), None));
        assert!(entry().with_after(&7).is_err(), "a value without fields has no name");
    }

    #[test]
    fn a_blank_reason_is_none() {
        assert_eq!(entry().with_reason(Some("  ".to_owned())).reason, None);
        assert_eq!(entry().with_reason(None).reason, None);
        assert_eq!(entry().with_reason("Count".to_owned()).reason.as_deref(), Some("Count"));
    }

    #[test]
    fn a_view_carries_the_exact_text_of_its_entry() {
        let stored =
            r#"{"at":"1970-01-01T00:00:00Z", "actor":{},"area":"MENU","action":"a","subject":"7","label":"b"}"#;
        let hash = "0".repeat(64);
        let entry = RawValue::from_string(stored.to_owned()).unwrap();
        let view = AuditView { sequence: 1, entry, previous_hash: hash.clone(), hash };
        let read: AuditView = serde_json::from_str(&serde_json::to_string(&view).unwrap()).unwrap();
        assert_eq!(read.entry.get(), stored);
        assert_eq!(serde_json::from_str::<AuditEntry>(read.entry.get()).unwrap().area, AuditArea::Menu);
    }
}
