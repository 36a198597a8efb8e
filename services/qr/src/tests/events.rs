//! How events of orders and payments change codes.

use contracts::{
    event::{CloudEvent, CodesIssued, EventData, OrderCancelled, OrderCreated, PlacedOrder},
    qr::CodeStatus,
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};

use super::*;

#[tokio::test]
async fn every_cup_gets_a_code_that_is_pending_until_it_is_paid() {
    let bar = Bar::open().await;
    let order = bar.order_of(2);
    bar.world.publish(&OrderCreated(order.clone())).await;

    let codes = bar.codes_of(order.order_id).await;
    let seen: Vec<_> = codes.iter().map(|code| (code.line, code.unit, code.cup.as_str(), code.status)).collect();
    assert_eq!(seen, [(2, 1, "1/2", CodeStatus::Pending), (2, 2, "2/2", CodeStatus::Pending)]);
    assert!(codes[0].code.starts_with("QR-20261122-"), "{}", codes[0].code);
    assert_ne!(codes[0].code, codes[1].code);
    assert_eq!(codes[0].expires_at, bar.now() + VALIDITY);
    assert_eq!(bar.on_receipt(order.order_id).await, codes);
    bar.world.wait_until_idle().await;
    assert_eq!(bar.world.published::<CodesIssued>(), [CodesIssued { order_id: order.order_id, codes }]);
}

#[tokio::test]
async fn payment_activates_codes_for_a_full_validity() {
    let bar = Bar::open().await;
    let order = bar.order_of(2);
    bar.world.publish(&OrderCreated(order.clone())).await;
    bar.world.clock.advance(Duration::from_secs(600));
    bar.world.publish(&bar.payment_of(&order)).await;

    let codes = bar.codes_of(order.order_id).await;
    assert!(codes.iter().all(|code| code.status == CodeStatus::Active && code.expires_at == bar.now() + VALIDITY));
    assert_eq!(bar.on_receipt(order.order_id).await, codes);
    bar.world.wait_until_idle().await;
    assert_eq!(bar.world.published::<CodesIssued>()[1].codes, codes);
}

#[tokio::test]
async fn a_code_that_expired_unpaid_is_valid_once_it_is_paid() {
    let bar = Bar::open().await;
    let order = bar.order_of(1);
    bar.world.publish(&OrderCreated(order.clone())).await;
    bar.world.clock.advance(VALIDITY);
    bar.codes.expire_codes().await.unwrap();
    assert_eq!(bar.codes_of(order.order_id).await[0].status, CodeStatus::Expired);

    bar.world.publish(&bar.payment_of(&order)).await;
    assert_eq!(bar.codes_of(order.order_id).await[0].status, CodeStatus::Active);
}

#[tokio::test]
async fn a_payment_that_is_consumed_before_its_order_counts() {
    let bar = Bar::open().await;
    let order = bar.order_of(1);
    bar.world.publish(&bar.payment_of(&order)).await;
    assert!(bar.codes_of(order.order_id).await.is_empty());

    bar.world.publish(&OrderCreated(order.clone())).await;
    let codes = bar.codes_of(order.order_id).await;
    assert_eq!(codes[0].status, CodeStatus::Active);
    assert_eq!(bar.on_receipt(order.order_id).await, codes);
}

#[tokio::test]
async fn an_order_of_cake_alone_has_no_codes_and_publishes_nothing() {
    let bar = Bar::open().await;
    let mut order = bar.order_of(1);
    order.items.truncate(1);
    bar.world.publish(&OrderCreated(order.clone())).await;
    bar.world.publish(&bar.payment_of(&order)).await;
    bar.world.publish(&completed(&order, 2)).await;
    bar.world.wait_until_idle().await;
    assert!(bar.codes_of(order.order_id).await.is_empty());
    assert!(bar.world.published::<CodesIssued>().is_empty());
    let kept = bar.codes.db.read::<_, db::DbError, _>(move |tx| crate::store::find_order(tx, order.order_id)).await;
    assert_eq!(kept, Ok(None), "not even a row");
}

#[tokio::test]
async fn the_codes_of_a_cancelled_order_are_void() {
    let bar = Bar::open().await;
    let order = bar.order_of(1);
    bar.world.publish(&OrderCreated(order.clone())).await;
    let cancelled =
        OrderCancelled { order_id: order.order_id, order_version: 2, cups: order.cups(), reason: "guest left".into() };
    bar.world.publish(&cancelled).await;

    let codes = bar.codes_of(order.order_id).await;
    assert_eq!(codes[0].status, CodeStatus::Void);
    assert_eq!(bar.on_receipt(order.order_id).await, [], "no device accepts it");
    bar.world.wait_until_idle().await;
    assert_eq!(bar.world.published::<CodesIssued>().last().unwrap().codes, codes);
}

