//! Where an order may go: by staff, by time, by money.

use std::time::Duration;
use strum::VariantArray;

use contracts::{
    event::{OrderCancelled, OrderCompleted, OrderExpired, OrderRevived, PaymentOrphaned},
    order::{OrderStatus, OrderView},
    qr::CodeStatus,
};
use serde_json::json;
use testkit::Reply;

use super::shop::{Inventory, Payment, TestShop, cup, on_receipt, payment_of};

async fn set(shop: &TestShop, order: &OrderView, status: OrderStatus) -> Reply {
    shop.client.patch(&format!("/api/Order/{}", order.order_id), json!({ "status": status })).await
}

async fn cancel(shop: &TestShop, order: &OrderView) -> Reply {
    shop.client.delete(&format!("/api/Order/{}?reason=guest%20left", order.order_id)).await
}

async fn expired(shop: &TestShop) -> OrderView {
    let order = shop.place(shop.croissant_order()).await;
    shop.world.clock.advance(Duration::from_secs(30 * 60));
    shop.expire().await;
    shop.order(order.order_id).await
}

#[tokio::test]
async fn a_paid_order_is_made_handed_over_and_complete() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.croissant_order()).await;
    let payment = shop.pay(&order).await;
    let paid = shop.order(order.order_id).await;
    assert_eq!(paid.status, OrderStatus::Processing);
    assert_eq!(paid.paid_at, Some(payment.paid_at));
    assert_eq!(paid.expires_at, None);

    set(&shop, &order, OrderStatus::Ready).await.expect(200);
    let done: OrderView = set(&shop, &order, OrderStatus::Completed).await.read(200);
    assert_eq!(done.status, OrderStatus::Completed);
    shop.world.wait_until_idle().await;
    assert_eq!(shop.world.published::<OrderCompleted>().len(), 1);
}

#[tokio::test]
async fn staff_cannot_move_an_order_where_it_may_not_go() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.croissant_order()).await;
    for status in [OrderStatus::Ready, OrderStatus::Completed] {
        let problem = set(&shop, &order, status).await.problem(409, "illegal-transition");
        assert!(problem["detail"].as_str().unwrap().contains("take the payment first"), "{problem}");
    }
    for status in [OrderStatus::Processing, OrderStatus::Cancelled, OrderStatus::Expired] {
        let _ = set(&shop, &order, status).await.problem(422, "not-by-hand");
    }
    shop.pay(&order).await;
    cancel(&shop, &order).await.problem(409, "illegal-transition");
    assert_eq!(shop.order(order.order_id).await.status, OrderStatus::Processing);
}

#[tokio::test]
async fn an_unpaid_order_is_cancelled_once_with_its_reason() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.croissant_order()).await;
    let cancelled: OrderView = cancel(&shop, &order).await.read(200);
    assert_eq!(cancelled.status, OrderStatus::Cancelled);
    assert_eq!(cancelled.cancel_reason.as_deref(), Some("guest left"));
    assert_eq!(cancel(&shop, &order).await.read::<OrderView>(200), cancelled);
    shop.world.wait_until_idle().await;
    assert_eq!(shop.world.published::<OrderCancelled>().len(), 1);
    shop.client.delete(&format!("/api/Order/{}?reason=", order.order_id)).await.problem(422, "invalid-order");
}

#[tokio::test]
async fn an_order_whose_money_is_here_is_paid_for_whoever_asks_before_order_heard_of_it() {
    let shop = TestShop::open().await;
    let (given_up, made) = (shop.place(shop.croissant_order()).await, shop.place(shop.croissant_order()).await);
    let paid = [&given_up, &made].map(|order| payment_of(order, shop.world.clock.now()));

    shop.payment(Payment::Took(given_up.order_id, on_receipt(&paid[0])));
    let problem = cancel(&shop, &given_up).await.problem(409, "illegal-transition");
    assert!(problem["detail"].as_str().unwrap().contains("money must go back first"), "{problem}");
    shop.payment(Payment::Took(made.order_id, on_receipt(&paid[1])));
    set(&shop, &made, OrderStatus::Completed).await.expect(200);

    let stood = [shop.order(given_up.order_id).await, shop.order(made.order_id).await];
    assert_eq!(stood.each_ref().map(|order| order.status), [OrderStatus::Processing, OrderStatus::Completed]);
    for payment in &paid {
        shop.world.publish(payment).await;
    }
    shop.world.wait_until_idle().await;
    assert_eq!([shop.order(given_up.order_id).await, shop.order(made.order_id).await], stood);
    assert!(shop.world.published::<PaymentOrphaned>().is_empty());
    assert_eq!(shop.world.published::<OrderCompleted>().len(), 1);
}

