use contracts::{
    audit::AuditArea,
    event::ActAudited,
    ids::PaymentId,
    payment::{
        PaymentStatus::{Failed, Paid, Pending, RefundDue},
        PaymentView,
    },
    staff::{ApprovableAction, Role},
};
use serde_json::json;
use testkit::{Reply, World};

use super::shop::TestShop;
use crate::{PaymentSettings, gateways::ChargeStatus};

async fn confirm(shop: &TestShop, payment_id: PaymentId, body: serde_json::Value) -> Reply {
    shop.client.post(&format!("/api/Payment/{payment_id}/confirm"), body).await
}

#[tokio::test]
async fn the_gateway_confirms_a_payment() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    shop.gateway.set_status(&shown, ChargeStatus::Paid { at: shop.world.clock.now() });
    let paid: PaymentView = confirm(&shop, shown.payment_id, json!({})).await.read(200);
    assert_eq!(paid.status, Paid);
    let again: PaymentView = confirm(&shop, shown.payment_id, json!({})).await.read(200);
    assert_eq!(again, paid);
}

#[tokio::test]
async fn a_banks_notice_does_not_overrule_the_gateway() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    let _ = confirm(&shop, shown.payment_id, json!({})).await.problem(409, "not-paid-yet");
    let notice = json!({ "reference": "BCA 123" });
    let _ = confirm(&shop, shown.payment_id, notice).await.problem(409, "not-paid-yet");
    assert_eq!(shop.statuses(order_id).await, [Pending]);
}

#[tokio::test]
async fn while_the_gateway_is_unavailable_a_manager_confirms_with_a_reference() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    shop.gateway.set_unavailable();
    let refused = confirm(&shop, shown.payment_id, json!({})).await.problem(409, "reference-required");
    assert!(refused["detail"].as_str().unwrap().contains("reference"));
    let paid: PaymentView = confirm(&shop, shown.payment_id, json!({ "reference": " BCA 123 " })).await.read(200);
    assert_eq!((paid.status, paid.reference.as_deref()), (Paid, Some("BCA 123")));
}

#[tokio::test]
async fn a_cashier_confirms_without_the_gateway_only_with_a_managers_approval() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    let other = shop.show_qr(shop.place_order(30_000).await, 30_000).await;
    shop.gateway.set_unavailable();
    let path = format!("/api/Payment/{}/confirm", shown.payment_id);
    let notice = json!({ "reference": "BCA 123" });
    let approval =
        |payment: &PaymentView| shop.world.credentials.approval(ApprovableAction::ConfirmPayment, payment.payment_id);
    let _ = shop.cashier().post(&path, &notice).await.problem(403, "approval-required");
    let of_another = shop.cashier().with_approval(&approval(&other));
    let _ = of_another.post(&path, &notice).await.problem(403, "approval-required");
    assert_eq!(shop.statuses(order_id).await, [Pending]);

    let paid: PaymentView = shop.cashier().with_approval(&approval(&shown)).post(&path, &notice).await.read(200);
    let confirmed_by = paid.confirmed_by.unwrap();
    let db = shop.world.context().databases.open_existing(crate::NAME).await.unwrap();
    let actor = confirmed_by.clone();
    let again = db.write(move |tx| db::approvals::use_up(tx, &actor, paid.created_at)).await;
    assert_eq!(again, Err(db::approvals::ApprovalError::Used));
    assert_eq!(confirmed_by.staff, Some(testkit::staff(Role::Cashier)));
    assert_eq!(confirmed_by.approved_by, Some(testkit::staff(Role::Manager)));
    shop.wait_until_idle().await;
    let acts = shop.published::<ActAudited>();
    assert_eq!(acts.len(), 1, "{acts:?}");
    let ActAudited(act) = &acts[0];
    assert_eq!((act.area, act.action.as_str(), act.label.as_str()), (AuditArea::Money, "payment.confirmed", "A-0001"));
    assert_eq!((&act.actor, &act.subject), (&confirmed_by, &shown.payment_id.to_string()));
    assert_eq!(act.after.as_ref().unwrap().get(), r#"{"due":25000,"reference":"BCA 123","status":"PAID"}"#);
}

