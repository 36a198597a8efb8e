//! Lists, receipts and streams.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    http::{Request, header},
    routing::get,
};
use cache::{Cache, CacheError};
use contracts::{
    device::{DeviceKind, DeviceView},
    order::OrderView,
    qr::CodeStatus,
    receipt::{ReceiptCodes, ReceiptField},
    staff::Role,
};
use futures::{FutureExt, StreamExt, future::BoxFuture};
use host::ServiceContext;
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};
use tower::ServiceExt;

use super::shop::{Payment, TestShop, cup, on_receipt, payment_of};

#[tokio::test]
async fn a_list_is_read_page_by_page_newest_first_and_without_gaps() {
    let shop = TestShop::open().await;
    let mut placed = Vec::new();
    for _ in 0..5 {
        placed.push(shop.place(shop.croissant_order()).await.order_number);
        shop.world.clock.advance(Duration::from_secs(1));
    }
    placed.reverse();

    let (mut read, mut path) = (Vec::new(), "/api/Order?limit=2".to_owned());
    loop {
        let page = shop.client.get(&path).await.expect(200);
        read.extend(
            page["items"].as_array().unwrap().iter().map(|order| order["orderNumber"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/api/Order?limit=2&cursor={cursor}");
    }
    assert_eq!(read, placed);
}

#[tokio::test]
async fn a_list_is_filtered_by_status_channel_day_and_text() {
    let shop = TestShop::open().await;
    let counter = shop.place(shop.croissant_order()).await;
    let kiosk = shop.place(shop.cold_brew_order(1)).await;
    shop.pay(&kiosk).await;
    let named = json!({ "customerName": "100% Budi_S" });
    shop.client.patch(&format!("/api/Order/{}", counter.order_id), named).await.expect(200);

    let numbers = async |filter: &str| -> Vec<String> {
        let page = shop.client.get(&format!("/api/Order?{filter}")).await.expect(200);
        page["items"].as_array().unwrap().iter().map(|order| order["orderNumber"].as_str().unwrap().into()).collect()
    };
    assert_eq!(numbers("status=PENDING").await, ["A-0001"]);
    assert_eq!(numbers("channel=KIOSK").await, ["A-0002"]);
    assert_eq!(numbers("businessDay=2026-11-22").await.len(), 2);
    assert!(numbers("businessDay=2026-11-21").await.is_empty());
    assert_eq!(numbers("text=a-0002").await, ["A-0002"]);
    assert_eq!(numbers("text=budi").await, ["A-0001"]);
    assert_eq!(numbers("text=0%25%20b").await, ["A-0001"]);
    assert!(numbers("text=100_").await.is_empty());

    let invalid = ["limit=many", "page=2", "status=EATEN", "channel=FAX", "stock=LOTS", "businessDay=today"];
    for wrong in invalid {
        shop.client.get(&format!("/api/Order?{wrong}")).await.problem(400, "invalid-query");
    }
    for wrong in ["cursor=x", "limit=0", "limit=201", "text=a%00b"] {
        shop.client.get(&format!("/api/Order?{wrong}")).await.problem(400, "bad-request");
    }
}

#[tokio::test]
async fn a_name_is_found_in_any_case_and_any_script() {
    let shop = TestShop::open().await;
    let mut request = shop.croissant_order();
    request["customerName"] = json!("Café ÜBER");
    let order = shop.place(request).await;
    let finds = async |text: &str| {
        let page = shop.client.get(&format!("/api/Order?text={text}")).await.expect(200);
        page["items"].as_array().unwrap().len() == 1
    };
    assert!(finds("CAF%C3%89").await && finds("%C3%BCber").await, "CAFÉ and über");

    let renamed = json!({ "customerName": "ЮЛИЯ" });
    shop.client.patch(&format!("/api/Order/{}", order.order_id), renamed).await.expect(200);
    assert!(finds("%D1%8E%D0%BB%D0%B8%D1%8F").await, "юлия");
    assert!(!finds("caf").await, "the old name");
}

#[tokio::test]
async fn an_order_that_does_not_exist_is_404() {
    let shop = TestShop::open().await;
    shop.client.get("/api/Order/0192f0c1-2b3a-7c4d-8e5f-60718293a4b5").await.problem(404, "unknown-order");
    shop.client.get("/api/Order/0192f0c1-2b3a-7c4d-8e5f-60718293a4b5/receipt").await.problem(404, "unknown-order");
    shop.client.get("/api/Order/A-0001").await.problem(400, "invalid-id");
}

#[tokio::test]
async fn a_rename_reaches_the_receipt_even_if_the_client_leaves() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.croissant_order()).await;
    let (mut arrived, cache) = HeldCache::new(Arc::clone(&shop.world.context().cache));
    let context = ServiceContext { cache: Arc::clone(&cache) as _, ..shop.world.context().clone() };
    let client = shop.world.client(&crate::open(&context).await.unwrap().router);

    let path = format!("/api/Order/{}", order.order_id);
    tokio::select! {
        _ = client.patch(&path, json!({ "table": "4" })) => panic!("it waits for the cache"),
        _ = arrived.recv() => {}
    }
    cache.go_on.add_permits(1);
    tokio::time::timeout(Duration::from_secs(5), cache.written.acquire()).await.unwrap().unwrap().forget();
    let fields = cache.inner.get_fields(&contracts::receipt::cache_key(order.order_id)).await.unwrap();
    assert!(fields[ReceiptField::Order.name()].contains("\"table\":\"4\""), "{fields:?}");
}

/// A cache that takes a receipt's part only when the test lets it.
struct HeldCache {
    inner: Arc<dyn Cache>,
    arrived: mpsc::UnboundedSender<()>,
    go_on: Semaphore,
    written: Semaphore,
}

impl HeldCache {
    fn new(inner: Arc<dyn Cache>) -> (mpsc::UnboundedReceiver<()>, Arc<Self>) {
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let cache = Self { inner, arrived, go_on: Semaphore::new(0), written: Semaphore::new(0) };
        (arrivals, Arc::new(cache))
    }
}

impl Cache for HeldCache {
    fn get_many<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Option<String>>, CacheError>> {
        self.inner.get_many(keys)
    }

    fn put_versioned<'a>(
        &'a self,
        name: &'a str,
        version: i64,
        entries: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<bool, CacheError>> {
        self.inner.put_versioned(name, version, entries)
    }

    fn put_field<'a>(
        &'a self,
        key: &'a str,
        field: &'a str,
        version: i64,
        value: String,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        let put = async move {
            self.arrived.send(()).unwrap();
            self.go_on.acquire().await.unwrap().forget();
            let put = self.inner.put_field(key, field, version, value, ttl).await;
            self.written.add_permits(1);
            put
        };
        put.boxed()
    }

    fn get_fields<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<HashMap<String, String>, CacheError>> {
        self.inner.get_fields(key)
    }

    fn changed<'a>(&'a self, key: &'a str) -> BoxFuture<'a, ()> {
        self.inner.changed(key)
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), CacheError>> {
        self.inner.remove(key)
    }
}

