//! What staff and screens do with codes.

use contracts::{
    event::{CodesIssued, DispenseCompleted, OrderCreated},
    qr::{CodeStatus, RefusalReason},
};

use super::*;

impl Bar {
    async fn reissue(&self, body: Value) -> Reply {
        self.client.post("/api/QrCode/generate", body).await
    }

    /// A paid cup whose code has expired.
    async fn expired_cup(&self) -> CodeView {
        let cup = self.paid_cup().await;
        self.world.clock.advance(VALIDITY);
        self.codes.expire_codes().await.unwrap();
        self.reload(&cup).await
    }
}

#[tokio::test]
async fn a_paid_code_that_expired_is_reissued_and_the_old_one_is_void() {
    let bar = Bar::open().await;
    let old = bar.expired_cup().await;
    let codes: Vec<CodeView> = bar.reissue(json!({ "orderId": old.order_id })).await.read(200);
    let new = &codes[0];
    assert_eq!((new.status, new.unit, new.expires_at), (CodeStatus::Active, old.unit, bar.now() + VALIDITY));
    assert!(new.version > old.version && new.code != old.code);
    assert_eq!(bar.on_receipt(old.order_id).await, codes);

    assert_eq!(bar.validate(json!({ "code": old.code })).await.reason, Some(RefusalReason::Void));
    bar.world.wait_until_idle().await;
    assert_eq!(bar.world.published::<CodesIssued>().last().unwrap().codes, codes);
    assert!(bar.validate(json!({ "code": new.code })).await.valid);
}

#[tokio::test]
async fn a_valid_code_is_reissued_only_if_it_is_named() {
    let bar = Bar::open().await;
    let cups = bar.paid_cups(2).await;
    let order_id = cups[0].order_id;
    let untouched: Vec<CodeView> = bar.reissue(json!({ "orderId": order_id })).await.read(200);
    assert_eq!(untouched, cups);
    let codes: Vec<CodeView> = bar.reissue(json!({ "orderId": order_id, "codes": [cups[1].code] })).await.read(200);
    assert_eq!(codes[0], cups[0]);
    assert_ne!(codes[1].code, cups[1].code);
    assert_eq!(bar.status(&cups[1]).await, CodeStatus::Void);
}

#[tokio::test]
async fn the_same_tap_twice_reissues_a_code_once() {
    let bar = Bar::open().await;
    let old = bar.expired_cup().await;
    let body = json!({ "orderId": old.order_id });
    let first = bar.client.post_with_key("/api/QrCode/generate", "tap-1", &body).await.expect(200);
    let again = bar.client.post_with_key("/api/QrCode/generate", "tap-1", &body).await.expect(200);
    assert_eq!(first, again);
    assert_eq!(bar.codes_of(old.order_id).await.len(), 2);
    let other = json!({ "orderId": old.order_id, "codes": [old.code] });
    let refused = bar.client.post_with_key("/api/QrCode/generate", "tap-1", &other).await;
    let _ = refused.problem(422, "idempotency-key-reused");
}

/// Sends a request and disconnects at once.
async fn send_and_disconnect<T>(request: impl Future<Output = T>) {
    tokio::select! {
        biased;
        _ = request => panic!("it was answered before the client could disconnect"),
        () = std::future::ready(()) => {}
    }
}

