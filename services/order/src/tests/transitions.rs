//! How an order changes its status: by staff, by time, by its payment.

use std::time::Duration;

use clock::Clock;
use contracts::{
    event::{OrderCancelled, OrderCompleted, OrderExpired, OrderRevived, PaymentOrphaned},
    ids::{OrderId, PaymentId},
    order::{OrderStatus, OrderTransition, OrderView, StockCheck},
    payment::PaymentMethod,
    qr::CodeStatus,
    time::Timestamp,
};
use host::ServiceContext;
use serde_json::json;
use strum::VariantArray;
use testkit::Reply;

use crate::store;

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
async fn staff_cannot_make_an_illegal_transition() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.croissant_order()).await;
    for status in [OrderStatus::Ready, OrderStatus::Completed] {
        let problem = set(&shop, &order, status).await.problem(409, "illegal-transition");
        assert!(problem["detail"].as_str().unwrap().contains("take the payment first"), "{problem}");
    }
    for status in [OrderStatus::Processing, OrderStatus::Cancelled, OrderStatus::Expired] {
        let _ = set(&shop, &order, status).await.problem(422, "status-not-settable");
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
async fn an_order_that_payment_took_money_for_counts_as_paid_before_its_event_arrives() {
    let shop = TestShop::open().await;
    let (cancelled, made) = (shop.place(shop.croissant_order()).await, shop.place(shop.croissant_order()).await);
    let paid = [&cancelled, &made].map(|order| payment_of(order, shop.world.clock.now()));

    shop.payment(Payment::Took(cancelled.order_id, on_receipt(&paid[0])));
    let problem = cancel(&shop, &cancelled).await.problem(409, "illegal-transition");
    assert!(problem["detail"].as_str().unwrap().contains("It is paid"), "{problem}");
    shop.payment(Payment::Took(made.order_id, on_receipt(&paid[1])));
    set(&shop, &made, OrderStatus::Completed).await.expect(200);

    let before = [shop.order(cancelled.order_id).await, shop.order(made.order_id).await];
    assert_eq!(before.each_ref().map(|order| order.status), [OrderStatus::Processing, OrderStatus::Completed]);
    for payment in &paid {
        shop.world.publish(payment).await;
    }
    shop.world.wait_until_idle().await;
    assert_eq!([shop.order(cancelled.order_id).await, shop.order(made.order_id).await], before);
    assert!(shop.world.published::<PaymentOrphaned>().is_empty());
    assert_eq!(shop.world.published::<OrderCompleted>().len(), 1);
}

#[tokio::test]
async fn an_order_that_is_paid_in_the_moment_of_its_cancellation_stays_paid() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.croissant_order()).await;
    let payment = payment_of(&order, shop.world.clock.now());
    shop.payment(Payment::TakesBeforeClose(order.order_id, on_receipt(&payment)));
    let problem = cancel(&shop, &order).await.problem(409, "illegal-transition");
    assert!(problem["detail"].as_str().unwrap().contains("It is paid"), "{problem}");
    let paid = shop.order(order.order_id).await;
    assert_eq!((paid.status, paid.paid_at), (OrderStatus::Processing, Some(payment.paid_at)));

    shop.world.publish(&payment).await;
    shop.world.wait_until_idle().await;
    assert!(
        shop.world.published::<OrderCancelled>().is_empty() && shop.world.published::<PaymentOrphaned>().is_empty()
    );
}

#[tokio::test]
async fn payment_closes_an_order_before_it_is_cancelled_or_expires() {
    let shop = TestShop::open().await;
    let cancelled = shop.place(shop.croissant_order()).await;
    let cancelled: OrderView = cancel(&shop, &cancelled).await.read(200);
    let expired = expired(&shop).await;
    assert_eq!(
        *shop.closed.lock().unwrap(),
        [(cancelled.order_id, cancelled.version), (expired.order_id, expired.version)],
        "with the version that the order then has"
    );
}