#[tokio::test]
async fn a_receipt_is_assembled_if_the_cache_has_lost_it() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.cold_brew_order(1)).await;
    let codes = ReceiptCodes { is_paid: false, codes: vec![cup(&order, 1, CodeStatus::Pending, 2)] };
    shop.world.stub("qr", Router::new().route("/internal/QrCode/receipt/{id}", get(move || async { Json(codes) })));
    shop.world.context().cache.remove(&contracts::receipt::cache_key(order.order_id)).await.unwrap();

    let receipt = shop.client.get(&format!("/api/Order/{}/receipt", order.order_id)).await.expect(200);
    assert_eq!(receipt["paymentStatus"], "PENDING");
    assert_eq!(receipt["qrCode"], "QR-20261122-0000000000000001");
    assert_eq!(receipt["qrPending"], false);
    assert_eq!(receipt["total"], 24_000);
}

#[tokio::test]
async fn a_receipt_of_a_paid_order_shows_it_while_payment_is_unavailable() {
    let shop = TestShop::open().await;
    shop.payment(Payment::Unavailable);
    let order = shop.place(shop.croissant_order()).await;
    let payment = shop.pay(&order).await;
    let receipt = shop.client.get(&format!("/api/Order/{}/receipt", order.order_id)).await.expect(200);
    assert_eq!((&receipt["paymentStatus"], &receipt["paymentMethod"]), (&json!("PAID"), &json!("CASH")));
    assert_eq!(receipt["paidAt"], json!(payment.paid_at));
}

