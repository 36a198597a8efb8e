//! `POST /api/Order`.

use std::time::Duration;

use contracts::{
    event::{OrderChanged, OrderCreated},
    ids::OrderId,
    order::{OrderStatus, OrderView, StockCheck},
    product::ProductCard,
};
use db::DbError;
use serde_json::{Value, json};
use testkit::product_card;

use super::shop::{CURRENCY, Inventory, TestShop};

#[tokio::test]
async fn an_order_is_priced_numbered_and_published() {
    let shop = TestShop::open().await;
    let order = shop
        .place(json!({
            "items": [shop.latte_item(), { "productId": shop.croissant.product_id, "quantity": 2, "note": "warm" }],
            "totalAmount": 78_000, "diningOption": "DINE_IN", "customerName": " Sari ", "table": "4",
        }))
        .await;

    assert_eq!(order.status, OrderStatus::Pending);
    assert_eq!(order.order_number, "A-0001");
    assert_eq!(order.business_day.to_string(), "2026-11-22");
    assert_eq!(order.price.total.to_string(), "78000");
    assert_eq!(order.price.tax.to_string(), "7091");
    assert_eq!(order.price.currency, CURRENCY);
    assert_eq!(order.items[0].options[0].name, "Large");
    assert_eq!(order.items[0].unit_price.to_string(), "34000");
    assert_eq!(order.customer_name.as_deref(), Some("Sari"));
    assert_eq!(shop.order(order.order_id).await, order);

    shop.world.wait_until_idle().await;
    let created = shop.world.published::<OrderCreated>();
    assert_eq!(created.len(), 1);
    assert_eq!(created[0].0.items.len(), 2);
    assert_eq!(shop.world.published::<OrderChanged>(), [OrderChanged(order)]);
}

#[tokio::test]
async fn each_channel_counts_its_own_orders_of_the_day() {
    let shop = TestShop::open().await;
    assert_eq!(shop.place(shop.croissant_order()).await.order_number, "A-0001");
    assert_eq!(shop.place(shop.croissant_order()).await.order_number, "A-0002");
    shop.world.clock.advance(std::time::Duration::from_secs(24 * 60 * 60));
    assert_eq!(shop.place(shop.croissant_order()).await.order_number, "A-0001");
}

#[tokio::test]
async fn a_total_that_differs_by_one_unit_is_refused_with_the_servers_own() {
    let shop = TestShop::open().await;
    for shown in [21_999, 22_001] {
        let mut order = shop.croissant_order();
        order["totalAmount"] = json!(shown);
        let problem = shop.client.post("/api/Order", order).await.problem(409, "total-mismatch");
        assert_eq!(problem["context"]["price"]["total"], 22_000);
        assert_eq!(problem["context"]["items"][0]["productName"], "Croissant");
    }
    nothing_was_written(&shop).await;
}