#[tokio::test]
async fn an_order_of_which_nobody_can_say_whether_it_is_paid_is_left_as_it_is() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.croissant_order()).await;
    shop.payment(Payment::IsAway);
    let problem = cancel(&shop, &order).await.problem(503, "payment-away");
    assert!(problem["detail"].as_str().unwrap().contains(&order.order_number), "{problem}");
    set(&shop, &order, OrderStatus::Completed).await.problem(503, "payment-away");
    set(&shop, &order, OrderStatus::Cancelled).await.problem(422, "not-by-hand");
    assert_eq!(shop.order(order.order_id).await, order);

    shop.payment(Payment::TookNothing);
    let cancelled: OrderView = cancel(&shop, &order).await.read(200);
    shop.payment(Payment::IsAway);
    assert_eq!(cancel(&shop, &order).await.read::<OrderView>(200), cancelled, "there is nothing more to ask");
}

#[tokio::test]
async fn an_order_that_is_not_paid_in_half_an_hour_expires() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    assert_eq!(order.status, OrderStatus::Expired);
    shop.world.wait_until_idle().await;
    assert_eq!(shop.world.published::<OrderExpired>().len(), 1);
}

#[tokio::test]
async fn an_order_whose_money_is_here_does_not_expire_however_late_order_hears_of_it() {
    let shop = TestShop::open().await;
    let paid = shop.place(shop.cold_brew_order(1)).await;
    let payment = payment_of(&paid, shop.world.clock.now());
    shop.world.clock.advance(Duration::from_secs(30 * 60));

    shop.payment(Payment::IsAway);
    let error = shop.try_to_expire().await.unwrap_err();
    assert!(error.contains("cannot be found out") && error.contains("payment is away"), "{error}");
    assert_eq!(shop.order(paid.order_id).await, paid);

    shop.payment(Payment::Took(paid.order_id, on_receipt(&payment)));
    shop.expire().await;
    let recorded = shop.order(paid.order_id).await;
    assert_eq!((recorded.status, recorded.paid_at), (OrderStatus::Processing, Some(payment.paid_at)));
    shop.world.publish(&payment).await;
    shop.world.wait_until_idle().await;
    assert_eq!(shop.order(paid.order_id).await, recorded);
    assert!(shop.world.published::<OrderExpired>().is_empty() && shop.world.published::<OrderRevived>().is_empty());
}

#[tokio::test]
async fn an_order_that_cannot_be_decided_keeps_no_other_from_expiring() {
    let shop = TestShop::open().await;
    let undecided = shop.place(shop.croissant_order()).await;
    shop.world.clock.advance(Duration::from_secs(1));
    for _ in 0..60 {
        shop.place(shop.croissant_order()).await;
    }
    shop.world.clock.advance(Duration::from_secs(30 * 60));
    shop.payment(Payment::Fails(undecided.order_id));
    // What cannot be decided ends a round, and each round decides a look's worth of the others.
    for _ in 0..2 {
        let error = shop.try_to_expire().await.unwrap_err();
        assert!(error.contains(&undecided.order_number), "{error}");
    }
    shop.world.wait_until_idle().await;
    assert_eq!(shop.world.published::<OrderExpired>().len(), 60);

    shop.payment(Payment::TookNothing);
    shop.expire().await;
    assert_eq!(shop.order(undecided.order_id).await.status, OrderStatus::Expired);
}