#[tokio::test]
async fn a_receipt_from_the_cache_shows_what_became_of_its_cups_and_its_order() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.cold_brew_order(2)).await;
    let payment = shop.pay(&order).await;
    let cups = vec![cup(&order, 1, CodeStatus::Used, 3), cup(&order, 2, CodeStatus::Active, 2)];
    let poured = contracts::event::DispenseCompleted { code: cups[0].clone(), poured_ms: Some(8_000) };
    let put = async |field: ReceiptField, part: String| {
        let (key, ttl) = (contracts::receipt::cache_key(order.order_id), Duration::from_secs(60));
        shop.world.context().cache.put_field(&key, field.name(), 1, part, ttl).await.unwrap();
    };
    put(ReceiptField::Payment, serde_json::to_string(&on_receipt(&payment)).unwrap()).await;
    put(ReceiptField::Codes, serde_json::to_string(&ReceiptCodes { is_paid: true, codes: cups }).unwrap()).await;

    shop.world.publish(&poured).await;
    let receipt = shop.client.get(&format!("/api/Order/{}/receipt", order.order_id)).await.expect(200);
    assert_eq!(receipt["items"][0]["poured"], 1);
    assert_eq!(receipt["due"], json!(payment.amount), "it is the cache's");
}

#[tokio::test]
async fn a_payment_that_is_left_in_the_cache_makes_no_receipt_of_a_cancelled_order_paid() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.croissant_order()).await;
    let path = format!("/api/Order/{}", order.order_id);
    shop.client.delete(&format!("{path}?reason=left")).await.expect(200);
    let late = serde_json::to_string(&on_receipt(&payment_of(&order, shop.world.clock.now()))).unwrap();
    put_payment(&shop, &order, 1, late).await;
    let receipt = shop.client.get(&format!("{path}/receipt")).await.expect(200);
    assert_eq!((&receipt["paymentStatus"], &receipt["paymentMethod"]), (&json!("PENDING"), &json!(null)));
}

#[tokio::test]
async fn a_payment_that_was_withdrawn_from_the_cache_is_read_from_payment() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.croissant_order()).await;
    let payment = payment_of(&order, shop.world.clock.now());
    put_payment(&shop, &order, 1, serde_json::to_string(&on_receipt(&payment)).unwrap()).await;
    put_payment(&shop, &order, 2, "null".into()).await;
    let receipt = shop.client.get(&format!("/api/Order/{}/receipt", order.order_id)).await.expect(200);
    assert_eq!(receipt["paymentStatus"], "PENDING");
}

async fn put_payment(shop: &TestShop, order: &OrderView, version: i64, part: String) {
    let (key, ttl) = (contracts::receipt::cache_key(order.order_id), Duration::from_secs(60));
    shop.world.context().cache.put_field(&key, ReceiptField::Payment.name(), version, part, ttl).await.unwrap();
}

#[tokio::test]
async fn a_receipt_without_its_codes_shows_that_they_are_pending() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.cold_brew_order(1)).await;
    let receipt = shop.client.get(&format!("/api/Order/{}/receipt?wait=1", order.order_id)).await.expect(200);
    assert_eq!(receipt["qrPending"], true);
    assert_eq!(receipt["qrCode"], json!(null));
}

