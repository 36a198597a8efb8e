//! How events change an order's stock.

use contracts::{
    event::{InventoryLow, OrderCancelled, StockShort},
    inventory::MoveReason,
};
use serde_json::json;

use super::Storeroom;

#[tokio::test]
async fn a_paid_order_consumes_what_it_held() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 5, json!({"lowLevel": 3})).await;
    let order = shop.new_order();
    shop.reserve(order, 1, &[(croissant, 2)]).await.expect(200);
    shop.created(order, &[(croissant, 2)]).await;
    assert_eq!(shop.levels(croissants).await, (5, 2));
    shop.paid(order).await;
    shop.completed(order, 4).await;
    assert_eq!(shop.levels(croissants).await, (3, 0));

    let moves = shop.moves(croissants).await;
    let sale = moves.last().unwrap();
    assert_eq!((sale.reason, sale.quantity, sale.on_hand_after), (MoveReason::Sale, -2, 3));
    assert_eq!(sale.order_id, Some(order));
    shop.world.wait_until_idle().await;
    assert_eq!(shop.world.published::<InventoryLow>().len(), 1);
    assert_eq!(shop.world.published::<StockShort>().len(), 0);
}

#[tokio::test]
async fn a_cancelled_or_expired_order_releases_what_it_held() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 5, json!({})).await;
    let (first, second) = (shop.new_order(), shop.new_order());
    for order in [first, second] {
        shop.reserve(order, 1, &[(croissant, 2)]).await.expect(200);
        shop.created(order, &[(croissant, 2)]).await;
    }
    shop.world.publish(&OrderCancelled { order_id: first, order_version: 2, cups: 0, reason: "left".into() }).await;
    shop.expired(second, 2).await;
    assert_eq!(shop.levels(croissants).await, (5, 0));
    assert_eq!(shop.moves(croissants).await.len(), 1, "nothing left the shelf");
}

#[tokio::test]
async fn an_order_placed_without_a_reservation_reports_its_shortage() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 1, json!({})).await;
    let (muffin, muffins) = shop.product("Muffin", 5, json!({})).await;
    let order = shop.new_order();
    shop.created(order, &[(croissant, 3), (muffin, 1)]).await;
    assert_eq!((shop.levels(croissants).await, shop.levels(muffins).await), ((1, 3), (5, 1)));
    shop.world.wait_until_idle().await;
    let reported = shop.world.published::<StockShort>();
    assert_eq!(
        (reported.len(), reported[0].order_id, reported[0].order_version, reported[0].shortages.len()),
        (1, order, 1, 1)
    );
    assert_eq!((reported[0].shortages[0].needed, reported[0].shortages[0].available), (3, 1));
    assert_eq!(reported[0].shortages[0].product_ids, [croissant]);
    shop.reserve(shop.new_order(), 1, &[(croissant, 1)]).await.problem(409, "out-of-stock");
}

#[tokio::test]
async fn a_paid_order_whose_held_stock_was_wasted_reports_the_shortage() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 5, json!({})).await;
    let (order, other) = (shop.new_order(), shop.new_order());
    for (order, quantity) in [(order, 3), (other, 1)] {
        shop.reserve(order, 1, &[(croissant, quantity)]).await.expect(200);
        shop.created(order, &[(croissant, quantity)]).await;
    }
    shop.adjust(croissants, MoveReason::Waste, 4).await.expect(200);
    shop.paid(order).await;
    shop.world.wait_until_idle().await;
    let reported = shop.world.published::<StockShort>();
    assert_eq!((reported.len(), reported[0].order_id), (1, order));
    let short = &reported[0].shortages[0];
    assert_eq!((short.needed, short.available, short.product_ids.as_slice()), (3, 1, [croissant].as_slice()));
    assert_eq!(shop.levels(croissants).await, (-2, 1));
}

#[tokio::test]
async fn a_shortage_that_ended_before_the_order_was_placed_is_not_reported() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 1, json!({"policy": "WARN"})).await;
    let (muffin, _) = shop.product("Muffin", 9, json!({})).await;
    let (changed, cancelled, expired) = (shop.new_order(), shop.new_order(), shop.new_order());
    for order in [changed, cancelled, expired] {
        shop.reserve(order, 1, &[(croissant, 3)]).await.expect(200);
    }
    shop.created(changed, &[(muffin, 1)]).await;
    shop.expired(cancelled, 2).await;
    shop.minutes_pass(11).await;
    shop.adjust(croissants, MoveReason::Received, 9).await.expect(200);
    shop.created(expired, &[(croissant, 3)]).await;
    shop.world.wait_until_idle().await;
    assert_eq!(shop.world.published::<StockShort>(), []);
}

