//! Who places, sees and changes orders: devices, kiosks and people.

use std::collections::BTreeMap;

use access::{TokenIssuer, TokenSubject};
use contracts::{
    audit::{Actor, AuditArea, AuditEntry},
    device::{DeviceKind, DeviceView},
    event::{ActAudited, DispenseCompleted, OrderCreated},
    ids::{DeviceId, OrderId, SessionId},
    order::{AmountDue, Channel, OrderStatus, OrderView},
    qr::CodeStatus,
    receipt::Receipt,
    staff::Role,
};
use futures::future::join_all;
use serde_json::{Value, json};
use testkit::Client;

use super::shop::{TestShop, cup};

fn kiosk(shop: &TestShop) -> Client {
    shop.client.with_token(&shop.world.credentials.device(DeviceKind::Kiosk))
}

fn cashier(shop: &TestShop) -> Client {
    shop.client.with_token(&shop.world.credentials.staff(Role::Cashier))
}

/// One more device of this letter.
fn pair(shop: &TestShop, kind: DeviceKind, letter: &str) -> Client {
    let now = shop.world.clock.now();
    let device_id = DeviceId::new(now);
    let letter = Some(letter.to_owned());
    shop.world.credentials.pair(&DeviceView { device_id, letter, ..testkit::device(kind, now) });
    shop.client.with_token(&shop.world.credentials.device_token(device_id))
}

/// A person on a laptop that is not paired.
fn unpaired(shop: &TestShop) -> Client {
    let now = shop.world.clock.now();
    let issuer = TokenIssuer::new(now).unwrap();
    let hour = std::time::Duration::from_secs(60 * 60);
    shop.world.context().access.add_key(issuer.key_id(), issuer.public_key().clone(), now + hour);
    let (session_id, staff) = (SessionId::new(now), testkit::staff(Role::Owner));
    let subject = TokenSubject::Session { session_id, staff, device_id: None };
    shop.client.with_token(&issuer.issue(subject, now, hour).unwrap().0)
}

async fn place(client: &Client, order: Value) -> OrderView {
    client.post("/api/Order", order).await.read(201)
}

#[tokio::test]
async fn an_order_says_who_placed_it_and_payment_learns_on_which_device() {
    let shop = TestShop::open().await;
    let order = place(&cashier(&shop), shop.croissant_order()).await;
    assert_eq!(order.placed_by.staff, Some(testkit::staff(Role::Cashier)));
    assert_eq!(order.placed_by.device.as_ref().unwrap().name, "POS 1");
    assert_eq!(shop.order(order.order_id).await.placed_by, order.placed_by);

    let path = format!("/internal/Order/{}/due", order.order_id);
    let due: AmountDue = shop.client.get(&path).await.read(200);
    assert_eq!(due.device_id, Some(testkit::device_id(DeviceKind::Pos)));
    shop.world.wait_until_idle().await;
    let OrderCreated(created) = shop.world.published::<OrderCreated>().remove(0);
    assert_eq!(created.placed_by, order.placed_by);
}

#[tokio::test]
async fn each_device_counts_its_own_numbers_also_at_the_same_instant() {
    let shop = TestShop::open().await;
    let clients = [kiosk(&shop), pair(&shop, DeviceKind::Kiosk, "C"), cashier(&shop), unpaired(&shop)];
    let placed = join_all((0..5).flat_map(|_| &clients).map(|client| place(client, shop.croissant_order()))).await;
    let mut numbers = BTreeMap::<String, Vec<String>>::new();
    for order in placed {
        let (letter, count) = order.order_number.split_once('-').unwrap();
        numbers.entry(letter.to_owned()).or_default().push(count.to_owned());
    }
    assert_eq!(numbers.keys().collect::<Vec<_>>(), ["A", "B", "C", "X"]);
    for (letter, mut counts) in numbers {
        counts.sort();
        assert_eq!(counts, ["0001", "0002", "0003", "0004", "0005"], "{letter}");
    }
}

#[tokio::test]
async fn a_kiosks_order_is_never_a_tills_and_staff_may_enter_a_kiosks() {
    let shop = TestShop::open().await;
    let with_channel = |channel: &str| {
        let mut order = shop.croissant_order();
        order["channel"] = json!(channel);
        order
    };
    let (kiosk, cashier) = (kiosk(&shop), cashier(&shop));
    assert_eq!(place(&kiosk, shop.croissant_order()).await.channel, Channel::Kiosk);
    assert_eq!(place(&kiosk, with_channel("KIOSK")).await.channel, Channel::Kiosk);
    kiosk.post("/api/Order", with_channel("POS")).await.problem(422, "invalid-order");
    assert_eq!(place(&cashier, shop.croissant_order()).await.channel, Channel::Pos);
    assert_eq!(place(&cashier, with_channel("KIOSK")).await.channel, Channel::Kiosk);
}

