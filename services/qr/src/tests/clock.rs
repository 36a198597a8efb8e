//! A clock that ran ahead and was set back.

use contracts::qr::{AttentionReason, CodeStatus, RefusalReason};

use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn a_code_from_a_clock_that_ran_ahead_expires_in_time() {
    let bar = Bar::open().await;
    let right = bar.now();
    bar.world.clock.advance(DAY);
    let cup = bar.paid_cup().await;

    bar.world.clock.set(right);
    bar.codes.rebase_codes().await.unwrap();
    let rebased = bar.reload(&cup).await;
    assert_eq!(rebased.expires_at, right + VALIDITY);
    assert_eq!(bar.on_receipt(cup.order_id).await, [rebased]);

    bar.world.clock.advance(VALIDITY);
    let scan = bar.validate(json!({ "code": cup.code })).await;
    assert_eq!(scan.reason, Some(RefusalReason::Expired));
    bar.codes.expire_codes().await.unwrap();
    assert_eq!(bar.status(&cup).await, CodeStatus::Expired);
}

#[tokio::test]
async fn a_code_of_a_clock_that_is_right_keeps_its_expiry() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    bar.world.clock.advance(Duration::from_secs(60));
    bar.codes.rebase_codes().await.unwrap();
    assert_eq!(bar.reload(&cup).await, cup);
}

#[tokio::test]
async fn a_lease_from_a_clock_that_ran_ahead_is_listed_for_staff() {
    let bar = Bar::open().await;
    let right = bar.now();
    bar.world.clock.advance(DAY);
    let cup = bar.paid_cup().await;
    bar.scan(&cup, "seven", "one").await;
    assert!(bar.attention_list().await.is_empty(), "the lease is new");

    bar.world.clock.set(right);
    let leased = bar.reload(&cup).await;
    assert_eq!(bar.attention_list().await, [(leased, AttentionReason::OldLease)]);
}
