//! What a person does to the stock.

use std::time::Duration;

use clock::Clock;
use contracts::{
    audit::Actor,
    event::InventoryLow,
    inventory::{AdjustStock, InventoryView, MoveReason, STOCK_QUANTITY_MAX},
};
use serde_json::json;

use super::{NOBODY, Storeroom};

#[tokio::test]
async fn the_ledger_keeps_the_order_of_movements_if_two_clocks_differ() {
    let shop = Storeroom::open().await;
    let milk = shop.stocked("Milk", 0, json!({})).await;
    let db = shop.world.context().databases.open(&crate::SCHEMA).await.unwrap();
    let behind = crate::Inventory::new(
        db.clone(),
        Clock::manual(shop.world.clock.now() - Duration::from_secs(60)),
        shop.world.context().services.client("product"),
    );
    let received = || AdjustStock { reason: MoveReason::Received, quantity: 1, note: None };
    for _ in 0..5 {
        let (one, other) = futures::join!(
            shop.inventory.adjust_stock(Actor::default(), None, milk, received()),
            behind.adjust_stock(Actor::default(), None, milk, received())
        );
        assert!(one.is_ok() && other.is_ok());
    }
    let after: Vec<_> = shop.moves(milk).await.iter().map(|row| row.on_hand_after).collect();
    assert_eq!(after, (1..=10).collect::<Vec<_>>());
    let newest = shop.client.get(&format!("/api/StockMovement/{milk}?limit=3")).await.expect(200);
    let next = format!("/api/StockMovement/{milk}?cursor={}", newest["nextCursor"].as_str().unwrap());
    assert_eq!(shop.client.get(&next).await.expect(200)["items"][0]["onHandAfter"], 7);
    db.close().await;
}

#[tokio::test]
async fn a_delivery_waste_a_count_and_a_correction_are_in_the_ledger() {
    let shop = Storeroom::open().await;
    let milk = shop.stocked("Milk", 0, json!({})).await;
    for (reason, quantity) in [
        (MoveReason::Received, 1_000),
        (MoveReason::Waste, 150),
        (MoveReason::Count, 800),
        (MoveReason::Correction, -50),
        (MoveReason::Correction, 7),
        (MoveReason::Count, 757),
    ] {
        shop.adjust(milk, reason, quantity).await.expect(200);
    }
    let moves: Vec<_> =
        shop.moves(milk).await.iter().map(|row| (row.reason, row.quantity, row.on_hand_after)).collect();
    assert_eq!(
        moves,
        [
            (MoveReason::Received, 1_000, 1_000),
            (MoveReason::Waste, -150, 850),
            (MoveReason::Count, -50, 800),
            (MoveReason::Correction, -50, 750),
            (MoveReason::Correction, 7, 757),
            (MoveReason::Count, 0, 757),
        ]
    );
    assert_eq!(shop.levels(milk).await, (757, 0));
}

#[tokio::test]
async fn no_more_is_thrown_away_than_is_on_hand() {
    let shop = Storeroom::open().await;
    let cake = shop.stocked("Cake", 3, json!({})).await;
    for (reason, quantity) in [(MoveReason::Waste, 4), (MoveReason::Correction, -4)] {
        let refused = shop.adjust(cake, reason, quantity).await.problem(409, "insufficient-stock");
        assert_eq!(refused["context"]["onHand"], 3);
        assert!(
            refused["detail"].as_str().unwrap().starts_with("Cake: 3 piece are on hand, fewer than 4."),
            "{refused}"
        );
    }
    shop.adjust(cake, MoveReason::Waste, 3).await.expect(200);
    assert_eq!(shop.levels(cake).await, (0, 0));
}

#[tokio::test]
async fn the_quantity_on_hand_has_a_bound() {
    let shop = Storeroom::open().await;
    let rice = shop.stocked("Rice", STOCK_QUANTITY_MAX, json!({})).await;
    shop.adjust(rice, MoveReason::Received, 1).await.problem(409, "stock-limit-exceeded");
    shop.adjust(rice, MoveReason::Count, STOCK_QUANTITY_MAX).await.expect(200);
    shop.adjust(rice, MoveReason::Count, STOCK_QUANTITY_MAX + 1).await.problem(422, "invalid");
}

