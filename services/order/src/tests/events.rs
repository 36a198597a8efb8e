//! The events that Order consumes.

use contracts::{
    event::{ProductChanged, StockShort},
    order::{OrderView, StockCheck},
    product::ProductCard,
};
use serde_json::json;

use super::shop::TestShop;

#[tokio::test]
async fn a_new_price_counts_from_its_event_on_and_an_older_one_never_again() {
    let shop = TestShop::open().await;
    shop.place(shop.croissant_order()).await;
    let dearer = ProductCard { price: "25000".parse().unwrap(), version: 2, ..shop.croissant.clone() };
    shop.world.publish(&ProductChanged(dearer)).await;
    shop.world.publish(&ProductChanged(shop.croissant.clone())).await;
    let problem = shop.client.post("/api/Order", shop.croissant_order()).await.problem(409, "total-mismatch");
    assert_eq!(problem["context"]["price"]["total"], 25_000);
}

#[tokio::test]
async fn an_entry_of_the_cache_that_was_changed_by_hand_is_not_believed() {
    let shop = TestShop::open().await;
    shop.place(shop.croissant_order()).await;
    let key = contracts::product::cache_keys::price(shop.croissant.product_id);
    shop.world.context().cache.put_versioned("by hand", 9, &[(key, "1".into())]).await.unwrap();
    shop.change_menu(|menu| menu[1].price = "25000".parse().unwrap());
    let problem = shop.client.post("/api/Order", shop.croissant_order()).await.problem(409, "total-mismatch");
    assert_eq!(problem["context"]["price"]["total"], 25_000, "Product is asked");
}

#[tokio::test]
async fn an_order_whose_stock_fell_short_is_marked() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.croissant_order()).await;
    shop.world.publish(&StockShort { order_id: order.order_id, order_version: 1, shortages: Vec::new() }).await;
    assert_eq!(shop.order(order.order_id).await.stock, StockCheck::Short);

    shop.place(shop.croissant_order()).await;
    let short = shop.client.get("/api/Order?stock=SHORT").await.expect(200);
    assert_eq!(short["items"].as_array().unwrap().len(), 1, "staff have a list of them");
    assert_eq!(short["items"][0]["orderId"], json!(order.order_id));
}

#[tokio::test]
async fn a_revived_order_is_not_marked_for_the_stock_that_it_lacked_before() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.croissant_order()).await;
    shop.world.clock.advance(std::time::Duration::from_secs(30 * 60));
    shop.expire().await;
    let path = format!("/api/Order/{}", order.order_id);
    let revived: OrderView = shop.client.patch(&path, json!({ "status": "PENDING" })).await.read(200);
    let short = |order_version| StockShort { order_id: order.order_id, order_version, shortages: Vec::new() };
    shop.world.publish(&short(order.version)).await;
    assert_eq!(shop.order(order.order_id).await.stock, StockCheck::Reserved);
    shop.world.publish(&short(revived.version)).await;
    assert_eq!(shop.order(order.order_id).await.stock, StockCheck::Short);
}