/// Waits until the receipt in the cache shows the codes of the database.
async fn wait_for_receipt(bar: &Bar, order_id: OrderId) {
    for _ in 0..ATTEMPTS_MAX {
        let is_current = |code: &CodeView| code.status != CodeStatus::Void;
        let codes: Vec<_> = bar.codes_of(order_id).await.into_iter().filter(is_current).collect();
        if codes[0].version > 2 && bar.on_receipt(order_id).await == codes {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the receipt shows {:?}", bar.on_receipt(order_id).await);
}

/// A write takes a few milliseconds, and each attempt is a query.
const ATTEMPTS_MAX: u32 = 10_000;

#[tokio::test]
async fn a_client_that_disconnects_leaves_no_void_code_on_the_receipt() {
    let bar = Bar::open().await;
    let old = bar.paid_cup().await;
    let body = json!({ "orderId": old.order_id, "codes": [old.code] });
    send_and_disconnect(bar.reissue(body)).await;
    wait_for_receipt(&bar, old.order_id).await;

    let cup = bar.paid_cup().await;
    let scan = scan_of(&cup, "seven", "one", "epoch-1");
    send_and_disconnect(bar.post("/api/QrCode/validate", scan)).await;
    wait_for_receipt(&bar, cup.order_id).await;
    send_and_disconnect(bar.resolve(&cup, "not_poured")).await;
    for attempt in 0.. {
        if bar.status(&cup).await == CodeStatus::Void {
            break;
        }
        assert!(attempt < ATTEMPTS_MAX, "the decision is not written");
        tokio::task::yield_now().await;
    }
    wait_for_receipt(&bar, cup.order_id).await;
}

#[tokio::test]
async fn a_repeated_tap_caches_the_receipt_again() {
    let bar = Bar::open().await;
    let old = bar.expired_cup().await;
    let tap = || bar.client.post_with_key("/api/QrCode/generate", "tap-1", json!({ "orderId": old.order_id }));
    let codes: Vec<CodeView> = tap().await.read(200);
    let receipt = contracts::receipt::cache_key(old.order_id);
    bar.codes.cache.remove(&receipt).await.unwrap();
    tap().await.expect(200);
    assert_eq!(bar.on_receipt(old.order_id).await, codes);

    let cup = bar.cup_in_review().await;
    let path = format!("/api/QrCode/{}/resolve", cup.code);
    let decide = || bar.client.post_with_key(&path, "tap-2", json!({ "decision": "poured" }));
    let used: CodeView = decide().await.read(200);
    bar.codes.cache.remove(&contracts::receipt::cache_key(cup.order_id)).await.unwrap();
    decide().await.expect(200);
    assert_eq!(bar.on_receipt(cup.order_id).await, [used]);
}

#[tokio::test]
async fn a_refused_reissue_has_its_reason() {
    let bar = Bar::open().await;
    let refused = async |cup: &CodeView, slug: &str| {
        let of_order = bar.reissue(json!({ "orderId": cup.order_id })).await.problem(409, slug);
        let named = bar.reissue(json!({ "orderId": cup.order_id, "codes": [cup.code] })).await.problem(409, slug);
        assert_eq!(of_order["detail"], named["detail"]);
    };
    let leased = bar.paid_cup().await;
    bar.scan(&leased, "seven", "one").await;
    refused(&leased, "code-leased").await;
    refused(&bar.cup_in_review().await, "code-in-review").await;
    let used = bar.paid_cup().await;
    bar.validate(json!({ "code": used.code })).await;
    refused(&used, "code-used").await;

    let order = bar.order_of(1);
    bar.world.publish(&OrderCreated(order.clone())).await;
    let unpaid = bar.codes_of(order.order_id).await.remove(0);
    refused(&unpaid, "order-unpaid").await;
    bar.world.publish(&expired(&order, 2)).await;
    refused(&unpaid, "code-void").await;
}

#[tokio::test]
async fn codes_that_do_not_exist_are_not_reissued() {
    let bar = Bar::open().await;
    let cup = bar.expired_cup().await;
    let nobody = OrderId::new(bar.now());
    let _ = bar.reissue(json!({ "orderId": nobody })).await.problem(404, "not-found");
    let strange = json!({ "orderId": cup.order_id, "codes": [cup.code, "QR-20261122-0000000000000000"] });
    let _ = bar.reissue(strange).await.problem(404, "not-found");
    assert_eq!(bar.status(&cup).await, CodeStatus::Expired, "all or none");
    let many = json!({ "orderId": cup.order_id, "codes": vec![&cup.code; 201] });
    let _ = bar.reissue(many).await.problem(422, "invalid");
}

#[tokio::test]
async fn staff_decide_that_the_guest_has_the_drink() {
    let bar = Bar::open().await;
    let cup = bar.cup_in_review().await;
    assert_eq!(bar.attention_list().await, [(cup.clone(), AttentionReason::InReview)]);

    let used: CodeView = bar.resolve(&cup, "poured").await.read(200);
    assert_eq!(used.status, CodeStatus::Used);
    assert_eq!(bar.on_receipt(cup.order_id).await, std::slice::from_ref(&used));
    assert!(bar.attention("").await.items.is_empty());
    bar.world.wait_until_idle().await;
    assert_eq!(bar.world.published::<DispenseCompleted>(), [DispenseCompleted { code: used, poured_ms: None }]);
    let _ = bar.resolve(&cup, "not_poured").await.problem(409, "code-not-in-review");
}

#[tokio::test]
async fn staff_decide_that_the_guest_has_no_drink() {
    let bar = Bar::open().await;
    let cup = bar.cup_in_review().await;
    bar.world.clock.advance(VALIDITY);
    let path = format!("/api/QrCode/{}/resolve", cup.code);
    let decision = json!({ "decision": "not_poured" });
    let back: CodeView = bar.client.post_with_key(&path, "tap-1", &decision).await.read(200);
    assert_eq!((back.status, back.expires_at), (CodeStatus::Active, bar.now() + Duration::from_secs(300)));
    assert_eq!(bar.client.post_with_key(&path, "tap-1", &decision).await.read::<CodeView>(200), back);
    bar.world.wait_until_idle().await;
    assert_eq!(bar.world.published::<CodesIssued>().last().unwrap().codes, [back]);
    assert!(bar.validate(json!({ "code": cup.code })).await.valid);
}

#[tokio::test]
async fn a_review_of_a_completed_order_ends_without_another_drink() {
    let bar = Bar::open().await;
    let cup = bar.cup_in_review().await;
    let order = contracts::event::PlacedOrder { order_id: cup.order_id, ..bar.order_of(1) };
    bar.world.publish(&completed(&order, 2)).await;
    assert_eq!(bar.status(&cup).await, CodeStatus::Review, "staff still decide");
    let over: CodeView = bar.resolve(&cup, "not_poured").await.read(200);
    assert_eq!(over.status, CodeStatus::Void);
}

#[tokio::test]
async fn the_attention_list_has_decisions_first_and_every_code_once() {
    let bar = Bar::open().await;
    let expired = bar.paid_cups(250).await;
    bar.world.clock.advance(VALIDITY);
    bar.codes.expire_codes().await.unwrap();
    let in_review = bar.cup_in_review().await;
    let leased = bar.paid_cup().await;
    bar.scan(&leased, "eight", "one").await;
    let newest = bar.attention_list().await;
    assert!(newest[0].0 == in_review && newest[1].0.status == CodeStatus::Expired, "the lease is new");

    bar.world.clock.advance(Duration::from_secs(180));
    let first = bar.attention("").await;
    assert_eq!((&first.items[0].code.code, &first.items[1].code.code), (&in_review.code, &leased.code));
    assert_eq!(first.items.len(), 200);
    let second = bar.attention(&format!("?cursor={}", first.next_cursor.unwrap())).await;
    assert_eq!((second.items.len(), second.next_cursor), (52, None));
    let mut seen: Vec<_> = first.items.iter().chain(&second.items).map(|waiting| waiting.code.code.clone()).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), expired.len() + 2);
    let _ = bar.client.get("/api/QrCode/attention?cursor=menu").await.problem(400, "bad-request");
}