#[tokio::test]
async fn what_cannot_be_ordered_is_refused_and_nothing_is_written() {
    let shop = TestShop::open().await;
    let croissant = shop.croissant.product_id;
    let item =
        |quantity: Value| json!({ "items": [{ "productId": croissant, "quantity": quantity }], "totalAmount": 0 });
    let cases = [
        (json!({ "items": [], "totalAmount": 0 }), 422, "invalid-order"),
        (
            json!({ "items": vec![json!({ "productId": croissant, "quantity": 1 }); 201], "totalAmount": 0 }),
            422,
            "invalid-order",
        ),
        // Ids that nobody has looked up: Product is not even asked for them.
        (
            json!({ "items": (0..201).map(|_| json!({ "productId": OrderId::new(contracts::time::Timestamp(0)), "quantity": 1 })).collect::<Vec<_>>(), "totalAmount": 0 }),
            422,
            "invalid-order",
        ),
        (item(json!(0)), 422, "invalid-order"),
        (item(json!(-1)), 422, "invalid-order"),
        (item(json!(1000)), 422, "invalid-order"),
        (item(json!(i64::MAX)), 422, "invalid-order"),
        (
            json!({ "items": [{ "productId": OrderId::new(contracts::time::Timestamp(0)), "quantity": 1 }], "totalAmount": 0 }),
            422,
            "unknown-product",
        ),
        (
            json!({ "items": [{ "productId": shop.latte.product_id, "quantity": 1 }], "totalAmount": 28_000 }),
            422,
            "invalid-order",
        ),
        (
            json!({ "items": [{ "productId": croissant, "quantity": 1, "options": [shop.latte.option_groups[0].options[0].option_id] }], "totalAmount": 22_000 }),
            422,
            "invalid-order",
        ),
        (
            json!({ "items": [{ "productId": shop.latte.product_id, "quantity": 1, "options": shop.latte.option_groups[0].options.iter().map(|option| option.option_id).collect::<Vec<_>>() }], "totalAmount": 34_000 }),
            422,
            "invalid-order",
        ),
        (
            json!({ "items": [{ "productId": croissant, "quantity": 1, "note": "x".repeat(161) }], "totalAmount": 22_000 }),
            422,
            "invalid-order",
        ),
        (
            json!({ "items": [{ "productId": croissant, "quantity": 1 }], "totalAmount": 22_000, "customerName": "x".repeat(81) }),
            422,
            "invalid-order",
        ),
        (
            json!({ "items": vec![json!({ "productId": shop.cold_brew.product_id, "quantity": 500 }); 2], "totalAmount": 0 }),
            422,
            "invalid-order",
        ),
        (item(json!("one")), 422, "invalid-body"),
        (json!({ "items": [{ "productId": "croissant", "quantity": 1 }], "totalAmount": 1 }), 422, "invalid-body"),
        (
            json!({ "items": [{ "productId": croissant, "quantity": 1 }], "totalAmount": 22_000, "channel": "FAX" }),
            422,
            "invalid-body",
        ),
        (json!({ "items": [{ "productId": croissant, "quantity": 1 }], "totalAmount": "22000" }), 422, "invalid-body"),
        (json!({ "items": [{ "productId": croissant, "quantity": 1 }] }), 422, "invalid-body"),
        (
            json!({ "items": [{ "productId": croissant, "quantity": 1 }], "totalAmount": 22_000, "discount": 5 }),
            422,
            "invalid-body",
        ),
    ];
    for (order, status, slug) in cases {
        let problem = shop.client.post("/api/Order", order.clone()).await.problem(status, slug);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 20), "{order}: {problem}");
    }
    nothing_was_written(&shop).await;
}

#[tokio::test]
async fn a_text_with_a_character_that_no_receipt_prints_is_refused_by_its_name() {
    let shop = TestShop::open().await;
    for (field, text) in [("customerName", "Sa\0ri"), ("table", "4\n5"), ("items[0].note", "warm\u{1b}[2J")] {
        let mut order = shop.croissant_order();
        match field {
            "items[0].note" => order["items"][0]["note"] = json!(text),
            field => order[field] = json!(text),
        }
        let problem = shop.client.post("/api/Order", order).await.problem(422, "invalid-order");
        assert!(problem["detail"].as_str().unwrap().starts_with(&format!("{field} has a control")), "{problem}");
    }
    nothing_was_written(&shop).await;
    let order = shop.place(shop.croissant_order()).await;
    let path = format!("/api/Order/{}", order.order_id);
    shop.client.patch(&path, json!({ "customerName": "\0" })).await.problem(422, "invalid-order");
    shop.client.delete(&format!("{path}?reason=guest%00left")).await.problem(422, "invalid-order");
}

