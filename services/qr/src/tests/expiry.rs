//! What time does to codes, and what it does not.

use contracts::{
    event::{CodesIssued, OrderCreated},
    qr::{CodeStatus, RefusalReason},
};

use super::*;

#[tokio::test]
async fn an_expired_code_does_not_pour_even_if_the_timer_is_late() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    bar.world.clock.advance(VALIDITY);
    let answer = bar.validate(json!({ "code": cup.code })).await;
    assert_eq!(answer.reason, Some(RefusalReason::Expired));
    let answer = bar.scan(&cup, "seven", "one").await;
    assert_eq!(answer.reason, Some(RefusalReason::Expired));
}

#[tokio::test]
async fn a_paid_code_that_expires_is_published_and_listed_for_staff() {
    let bar = Bar::open().await;
    let cups = bar.paid_cups(2).await;
    bar.world.clock.advance(VALIDITY - Duration::from_micros(1));
    bar.codes.expire_codes().await.unwrap();
    assert_eq!(bar.status(&cups[0]).await, CodeStatus::Active, "not yet");

    bar.world.clock.advance(Duration::from_micros(1));
    bar.codes.expire_codes().await.unwrap();
    let expired = bar.codes_of(cups[0].order_id).await;
    assert!(expired.iter().all(|code| code.status == CodeStatus::Expired));
    assert_eq!(bar.on_receipt(cups[0].order_id).await, expired);
    bar.world.wait_until_idle().await;
    assert_eq!(bar.world.published::<CodesIssued>().last().unwrap().codes, expired);
    assert_eq!(bar.attention("").await.items.len(), 2);
}

#[tokio::test]
async fn an_unpaid_code_that_expires_is_not_listed_for_staff() {
    let bar = Bar::open().await;
    let order = bar.order_of(1);
    bar.world.publish(&OrderCreated(order.clone())).await;
    bar.world.clock.advance(VALIDITY);
    bar.codes.expire_codes().await.unwrap();
    assert_eq!(bar.on_receipt(order.order_id).await[0].status, CodeStatus::Expired);
    bar.world.wait_until_idle().await;
    assert_eq!(bar.world.published::<CodesIssued>().len(), 1, "its issue alone");
    assert!(bar.attention("").await.items.is_empty());
    let scanned = bar.validate(json!({ "code": bar.codes_of(order.order_id).await[0].code })).await;
    assert_eq!(scanned.reason, Some(RefusalReason::Unpaid), "staff cannot reissue an unpaid code");
}

#[tokio::test]
async fn many_codes_expire_in_one_run() {
    let bar = Bar::open().await;
    let cups = bar.paid_cups(250).await;
    bar.world.clock.advance(VALIDITY);
    bar.codes.expire_codes().await.unwrap();
    let codes = bar.codes_of(cups[0].order_id).await;
    assert!(codes.iter().all(|code| code.status == CodeStatus::Expired));
}

#[tokio::test]
async fn a_lease_pours_after_the_validity_of_its_code() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    let grant = bar.scan(&cup, "seven", "one").await;
    bar.world.clock.advance(VALIDITY * 10);
    bar.codes.expire_codes().await.unwrap();
    assert_eq!(bar.status(&cup).await, CodeStatus::Leased);
    assert_eq!(bar.scan(&cup, "seven", "two").await.dispense_id, grant.dispense_id);
    bar.report(&cup, &grant, "completed", 8000).await.expect(200);
    assert_eq!(bar.status(&cup).await, CodeStatus::Used);
}

#[tokio::test]
async fn a_drink_that_was_not_poured_is_valid_for_five_more_minutes() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    let grant = bar.scan(&cup, "seven", "one").await;
    bar.world.clock.advance(VALIDITY);
    bar.report(&cup, &grant, "not_poured", 0).await.expect(200);
    let back = bar.reload(&cup).await;
    assert_eq!((back.status, back.expires_at), (CodeStatus::Active, bar.now() + Duration::from_secs(300)));

    let early = bar.paid_cup().await;
    let grant = bar.scan(&early, "seven", "two").await;
    bar.report(&early, &grant, "not_poured", 0).await.expect(200);
    assert_eq!(bar.reload(&early).await.expires_at, early.expires_at, "its own validity is longer");
}
