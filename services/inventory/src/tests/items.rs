//! Items of stock: made, changed, listed.

use axum::http::Request;
use contracts::{
    event::InventoryLow,
    inventory::{InventoryView, MoveReason, StockoutPolicy},
};
use serde_json::{Value, json};

use super::{NOBODY, Storeroom};

#[tokio::test]
async fn a_new_item_is_empty_and_blocks_orders_when_it_runs_out() {
    let shop = Storeroom::open().await;
    let reply = shop.client.post("/api/Inventory", json!({"name": " Oat milk ", "unit": "ml", "lowLevel": 500})).await;
    let location = reply.headers["location"].to_str().unwrap().to_owned();
    let made: InventoryView = reply.read(201);
    assert_eq!((made.name.as_str(), made.unit.as_str()), ("Oat milk", "ml"));
    assert_eq!((made.on_hand, made.reserved, made.available, made.version), (0, 0, 0, 1));
    assert_eq!((made.policy, made.low_level, made.is_low), (StockoutPolicy::Block, Some(500), true));
    assert_eq!(shop.client.get(&location).await.read::<InventoryView>(200), made);
}

#[tokio::test]
async fn a_request_repeated_with_its_key_creates_one_item() {
    let shop = Storeroom::open().await;
    let item = json!({"inventoryId": NOBODY, "name": "Milk", "unit": "ml"});
    let first = shop.client.post_with_key("/api/Inventory", "k1", &item).await.expect(201);
    let again = shop.client.post_with_key("/api/Inventory", "k1", &item).await.expect(201);
    assert_eq!(first, again);
    shop.client.post_with_key("/api/Inventory", "k2", &item).await.problem(409, "inventory-id-taken");
    shop.client.post("/api/Inventory", &item).await.problem(409, "inventory-id-taken");
    let other = json!({"name": "Cream", "unit": "ml"});
    shop.client.post_with_key("/api/Inventory", "k1", &other).await.problem(422, "idempotency-key-reused");
}

#[tokio::test]
async fn a_corrected_body_goes_through_with_the_same_key() {
    let shop = Storeroom::open().await;
    shop.client.post_with_key("/api/Inventory", "k1", json!({"name": "", "unit": "ml"})).await.problem(422, "invalid");
    shop.client.post_with_key("/api/Inventory", "k1", json!({"name": "Milk", "unit": "ml"})).await.expect(201);
}

#[tokio::test]
async fn a_product_is_counted_as_one_item_only() {
    let shop = Storeroom::open().await;
    let (product_id, _) = shop.product("Croissant", 0, json!({})).await;
    let second = json!({"name": "Croissant again", "unit": "piece", "productId": product_id});
    shop.client.post("/api/Inventory", &second).await.problem(409, "product-counted-elsewhere");
    let muffin = shop.stocked("Muffin", 0, json!({})).await;
    let refused = shop.client.put(&format!("/api/Inventory/{muffin}"), &second).await;
    refused.problem(409, "product-counted-elsewhere");
    assert_eq!(shop.item(muffin).await.name, "Muffin");
}

#[tokio::test]
async fn an_impossible_item_is_refused_with_what_to_change() {
    let shop = Storeroom::open().await;
    let milk = shop.stocked("Milk", 0, json!({})).await;
    let path = format!("/api/Inventory/{milk}");
    for body in [
        json!({"name": "Milk", "unit": ""}),
        json!({"name": "x".repeat(81), "unit": "ml"}),
        json!({"name": "Milk", "unit": "ml", "lowLevel": -1}),
        json!({"name": "Milk", "unit": "ml", "policy": "SHRUG"}),
        json!({"name": "Milk", "unit": "ml", "onHand": 12}),
        json!({"name": "Milk"}),
    ] {
        assert_eq!(shop.client.post("/api/Inventory", &body).await.status, 422, "{body}");
        assert_eq!(shop.client.put(&path, &body).await.status, 422, "{body}");
    }
    let other = json!({"inventoryId": NOBODY, "name": "Milk", "unit": "ml"});
    shop.client.put(&path, &other).await.problem(422, "invalid");
    let good = json!({"name": "Milk", "unit": "ml"});
    shop.client.put(&format!("/api/Inventory/{NOBODY}"), &good).await.problem(404, "not-found");
    shop.client.put("/api/Inventory/milk", &good).await.problem(400, "invalid-id");
    shop.client.get(&format!("/api/Inventory/{NOBODY}")).await.problem(404, "not-found");
    shop.client.get("/api/Inventory/milk").await.problem(400, "invalid-id");
    assert_eq!(shop.item(milk).await.version, 1);
}

#[tokio::test]
async fn replacing_an_item_keeps_what_is_on_hand() {
    let shop = Storeroom::open().await;
    let milk = shop.stocked("Milk", 700, json!({})).await;
    let body = json!({"name": "Fresh milk", "unit": "ml", "policy": "WARN"});
    let changed: InventoryView = shop.client.put(&format!("/api/Inventory/{milk}"), body).await.read(200);
    assert_eq!((changed.name.as_str(), changed.policy, changed.on_hand), ("Fresh milk", StockoutPolicy::Warn, 700));
    assert_eq!(changed, shop.item(milk).await);
}

