//! Order reserves an order's stock.

use std::time::Duration;

use clock::Clock;
use contracts::{
    event::StockShort,
    inventory::{MoveReason, OutOfStock, ReserveItem, ReserveStock},
};
use serde_json::json;

use super::{Line, NOBODY, Storeroom};

#[tokio::test]
async fn an_order_holds_what_its_recipes_need_and_no_other_order_gets_it() {
    let shop = Storeroom::open().await;
    let milk = shop.stocked("Milk", 1_000, json!({"unit": "ml"})).await;
    let (croissant, croissants) = shop.product("Croissant", 2, json!({})).await;
    let (latte, water) = (shop.new_product(), shop.new_product());
    let recipe = json!({"parts": [{"inventoryId": milk, "quantity": 200}]});
    shop.client.put(&format!("/api/Recipe/{latte}"), recipe).await.expect(200);

    let items = [(latte, 2), (croissant, 1), (water, 5), (latte, 1)];
    let answer = shop.reserve(shop.new_order(), 1, &items).await.expect(200);
    assert_eq!(answer, json!({}));
    assert_eq!(shop.levels(milk).await, (1_000, 600));
    assert_eq!(shop.levels(croissants).await, (2, 1));
    assert_eq!(shop.item(milk).await.available, 400);

    shop.reserve(shop.new_order(), 1, &[(latte, 3)]).await.problem(409, "out-of-stock");
    shop.reserve(shop.new_order(), 1, &[(latte, 2)]).await.expect(200);
}

#[tokio::test]
async fn a_refusal_names_everything_that_ran_out_and_holds_nothing() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 1, json!({})).await;
    let (muffin, muffins) = shop.product("Muffin", 0, json!({})).await;
    let (cookie, cookies) = shop.product("Cookie", 9, json!({})).await;

    let order = shop.new_order();
    let items = [(croissant, 3), (cookie, 2), (muffin, 1)];
    let refused = shop.reserve(order, 1, &items).await.problem(409, "out-of-stock");
    assert_eq!(
        refused["detail"],
        "Croissant: 3 wanted, 1 left. Muffin: none left. Take fewer or choose something else."
    );
    let context: OutOfStock = serde_json::from_value(refused["context"].clone()).unwrap();
    let missing: Vec<_> =
        context.shortages.iter().map(|item| (item.inventory_id, item.needed, item.available)).collect();
    assert_eq!(missing, [(croissants, 3, 1), (muffins, 1, 0)]);
    assert_eq!(context.shortages[0].product_ids, [croissant]);
    assert_eq!(shop.levels(cookies).await, (9, 0));

    shop.reserve(order, 1, &[(croissant, 1), (cookie, 2)]).await.expect(200);
    assert_eq!((shop.levels(croissants).await, shop.levels(cookies).await), ((1, 1), (9, 2)));
}

#[tokio::test]
async fn a_repeated_request_holds_its_stock_once() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 2, json!({})).await;
    let order = shop.new_order();
    for _ in 0..3 {
        shop.reserve(order, 1, &[(croissant, 2)]).await.expect(200);
    }
    shop.reserve(order, 1, &[(croissant, 1), (croissant, 1)]).await.expect(200);
    assert_eq!(shop.levels(croissants).await, (2, 2));
    shop.created(order, &[(croissant, 2)]).await;
    shop.reserve(order, 1, &[(croissant, 2)]).await.expect(200);
    assert_eq!(shop.levels(croissants).await, (2, 2));
}

#[tokio::test]
async fn an_order_that_was_not_placed_yet_may_change_its_items() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 3, json!({})).await;
    let (muffin, muffins) = shop.product("Muffin", 3, json!({})).await;
    let order = shop.new_order();
    shop.reserve(order, 1, &[(croissant, 3)]).await.expect(200);
    let refused = shop.reserve(order, 1, &[(croissant, 4), (muffin, 1)]).await.problem(409, "out-of-stock");
    assert_eq!(refused["context"]["shortages"][0]["available"], 3, "what it holds itself counts for it");
    assert_eq!(shop.levels(croissants).await, (3, 3));
    shop.reserve(order, 1, &[(croissant, 1), (muffin, 2)]).await.expect(200);
    assert_eq!((shop.levels(croissants).await, shop.levels(muffins).await), ((3, 1), (3, 2)));
}