#[tokio::test]
async fn more_orders_than_one_look_finds_expire_in_one_round() {
    let shop = TestShop::open().await;
    for _ in 0..60 {
        shop.place(shop.croissant_order()).await;
    }
    shop.world.clock.advance(Duration::from_secs(30 * 60));
    shop.expire().await;
    shop.world.wait_until_idle().await;
    assert_eq!(shop.world.published::<OrderExpired>().len(), 60);
}

#[tokio::test]
async fn staff_revive_an_expired_order_on_its_day_with_its_stock() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    let revived: OrderView = set(&shop, &order, OrderStatus::Pending).await.read(200);
    assert_eq!(revived.status, OrderStatus::Pending);
    assert_eq!(revived.expires_at, Some(shop.world.clock.now() + Duration::from_secs(30 * 60)));
    let asked = shop.reservations.lock().unwrap().last().cloned().unwrap();
    assert_eq!(asked, (order.order_id.to_string(), revived.version));
    shop.world.wait_until_idle().await;
    assert_eq!(shop.world.published::<OrderRevived>()[0].0.order_version, revived.version);
}

#[tokio::test]
async fn an_expired_order_is_not_revived_on_another_day_or_without_stock() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    shop.inventory(Inventory::RanOut);
    set(&shop, &order, OrderStatus::Pending).await.problem(409, "out-of-stock");
    shop.inventory(Inventory::Holds);
    shop.world.clock.advance(Duration::from_secs(24 * 60 * 60));
    set(&shop, &order, OrderStatus::Pending).await.problem(409, "earlier-day");
    assert_eq!(shop.order(order.order_id).await.status, OrderStatus::Expired);
}

#[tokio::test]
async fn late_money_revives_an_expired_order_of_the_day() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    shop.pay(&order).await;
    assert_eq!(shop.order(order.order_id).await.status, OrderStatus::Processing);
    shop.world.wait_until_idle().await;
    assert_eq!(shop.world.published::<OrderRevived>().len(), 1);
    assert!(shop.world.published::<PaymentOrphaned>().is_empty());
}

#[tokio::test]
async fn money_that_nothing_is_owed_for_is_sent_back() {
    let shop = TestShop::open().await;
    let cancelled = shop.place(shop.croissant_order()).await;
    cancel(&shop, &cancelled).await.expect(200);
    let for_cancelled = shop.pay(&cancelled).await;

    let expired = expired(&shop).await;
    shop.inventory(Inventory::RanOut);
    let for_expired = shop.pay(&expired).await;

    shop.inventory(Inventory::Holds);
    let paid = shop.place(shop.croissant_order()).await;
    shop.pay(&paid).await;
    let second = shop.pay(&paid).await;

    let mut nowhere = paid.clone();
    nowhere.order_id = contracts::ids::OrderId::new(shop.world.clock.now());
    let for_nothing = payment_of(&nowhere, shop.world.clock.now());
    shop.world.publish(&for_nothing).await;

    shop.world.wait_until_idle().await;
    let orphaned: Vec<_> = shop.world.published::<PaymentOrphaned>().iter().map(|orphan| orphan.payment_id).collect();
    assert_eq!(orphaned, [for_cancelled, for_expired, second, for_nothing].map(|payment| payment.payment_id));
}

#[tokio::test]
async fn an_order_whose_late_money_goes_back_never_lives_again() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    shop.inventory(Inventory::RanOut);
    let late = shop.pay(&order).await;

    shop.inventory(Inventory::Holds);
    let problem = set(&shop, &order, OrderStatus::Pending).await.problem(409, "money-goes-back");
    assert!(problem["detail"].as_str().unwrap().contains("place a new order"), "{problem}");
    let later = shop.pay(&order).await;
    assert_eq!(shop.order(order.order_id).await.status, OrderStatus::Expired);

    shop.world.wait_until_idle().await;
    let orphaned: Vec<_> = shop.world.published::<PaymentOrphaned>().iter().map(|orphan| orphan.payment_id).collect();
    assert_eq!(orphaned, [late.payment_id, later.payment_id]);
    assert!(shop.world.published::<OrderRevived>().is_empty());
}