#[tokio::test]
async fn an_order_that_payment_cannot_decide_about_is_left_as_it_is() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.croissant_order()).await;
    shop.payment(Payment::Unavailable);
    let problem = cancel(&shop, &order).await.problem(503, "payment-unavailable");
    assert!(problem["detail"].as_str().unwrap().contains(&order.order_number), "{problem}");
    set(&shop, &order, OrderStatus::Completed).await.problem(503, "payment-unavailable");
    set(&shop, &order, OrderStatus::Cancelled).await.problem(422, "status-not-settable");
    assert_eq!(shop.order(order.order_id).await, order);

    shop.payment(Payment::TookNothing);
    let cancelled: OrderView = cancel(&shop, &order).await.read(200);
    shop.payment(Payment::Unavailable);
    assert_eq!(cancel(&shop, &order).await.read::<OrderView>(200), cancelled, "Payment is not asked again");
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
async fn a_paid_order_does_not_expire_however_late_its_event_arrives() {
    let shop = TestShop::open().await;
    let paid = shop.place(shop.cold_brew_order(1)).await;
    let payment = payment_of(&paid, shop.world.clock.now());

    shop.payment(Payment::Unavailable);
    shop.world.clock.advance(Duration::from_secs(30 * 60));
    let error = shop.try_to_expire().await.unwrap_err();
    assert!(error.contains("cannot be found out") && error.contains("payment"), "{error}");
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
async fn orders_that_cannot_be_decided_keep_no_other_from_expiring() {
    let shop = TestShop::open().await;
    let mut undecided = Vec::new();
    for _ in 0..60 {
        undecided.push(shop.place(shop.croissant_order()).await.order_id);
    }
    shop.world.clock.advance(Duration::from_secs(1));
    for _ in 0..5 {
        shop.place(shop.croissant_order()).await;
    }
    // Before their time is over: the service's own timer runs beside the test.
    shop.payment(Payment::FailsFor(undecided.clone()));
    shop.world.clock.advance(Duration::from_secs(30 * 60));
    let error = shop.try_to_expire().await.unwrap_err();
    assert!(error.contains("cannot be found out"), "{error}");
    shop.world.wait_until_idle().await;
    assert_eq!(shop.world.published::<OrderExpired>().len(), 5);

    shop.payment(Payment::TookNothing);
    shop.expire().await;
    shop.world.wait_until_idle().await;
    assert_eq!(shop.world.published::<OrderExpired>().len(), 65);
}

#[tokio::test]
async fn an_unpaid_order_of_a_clock_that_ran_ahead_expires_half_an_hour_later() {
    let shop = TestShop::open().await;
    let ahead = Clock::manual(shop.world.clock.now() + Duration::from_secs(5 * 60 * 60));
    let context = ServiceContext { clock: ahead, ..shop.world.context().clone() };
    let fast = shop.world.client(&crate::open(&context).await.unwrap().router);
    let order: OrderView = fast.post("/api/Order", shop.croissant_order()).await.read(201);

    shop.expire().await;
    let waiting = shop.order(order.order_id).await;
    assert_eq!(waiting.status, OrderStatus::Pending, "its guest still has the time to pay");
    assert_eq!(waiting.expires_at, Some(shop.world.clock.now() + Duration::from_secs(30 * 60)));
    shop.world.clock.advance(Duration::from_secs(30 * 60));
    shop.expire().await;
    assert_eq!(shop.order(order.order_id).await.status, OrderStatus::Expired);
}

#[tokio::test]
async fn only_legal_transitions_change_a_row_whatever_the_status() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.croissant_order()).await;
    let db = crate::open(shop.world.context()).await.unwrap().db;
    for (from, transition) in
        OrderStatus::VARIANTS.iter().flat_map(|from| OrderTransition::VARIANTS.iter().map(move |way| (*from, *way)))
    {
        let order_id = order.order_id;
        let attempt = move |tx: &mut db::Tx<'_>| {
            const SQL: &str = "UPDATE orders SET status = $2, version = 7, expires_at = 0 WHERE order_id = $1";
            tx.execute(SQL, (order_id, from))?;
            let moved = make(tx, order_id, transition)?;
            // Nothing is kept: each attempt begins with the order as it was placed.
            Err::<(), _>(Attempt::Ended(moved.map(|order| (order.header.status, order.header.version))))
        };
        let Err(Attempt::Ended(moved)) = db.write(attempt).await else { panic!("{from} by {transition:?}") };
        let expected = (transition.from() == from).then_some((transition.to(), 8));
        assert_eq!(moved, expected, "{from} by {transition:?}");
        assert!(moved.is_none_or(|(to, _)| from.can_transition_to(to)), "{from} by {transition:?}");
    }
}

