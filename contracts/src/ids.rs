//! Ids: a UUID with a type for each kind of thing, so that the compiler distinguishes them.
//!
//! New ids are UUIDv7 (RFC 9562): they grow with time, so new rows are at the end of an index.

use std::{cmp::Ordering, fmt, hash, marker::PhantomData, str::FromStr, sync::Mutex};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat, Type};
use uuid::{ContextV7, Uuid};

/// The id of an `Of`: an [`OrderId`] cannot be passed for a [`PaymentId`].
pub struct Id<Of>(Uuid, PhantomData<fn() -> Of>);

/// Shared by the whole process, so that its ids grow even within a microsecond and across threads.
static CONTEXT: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// Marks a [`OrderId`].
pub enum OrderMarker {}
/// Marks a [`PaymentId`].
pub enum PaymentMarker {}
/// Marks a [`TransactionId`].
pub enum TransactionMarker {}
/// Marks a [`ProductId`].
pub enum ProductMarker {}
/// Marks a [`CategoryId`].
pub enum CategoryMarker {}
/// Marks a [`OptionGroupId`].
pub enum OptionGroupMarker {}
/// Marks a [`OptionId`].
pub enum OptionMarker {}
/// Marks a [`InventoryId`].
pub enum InventoryMarker {}
/// Marks a [`StockMoveId`].
pub enum StockMoveMarker {}
/// Marks a [`DispenseId`].
pub enum DispenseMarker {}
/// Marks a [`EventId`].
pub enum EventMarker {}
/// Marks a [`StaffId`].
pub enum StaffMarker {}
/// Marks a [`DeviceId`].
pub enum DeviceMarker {}
/// Marks a [`SessionId`].
pub enum SessionMarker {}
/// Marks a [`TokenKeyId`].
pub enum TokenKeyMarker {}
/// Marks a [`ApprovalId`].
pub enum ApprovalMarker {}

/// One order.
pub type OrderId = Id<OrderMarker>;
/// One attempt to pay an order.
pub type PaymentId = Id<PaymentMarker>;
/// One movement of money inside a payment.
pub type TransactionId = Id<TransactionMarker>;
/// One product of the menu.
pub type ProductId = Id<ProductMarker>;
/// One category of the menu.
pub type CategoryId = Id<CategoryMarker>;
/// One group of options of a product, such as "Size".
pub type OptionGroupId = Id<OptionGroupMarker>;
/// One option of a group, such as "Large".
pub type OptionId = Id<OptionMarker>;
/// One thing that is counted in stock.
pub type InventoryId = Id<InventoryMarker>;
/// One row of the stock's ledger.
pub type StockMoveId = Id<StockMoveMarker>;
/// One grant to pour, given to one machine.
pub type DispenseId = Id<DispenseMarker>;
/// One event.
pub type EventId = Id<EventMarker>;
/// One person of the shop.
pub type StaffId = Id<StaffMarker>;
/// One paired device.
pub type DeviceId = Id<DeviceMarker>;
/// One sign-in of a person.
pub type SessionId = Id<SessionMarker>;
/// One key that tokens are signed with.
pub type TokenKeyId = Id<TokenKeyMarker>;
/// One approval by a manager.
pub type ApprovalId = Id<ApprovalMarker>;

impl<Of> Id<Of> {
    /// A new id for something created at `now`. It sorts after every id that this process created before, even if `now` is
    /// earlier than theirs.
    #[must_use]
    pub fn new(now: crate::time::Timestamp) -> Self {
        let (seconds, nanos) = now.seconds_and_nanos();
        let timestamp = uuid::Timestamp::from_unix(&CONTEXT, seconds, nanos);
        Self::from_uuid(Uuid::new_v7(timestamp))
    }

    /// The smallest id of the millisecond of `at`: ids created earlier are smaller. The first 48 bits of an id are its time
    /// (RFC 9562).
    #[must_use]
    pub fn first_at(at: crate::time::Timestamp) -> Self {
        let millis = u64::try_from(at.0.div_euclid(1_000)).unwrap_or(0);
        Self::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
    }

    /// The id with this UUID.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// Its UUID.
    #[must_use]
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl<Of> Clone for Id<Of> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<Of> Copy for Id<Of> {}
impl<Of> PartialEq for Id<Of> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<Of> Eq for Id<Of> {}
impl<Of> PartialOrd for Id<Of> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<Of> Ord for Id<Of> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<Of> hash::Hash for Id<Of> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<Of> fmt::Debug for Id<Of> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl<Of> fmt::Display for Id<Of> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A text that is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an id: an id is a UUID such as 0192f0c1-2b3a-7c4d-8e5f-60718293a4b5")]
pub struct InvalidId(String);

impl<Of> FromStr for Id<Of> {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        /// Enough of a wrong text for a person to recognise it.
        const SHOWN_CHARS_MAX: usize = 64;
        let invalid = || InvalidId(text.chars().take(SHOWN_CHARS_MAX).collect());
        let hyphenated = text.parse::<uuid::fmt::Hyphenated>().map_err(|_| invalid())?;
        Ok(Self::from_uuid(hyphenated.into_uuid()))
    }
}

impl<Of> Serialize for Id<Of> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}
impl<'de, Of> Deserialize<'de> for Id<Of> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl<Of> utoipa::PartialSchema for Id<Of> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::Custom("uuid".into()))).into()
    }
}
impl<Of> utoipa::ToSchema for Id<Of> {
    fn name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn later_ids_sort_after_earlier_ones_even_within_a_microsecond() {
        let now = Timestamp(1_700_000_000_000_000);
        let ids: Vec<OrderId> = (0..1000).map(|_| OrderId::new(now)).collect();
        assert!(ids.is_sorted());
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn the_first_id_of_a_moment_is_between_earlier_ids_and_its_own() {
        // Later than any time in the other tests: within one process, ids never go back.
        let moment = Timestamp(4_000_000_000_123_000);
        let (before, after) = (EventId::new(moment - Duration::from_millis(1)), EventId::new(moment));
        let first = EventId::first_at(moment);
        assert!(before < first && first <= after);
        assert!(before.to_string() < first.to_string() && first.to_string() <= after.to_string(), "as text, too");
        assert_eq!(EventId::first_at(Timestamp(-1)), EventId::first_at(Timestamp(0)));
    }

    #[test]
    fn an_id_is_parsed_from_its_own_text_and_no_other() {
        let id = OrderId::new(Timestamp(0));
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "42", "0192f0c12b3a7c4d8e5f60718293a4b5", "{0192f0c1-2b3a-7c4d-8e5f-60718293a4b5}"] {
            assert!(wrong.parse::<OrderId>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn different_ids_have_different_hashes_and_are_printed_as_their_text() {
        let hashes = std::hash::RandomState::new();
        let (one, other) = (OrderId::new(Timestamp(0)), OrderId::new(Timestamp(0)));
        assert_eq!(hash::BuildHasher::hash_one(&hashes, one), hash::BuildHasher::hash_one(&hashes, one));
        assert_ne!(hash::BuildHasher::hash_one(&hashes, one), hash::BuildHasher::hash_one(&hashes, other));
        assert_eq!(format!("{one:?}"), one.to_string());
    }
}