#[tokio::test]
async fn a_delivery_counts_while_the_quantity_on_hand_is_negative() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 0, json!({})).await;
    let order = shop.new_order();
    shop.created(order, &[(croissant, 5)]).await;
    shop.paid(order).await;
    assert_eq!(shop.levels(croissants).await, (-5, 0));
    shop.adjust(croissants, MoveReason::Waste, 1).await.problem(409, "insufficient-stock");
    shop.adjust(croissants, MoveReason::Received, 3).await.expect(200);
    shop.adjust(croissants, MoveReason::Correction, 1).await.expect(200);
    assert_eq!(shop.levels(croissants).await, (-1, 0));
    shop.adjust(croissants, MoveReason::Count, 4).await.expect(200);
    assert_eq!(shop.levels(croissants).await, (4, 0));
}

#[tokio::test]
async fn a_recipe_written_while_an_order_is_open_changes_nothing_for_it() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 9, json!({})).await;
    let butter = shop.stocked("Butter", 100, json!({})).await;
    let (held, paid) = (shop.new_order(), shop.new_order());
    for order in [held, paid] {
        shop.reserve(order, 1, &[(croissant, 2)]).await.expect(200);
        shop.created(order, &[(croissant, 2)]).await;
    }
    let recipe = json!({"parts": [{"inventoryId": butter, "quantity": 30}]});
    shop.client.put(&format!("/api/Recipe/{croissant}"), recipe).await.expect(200);
    shop.paid(paid).await;
    shop.expired(held, 2).await;
    assert_eq!((shop.levels(croissants).await, shop.levels(butter).await), ((7, 0), (100, 0)));
    shop.created(shop.new_order(), &[(croissant, 1)]).await;
    assert_eq!((shop.levels(croissants).await, shop.levels(butter).await), ((7, 0), (100, 30)));
}

#[tokio::test]
async fn the_placed_items_are_held_if_others_were_requested() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 9, json!({})).await;
    let (muffin, muffins) = shop.product("Muffin", 9, json!({})).await;
    let order = shop.new_order();
    shop.reserve(order, 1, &[(croissant, 2)]).await.expect(200);
    shop.created(order, &[(croissant, 1), (muffin, 1)]).await;
    assert_eq!((shop.levels(croissants).await, shop.levels(muffins).await), ((9, 1), (9, 1)));
}

#[tokio::test]
async fn a_payment_that_comes_before_its_order_counts_when_the_order_comes() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 9, json!({})).await;
    let order = shop.new_order();
    shop.paid(order).await;
    assert_eq!(shop.levels(croissants).await, (9, 0));
    shop.created(order, &[(croissant, 2)]).await;
    assert_eq!(shop.levels(croissants).await, (7, 0));
}

#[tokio::test]
async fn a_count_while_orders_are_paid_loses_none_of_them() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 100, json!({})).await;
    let orders: Vec<_> = (0..20).map(|_| shop.new_order()).collect();
    for order in &orders {
        shop.created(*order, &[(croissant, 1)]).await;
    }
    let paid = futures::future::join_all(orders.iter().map(|order| shop.paid(*order)));
    let counted = async {
        for quantity in [50, 60, 70] {
            shop.adjust(croissants, MoveReason::Count, quantity).await.expect(200);
        }
    };
    tokio::join!(paid, counted);
    let moves = shop.moves(croissants).await;
    assert_eq!(moves.iter().filter(|row| row.reason == MoveReason::Sale).count(), 20);
    let (on_hand, reserved) = shop.levels(croissants).await;
    assert_eq!((on_hand, reserved), (moves.iter().map(|row| row.quantity).sum(), 0));
    let last_count = moves.iter().rposition(|row| row.reason == MoveReason::Count).unwrap();
    assert_eq!(moves[last_count].on_hand_after, 70);
    assert_eq!(on_hand, 70 - i64::try_from(moves.len() - 1 - last_count).unwrap());
}