#[tokio::test]
async fn what_is_archived_or_sold_out_today_is_refused_by_name() {
    let shop = TestShop::open().await;
    let archived = ProductCard { is_archived: true, ..product_card("Pumpkin latte", 30_000) };
    let sold_out = ProductCard { is_available: false, ..product_card("Kouign-amann", 30_000) };
    shop.change_menu(|menu| menu.extend([archived.clone(), sold_out.clone()]));
    for card in [archived, sold_out] {
        let order = json!({ "items": [{ "productId": card.product_id, "quantity": 1 }], "totalAmount": 30_000 });
        let problem = shop.client.post("/api/Order", order).await.problem(409, "product-not-sold");
        assert!(problem["detail"].as_str().unwrap().starts_with(&card.name), "{problem}");
    }
    nothing_was_written(&shop).await;
}

#[tokio::test]
async fn a_product_with_a_tax_that_the_shop_does_not_know_is_not_sold_untaxed() {
    let shop = TestShop::open().await;
    let beer = ProductCard { tax_name: Some("Alcohol".into()), ..product_card("Beer", 40_000) };
    shop.change_menu(|menu| menu.push(beer.clone()));
    let order = json!({ "items": [{ "productId": beer.product_id, "quantity": 1 }], "totalAmount": 40_000 });
    let problem = shop.client.post("/api/Order", order).await.problem(409, "product-not-sold");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("Beer has a tax that the shop does not know"), "{detail}");
    nothing_was_written(&shop).await;
}

#[tokio::test]
async fn what_ran_out_is_refused_with_inventorys_own_explanation() {
    let shop = TestShop::open().await;
    shop.inventory(Inventory::RanOut);
    let problem = shop.client.post("/api/Order", shop.croissant_order()).await.problem(409, "out-of-stock");
    assert_eq!(problem["detail"], "Croissant: 1 wanted, 0 left.");
    assert!(problem["context"]["shortages"].is_array());
    nothing_was_written(&shop).await;
}

#[tokio::test]
async fn a_reservation_that_inventory_rejects_is_not_called_out_of_stock() {
    let shop = TestShop::open().await;
    shop.inventory(Inventory::Rejects);
    shop.client.post("/api/Order", shop.croissant_order()).await.problem(503, "stock-unknown");
    shop.inventory(Inventory::HasAnotherOrder);
    shop.client.post("/api/Order", shop.croissant_order()).await.problem(409, "order-id-taken");
    nothing_was_written(&shop).await;
}

#[tokio::test]
async fn with_inventory_unavailable_the_order_goes_through_and_is_marked() {
    let shop = TestShop::open().await;
    shop.inventory(Inventory::Unavailable);
    assert_eq!(shop.place(shop.croissant_order()).await.stock, StockCheck::Deferred);
}

#[tokio::test]
async fn a_key_sent_again_is_the_same_order_even_when_the_price_has_changed() {
    let shop = TestShop::open().await;
    let first: OrderView = shop.client.post_with_key("/api/Order", "k1", shop.croissant_order()).await.read(201);
    let dearer = ProductCard { price: "25000".parse().unwrap(), version: 2, ..shop.croissant.clone() };
    shop.world.publish(&contracts::event::ProductChanged(dearer)).await;
    let again: OrderView = shop.client.post_with_key("/api/Order", "k1", shop.croissant_order()).await.read(201);
    assert_eq!(again, first);
    shop.client.post("/api/Order", shop.croissant_order()).await.problem(409, "total-mismatch");
}

#[tokio::test]
async fn a_key_with_another_body_is_refused_and_a_refusal_does_not_use_it_up() {
    let shop = TestShop::open().await;
    let mut wrong = shop.croissant_order();
    wrong["totalAmount"] = json!(1);
    shop.client.post_with_key("/api/Order", "k1", wrong).await.problem(409, "total-mismatch");
    let order: OrderView = shop.client.post_with_key("/api/Order", "k1", shop.croissant_order()).await.read(201);
    shop.client.post_with_key("/api/Order", "k1", shop.cold_brew_order(1)).await.problem(422, "idempotency-key-reused");
    assert_eq!(order.order_number, "A-0001");
}