#[tokio::test]
async fn an_order_does_not_expire_before_its_deadline() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.croissant_order()).await;
    let db = crate::open(shop.world.context()).await.unwrap().db;
    let (order_id, version, deadline) = (order.order_id, order.version, order.expires_at.unwrap());
    for (now, expires) in [(deadline - Duration::from_micros(1), false), (deadline, true)] {
        let expire = move |tx: &mut db::Tx<'_>| store::expire_order(tx, order_id, version, now);
        assert_eq!(db.write(expire).await.unwrap().is_some(), expires);
    }
}

/// How an attempt ended: always with an error, so that it is rolled back.
#[derive(Debug)]
enum Attempt {
    Ended(Option<(OrderStatus, i64)>),
    Failed(#[expect(dead_code, reason = "shown by Debug")] db::DbError),
}

impl From<db::DbError> for Attempt {
    fn from(error: db::DbError) -> Self {
        Self::Failed(error)
    }
}

fn make(
    tx: &mut db::Tx<'_>,
    order_id: OrderId,
    transition: OrderTransition,
) -> db::DbResult<Option<crate::model::Order>> {
    const VERSION: i64 = 7;
    let now = Timestamp(1);
    let (payment_id, method) = (PaymentId::new(now), PaymentMethod::Cash);
    let payment = crate::model::RecordedPayment { order_id, payment_id, method, paid_at: now };
    match transition {
        OrderTransition::Pay => store::pay_order(tx, &payment, now),
        OrderTransition::PayLate => store::pay_order_late(tx, &payment, VERSION, StockCheck::Reserved, now),
        OrderTransition::Cancel => store::cancel_order(tx, order_id, VERSION, "guest left", now),
        OrderTransition::Expire => store::expire_order(tx, order_id, VERSION, now),
        OrderTransition::Revive => store::revive_order(tx, order_id, VERSION, StockCheck::Reserved, now, now),
        OrderTransition::MakeReady | OrderTransition::CompleteFromProcessing | OrderTransition::CompleteFromReady => {
            store::transition_order(tx, order_id, transition, now)
        }
    }
}

#[tokio::test]
async fn more_orders_than_one_page_expire_in_one_run() {
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
    shop.inventory(Inventory::Reserves);
    shop.world.clock.advance(Duration::from_secs(24 * 60 * 60));
    set(&shop, &order, OrderStatus::Pending).await.problem(409, "earlier-business-day");
    assert_eq!(shop.order(order.order_id).await.status, OrderStatus::Expired);
}

#[tokio::test]
async fn a_late_payment_revives_an_expired_order_of_the_day() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    shop.pay(&order).await;
    assert_eq!(shop.order(order.order_id).await.status, OrderStatus::Processing);
    shop.world.wait_until_idle().await;
    assert_eq!(shop.world.published::<OrderRevived>().len(), 1);
    assert!(shop.world.published::<PaymentOrphaned>().is_empty());
}

#[tokio::test]
async fn a_payment_that_no_order_can_take_is_refunded() {
    let shop = TestShop::open().await;
    let cancelled = shop.place(shop.croissant_order()).await;
    cancel(&shop, &cancelled).await.expect(200);
    let for_cancelled = shop.pay(&cancelled).await;

    let expired = expired(&shop).await;
    shop.inventory(Inventory::RanOut);
    let for_expired = shop.pay(&expired).await;

    shop.inventory(Inventory::Reserves);
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
async fn an_order_whose_late_payment_is_refunded_is_never_revived() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    shop.inventory(Inventory::RanOut);
    let late = shop.pay(&order).await;

    shop.inventory(Inventory::Reserves);
    let problem = set(&shop, &order, OrderStatus::Pending).await.problem(409, "late-payment-refunded");
    assert!(problem["detail"].as_str().unwrap().contains("place a new order"), "{problem}");
    let later = shop.pay(&order).await;
    assert_eq!(shop.order(order.order_id).await.status, OrderStatus::Expired);

    shop.world.wait_until_idle().await;
    let orphaned: Vec<_> = shop.world.published::<PaymentOrphaned>().iter().map(|orphan| orphan.payment_id).collect();
    assert_eq!(orphaned, [late.payment_id, later.payment_id]);
    assert!(shop.world.published::<OrderRevived>().is_empty());
}