#[tokio::test]
async fn the_id_of_a_placed_order_is_taken() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 9, json!({})).await;
    let order = shop.new_order();
    shop.reserve(order, 1, &[(croissant, 1)]).await.expect(200);
    shop.created(order, &[(croissant, 1)]).await;
    let refused = shop.reserve(order, 1, &[(croissant, 2)]).await.problem(409, "order-id-taken");
    assert!(refused["detail"].as_str().unwrap().contains("new id"));
    shop.expired(order, 2).await;
    shop.reserve(order, 1, &[(croissant, 1)]).await.problem(409, "order-id-taken");
    assert_eq!(shop.levels(croissants).await, (9, 0));
}

#[tokio::test]
async fn a_revived_order_holds_its_stock_again_if_there_is_enough() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 2, json!({})).await;
    let order = shop.new_order();
    shop.reserve(order, 1, &[(croissant, 2)]).await.expect(200);
    shop.created(order, &[(croissant, 2)]).await;
    shop.expired(order, 2).await;
    assert_eq!(shop.levels(croissants).await, (2, 0));

    shop.adjust(croissants, MoveReason::Waste, 1).await.expect(200);
    shop.reserve(order, 3, &[(croissant, 2)]).await.problem(409, "out-of-stock");
    shop.adjust(croissants, MoveReason::Received, 1).await.expect(200);
    shop.reserve(order, 3, &[(croissant, 2)]).await.expect(200);
    assert_eq!(shop.levels(croissants).await, (2, 2));
    shop.expired(order, 2).await;
    assert_eq!(shop.levels(croissants).await, (2, 2), "an end before the revival does not count");
    shop.revived(order, 3, &[(croissant, 2)]).await;
    shop.minutes_pass(60).await;
    assert_eq!(shop.levels(croissants).await, (2, 2));
}

#[tokio::test]
async fn the_stock_of_an_order_that_was_never_placed_is_free_after_ten_minutes() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 2, json!({})).await;
    let order = shop.new_order();
    shop.reserve(order, 1, &[(croissant, 2)]).await.expect(200);
    shop.minutes_pass(10).await;
    assert_eq!(shop.levels(croissants).await, (2, 2));
    shop.minutes_pass(1).await;
    assert_eq!(shop.levels(croissants).await, (2, 0));

    shop.created(order, &[(croissant, 2)]).await;
    assert_eq!(shop.levels(croissants).await, (2, 2), "its OrderCreated came late");
    shop.minutes_pass(60).await;
    assert_eq!(shop.levels(croissants).await, (2, 2));
}

#[tokio::test]
async fn an_unplaced_order_is_released_though_the_clock_ran_ahead_and_was_set_back() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 2, json!({})).await;
    let now = shop.world.clock.now();
    let product = shop.world.context().services.client("product");
    let ahead = Clock::manual(now + Duration::from_secs(3 * 3600));
    let ahead = crate::Inventory::new(shop.db.clone(), ahead, product);
    let items = vec![ReserveItem { product_id: croissant, quantity: 2, options: Vec::new(), dispense_ml: None }];
    ahead.reserve_stock(shop.new_order(), ReserveStock { order_version: 1, items }).await.unwrap();

    shop.minutes_pass(1).await;
    assert_eq!(shop.levels(croissants).await, (2, 2), "its ten minutes begin when the clock is right");
    shop.minutes_pass(11).await;
    assert_eq!(shop.levels(croissants).await, (2, 0));
}

#[tokio::test]
async fn the_shortage_of_an_order_is_reported_once_it_is_placed() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 1, json!({"policy": "WARN"})).await;
    let (napkin, napkins) = shop.product("Napkin", 0, json!({"policy": "ALLOW"})).await;
    let order = shop.new_order();
    shop.reserve(order, 1, &[(croissant, 3), (napkin, 2)]).await.expect(200);
    shop.world.wait_until_idle().await;
    assert_eq!(shop.world.published::<StockShort>().len(), 0, "the order cannot be looked at yet");
    assert_eq!((shop.levels(croissants).await, shop.levels(napkins).await), ((1, 3), (0, 2)));

    shop.created(order, &[(croissant, 3), (napkin, 2)]).await;
    shop.paid(order).await;
    shop.world.wait_until_idle().await;
    let reported = shop.world.published::<StockShort>();
    assert_eq!((reported.len(), reported[0].order_id, reported[0].shortages.len()), (1, order, 1));
    let short = &reported[0].shortages[0];
    assert_eq!((short.inventory_id, short.needed, short.available), (croissants, 3, 1));
    assert_eq!((shop.levels(croissants).await, shop.levels(napkins).await), ((-2, 0), (-2, 0)));
}

