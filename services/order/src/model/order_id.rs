//! The id of an order for which the client chose none.

use contracts::{
    ids::{Id, OrderId},
    order::PlaceOrder,
    time::Timestamp,
};
use db::idempotency::IdempotencyKey;
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

/// A UUIDv7 begins with its time: 48 bits.
const TIME_BYTES: usize = 6;
const UUID_BYTES: usize = 16;

/// The id of the order that a request places: the client's own, or the one that follows from its Idempotency-Key, or a
/// new one.
///
/// A retry of a request that was cut off has the same key, so it has the same id: Inventory then recognises the stock
/// that the first attempt reserved, even if the program was killed between the reservation and the write.
#[must_use]
pub(crate) fn order_id_for(request: &PlaceOrder, key: Option<&IdempotencyKey>, now: Timestamp) -> OrderId {
    match (request.order_id, key) {
        (Some(order_id), _) => order_id,
        (None, Some(key)) => order_id_of_key(key),
        (None, None) => OrderId::new(now),
    }
}

/// A UUIDv8 (RFC 9562) of a digest of the key. The time of the first attempt cannot be a part of it, because a retry
/// after a crash does not know that time. A key that is itself a UUIDv7 has a time, and the id takes it over: ids that
/// grow with time keep the rows of a busy hour together in the indexes.
fn order_id_of_key(IdempotencyKey { caller, route, key, fingerprint: _ }: &IdempotencyKey) -> OrderId {
    let digest = [caller, route, key].iter().fold(Sha256::new(), |digest, part| {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        digest.chain_update(length.to_be_bytes()).chain_update(part)
    });
    let mut bytes = [0; UUID_BYTES];
    bytes.copy_from_slice(&digest.finalize()[..UUID_BYTES]);
    if let Some(key) = Uuid::try_parse(key).ok().filter(|key| key.get_version_num() == 7) {
        bytes[..TIME_BYTES].copy_from_slice(&key.as_bytes()[..TIME_BYTES]);
    }
    Id::from_uuid(Builder::from_custom_bytes(bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(caller: &str, key: &str) -> IdempotencyKey {
        IdempotencyKey {
            caller: caller.into(),
            route: "POST /api/Order".into(),
            key: key.into(),
            fingerprint: "".into(),
        }
    }

    #[test]
    fn the_same_key_is_the_same_order_and_another_callers_key_is_another() {
        let id = order_id_of_key(&key("till", "k1"));
        assert_eq!(order_id_of_key(&key("till", "k1")), id);
        for other in [key("till", "k2"), key("kiosk", "k1"), key("til", "lk1")] {
            assert_ne!(order_id_of_key(&other), id, "{other:?}");
        }
    }

    #[test]
    fn ids_grow_with_time_if_their_keys_do() {
        let keys = (0..100_i64).map(|second| OrderId::new(Timestamp(1_700_000_000_000_000 + second * 1_000_000)));
        let ids: Vec<OrderId> = keys.map(|id| order_id_of_key(&key("till", &id.to_string()))).collect();
        assert!(ids.is_sorted());
    }
}