#[tokio::test]
async fn staff_end_the_lease_of_a_dead_device() {
    let bar = Bar::open().await;
    let cups = bar.paid_cups(2).await;
    bar.scan(&cups[0], "seven", "one").await;
    let used: CodeView = bar.resolve(&cups[0], "poured").await.read(200);
    assert_eq!((used.status, &used.code), (CodeStatus::Used, &cups[0].code));

    let grant = bar.scan(&cups[1], "seven", "two").await;
    let new: CodeView = bar.resolve(&cups[1], "not_poured").await.read(200);
    assert_eq!((new.status, new.unit), (CodeStatus::Active, cups[1].unit));
    assert_ne!(new.code, cups[1].code, "the device may still hold the old one");
    assert_eq!(bar.status(&cups[1]).await, CodeStatus::Void);
    assert!(bar.on_receipt(new.order_id).await.contains(&new));

    bar.report(&cups[1], &grant, "completed", 8000).await.expect(200);
    assert_eq!(bar.status(&new).await, CodeStatus::Review, "the device was not dead, and poured");
}

#[tokio::test]
async fn only_a_leased_code_or_one_in_review_can_be_resolved() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    let _ = bar.resolve(&cup, "poured").await.problem(409, "code-not-in-review");
    let _ = bar.resolve(&cup, "perhaps").await.expect(422);
    let unknown = CodeView { code: "QR-20261122-0000000000000000".into(), ..cup.clone() };
    let _ = bar.resolve(&unknown, "poured").await.problem(404, "not-found");
    assert_eq!(bar.status(&cup).await, CodeStatus::Active);
}