#[tokio::test]
async fn a_shortage_is_reported_once_also_if_the_payment_comes_first() {
    let shop = Storeroom::open().await;
    let (croissant, _) = shop.product("Croissant", 1, json!({"policy": "WARN"})).await;
    let order = shop.new_order();
    shop.reserve(order, 1, &[(croissant, 3)]).await.expect(200);
    shop.paid(order).await;
    shop.created(order, &[(croissant, 3)]).await;
    shop.world.wait_until_idle().await;
    let reported = shop.world.published::<StockShort>();
    let short: Vec<_> =
        reported.iter().flat_map(|event| &event.shortages).map(|short| (short.needed, short.available)).collect();
    assert_eq!(short, [(3, 1)]);
}

#[tokio::test]
async fn a_reservation_for_an_impossible_order_is_refused() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 9, json!({})).await;
    let order = shop.new_order();
    shop.reserve(order, 0, &[(croissant, 1)]).await.problem(422, "invalid");
    shop.reserve::<Line>(order, 1, &[]).await.problem(422, "invalid");
    shop.reserve(order, 1, &[(croissant, 0)]).await.problem(422, "invalid");
    shop.reserve(order, 1, &[(croissant, 1_000)]).await.problem(422, "invalid");
    shop.reserve(order, 1, &[(croissant, 1); 201]).await.problem(422, "invalid");
    shop.client
        .put("/internal/Reservation/7", json!({"orderVersion": 1, "items": []}))
        .await
        .problem(400, "invalid-id");
    let wrong = shop.client.put(&format!("/internal/Reservation/{NOBODY}"), json!({"items": []})).await;
    assert_eq!(wrong.status, 422);
    assert_eq!(shop.levels(croissants).await, (9, 0));
}

#[tokio::test]
async fn an_order_of_two_hundred_products_is_held_in_one_request() {
    let shop = Storeroom::open().await;
    let mut items = Vec::new();
    for index in 0..200 {
        items.push(shop.product(&format!("Thing {index}"), 1, json!({})).await);
    }
    let ordered: Vec<_> = items.iter().map(|(product_id, _)| (*product_id, 1)).collect();
    let order = shop.new_order();
    shop.reserve(order, 1, &ordered).await.expect(200);
    shop.created(order, &ordered).await;
    shop.paid(order).await;
    for (_, item) in &items {
        assert_eq!(shop.levels(*item).await, (0, 0));
    }
}

#[tokio::test]
async fn of_forty_guests_who_want_the_last_five_at_once_five_get_one() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 5, json!({})).await;
    let orders: Vec<_> = (0..40).map(|_| shop.new_order()).collect();
    let items = [(croissant, 1)];
    let asked = orders.iter().map(|order| shop.reserve(*order, 1, &items));
    let answers = futures::future::join_all(asked).await;
    let held = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers.iter().filter(|answer| answer.status == 409).count();
    assert_eq!((held, refused), (5, 35));
    assert_eq!(shop.levels(croissants).await, (5, 5));
}

#[tokio::test]
async fn one_order_in_many_requests_at_once_is_held_once() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 5, json!({})).await;
    let order = shop.new_order();
    let items = [(croissant, 2)];
    let asked = (0..20).map(|_| shop.reserve(order, 1, &items));
    for answer in futures::future::join_all(asked).await {
        answer.expect(200);
    }
    assert_eq!(shop.levels(croissants).await, (5, 2));
}

#[tokio::test]
async fn an_unwritten_order_is_released_at_once_and_a_placed_one_keeps_its_stock() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 2, json!({})).await;
    let (dropped, placed) = (shop.new_order(), shop.new_order());
    let release = async |order| {
        let path = format!("/internal/Reservation/{order}/release");
        shop.client.post(&path, json!({ "orderVersion": 1 })).await.expect(200);
    };
    shop.reserve(dropped, 1, &[(croissant, 2)]).await.expect(200);
    shop.reserve(placed, 1, &[(croissant, 1)]).await.problem(409, "out-of-stock");
    release(dropped).await;
    release(dropped).await;
    assert_eq!(shop.levels(croissants).await, (2, 0));

    shop.reserve(placed, 1, &[(croissant, 1)]).await.expect(200);
    shop.created(placed, &[(croissant, 1)]).await;
    release(placed).await;
    assert_eq!(shop.levels(croissants).await, (2, 1));
}