#[tokio::test]
async fn a_revived_order_gets_new_codes() {
    let bar = Bar::open().await;
    let order = bar.order_of(1);
    bar.world.publish(&OrderCreated(order.clone())).await;
    bar.world.publish(&expired(&order, 2)).await;
    bar.world.publish(&bar.payment_of(&order)).await;
    assert_eq!(bar.on_receipt(order.order_id).await, [], "the new ones are not issued yet");
    bar.world.publish(&revived(&order, 3)).await;

    let codes = bar.codes_of(order.order_id).await;
    assert_eq!([codes[0].status, codes[1].status], [CodeStatus::Active, CodeStatus::Void]);
    assert!(codes[0].version > codes[1].version);
    assert_eq!(bar.on_receipt(order.order_id).await, codes[..1]);
}

#[tokio::test]
async fn a_drink_that_staff_handed_over_is_not_poured_as_well() {
    let bar = Bar::open().await;
    let cups = bar.paid_cups(2).await;
    let order = PlacedOrder { order_id: cups[0].order_id, ..bar.order_of(2) };
    let grant = bar.scan(&cups[0], "seven", "one").await;
    bar.world.publish(&completed(&order, 2)).await;

    assert_eq!(bar.status(&cups[1]).await, CodeStatus::Void);
    assert_eq!(bar.status(&cups[0]).await, CodeStatus::Leased, "the device may finish");
    bar.report(&cups[0], &grant, "not_poured", 0).await.expect(200);
    assert_eq!(bar.status(&cups[0]).await, CodeStatus::Void, "the guest has it from staff");
}

/// Cup and status of the codes that are not VOID.
async fn current(bar: &Bar, order: &PlacedOrder) -> Vec<(u32, CodeStatus)> {
    let codes = bar.codes_of(order.order_id).await;
    codes.iter().filter(|code| code.status != CodeStatus::Void).map(|code| (code.unit, code.status)).collect()
}

fn event<D: EventData>(bar: &Bar, data: &D) -> CloudEvent {
    CloudEvent::new(data, bar.now()).unwrap()
}

#[tokio::test]
async fn events_end_the_same_in_every_order_and_twice() {
    use CodeStatus::{Active, Pending};
    let bar = Bar::open().await;
    let (_, consumer) = crate::consumers::consumer(&bar.codes.db, bar.codes.clone());
    let seed = testkit::seed();
    let mut random = StdRng::seed_from_u64(seed);
    for round in 0..120 {
        let order = bar.order_of(2);
        let created = event(&bar, &OrderCreated(order.clone()));
        let paid = event(&bar, &bar.payment_of(&order));
        let expired = event(&bar, &expired(&order, 2));
        let revived = event(&bar, &revived(&order, 3));
        let completed = event(&bar, &completed(&order, 4));
        let (published, end): (Vec<&CloudEvent>, _) = match round % 6 {
            0 => (vec![&created], vec![(1, Pending), (2, Pending)]),
            1 => (vec![&created, &paid], vec![(1, Active), (2, Active)]),
            2 => (vec![&created, &expired], vec![]),
            3 => (vec![&created, &expired, &revived], vec![(1, Pending), (2, Pending)]),
            4 => (vec![&created, &expired, &paid, &revived], vec![(1, Active), (2, Active)]),
            _ => (vec![&created, &expired, &paid, &revived, &completed], vec![]),
        };
        let mut consumed: Vec<CloudEvent> = published.into_iter().cloned().collect();
        let again = consumed[random.random_range(0..consumed.len())].clone();
        consumed.push(again);
        consumed.shuffle(&mut random);
        for event in &consumed {
            consumer.consume(event.clone().into()).await.unwrap();
        }
        let kinds: Vec<_> = consumed.iter().map(|event| event.kind).collect();
        assert_eq!(current(&bar, &order).await, end, "after {kinds:?}; FNB_TEST_SEED={seed}");
    }
}

#[tokio::test]
async fn an_event_that_is_delivered_again_changes_nothing() {
    let bar = Bar::open().await;
    let before = bar.paid_cups(3).await;
    bar.world.wait_until_idle().await;
    bar.world.redeliver_all_shuffled(7).await;
    assert_eq!(bar.codes_of(before[0].order_id).await, before);
}

#[tokio::test]
async fn a_receipt_that_the_cache_lost_is_read_from_the_database() {
    let bar = Bar::open().await;
    let codes = bar.paid_cups(2).await;
    let order_id = codes[0].order_id;
    bar.codes.cache.remove(&contracts::receipt::cache_key(order_id)).await.unwrap();

    let part = bar.client.get(&format!("/internal/QrCode/receipt/{order_id}")).await.expect(200);
    assert_eq!(part, json!({ "isPaid": true, "codes": codes }));
    assert_eq!(bar.on_receipt(order_id).await, codes);
    let unknown = bar.client.get(&format!("/internal/QrCode/receipt/{}", OrderId::new(bar.now()))).await.expect(200);
    assert_eq!(unknown, json!({ "isPaid": false, "codes": [] }));
}
