//! What every adapter of the cache promises. Each adapter's tests call each of these with a cache of their own.

use std::{collections::HashMap, time::Duration};

use crate::Cache;

const TTL: Duration = Duration::from_secs(24 * 3_600);

fn keys(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn entries(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

async fn values(cache: &dyn Cache, names: &[&str]) -> Vec<Option<String>> {
    cache.get_many(&keys(names)).await.unwrap()
}

async fn fields(cache: &dyn Cache, key: &str) -> Vec<(String, String)> {
    let mut fields: Vec<_> = cache.get_fields(key).await.unwrap().into_iter().collect();
    fields.sort();
    fields
}

/// Values are returned in the order of the keys, with nothing for a key without a value.
pub(crate) async fn values_are_returned_in_the_order_of_their_keys(cache: &dyn Cache) {
    assert!(cache.put_versioned("latte", 1, &entries(&[("price:1", "28000"), ("card:1", "Latte")])).await.unwrap());
    let found = values(cache, &["card:1", "price:2", "price:1", "card:1"]).await;
    assert_eq!(found, [Some("Latte".into()), None, Some("28000".into()), Some("Latte".into())]);
    assert!(values(cache, &[]).await.is_empty());
}

/// An older price never replaces a newer one, in whatever order they are set.
pub(crate) async fn an_older_version_never_replaces_a_newer_one(cache: &dyn Cache) {
    let put =
        async |version, price| cache.put_versioned("latte", version, &entries(&[("price:1", price)])).await.unwrap();
    assert!(put(2, "28000").await);
    assert!(!put(1, "25000").await);
    assert!(!put(2, "99999").await, "the same version is set once");
    assert_eq!(values(cache, &["price:1"]).await, [Some("28000".into())]);
    assert!(put(3, "30000").await);
    assert_eq!(values(cache, &["price:1"]).await, [Some("30000".into())]);
}

/// An evicted entry can be set again, although its version is known.
pub(crate) async fn the_same_version_restores_what_was_removed(cache: &dyn Cache) {
    let card = entries(&[("price:1", "28000"), ("card:1", "Latte")]);
    assert!(cache.put_versioned("latte", 2, &card).await.unwrap());
    cache.remove("price:1").await.unwrap();
    assert_eq!(values(cache, &["price:1"]).await, [None]);
    assert!(!cache.put_versioned("latte", 1, &entries(&[("price:1", "25000")])).await.unwrap());
    assert!(cache.put_versioned("latte", 2, &card).await.unwrap());
    assert_eq!(values(cache, &["price:1"]).await, [Some("28000".into())]);
}

/// A waiter notices a field that was set between the call and the wait, and that the hash was removed.
pub(crate) async fn a_change_after_the_call_is_noticed(cache: &dyn Cache) {
    let changed = cache.changed("receipt:1");
    assert!(fields(cache, "receipt:1").await.is_empty());
    cache.put_field("receipt:1", "codes", 1, "two".into(), TTL).await.unwrap();
    tokio::time::timeout(TTL, changed).await.unwrap();
    assert_eq!(fields(cache, "receipt:1").await, [("codes".to_owned(), "two".to_owned())]);

    let changed = cache.changed("receipt:1");
    cache.remove("receipt:1").await.unwrap();
    tokio::time::timeout(TTL, changed).await.unwrap();
    assert!(fields(cache, "receipt:1").await.is_empty());
}

/// The versions of one name do not concern another.
pub(crate) async fn each_name_has_versions_of_its_own(cache: &dyn Cache) {
    assert!(cache.put_versioned("latte", 7, &entries(&[("price:1", "28000")])).await.unwrap());
    assert!(cache.put_versioned("mocha", 1, &entries(&[("price:2", "32000")])).await.unwrap());
}

/// Three services write one receipt, and none overwrites another's part.
pub(crate) async fn each_writer_has_a_field_of_its_own(cache: &dyn Cache) {
    for (field, value) in [("order", "{}"), ("payment", "paid"), ("qr", "QR-1")] {
        cache.put_field("receipt:1", field, 1, value.into(), TTL).await.unwrap();
    }
    let expected = entries(&[("order", "{}"), ("payment", "paid"), ("qr", "QR-1")]);
    assert_eq!(fields(cache, "receipt:1").await, expected);
    assert_eq!(cache.get_fields("receipt:2").await.unwrap(), HashMap::new());
}

/// An older part of a receipt never replaces a newer one.
pub(crate) async fn an_older_field_never_replaces_a_newer_one(cache: &dyn Cache) {
    for (version, value) in [(2, "two"), (1, "one"), (2, "two again")] {
        cache.put_field("receipt:1", "order", version, value.into(), TTL).await.unwrap();
    }
    assert_eq!(fields(cache, "receipt:1").await, entries(&[("order", "two")]));
    cache.put_field("receipt:1", "order", 3, "three".into(), TTL).await.unwrap();
    assert_eq!(fields(cache, "receipt:1").await, entries(&[("order", "three")]));
}

/// A value or hash that was removed is gone, and a field can be set again then.
pub(crate) async fn a_removed_key_is_gone_and_can_be_set_again(cache: &dyn Cache) {
    cache.put_versioned("latte", 1, &entries(&[("price:1", "28000")])).await.unwrap();
    cache.put_field("receipt:1", "order", 5, "five".into(), TTL).await.unwrap();
    cache.remove("price:1").await.unwrap();
    cache.remove("receipt:1").await.unwrap();
    cache.remove("never:there").await.unwrap();
    assert_eq!(values(cache, &["price:1"]).await, [None]);
    assert_eq!(fields(cache, "receipt:1").await, []);
    cache.put_field("receipt:1", "order", 1, "one".into(), TTL).await.unwrap();
    assert_eq!(fields(cache, "receipt:1").await, entries(&[("order", "one")]));
}

/// A hash expires one TTL after its last write; values do not expire. `advance` lets time pass.
pub(crate) async fn a_hash_expires_one_ttl_after_its_last_write(cache: &dyn Cache, advance: impl AsyncFn(Duration)) {
    let ttl = Duration::from_secs(2);
    cache.put_versioned("latte", 1, &entries(&[("price:1", "28000")])).await.unwrap();
    cache.put_field("receipt:1", "order", 1, "{}".into(), ttl).await.unwrap();
    advance(Duration::from_millis(1_500)).await;
    cache.put_field("receipt:1", "payment", 1, "paid".into(), ttl).await.unwrap();
    advance(Duration::from_millis(1_500)).await;
    assert_eq!(fields(cache, "receipt:1").await, entries(&[("order", "{}"), ("payment", "paid")]));
    advance(Duration::from_millis(1_000)).await;
    assert_eq!(fields(cache, "receipt:1").await, []);
    assert_eq!(values(cache, &["price:1"]).await, [Some("28000".into())]);
    cache.put_field("receipt:1", "qr", 1, "QR-1".into(), ttl).await.unwrap();
    assert_eq!(fields(cache, "receipt:1").await, entries(&[("qr", "QR-1")]));
}