#[tokio::test]
async fn a_wait_longer_than_ten_seconds_is_refused() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.croissant_order()).await;
    shop.client.get(&format!("/api/Order/{}/receipt?wait=10001", order.order_id)).await.problem(400, "bad-request");
}

/// A client of the stream.
struct Screen(axum::body::BodyDataStream);

impl Screen {
    async fn opens(shop: &TestShop, last_event_id: Option<&str>) -> Self {
        Self::opens_as(shop, &shop.world.credentials.staff(Role::Cashier), last_event_id).await
    }

    /// With this token.
    async fn opens_as(shop: &TestShop, token: &str, last_event_id: Option<&str>) -> Self {
        let mut request = Request::get("/api/Order/stream").header(header::AUTHORIZATION, format!("Bearer {token}"));
        if let Some(id) = last_event_id {
            request = request.header("Last-Event-ID", id);
        }
        let service = crate::open(shop.world.context()).await.unwrap();
        let answer = service.router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
        Self(answer.into_body().into_data_stream())
    }

    /// The next event: its name, its id and its data.
    async fn next(&mut self) -> (String, String, String) {
        let text = String::from_utf8(self.0.next().await.unwrap().unwrap().to_vec()).unwrap();
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        (field("event:"), field("id:"), field("data:"))
    }

    /// The rest of the stream, up to its end.
    async fn rest(self) -> String {
        let rest = self.0.map(|chunk| String::from_utf8(chunk.unwrap().to_vec()).unwrap()).collect::<String>();
        tokio::time::timeout(Duration::from_secs(5), rest).await.expect("a stream that ends")
    }

    async fn next_order(&mut self) -> (String, OrderView) {
        let (event, id, data) = self.next().await;
        assert_eq!(event, "order", "{data}");
        (id, serde_json::from_str(&data).unwrap())
    }
}

#[tokio::test]
async fn a_screen_follows_orders_and_gets_what_it_missed() {
    let shop = TestShop::open().await;
    let mut screen = Screen::opens(&shop, None).await;
    assert_eq!(screen.next().await.0, "connected");
    let first = shop.place(shop.croissant_order()).await;
    let (id, order) = screen.next_order().await;
    assert_eq!(order, first);
    drop(screen);

    shop.world.clock.advance(Duration::from_secs(60));
    let missed = shop.place(shop.croissant_order()).await;
    let mut back = Screen::opens(&shop, Some(&id)).await;
    assert_eq!(back.next().await, ("connected".into(), id, "{}".into()), "it may break off again before the rest");
    assert_eq!(back.next_order().await.1, first);
    assert_eq!(back.next_order().await.1, missed);
}

#[tokio::test]
async fn a_screen_that_saw_no_order_resumes_without_a_gap() {
    let shop = TestShop::open().await;
    let (_, id, _) = Screen::opens(&shop, None).await.next().await;
    shop.world.clock.advance(Duration::from_secs(60));
    let missed = shop.place(shop.croissant_order()).await;
    let mut back = Screen::opens(&shop, Some(&id)).await;
    assert_eq!(back.next().await.0, "connected");
    assert_eq!(back.next_order().await.1, missed);
}

#[tokio::test]
async fn a_screen_that_missed_more_than_a_page_reads_the_list_again() {
    let shop = TestShop::open().await;
    let (_, id, _) = Screen::opens(&shop, None).await.next().await;
    futures::future::join_all((0..=contracts::PAGE_ROWS_MAX).map(|_| shop.place(shop.croissant_order()))).await;
    assert_eq!(Screen::opens(&shop, Some(&id)).await.next().await.0, "reset");
}