#[tokio::test]
async fn an_adjustment_without_a_meaning_is_refused() {
    let shop = Storeroom::open().await;
    let milk = shop.stocked("Milk", 10, json!({})).await;
    for (reason, quantity) in [
        (MoveReason::Sale, 1),
        (MoveReason::SaleReversed, 1),
        (MoveReason::Received, 0),
        (MoveReason::Received, -5),
        (MoveReason::Waste, 0),
        (MoveReason::Count, -1),
        (MoveReason::Correction, 0),
    ] {
        shop.adjust(milk, reason, quantity).await.problem(422, "invalid");
    }
    let path = format!("/api/Inventory/{milk}/adjust");
    assert_eq!(shop.client.post(&path, json!({"reason": "STOLEN", "quantity": 1})).await.status, 422);
    assert_eq!(shop.client.post(&path, json!({"reason": "WASTE", "quantity": 0.5})).await.status, 422);
    let long = json!({"reason": "WASTE", "quantity": 1, "note": "x".repeat(161)});
    shop.client.post(&path, long).await.problem(422, "invalid");
    shop.client
        .post(&format!("/api/Inventory/{NOBODY}/adjust"), json!({"reason": "WASTE", "quantity": 1}))
        .await
        .problem(404, "not-found");
    shop.client
        .post(&format!("/api/Inventory/{NOBODY}/adjust"), json!({"reason": "COUNT", "quantity": 1}))
        .await
        .problem(404, "not-found");
    assert_eq!(shop.moves(milk).await.len(), 1);
    assert_eq!(shop.levels(milk).await, (10, 0));
}

#[tokio::test]
async fn a_delivery_sent_twice_with_its_key_is_counted_once() {
    let shop = Storeroom::open().await;
    let milk = shop.stocked("Milk", 0, json!({})).await;
    let path = format!("/api/Inventory/{milk}/adjust");
    let delivery = json!({"reason": "RECEIVED", "quantity": 12, "note": " from the market "});
    let first: InventoryView = shop.client.post_with_key(&path, "d1", &delivery).await.read(200);
    let again: InventoryView = shop.client.post_with_key(&path, "d1", &delivery).await.read(200);
    assert_eq!(first, again);
    let moves = shop.moves(milk).await;
    assert_eq!(moves.len(), 1);
    assert_eq!(moves[0].note.as_deref(), Some("from the market"));
    let other = json!({"reason": "RECEIVED", "quantity": 13});
    shop.client.post_with_key(&path, "d1", other).await.problem(422, "idempotency-key-reused");
}

#[tokio::test]
async fn a_low_item_is_reported_once_until_it_was_above_its_level() {
    let shop = Storeroom::open().await;
    let milk = shop.stocked("Milk", 12, json!({"lowLevel": 10})).await;
    let mut reported = Vec::new();
    for (reason, quantity) in [
        (MoveReason::Waste, 1),
        (MoveReason::Waste, 1),
        (MoveReason::Waste, 1),
        (MoveReason::Count, 4),
        (MoveReason::Received, 6),
        (MoveReason::Received, 1),
        (MoveReason::Count, 9),
    ] {
        shop.adjust(milk, reason, quantity).await.expect(200);
        shop.world.wait_until_idle().await;
        reported.push(shop.world.published::<InventoryLow>().len());
    }
    assert_eq!(reported, [0, 1, 1, 1, 1, 1, 2]);
    let first = &shop.world.published::<InventoryLow>()[0];
    assert_eq!((first.name.as_str(), first.on_hand, first.low_level), ("Milk", 10, 10));
}

#[tokio::test]
async fn the_ledger_is_read_newest_first_a_page_at_a_time() {
    let shop = Storeroom::open().await;
    let milk = shop.stocked("Milk", 1, json!({})).await;
    for quantity in 2..=5 {
        shop.adjust(milk, MoveReason::Received, quantity).await.expect(200);
    }
    let path = format!("/api/StockMovement/{milk}?limit=3");
    let page = shop.client.get(&path).await.expect(200);
    let quantities = |page: &serde_json::Value| -> Vec<i64> {
        page["items"].as_array().unwrap().iter().map(|row| row["quantity"].as_i64().unwrap()).collect()
    };
    assert_eq!(quantities(&page), [5, 4, 3]);
    let cursor = page["nextCursor"].as_str().unwrap();
    let last = shop.client.get(&format!("{path}&cursor={cursor}")).await.expect(200);
    assert_eq!(quantities(&last), [2, 1]);
    assert!(last.get("nextCursor").is_none());
    shop.client.get(&format!("/api/StockMovement/{NOBODY}")).await.problem(404, "not-found");
    shop.client.get("/api/StockMovement/milk").await.problem(400, "invalid-id");
    let empty = shop.stocked("Cream", 0, json!({})).await;
    assert_eq!(shop.moves(empty).await, []);
}