#[tokio::test]
async fn a_kiosk_sees_and_cancels_its_own_orders_and_another_kiosks_do_not_exist_for_it() {
    let shop = TestShop::open().await;
    let (kiosk, other) = (kiosk(&shop), pair(&shop, DeviceKind::Kiosk, "C"));
    let own = place(&kiosk, shop.croissant_order()).await.order_id;
    let tills = place(&cashier(&shop), shop.croissant_order()).await.order_id;
    let missing = OrderId::new(shop.world.clock.now());

    let answers = async |client: &Client, order_id: OrderId| {
        let path = format!("/api/Order/{order_id}");
        let mut problems = Vec::new();
        for reply in [
            client.get(&path).await,
            client.get(&format!("{path}/receipt")).await,
            client.delete(&format!("{path}?reason=left")).await,
        ] {
            problems.push(reply.problem(404, "unknown-order").to_string().replace(&order_id.to_string(), "ID"));
        }
        problems
    };
    let unknown = answers(&kiosk, missing).await;
    assert_eq!(answers(&kiosk, tills).await, unknown);
    assert_eq!(answers(&other, own).await, unknown);
    assert_eq!(shop.order(tills).await.status, OrderStatus::Pending);

    kiosk.get(&format!("/api/Order/{own}")).await.expect(200);
    kiosk.get(&format!("/api/Order/{own}/receipt")).await.expect(200);
    kiosk.get("/api/Order").await.problem(403, "forbidden");
    kiosk.patch(&format!("/api/Order/{own}"), json!({ "table": "4" })).await.problem(403, "forbidden");
    let cancelled: OrderView = kiosk.delete(&format!("/api/Order/{own}?reason=left")).await.read(200);
    assert_eq!(cancelled.status, OrderStatus::Cancelled);
}

#[tokio::test]
async fn a_kiosk_has_at_most_five_unpaid_orders_and_staff_have_more() {
    let shop = TestShop::open().await;
    let (kiosk, other) = (kiosk(&shop), pair(&shop, DeviceKind::Kiosk, "C"));
    let replies = join_all((0..8).map(|_| kiosk.post("/api/Order", shop.croissant_order()))).await;
    let mut placed = Vec::new();
    for reply in replies {
        match reply.status.as_u16() {
            201 => placed.push(reply.read::<OrderView>(201)),
            _ => drop(reply.problem(409, "too-many-open-orders")),
        }
    }
    assert_eq!(placed.len(), 5);
    let reserved = shop.reservations.lock().unwrap().len();
    kiosk.post("/api/Order", shop.croissant_order()).await.problem(409, "too-many-open-orders");
    assert_eq!(shop.reservations.lock().unwrap().len(), reserved, "no stock was touched");
    assert_eq!(shop.released.lock().unwrap().len(), reserved - 5, "the stock of refused orders is free");

    place(&other, shop.croissant_order()).await;
    for _ in 0..6 {
        place(&cashier(&shop), shop.croissant_order()).await;
    }
    shop.pay(&placed[0]).await;
    kiosk.delete(&format!("/api/Order/{}?reason=left", placed[1].order_id)).await.expect(200);
    for _ in 0..2 {
        place(&kiosk, shop.croissant_order()).await;
    }
    kiosk.post("/api/Order", shop.croissant_order()).await.problem(409, "too-many-open-orders");
}

#[tokio::test]
async fn a_kiosks_retry_is_answered_while_it_has_too_many_unpaid_orders() {
    let shop = TestShop::open().await;
    let kiosk = kiosk(&shop);
    let first: OrderView = kiosk.post_with_key("/api/Order", "k1", shop.croissant_order()).await.read(201);
    for _ in 0..4 {
        place(&kiosk, shop.croissant_order()).await;
    }
    let again: OrderView = kiosk.post_with_key("/api/Order", "k1", shop.croissant_order()).await.read(201);
    assert_eq!(again, first);
}

#[tokio::test]
async fn a_kiosks_order_has_at_most_fifty_units() {
    let shop = TestShop::open().await;
    let units = |quantity: i64| {
        let half = json!({ "productId": shop.croissant.product_id, "quantity": quantity / 2 });
        let rest = json!({ "productId": shop.croissant.product_id, "quantity": quantity - quantity / 2 });
        json!({ "items": [half, rest], "totalAmount": 22_000 * quantity })
    };
    let refused = kiosk(&shop).post("/api/Order", units(51)).await;
    assert!(refused.problem(422, "invalid-order")["detail"].as_str().unwrap().contains("51 units"));
    place(&kiosk(&shop), units(50)).await;
    place(&cashier(&shop), units(51)).await;
    let mut huge = shop.croissant_order();
    huge["items"] = json!(vec![json!({ "productId": shop.croissant.product_id, "quantity": i64::MAX }); 2]);
    kiosk(&shop).post("/api/Order", huge).await.problem(422, "invalid-order");
}

#[tokio::test]
async fn a_paid_order_is_not_cancelled_at_its_kiosk() {
    let shop = TestShop::open().await;
    let order = place(&kiosk(&shop), shop.croissant_order()).await;
    shop.pay(&order).await;
    let path = format!("/api/Order/{}?reason=left", order.order_id);
    kiosk(&shop).delete(&path).await.problem(409, "illegal-transition");
}