#[tokio::test]
async fn an_order_id_sent_again_is_the_same_order_and_never_another() {
    let shop = TestShop::open().await;
    let order_id = OrderId::new(shop.world.clock.now());
    let mut request = shop.croissant_order();
    request["orderId"] = json!(order_id);
    let first = shop.place(request.clone()).await;
    assert_eq!(first.order_id, order_id);
    assert_eq!(shop.place(request).await, first);

    let mut other = shop.cold_brew_order(1);
    other["orderId"] = json!(order_id);
    shop.client.post("/api/Order", other).await.problem(409, "order-id-taken");
}

#[tokio::test]
async fn one_order_id_at_the_same_instant_is_one_order() {
    let shop = TestShop::open().await;
    let mut request = shop.croissant_order();
    request["orderId"] = json!(OrderId::new(shop.world.clock.now()));
    let sent = (0..8).map(|_| shop.client.post("/api/Order", request.clone()));
    let orders: Vec<OrderView> =
        futures::future::join_all(sent).await.into_iter().map(|reply| reply.read(201)).collect();
    assert!(orders.iter().all(|order| *order == orders[0]));
    shop.world.wait_until_idle().await;
    assert_eq!(shop.world.published::<OrderCreated>().len(), 1);
}

#[tokio::test]
async fn one_key_at_the_same_instant_is_one_order_even_of_the_last_piece() {
    let shop = TestShop::open().await;
    shop.inventory(Inventory::HasOnlyOne);
    let sent = (0..8).map(|_| shop.client.post_with_key("/api/Order", "k1", shop.croissant_order()));
    let orders: Vec<OrderView> =
        futures::future::join_all(sent).await.into_iter().map(|reply| reply.read(201)).collect();
    assert!(orders.iter().all(|order| *order == orders[0]));
    shop.world.wait_until_idle().await;
    assert_eq!(shop.world.published::<OrderCreated>().len(), 1);
}

#[tokio::test]
async fn one_key_sent_to_two_processes_is_one_order_with_one_reservation() {
    for does in [Inventory::Reserves, Inventory::RanOut] {
        let shop = TestShop::open().await;
        let second = shop.second_process().await;
        let (asked, answer) = shop.hold_next_reservation(does);
        let faster = async {
            asked.await.unwrap();
            let order: OrderView = second.post_with_key("/api/Order", "k1", shop.croissant_order()).await.read(201);
            answer.send(()).unwrap();
            order
        };
        let slower = shop.client.post_with_key("/api/Order", "k1", shop.croissant_order());
        let (slower, faster) = futures::future::join(slower, faster).await;
        assert_eq!(slower.read::<OrderView>(201), faster);
        let reserved = (faster.order_id.to_string(), 1);
        assert_eq!(*shop.reservations.lock().unwrap(), [reserved.clone(), reserved]);
        assert!(shop.released.lock().unwrap().is_empty(), "the stock is the order's");
    }
}

#[tokio::test]
async fn a_key_that_another_process_used_for_another_order_is_refused() {
    let shop = TestShop::open().await;
    let second = shop.second_process().await;
    let (asked, answer) = shop.hold_next_reservation(Inventory::Reserves);
    let other = async {
        asked.await.unwrap();
        second.post_with_key("/api/Order", "k1", shop.cold_brew_order(1)).await.expect(201);
        answer.send(()).unwrap();
    };
    let refused = shop.client.post_with_key("/api/Order", "k1", shop.croissant_order());
    let (refused, ()) = futures::future::join(refused, other).await;
    refused.problem(422, "idempotency-key-reused");
    assert!(shop.released.lock().unwrap().is_empty(), "the stock is the other order's, which has the same id");
}