#[tokio::test]
async fn a_screen_whose_id_is_ahead_of_the_clock_reads_the_list_again() {
    let shop = TestShop::open().await;
    let ahead = shop.world.clock.now() + Duration::from_secs(60 * 60);
    let mut screen = Screen::opens(&shop, Some(&ahead.0.to_string())).await;
    let (event, id, _) = screen.next().await;
    assert_eq!((event, id), ("reset".into(), shop.world.clock.now().0.to_string()), "the clock was set back");
}

#[tokio::test]
async fn a_screen_with_an_id_of_no_event_is_refused() {
    let shop = TestShop::open().await;
    let request = Request::get("/api/Order/stream").header("Last-Event-ID", "x").body(Body::empty()).unwrap();
    shop.client.send(request).await.problem(400, "bad-request");
}

#[tokio::test]
async fn a_kiosk_follows_its_own_orders_and_gets_only_those_that_it_missed() {
    let shop = TestShop::open().await;
    let token = shop.world.credentials.device(DeviceKind::Kiosk);
    let kiosk = shop.client.with_token(&token);
    let mut screen = Screen::opens_as(&shop, &token, None).await;
    let (_, id, _) = screen.next().await;
    for client in [&shop.client, &kiosk, &shop.client] {
        client.post("/api/Order", shop.croissant_order()).await.expect(201);
    }
    let (_, own) = screen.next_order().await;
    assert_eq!(own.order_number, "B-0001");

    shop.world.clock.advance(Duration::from_secs(60));
    let mut back = Screen::opens_as(&shop, &token, Some(&id)).await;
    assert_eq!(back.next().await.0, "connected");
    assert_eq!(back.next_order().await.1, own);
    let later: OrderView = kiosk.post("/api/Order", shop.croissant_order()).await.read(201);
    assert_eq!(back.next_order().await.1, later, "the till's orders are left out");
}

#[tokio::test]
async fn a_stream_ends_when_its_person_signs_out() {
    let shop = TestShop::open().await;
    let (token, access) = (shop.world.credentials.staff(Role::Cashier), &shop.world.context().access);
    let mut screen = Screen::opens_as(&shop, &token, None).await;
    assert_eq!(screen.next().await.0, "connected");
    let caller = access.caller(&token).unwrap();
    access.end_session(caller.session_id.unwrap(), caller.expires_at.unwrap());
    assert_eq!(screen.rest().await, "event: signed-out\ndata: {}\n\n");
}

#[tokio::test]
async fn a_stream_ends_when_its_device_is_revoked_and_those_of_others_go_on() {
    let shop = TestShop::open().await;
    let token = shop.world.credentials.device(DeviceKind::Kiosk);
    let mut kiosk = Screen::opens_as(&shop, &token, None).await;
    let mut till = Screen::opens(&shop, None).await;
    assert_eq!((kiosk.next().await.0, till.next().await.0), ("connected".into(), "connected".into()));
    let now = shop.world.clock.now();
    let view = testkit::device(DeviceKind::Kiosk, now);
    shop.world.credentials.pair(&DeviceView { revoked_at: Some(now), version: view.version + 1, ..view });
    assert_eq!(kiosk.rest().await, "event: signed-out\ndata: {}\n\n");
    let placed = shop.place(shop.croissant_order()).await;
    assert_eq!(till.next_order().await.1, placed);
}

#[tokio::test]
async fn a_device_follows_orders_eight_times_at_once() {
    let shop = TestShop::open().await;
    let till = shop.world.credentials.staff(Role::Cashier);
    let mut screens = Vec::new();
    for _ in 0..8 {
        screens.push(Screen::opens_as(&shop, &till, None).await);
    }
    let refused = shop.client.with_token(&till).get("/api/Order/stream").await.problem(503, "too-many-streams");
    assert!(refused["detail"].as_str().unwrap().contains("8 streams"), "{refused}");
    Screen::opens_as(&shop, &shop.world.credentials.device(DeviceKind::Kiosk), None).await;
    screens.pop();
    Screen::opens_as(&shop, &till, None).await;
}