#[tokio::test]
async fn of_two_people_who_change_an_item_at_once_the_later_one_is_refused() {
    let shop = Storeroom::open().await;
    let path = format!("/api/Inventory/{}", shop.stocked("Milk", 700, json!({})).await);
    let read = shop.client.get(&path).await.headers["etag"].clone();
    let write = async |name: &str, tag: &str| {
        let body = json!({"name": name, "unit": "ml"}).to_string();
        let request = Request::put(&path).header("content-type", "application/json").header("if-match", tag);
        shop.client.send(request.body(body.into()).unwrap()).await
    };
    shop.adjust(path.rsplit('/').next().unwrap().parse().unwrap(), MoveReason::Waste, 1).await.expect(200);
    let written = write("Fresh milk", read.to_str().unwrap()).await;
    assert_eq!(written.headers["etag"], "\"2\"", "stock that moved meanwhile does not count as a change");
    written.expect(200);
    let refused = write("Whole milk", read.to_str().unwrap()).await.problem(412, "version-mismatch");
    assert!(refused["detail"].as_str().unwrap().contains("at version 2"), "{refused}");
    let _ = write("Whole milk", "2").await.problem(400, "bad-request");
    assert_eq!(shop.client.get(&path).await.expect(200)["name"], "Fresh milk");
}

#[tokio::test]
async fn a_low_level_set_above_what_is_on_hand_is_reported_once() {
    let shop = Storeroom::open().await;
    let milk = shop.stocked("Milk", 700, json!({})).await;
    for low_level in [500, 700, 800] {
        let body = json!({"name": "Milk", "unit": "ml", "lowLevel": low_level});
        shop.client.put(&format!("/api/Inventory/{milk}"), body).await.expect(200);
    }
    shop.world.wait_until_idle().await;
    let reported = shop.world.published::<InventoryLow>();
    assert_eq!(reported.len(), 1);
    assert_eq!((reported[0].inventory_id, reported[0].on_hand, reported[0].low_level), (milk, 700, 700));
}

#[tokio::test]
async fn the_list_is_ordered_by_name_and_comes_in_pages() {
    let shop = Storeroom::open().await;
    for name in ["sugar", "Milk", "beans", "Cocoa", "milk"] {
        shop.stocked(name, 0, json!({})).await;
    }
    let mut names = Vec::new();
    let mut path = "/api/Inventory?limit=2".to_owned();
    loop {
        let page = shop.client.get(&path).await.expect(200);
        names
            .extend(page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_lowercase()));
        match page["nextCursor"].as_str() {
            Some(cursor) => path = format!("/api/Inventory?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(names, ["beans", "cocoa", "milk", "milk", "sugar"]);
}

#[tokio::test]
async fn the_list_is_filtered_by_text_and_low_level() {
    let shop = Storeroom::open().await;
    let oat = shop.stocked("Oat milk 100%", 900, json!({"lowLevel": 500})).await;
    shop.stocked("Whole milk", 300, json!({"lowLevel": 500})).await;
    shop.stocked("Beans", 10, json!({})).await;
    let names = async |query: &str| -> Vec<Value> {
        let page = shop.client.get(&format!("/api/Inventory?{query}")).await.expect(200);
        page["items"].as_array().unwrap().iter().map(|item| item["name"].clone()).collect()
    };
    assert_eq!(names("text=MILK").await, ["Oat milk 100%", "Whole milk"]);
    assert_eq!(names("text=0%25").await, ["Oat milk 100%"]);
    assert_eq!(names("text=_").await, [""; 0]);
    assert_eq!(names("low=true").await, ["Whole milk"]);
    shop.stocked("Crème brûlée", 1, json!({})).await;
    assert_eq!(names("text=CR%C3%88ME%20BR%C3%9BL").await, ["Crème brûlée"], "not only A to Z is folded");
    shop.adjust(oat, MoveReason::Waste, 400).await.expect(200);
    assert_eq!(names("low=true&text=milk").await, ["Oat milk 100%", "Whole milk"]);
    assert_eq!(names("limit=1").await.len(), 1);
    for wrong in ["limit=0", "limit=201", "text=a%00b"] {
        shop.client.get(&format!("/api/Inventory?{wrong}")).await.problem(400, "bad-request");
    }
    assert_eq!(shop.client.get("/api/Inventory?low=perhaps").await.status, 400);
    assert_eq!(shop.client.get("/api/Inventory?cursor=7").await.status, 400);
    assert_eq!(shop.client.get(&format!("/api/Inventory?text={}", "x".repeat(81))).await.status, 400);
}

#[tokio::test]
async fn internal_routes_are_not_in_the_api_document() {
    let shop = Storeroom::open().await;
    let document = shop.client.get("/openapi.json").await.expect(200);
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert!(paths.iter().all(|path| !path.starts_with("/internal")), "{paths:?}");
    for path in ["/api/Inventory/{inventoryId}/adjust", "/api/StockMovement/{inventoryId}", "/api/Recipe/{productId}"] {
        assert!(paths.iter().any(|known| *known == path), "{path} in {paths:?}");
    }
    assert_eq!(shop.client.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn the_api_document_describes_every_response_and_parameter() {
    let shop = Storeroom::open().await;
    let document = shop.client.get("/openapi.json").await.expect(200);
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap().values();
            let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
            for described in responses.chain(parameters) {
                let text = described["description"].as_str().unwrap_or_default();
                assert!(!text.is_empty(), "{method} {path}: {described}");
            }
            let has_body = operation.get("requestBody").is_some();
            assert_eq!(has_body, ["post", "put"].contains(&method.as_str()), "{method} {path}");
        }
    }
}