#[tokio::test]
async fn a_retry_after_the_client_left_gets_the_order_that_was_being_placed() {
    let shop = TestShop::open().await;
    let (asked, answer) = shop.hold_next_reservation(Inventory::Reserves);
    let request = shop.client.post_with_key("/api/Order", "k1", shop.croissant_order());
    tokio::select! {
        _ = request => panic!("it waits for its stock"),
        asked = asked => asked.unwrap(),
    }
    answer.send(()).expect("a command that goes on without its client");

    let order: OrderView = shop.client.post_with_key("/api/Order", "k1", shop.croissant_order()).await.read(201);
    assert_eq!(*shop.reservations.lock().unwrap(), [(order.order_id.to_string(), 1)]);
    shop.world.wait_until_idle().await;
    assert_eq!(shop.world.published::<OrderCreated>().len(), 1);
}

#[tokio::test]
async fn a_retry_after_a_crash_finds_the_stock_of_the_first_attempt() {
    let shop = TestShop::open().await;
    shop.inventory(Inventory::HasOnlyOne);
    let (asked, _never_answered) = shop.hold_next_reservation(Inventory::Reserves);
    let request = shop.client.post_with_key("/api/Order", "k1", shop.croissant_order());
    tokio::select! {
        _ = request => panic!("it waits for its stock"),
        asked = asked => asked.unwrap(),
    }
    let restarted = shop.second_process().await;
    let order: OrderView = restarted.post_with_key("/api/Order", "k1", shop.croissant_order()).await.read(201);
    assert_eq!(shop.reservations.lock().unwrap()[0], (order.order_id.to_string(), 1));
}

#[tokio::test]
async fn a_key_that_comes_again_after_a_month_does_not_get_the_old_order() {
    let shop = TestShop::open().await;
    let _ = shop.client.post_with_key("/api/Order", "k1", shop.croissant_order()).await.expect(201);
    shop.world.clock.advance(Duration::from_secs(31 * 24 * 60 * 60));
    // What the pruning of old keys does.
    let db = shop.world.context().databases.open_existing("order").await.unwrap();
    db.write::<_, DbError, _>(|tx| tx.execute("DELETE FROM idempotency_keys", ())).await.unwrap();
    let again = shop.client.post_with_key("/api/Order", "k1", shop.croissant_order()).await;
    let problem = again.problem(422, "idempotency-key-reused");
    assert!(problem["detail"].as_str().unwrap().contains("k1"), "{problem}");
}

#[tokio::test]
async fn an_order_id_of_zeros_is_refused() {
    let shop = TestShop::open().await;
    let mut request = shop.croissant_order();
    request["orderId"] = json!("00000000-0000-0000-0000-000000000000");
    let problem = shop.client.post("/api/Order", request).await.problem(422, "invalid-order");
    assert!(problem["detail"].as_str().unwrap().starts_with("orderId is the nil UUID"), "{problem}");
    nothing_was_written(&shop).await;
}

#[tokio::test]
async fn with_product_unavailable_nothing_is_written() {
    let shop = TestShop::open().await;
    shop.world.stub("product", axum::Router::new());
    shop.client.post("/api/Order", shop.croissant_order()).await.problem(503, "menu-unavailable");
    nothing_was_written(&shop).await;
}

#[tokio::test]
async fn a_new_key_for_an_order_that_its_id_names_is_kept_too() {
    let shop = TestShop::open().await;
    let mut request = shop.croissant_order();
    request["orderId"] = json!(OrderId::new(shop.world.clock.now()));
    let first = shop.place(request.clone()).await;
    assert_eq!(shop.client.post_with_key("/api/Order", "k1", request).await.read::<OrderView>(201), first);
    shop.client.post_with_key("/api/Order", "k1", shop.cold_brew_order(1)).await.problem(422, "idempotency-key-reused");
}

async fn nothing_was_written(shop: &TestShop) {
    let orders = shop.client.get("/api/Order").await.expect(200);
    assert_eq!(orders["items"], json!([]));
    shop.world.wait_until_idle().await;
    assert!(shop.world.published::<OrderCreated>().is_empty());
}