#[tokio::test]
async fn metrics_count_codes_issued_poured_and_in_review() {
    let bar = Bar::open().await;
    let measured = async || {
        bar.codes.measure_reviews().await.unwrap();
        let metrics = bar.client.get("/metrics").await.expect(200);
        let lines = metrics.as_str().unwrap().lines().filter(|line| line.starts_with("codes_"));
        lines.map(str::to_owned).collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    let used = bar.paid_cup().await;
    bar.validate(json!({ "code": used.code })).await;
    let in_review = bar.cup_in_review().await;
    assert_eq!(measured().await, ["codes_in_review 1", "codes_issued_total 2", "codes_poured_total 1"]);
    bar.resolve(&in_review, "poured").await.expect(200);
    assert_eq!(measured().await, ["codes_in_review 0", "codes_issued_total 2", "codes_poured_total 2"]);
}

#[tokio::test]
async fn a_code_is_drawn_as_an_image_that_a_browser_keeps() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    let reply = bar.client.get(&format!("/api/QrCode/{}/image.svg", cup.code)).await;
    assert_eq!(reply.headers["content-type"], "image/svg+xml");
    assert!(reply.headers["cache-control"].to_str().unwrap().contains("immutable"));
    let image = reply.expect(200);
    assert!(image.as_str().unwrap().contains("<svg"), "{image}");

    for unknown in ["QR-20261122-0000000000000000", "menu"] {
        let _ = bar.client.get(&format!("/api/QrCode/{unknown}/image.svg")).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn an_order_without_codes_is_an_empty_list_and_no_id_is_refused() {
    let bar = Bar::open().await;
    assert!(bar.codes_of(OrderId::new(bar.now())).await.is_empty());
    let _ = bar.client.get("/api/QrCode/order/42").await.problem(400, "invalid-id");
}

#[tokio::test]
async fn every_public_route_is_in_the_document_and_no_internal_one() {
    let bar = Bar::open().await;
    let document = bar.client.get("/openapi.json").await.expect(200);
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        paths,
        [
            "/api/QrCode/attention",
            "/api/QrCode/generate",
            "/api/QrCode/heartbeat",
            "/api/QrCode/order/{orderId}",
            "/api/QrCode/validate",
            "/api/QrCode/{code}/complete",
            "/api/QrCode/{code}/image.svg",
            "/api/QrCode/{code}/resolve",
        ]
    );
}