#[tokio::test]
async fn a_late_payment_published_twice_reserves_stock_once() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    shop.inventory(Inventory::RanOut);
    shop.pay(&order).await;
    shop.world.wait_until_idle().await;
    let asked = shop.reservations.lock().unwrap().len();

    shop.inventory(Inventory::Reserves);
    shop.world.redeliver_all_shuffled(7).await;
    assert_eq!(shop.reservations.lock().unwrap().len(), asked);
    assert_eq!(shop.world.published::<PaymentOrphaned>().len(), 1);
}

#[tokio::test]
async fn a_late_payment_of_an_order_that_staff_revive_in_the_same_moment_pays_it() {
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
async fn staff_cannot_revive_an_order_while_its_late_payment_is_refunded() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    let (asked, answer) = shop.hold_next_reservation(Inventory::Reserves);
    let money = async {
        asked.await.unwrap();
        shop.inventory(Inventory::RanOut);
        shop.pay(&order).await;
        answer.send(()).unwrap();
    };
    let (reply, ()) = futures::future::join(set(&shop, &order, OrderStatus::Pending), money).await;
    reply.problem(409, "late-payment-refunded");
    let held = (order.order_id.to_string(), order.version + 1);
    assert_eq!(*shop.released.lock().unwrap(), [held], "what was reserved for the revival is released");
}

#[tokio::test]
async fn a_status_that_an_order_has_already_can_be_set_again() {
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
async fn the_time_to_pay_begins_when_the_stock_is_reserved() {
    let shop = TestShop::open().await;
    let (asked, answer) = shop.hold_next_reservation(Inventory::Reserves);
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
async fn a_reservation_that_inventory_rejects_is_no_reason_to_refund() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    shop.inventory(Inventory::Rejects);
    set(&shop, &order, OrderStatus::Pending).await.problem(503, "stock-unknown");
    let (asked, answer) = shop.hold_next_reservation(Inventory::Rejects);
    let repaired = async {
        asked.await.unwrap();
        shop.inventory(Inventory::Reserves);
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
    set(&shop, &order, OrderStatus::Completed).await.problem(409, "cup-in-review");

    let active_again =
        contracts::event::CodesIssued { order_id: order.order_id, codes: vec![cup(&order, 1, CodeStatus::Active, 4)] };
    shop.world.publish(&active_again).await;
    set(&shop, &order, OrderStatus::Completed).await.expect(200);
}

#[tokio::test]
async fn every_status_is_set_or_refused_and_none_is_unknown() {
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
async fn a_payment_of_the_day_is_taken_even_if_its_event_arrives_on_the_next() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    let paid_in_time = payment_of(&order, shop.world.clock.now());
    shop.world.clock.advance(Duration::from_secs(24 * 60 * 60));
    shop.world.publish(&paid_in_time).await;
    assert_eq!(shop.order(order.order_id).await.status, OrderStatus::Processing);

    let order = expired(&shop).await;
    shop.world.clock.advance(Duration::from_secs(24 * 60 * 60));
    shop.pay(&order).await;
    assert_eq!(shop.order(order.order_id).await.status, OrderStatus::Expired, "it was paid a day late");
}

#[tokio::test]
async fn two_staff_who_revive_an_order_in_the_same_moment_both_succeed() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    let (asked, answer) = shop.hold_next_reservation(Inventory::Reserves);
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
async fn the_stock_of_a_revival_that_a_rename_overtakes_is_released() {
    let shop = TestShop::open().await;
    let order = expired(&shop).await;
    let (asked, answer) = shop.hold_next_reservation(Inventory::Reserves);
    let colleague = async {
        asked.await.unwrap();
        let path = format!("/api/Order/{}", order.order_id);
        shop.client.patch(&path, json!({ "table": "4" })).await.expect(200);
        answer.send(()).unwrap();
    };
    let (reply, ()) = futures::future::join(set(&shop, &order, OrderStatus::Pending), colleague).await;
    reply.problem(409, "changed-concurrently");
    assert_eq!(*shop.released.lock().unwrap(), [(order.order_id.to_string(), order.version + 1)]);
}