#[tokio::test]
async fn money_said_twice_asks_for_stock_once() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    shop.inventory(Inventory::RanOut);
    shop.pay(&order).await;
    shop.world.wait_until_idle().await;
    let asked = shop.reservations.lock().unwrap().len();

    shop.inventory(Inventory::Holds);
    shop.world.redeliver_all_shuffled(7).await;
    assert_eq!(shop.reservations.lock().unwrap().len(), asked);
    assert_eq!(shop.world.published::<PaymentOrphaned>().len(), 1);
}

#[tokio::test]
async fn late_money_for_an_order_that_staff_revive_in_the_same_moment_pays_it() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    let (asked, answer) = shop.hold_next_reservation(Inventory::RanOut);
    let staff = async {
        asked.await.unwrap();
        set(&shop, &order, OrderStatus::Pending).await.expect(200);
        answer.send(()).unwrap();
    };
    futures::future::join(shop.pay(&order), staff).await;
    shop.world.wait_until_idle().await;
    assert_eq!(shop.order(order.order_id).await.status, OrderStatus::Processing);
    assert!(shop.world.published::<PaymentOrphaned>().is_empty());
}

#[tokio::test]
async fn staff_who_revive_an_order_while_its_money_goes_back_are_told() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    let (asked, answer) = shop.hold_next_reservation(Inventory::Holds);
    let money = async {
        asked.await.unwrap();
        shop.inventory(Inventory::RanOut);
        shop.pay(&order).await;
        answer.send(()).unwrap();
    };
    let (reply, ()) = futures::future::join(set(&shop, &order, OrderStatus::Pending), money).await;
    reply.problem(409, "money-goes-back");
    let held = (order.order_id.to_string(), order.version + 1);
    assert_eq!(*shop.released.lock().unwrap(), [held], "what was held for the revival is given back");
}

#[tokio::test]
async fn a_status_that_an_order_has_already_is_answered_so_that_a_lost_answer_can_be_asked_for_again() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.croissant_order()).await;
    assert_eq!(set(&shop, &order, OrderStatus::Pending).await.read::<OrderView>(200), order);
    shop.pay(&order).await;
    for status in [OrderStatus::Ready, OrderStatus::Completed] {
        let first: OrderView = set(&shop, &order, status).await.read(200);
        assert_eq!(set(&shop, &order, status).await.read::<OrderView>(200), first);
    }
    set(&shop, &order, OrderStatus::Ready).await.problem(409, "illegal-transition");
    shop.world.wait_until_idle().await;
    assert_eq!(shop.world.published::<OrderCompleted>().len(), 1);
}

#[tokio::test]
async fn an_order_waits_for_its_money_from_when_its_stock_was_there() {
    let shop = TestShop::open().await;
    let (asked, answer) = shop.hold_next_reservation(Inventory::Holds);
    let slowly = async {
        asked.await.unwrap();
        shop.world.clock.advance(Duration::from_secs(60));
        answer.send(()).unwrap();
    };
    let (order, ()) = futures::future::join(shop.place(shop.croissant_order()), slowly).await;
    let now = shop.world.clock.now();
    assert_eq!((order.placed_at, order.updated_at), (now, now));
    assert_eq!(order.expires_at, Some(now + Duration::from_secs(30 * 60)));
}

#[tokio::test]
async fn a_question_that_inventory_does_not_understand_is_no_reason_to_send_money_back() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    shop.inventory(Inventory::DoesNotUnderstand);
    set(&shop, &order, OrderStatus::Pending).await.problem(503, "stock-unknown");
    let (asked, answer) = shop.hold_next_reservation(Inventory::DoesNotUnderstand);
    let repaired = async {
        asked.await.unwrap();
        shop.inventory(Inventory::Holds);
        answer.send(()).unwrap();
    };
    futures::future::join(shop.pay(&order), repaired).await;
    shop.world.wait_until_idle().await;
    assert_eq!(shop.order(order.order_id).await.status, OrderStatus::Processing);
}

