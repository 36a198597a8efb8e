use std::{collections::HashMap, sync::Arc, time::Duration};

use cache::{Cache, CacheError, MemoryCache};
use contracts::{event::ProductChanged, product::cache_keys};
use futures::{FutureExt, future::BoxFuture};
use serde_json::{Value, json};
use testkit::World;

use super::{category, latte, menu, product};

/// What the cache holds of a product: price, dispensable, and the version of the card.
async fn cached(cache: &dyn Cache, id: &str) -> Option<(String, String, i64)> {
    let id = id.parse().unwrap();
    let keys = [cache_keys::price(id), cache_keys::dispensable(id), cache_keys::card(id)];
    let values: Option<Vec<String>> = cache.get_many(&keys).await.unwrap().into_iter().collect();
    let values = values?;
    let card: Value = serde_json::from_str(&values[2]).unwrap();
    Some((values[0].clone(), values[1].clone(), card["version"].as_i64().unwrap()))
}

#[tokio::test]
async fn every_change_is_in_the_cache_before_the_response() {
    let world = World::new().await;
    let client = menu(&world).await;
    let cache = &*world.context().cache;
    let coffee = category(&client, "Coffee", 0).await;
    let id = product(&client, latte(&coffee)).await;
    assert_eq!(cached(cache, &id).await, Some(("25000".into(), "false".into(), 1)));

    let mut write = latte(&coffee);
    (write["price"], write["isDispensable"], write["dispenseMl"]) = (json!(20000), json!(true), json!(240));
    client.put(&format!("/api/Product/{id}"), write).await.expect(200);
    assert_eq!(cached(cache, &id).await, Some(("20000".into(), "true".into(), 2)));

    client.put(&format!("/api/Product/{id}/availability"), json!({"isAvailable": false})).await.expect(200);
    client.delete(&format!("/api/Product/{id}")).await.expect(204);
    assert_eq!(cached(cache, &id).await, Some(("20000".into(), "true".into(), 4)));
}

#[tokio::test]
async fn an_empty_cache_is_filled_with_the_menu_when_the_service_starts() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    let latte_id = product(&client, latte(&coffee)).await;
    let gone = product(&client, latte(&coffee)).await;
    client.delete(&format!("/api/Product/{gone}")).await.expect(204);

    let mut restarted = world.context().clone();
    restarted.cache = Arc::new(MemoryCache::default());
    let service = crate::open(&restarted).await.unwrap();
    assert_eq!(cached(&*restarted.cache, &latte_id).await, Some(("25000".into(), "false".into(), 1)));
    assert_eq!(cached(&*restarted.cache, &gone).await, None, "Order asks for it, if anyone orders it");
    service.db.close().await;
}

#[tokio::test]
async fn every_change_and_nothing_else_is_published_with_the_whole_card() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    let path = format!("/api/Product/{}", product(&client, latte(&coffee)).await);
    let availability = format!("{path}/availability");
    client.put(&availability, json!({"isAvailable": false})).await.expect(200);
    client.put(&availability, json!({"isAvailable": false})).await.expect(200);
    client.put(&path, latte(&coffee)).await.expect(200);
    client.put(&path, json!({"name": ""})).await.problem(422, "invalid-body");
    client.delete(&path).await.expect(204);
    client.delete(&path).await.expect(204);
    world.wait_until_idle().await;

    let mut published: Vec<ProductChanged> = world.published();
    published.sort_by_key(|event| event.0.version);
    let versions: Vec<_> =
        published.iter().map(|ProductChanged(card)| (card.version, card.is_available, card.is_archived)).collect();
    assert_eq!(versions, [(1, true, false), (2, false, false), (3, false, false), (4, false, true)]);
}

#[tokio::test]
async fn product_changed_keeps_its_form() {
    let world = World::new().await;
    let client = menu(&world).await;
    let id = |last: u8| format!("0192f0c1-2b3a-7c4d-8e5f-6071829300{last:02x}");
    client.post("/api/Category", json!({"categoryId": id(1), "name": "Coffee"})).await.expect(201);
    let size = json!({"groupId": id(3), "name": "Size", "minChoices": 1, "maxChoices": 1, "options": [
        {"optionId": id(4), "name": "Regular"},
        {"optionId": id(5), "name": "Large", "priceDelta": 6000, "dispenseMlDelta": 110}]});
    let write = json!({"productId": id(2), "name": "Latte", "description": "Milk and coffee", "categoryId": id(1),
        "price": 25000, "taxName": "PB1", "isDispensable": true, "dispenseMl": 240, "optionGroups": [size]});
    client.post("/api/Product", write).await.expect(201);
    world.wait_until_idle().await;
    let published: Vec<ProductChanged> = world.published();
    insta::assert_json_snapshot!(published);
}

/// A cache that fails every call.
struct UnavailableCache;

impl UnavailableCache {
    fn refuse<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, CacheError>> {
        async { Err(CacheError("unavailable".into())) }.boxed()
    }
}
impl Cache for UnavailableCache {
    fn get_many<'a>(&'a self, _: &'a [String]) -> BoxFuture<'a, Result<Vec<Option<String>>, CacheError>> {
        Self::refuse()
    }
    fn put_versioned<'a>(
        &'a self,
        _: &'a str,
        _: i64,
        _: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<bool, CacheError>> {
        Self::refuse()
    }
    fn put_field<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: i64,
        _: String,
        _: Duration,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        Self::refuse()
    }
    fn get_fields<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<HashMap<String, String>, CacheError>> {
        Self::refuse()
    }
    fn changed<'a>(&'a self, _: &'a str) -> BoxFuture<'a, ()> {
        std::future::pending().boxed()
    }
    fn remove<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), CacheError>> {
        Self::refuse()
    }
}

#[tokio::test]
async fn the_menu_starts_and_changes_while_the_cache_is_unavailable() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    product(&client, latte(&coffee)).await;
    let mut without_cache = world.context().clone();
    without_cache.cache = Arc::new(UnavailableCache);
    let service = crate::open(&without_cache).await.unwrap();
    product(&world.client(&service.router), latte(&coffee)).await;
    service.db.close().await;
}