#[tokio::test]
async fn a_cashier_asks_the_gateway_without_an_approval_and_is_not_in_the_audit_trail() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    shop.gateway.set_status(&shown, ChargeStatus::Paid { at: shop.world.clock.now() });
    let path = format!("/api/Payment/{}/confirm", shown.payment_id);
    let paid: PaymentView = shop.cashier().post(&path, json!({})).await.read(200);
    assert_eq!((paid.status, paid.confirmed_by), (Paid, None));
    shop.wait_until_idle().await;
    assert!(shop.published::<ActAudited>().is_empty());
}

#[tokio::test]
async fn a_qr_of_a_removed_gateway_is_confirmed_with_a_reference() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    shop.world.stop().await;
    let service = crate::open(shop.world.context(), PaymentSettings::default()).await.unwrap();
    let client = shop.world.start(service).await;
    let path = format!("/api/Payment/{}/confirm", shown.payment_id);
    let _ = client.post(&path, json!({})).await.problem(409, "reference-required");
    let _ = client.post(&path, json!({ "reference": "BCA 123" })).await.expect(200);
}

#[tokio::test]
async fn an_unreadable_or_too_long_reference_is_refused() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    for wrong in [" ".to_owned(), "BCA\u{0} 123".to_owned(), "x".repeat(121)] {
        let refused = confirm(&shop, shown.payment_id, json!({ "reference": wrong })).await;
        let _ = refused.problem(422, "invalid-reference");
    }
}

#[tokio::test]
async fn a_refused_payment_cannot_be_confirmed() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    shop.gateway.set_status(&shown, ChargeStatus::Failed);
    let _ = confirm(&shop, shown.payment_id, json!({})).await.problem(409, "payment-failed");
    assert_eq!(shop.statuses(order_id).await, [Failed]);
    shop.gateway.set_unavailable();
    let notice = json!({ "reference": "BCA 123" });
    let _ = confirm(&shop, shown.payment_id, notice).await.problem(409, "payment-failed");
}

#[tokio::test]
async fn money_confirmed_for_an_order_that_was_paid_in_cash_is_to_be_given_back() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.expect(201);
    shop.gateway.set_unavailable();
    let late: PaymentView = confirm(&shop, shown.payment_id, json!({ "reference": "BCA 123" })).await.read(200);
    assert_eq!(late.status, RefundDue);
}

#[tokio::test]
async fn cash_is_confirmed_already() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let paid: PaymentView = shop.pay_cash(order_id, 25_000, 25_000).await.read(201);
    let again: PaymentView = confirm(&shop, paid.payment_id, json!({})).await.read(200);
    assert_eq!(again, paid);
}

#[tokio::test]
async fn only_a_payment_that_exists_is_confirmed_and_its_key_is_its_own() {
    let shop = TestShop::in_world(World::new().await).await;
    let unknown = PaymentId::new(shop.world.clock.now());
    let _ = confirm(&shop, unknown, json!({})).await.problem(404, "unknown-payment");
    let _ = shop.client.post("/api/Payment/42/confirm", json!({})).await.problem(400, "invalid-id");

    let order_id = shop.place_order(25_000).await;
    let paid: PaymentView = shop.pay_cash(order_id, 25_000, 25_000).await.read(201);
    let path = format!("/api/Payment/{}/confirm", paid.payment_id);
    let _ = shop.client.post_with_key(&path, "tap-1", json!({})).await.expect(200);
    let _ = shop.client.post_with_key(&path, "tap-1", json!({})).await.expect(200);
    let other = json!({ "reference": "BCA 123" });
    let _ = shop.client.post_with_key(&path, "tap-1", other).await.problem(422, "idempotency-key-reused");
}

#[tokio::test]
async fn a_confirmation_that_began_goes_on_if_the_cashier_leaves() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    let (called, answer) = shop.gateway.hold_next_status_call();
    let path = format!("/api/Payment/{}/confirm", shown.payment_id);
    tokio::select! {
        _ = shop.client.post(&path, json!({})) => panic!("the gateway has not answered"),
        called = called => called.unwrap(),
    }
    answer.send(ChargeStatus::Pending).expect("a command that goes on without its client");
}