#[tokio::test]
async fn an_order_is_complete_when_machines_have_poured_every_cup() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.cold_brew_order(2)).await;
    shop.pay(&order).await;
    let poured = |unit, version| contracts::event::DispenseCompleted {
        code: cup(&order, unit, CodeStatus::Used, version),
        poured_ms: Some(8_000),
    };
    shop.world.publish(&poured(1, 3)).await;
    let half = shop.order(order.order_id).await;
    assert_eq!((half.status, half.items[0].poured), (OrderStatus::Processing, 1));
    shop.world.publish(&poured(2, 3)).await;
    let done = shop.order(order.order_id).await;
    assert_eq!((done.status, done.items[0].poured), (OrderStatus::Completed, 2));
}

#[tokio::test]
async fn an_order_with_a_cup_in_review_waits_for_the_decision() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.cold_brew_order(1)).await;
    shop.pay(&order).await;
    let failed = contracts::event::DispenseFailed {
        code: cup(&order, 1, CodeStatus::Review, 3),
        outcome: None,
        poured_ms: None,
    };
    shop.world.publish(&failed).await;
    assert_eq!(shop.order(order.order_id).await.items[0].in_review, 1);
    set(&shop, &order, OrderStatus::Completed).await.problem(409, "in-review");

    let given_back =
        contracts::event::CodesIssued { order_id: order.order_id, codes: vec![cup(&order, 1, CodeStatus::Active, 4)] };
    shop.world.publish(&given_back).await;
    set(&shop, &order, OrderStatus::Completed).await.expect(200);
}

#[tokio::test]
async fn every_word_of_a_status_is_refused_or_taken_and_none_is_unknown() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.croissant_order()).await;
    for status in OrderStatus::VARIANTS.iter().filter(|status| **status != OrderStatus::Pending) {
        assert!(set(&shop, &order, *status).await.status.is_client_error(), "{status}");
    }
    shop.client
        .patch(&format!("/api/Order/{}", order.order_id), json!({ "status": "EATEN" }))
        .await
        .problem(422, "invalid-body");
}

#[tokio::test]
async fn money_of_the_day_is_taken_even_if_it_is_heard_of_on_the_next() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    let paid_in_time = payment_of(&order, shop.world.clock.now());
    shop.world.clock.advance(Duration::from_secs(24 * 60 * 60));
    shop.world.publish(&paid_in_time).await;
    assert_eq!(shop.order(order.order_id).await.status, OrderStatus::Processing);

    let order = expired(&shop).await;
    shop.world.clock.advance(Duration::from_secs(24 * 60 * 60));
    shop.pay(&order).await;
    assert_eq!(shop.order(order.order_id).await.status, OrderStatus::Expired, "it came a day late");
}

#[tokio::test]
async fn of_two_staff_who_revive_an_order_both_are_told_that_it_lives() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    let (asked, answer) = shop.hold_next_reservation(Inventory::Holds);
    let colleague = async {
        asked.await.unwrap();
        let revived: OrderView = set(&shop, &order, OrderStatus::Pending).await.read(200);
        answer.send(()).unwrap();
        revived
    };
    let (slower, faster) = futures::future::join(set(&shop, &order, OrderStatus::Pending), colleague).await;
    assert_eq!(slower.read::<OrderView>(200), faster);
    assert!(shop.released.lock().unwrap().is_empty(), "the stock is the order's");
}

#[tokio::test]
async fn stock_of_a_revival_that_a_rename_overtakes_is_given_back() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    let (asked, answer) = shop.hold_next_reservation(Inventory::Holds);
    let colleague = async {
        asked.await.unwrap();
        let path = format!("/api/Order/{}", order.order_id);
        shop.client.patch(&path, json!({ "table": "4" })).await.expect(200);
        answer.send(()).unwrap();
    };
    let (reply, ()) = futures::future::join(set(&shop, &order, OrderStatus::Pending), colleague).await;
    reply.problem(409, "changed-meanwhile");
    assert_eq!(*shop.released.lock().unwrap(), [(order.order_id.to_string(), order.version + 1)]);
}
