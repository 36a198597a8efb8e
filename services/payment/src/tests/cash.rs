use contracts::{
    event::PaymentCompleted,
    ids::OrderId,
    order::OrderStatus,
    payment::{PaymentStatus, PaymentView},
};
use db::DbError;
use serde_json::json;
use testkit::World;

use super::shop::{TestShop, cash};

#[tokio::test]
async fn cash_is_taken_rounded_and_change_is_given() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(92_430).await;
    let answer = shop.pay_cash(order_id, 92_430, 100_000).await;
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let paid = answer.expect(201);
    assert_eq!(
        (&paid["status"], &paid["due"], &paid["rounding"], &paid["change"]),
        (&json!("PAID"), &json!(92_400), &json!(-30), &json!(7_600))
    );
    assert_eq!(shop.client.get(&location).await.expect(200)["paymentId"], paid["paymentId"]);

    shop.wait_until_idle().await;
    let published = shop.published::<PaymentCompleted>();
    assert_eq!(published.len(), 1);
    assert_eq!((published[0].order_id, published[0].amount.to_string()), (order_id, "92430".into()));
    let movements = shop.transactions(published[0].payment_id).await;
    assert_eq!(movements, [("CASH_IN".into(), 100_000), ("CHANGE_OUT".into(), -7_600)]);
}

#[tokio::test]
async fn reports_can_read_the_cash_rounding_of_each_payment() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(92_430).await;
    let _ = shop.pay_cash(order_id, 92_430, 100_000).await.expect(201);
    let extract = "SELECT status, amount, rounding, due FROM etl_payments WHERE order_id = $1";
    let read = move |tx: &mut db::Tx<'_>| {
        tx.query_one(extract, (order_id,), |row| {
            Ok((row.get("status")?, row.get("amount")?, row.get("rounding")?, row.get("due")?))
        })
    };
    let row: (PaymentStatus, i64, i64, i64) = shop.db.read::<_, DbError, _>(read).await.unwrap();
    assert_eq!(row, (PaymentStatus::Paid, 92_430, -30, 92_400));
}

#[tokio::test]
async fn too_little_cash_is_refused_with_the_missing_sum() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let refused = shop.pay_cash(order_id, 25_000, 20_000).await.problem(422, "insufficient-tender");
    assert_eq!(refused["context"], json!({ "due": 25_000, "missing": 5_000 }));
    let _ = shop.pay_cash(order_id, 25_000, -5_000).await.problem(422, "insufficient-tender");
    assert!(shop.balances().await.is_empty(), "nothing is written");
    // The corrected request goes through.
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.expect(201);
}

#[tokio::test]
async fn a_tendered_sum_that_nobody_gives_is_refused() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    for typed in [89_912_345_678_901, 999_999_999_999_999, 10_025_001] {
        let refused = shop.pay_cash(order_id, 25_000, typed).await.problem(422, "excessive-tender");
        assert!(refused["detail"].as_str().unwrap().contains("IDR 10000000"), "{refused}");
    }
    assert!(shop.balances().await.is_empty(), "nothing is written");
    let _ = shop.pay_cash(order_id, 25_000, 10_025_000).await.expect(201);
}

#[tokio::test]
async fn a_cash_payment_names_the_tendered_sum() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let without_tendered = json!({ "orderId": order_id, "method": "CASH", "amount": 25_000 });
    let _ = shop.client.post("/api/Payment", without_tendered).await.problem(422, "missing-tender");
    let half = json!({ "orderId": order_id, "method": "CASH", "amount": 25_000, "tendered": 25_000.5 });
    let _ = shop.client.post("/api/Payment", half).await.problem(422, "invalid-amount");
}

#[tokio::test]
async fn paying_less_or_more_is_refused_with_the_right_amount() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    for wrong in [24_999, 25_001, 0, -25_000] {
        let refused = shop.pay_cash(order_id, wrong, 100_000).await.problem(409, "amount-mismatch");
        assert_eq!(refused["context"], json!({ "total": 25_000, "currency": "IDR" }));
    }
}