#[tokio::test]
async fn one_key_on_two_devices_is_two_orders_and_an_id_shows_no_other_kiosks_order() {
    let shop = TestShop::open().await;
    let (kiosk, other) = (kiosk(&shop), pair(&shop, DeviceKind::Kiosk, "C"));
    let first: OrderView = kiosk.post_with_key("/api/Order", "k1", shop.croissant_order()).await.read(201);
    let second: OrderView = other.post_with_key("/api/Order", "k1", shop.croissant_order()).await.read(201);
    assert_ne!(first.order_id, second.order_id);

    let mut same = shop.croissant_order();
    same["orderId"] = json!(first.order_id);
    other.post("/api/Order", &same).await.problem(409, "order-id-taken");
    assert_eq!(place(&kiosk, same.clone()).await, first);
    // Staff see every order, so a retry of another tablet is the same order for them.
    same["channel"] = json!("KIOSK");
    assert_eq!(place(&cashier(&shop), same).await, first);
}

#[tokio::test]
async fn a_receipt_names_the_person_or_else_the_kiosk_that_served_the_guest() {
    let shop = TestShop::open().await;
    for (client, served_by) in [(cashier(&shop), "Sari"), (kiosk(&shop), "Kiosk 1")] {
        let order = place(&client, shop.croissant_order()).await;
        let receipt: Receipt = client.get(&format!("/api/Order/{}/receipt", order.order_id)).await.read(200);
        assert_eq!(receipt.served_by.as_deref(), Some(served_by));
    }
}

/// What was done to orders, and who did it.
async fn acts(shop: &TestShop) -> Vec<AuditEntry> {
    shop.world.wait_until_idle().await;
    shop.world.published::<ActAudited>().into_iter().map(|ActAudited(entry)| entry).collect()
}

fn change(entry: &AuditEntry) -> (&str, &str) {
    (entry.before.as_ref().unwrap().get(), entry.after.as_ref().unwrap().get())
}

#[tokio::test]
async fn a_cancellation_is_in_the_audit_trail_once_with_its_reason() {
    let shop = TestShop::open().await;
    let order = place(&kiosk(&shop), shop.croissant_order()).await;
    let path = format!("/api/Order/{}?reason=left", order.order_id);
    for _ in 0..2 {
        cashier(&shop).delete(&path).await.expect(200);
    }
    let acts = acts(&shop).await;
    assert_eq!(acts.len(), 1, "{acts:?}");
    let act = &acts[0];
    assert_eq!((act.area, act.action.as_str(), act.label.as_str()), (AuditArea::Order, "order.cancelled", "B-0001"));
    assert_eq!((act.subject.as_str(), act.reason.as_deref()), (order.order_id.to_string().as_str(), Some("left")));
    assert_eq!(act.actor.staff, Some(testkit::staff(Role::Cashier)));
    assert_eq!(change(act), (r#"{"status":"PENDING"}"#, r#"{"status":"CANCELLED"}"#));
}

#[tokio::test]
async fn a_revival_is_in_the_audit_trail_and_the_expiry_before_it_is_not() {
    let shop = TestShop::open().await;
    let order = place(&cashier(&shop), shop.croissant_order()).await;
    shop.world.clock.advance(std::time::Duration::from_secs(30 * 60));
    shop.expire().await;
    let path = format!("/api/Order/{}", order.order_id);
    for _ in 0..2 {
        cashier(&shop).patch(&path, json!({ "status": "PENDING" })).await.expect(200);
    }
    let acts = acts(&shop).await;
    assert_eq!(acts.iter().map(|act| act.action.as_str()).collect::<Vec<_>>(), ["order.revived"]);
    assert_eq!(change(&acts[0]), (r#"{"status":"EXPIRED"}"#, r#"{"status":"PENDING"}"#));
}

#[tokio::test]
async fn handing_over_is_in_the_audit_trail_only_if_a_cup_was_not_poured() {
    let shop = TestShop::open().await;
    let croissant = place(&cashier(&shop), shop.croissant_order()).await;
    let brews = place(&cashier(&shop), shop.cold_brew_order(2)).await;
    for order in [&croissant, &brews] {
        shop.pay(order).await;
    }
    shop.world.publish(&DispenseCompleted { code: cup(&brews, 1, CodeStatus::Used, 3), poured_ms: None }).await;
    for order in [&croissant, &brews] {
        let path = format!("/api/Order/{}", order.order_id);
        cashier(&shop).patch(&path, json!({ "status": "COMPLETED" })).await.expect(200);
    }
    let acts = acts(&shop).await;
    assert_eq!(acts.len(), 1, "{acts:?}");
    assert_eq!((acts[0].action.as_str(), &acts[0].label), ("order.handed-over", &brews.order_number));
    assert_eq!(change(&acts[0]), (r#"{"unpouredCups":1}"#, r#"{"status":"COMPLETED"}"#));
    assert_eq!(acts[0].actor, Actor { approved_by: None, ..brews.placed_by.clone() });
}