#[tokio::test]
async fn an_order_is_paid_once() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let paid = shop.pay_cash(order_id, 25_000, 25_000).await.expect(201);
    // Order has not consumed the payment yet.
    let refused = shop.pay_cash(order_id, 25_000, 25_000).await.problem(409, "already-paid");
    assert_eq!(refused["context"]["paymentId"], paid["paymentId"]);
    // Now it has.
    shop.orders.set_status(order_id, OrderStatus::Processing, 2);
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.problem(409, "already-paid");
    shop.wait_until_idle().await;
    assert_eq!(shop.published::<PaymentCompleted>().len(), 1);
}

#[tokio::test]
async fn a_cancelled_or_expired_order_cannot_be_paid() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    shop.orders.set_status(order_id, OrderStatus::Cancelled, 2);
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.problem(409, "order-cancelled");
    shop.orders.set_status(order_id, OrderStatus::Expired, 2);
    let refused = shop.pay_cash(order_id, 25_000, 25_000).await.problem(409, "order-expired");
    assert!(refused["detail"].as_str().unwrap().contains("Revive"));
}

#[tokio::test]
async fn an_unknown_order_cannot_be_paid() {
    let shop = TestShop::new().await;
    let unknown = OrderId::new(shop.world.clock.now());
    let _ = shop.pay_cash(unknown, 25_000, 25_000).await.problem(404, "unknown-order");
}

#[tokio::test]
async fn a_method_that_the_shop_does_not_accept_is_refused_with_the_others() {
    use contracts::payment::PaymentMethod::Qris;
    let shop = TestShop::in_world(World::with_shop(|shop| shop.payment_methods = vec![Qris]).await).await;
    let order_id = shop.place_order(25_000).await;
    let refused = shop.pay_cash(order_id, 25_000, 25_000).await.problem(409, "method-not-accepted");
    assert!(refused["detail"].as_str().unwrap().contains("Take QRIS"));
}

#[tokio::test]
async fn the_same_request_sent_again_takes_the_money_once() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let request = cash(order_id, 25_000, 30_000);
    let first = shop.client.post_with_key("/api/Payment", "tap-1", &request).await.expect(201);
    let again = shop.client.post_with_key("/api/Payment", "tap-1", &request).await.expect(201);
    assert_eq!(first["paymentId"], again["paymentId"]);
    let other = cash(order_id, 25_000, 50_000);
    let _ = shop.client.post_with_key("/api/Payment", "tap-1", other).await.problem(422, "idempotency-key-reused");
    assert_eq!(shop.balances().await.len(), 1);
}

#[tokio::test]
async fn a_corrected_request_goes_through_with_the_key_of_the_refused_one() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let wrong = shop.client.post_with_key("/api/Payment", "tap-1", cash(order_id, 25_000, 2_500)).await;
    let _ = wrong.problem(422, "insufficient-tender");
    let right = shop.client.post_with_key("/api/Payment", "tap-1", cash(order_id, 25_000, 25_000)).await;
    assert_eq!(right.expect(201)["status"], "PAID");
}

#[tokio::test]
async fn while_order_is_unavailable_the_recorded_amount_is_taken() {
    let shop = TestShop::new().await;
    let recorded = shop.place_order(25_000).await;
    let unrecorded = shop.orders.place(25_000, shop.world.clock.now());
    shop.orders.set_unavailable();
    let _ = shop.pay_cash(unrecorded, 25_000, 25_000).await.problem(503, "order-unavailable");
    let _ = shop.pay_cash(recorded, 24_000, 25_000).await.problem(409, "amount-mismatch");
    let paid: PaymentView = shop.pay_cash(recorded, 25_000, 25_000).await.read(201);
    assert!(paid.receipt.is_none(), "Order puts it together");
    let _ = shop.pay_cash(recorded, 25_000, 25_000).await.problem(409, "already-paid");
}

#[tokio::test]
async fn an_invalid_payment_is_refused() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let with = |change: fn(&mut serde_json::Value)| {
        let mut request = cash(order_id, 25_000, 25_000);
        change(&mut request);
        request
    };
    let wrong = [
        with(|request| request["method"] = json!("GOLD")),
        with(|request| request["orderId"] = json!("42")),
        with(|request| request["amount"] = json!("25000")),
        with(|request| request["tip"] = json!(1)),
        with(|request| drop(request.as_object_mut().unwrap().remove("amount"))),
    ];
    for request in wrong {
        assert_eq!(shop.client.post("/api/Payment", &request).await.status, 422, "{request}");
    }
    assert!(shop.balances().await.is_empty());
}
