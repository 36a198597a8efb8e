//! A till in a shop: the service, an Order that says what the test wants, a gateway that does what the test says.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use contracts::{
    event::{OrderCreated, PlacedItem, PlacedOrder},
    ids::{OrderId, PaymentId, ProductId},
    money::{Amount, Currency},
    order::{AmountDue, OrderStatus, StockCheck},
    payment::{PaymentStatus, PaymentView},
    receipt::Receipt,
    time::Timestamp,
};
use db::DbError;
use futures::future::{BoxFuture, FutureExt, pending, ready};
use host::Timer;
use serde_json::{Value, json};
use testkit::{Client, World};
use tokio::sync::oneshot;

use crate::{
    PaymentSettings, QrisSettings,
    gateways::{ANSWER_MAX, Charge, ChargeStatus, Created, GatewayAway, Issued, Merchant, QrisGateway, Timely, emvco},
    model::{Noted, Payment},
    store::books,
};

/// A till.
pub(super) struct Till {
    pub(super) world: World,
    pub(super) client: Client,
    pub(super) orders: Orders,
    pub(super) gateway: Arc<Gateway>,
    db: db::Db,
    clockwork: Timer,
}

/// How many cups machines pour of every order.
pub(super) const CUPS: u32 = 2;

/// How long the gateway of [`Till::new`] takes a QR's money.
pub(super) const QR_LIFE: Duration = Duration::from_secs(3_600);

impl Till {
    /// With a gateway that the test plays.
    pub(super) async fn new() -> Self {
        Self::in_world(World::new().await).await
    }

    pub(super) async fn in_world(world: World) -> Self {
        Self::with_patience(world, ANSWER_MAX).await
    }

    /// One that waits so long for its gateway's answers.
    pub(super) async fn with_patience(world: World, answer_max: Duration) -> Self {
        let gateway = Arc::new(Gateway::default());
        let timely = Timely::new(gateway.clone(), answer_max);
        let service = crate::open_with(world.context(), Some(timely), Duration::from_secs(1)).await.unwrap();
        Self::with(world, gateway, service).await
    }

    /// As a shop is configured.
    pub(super) async fn configured(qris: Option<QrisSettings>) -> Self {
        let world = World::new().await;
        let service = crate::open(world.context(), PaymentSettings { qris }).await.unwrap();
        Self::with(world, Arc::default(), service).await
    }

    /// The same shop, opened again without any gateway.
    pub(super) async fn leaves_its_gateway(self) -> Self {
        self.world.stop().await;
        let mut service = crate::open(self.world.context(), PaymentSettings::default()).await.unwrap();
        let (db, clockwork) = (service.db.clone(), service.timers.remove(0));
        let client = self.world.start(service).await;
        Self { client, db, clockwork, ..self }
    }

    async fn with(world: World, gateway: Arc<Gateway>, mut service: host::Service) -> Self {
        let orders = Orders::default();
        world.stub("order", orders.router());
        let db = service.db.clone();
        // The test says when time passes.
        let clockwork = service.timers.remove(0);
        let client = world.start(service).await;
        Self { world, client, orders, gateway, db, clockwork }
    }

    /// Time passes, and the gateways are asked about what is due.
    pub(super) async fn pass(&self, time: Duration) {
        self.world.clock.advance(time);
        (self.clockwork.run)().await.unwrap();
        self.world.wait_until_idle().await;
    }

    /// An order of which Order and, by its event, Payment knows.
    pub(super) async fn placed(&self, total: i64) -> OrderId {
        let order_id = self.orders.place(total, self.world.clock.now());
        self.world.publish(&OrderCreated(self.event(order_id, 1, total))).await;
        order_id
    }

    /// What Order says of an order when it is placed or revived.
    pub(super) fn event(&self, order_id: OrderId, order_version: i64, total: i64) -> PlacedOrder {
        let at = self.world.clock.now();
        PlacedOrder {
            order_id,
            order_version,
            order_number: "A-0001".into(),
            business_day: self.world.context().shop.current().business_day(at),
            total: Amount::whole(total),
            currency: Currency::IDR,
            stock: StockCheck::Reserved,
            items: vec![latte(at)],
            at,
        }
    }

    pub(super) async fn pay_cash(&self, order_id: OrderId, amount: i64, tendered: i64) -> testkit::Reply {
        self.client.post("/api/Payment", cash(order_id, amount, tendered)).await
    }

    pub(super) async fn pay_qris(&self, order_id: OrderId, amount: i64) -> testkit::Reply {
        self.client.post("/api/Payment", qris(order_id, amount)).await
    }

    /// A QR on the screen.
    pub(super) async fn shown(&self, order_id: OrderId, amount: i64) -> PaymentView {
        self.pay_qris(order_id, amount).await.read(201)
    }

    pub(super) async fn payment(&self, payment_id: PaymentId) -> PaymentView {
        self.client.get(&format!("/api/Payment/{payment_id}")).await.read(200)
    }

    pub(super) async fn statuses(&self, order_id: OrderId) -> Vec<PaymentStatus> {
        let payments: Vec<PaymentView> = self.client.get(&format!("/api/Payment/order/{order_id}")).await.read(200);
        payments.iter().map(|payment| payment.status).collect()
    }

    pub(super) async fn ledger(&self) -> Vec<(Payment, i64)> {
        self.db.read::<_, DbError, _>(books::ledger).await.unwrap()
    }

    pub(super) async fn movements(&self, payment_id: PaymentId) -> Vec<(String, i64)> {
        self.db.read::<_, DbError, _>(move |tx| books::movements(tx, payment_id)).await.unwrap()
    }

    pub(super) async fn amounts_due(&self) -> Vec<Noted> {
        self.db.read::<_, DbError, _>(books::amounts_due).await.unwrap()
    }
}

fn latte(at: Timestamp) -> PlacedItem {
    let (product_id, product_name) = (ProductId::new(at), "Latte".into());
    PlacedItem { line: 1, product_id, product_name, quantity: CUPS, options: Vec::new(), dispense_ml: Some(240) }
}

pub(super) fn cash(order_id: OrderId, amount: i64, tendered: i64) -> Value {
    json!({ "orderId": order_id, "method": "CASH", "amount": amount, "tendered": tendered })
}

pub(super) fn qris(order_id: OrderId, amount: i64) -> Value {
    json!({ "orderId": order_id, "method": "QRIS", "amount": amount })
}

/// Order, as the test wants it.
#[derive(Clone, Default)]
pub(super) struct Orders(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    due: HashMap<OrderId, AmountDue>,
    receipts: HashMap<OrderId, Receipt>,
    is_away: bool,
}

impl Orders {
    /// An order that only Order knows of.
    pub(super) fn place(&self, total: i64, now: Timestamp) -> OrderId {
        let order_id = OrderId::new(now);
        let due = AmountDue {
            cups: CUPS,
            order_id,
            order_number: "A-0001".into(),
            status: OrderStatus::Pending,
            version: 1,
            total: Amount::whole(total),
            currency: Currency::IDR,
        };
        self.0.lock().unwrap().due.insert(order_id, due);
        order_id
    }

    pub(super) fn set(&self, order_id: OrderId, status: OrderStatus, version: i64) {
        let mut known = self.0.lock().unwrap();
        let due = known.due.get_mut(&order_id).unwrap();
        (due.status, due.version) = (status, version);
    }

    pub(super) fn keep_receipt(&self, receipt: Receipt) {
        self.0.lock().unwrap().receipts.insert(receipt.order_id, receipt);
    }

    pub(super) fn go_away(&self) {
        self.0.lock().unwrap().is_away = true;
    }

    fn router(&self) -> Router {
        Router::new()
            .route("/internal/Order/{order_id}/due", get(answer_due))
            .route("/api/Order/{order_id}/receipt", get(answer_receipt))
            .with_state(self.clone())
    }
}

async fn answer_due(State(orders): State<Orders>, Path(order_id): Path<OrderId>) -> Response {
    let known = orders.0.lock().unwrap();
    answer(known.is_away, known.due.get(&order_id))
}

async fn answer_receipt(State(orders): State<Orders>, Path(order_id): Path<OrderId>) -> Response {
    let known = orders.0.lock().unwrap();
    answer(known.is_away, known.receipts.get(&order_id))
}

fn answer<T: serde::Serialize>(is_away: bool, found: Option<&T>) -> Response {
    match found {
        _ if is_away => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(found) => Json(found).into_response(),
        None => web::Problem::not_found("order", "of this id").into_response(),
    }
}

/// A gateway that does what the test says. Until told otherwise, nobody pays.
#[derive(Default)]
pub(super) struct Gateway(Mutex<Script>);

#[derive(Default)]
struct Script {
    words: HashMap<String, ChargeStatus>,
    made: u32,
    is_away: bool,
    is_silent: bool,
    held: Option<(oneshot::Sender<()>, oneshot::Receiver<ChargeStatus>)>,
}

impl Gateway {
    /// Keeps the next question waiting: answers when it has arrived, and what gives it its answer.
    pub(super) fn hold_next_question(&self) -> (oneshot::Receiver<()>, oneshot::Sender<ChargeStatus>) {
        let ((arrived, heard), (says, answer)) = (oneshot::channel(), oneshot::channel());
        self.0.lock().unwrap().held = Some((arrived, answer));
        (heard, says)
    }

    /// From now on it says this of a payment's QR.
    pub(super) fn says(&self, payment: &PaymentView, word: ChargeStatus) {
        self.0.lock().unwrap().words.insert(payment.reference.clone().unwrap(), word);
    }

    pub(super) fn goes_away(&self) {
        self.0.lock().unwrap().is_away = true;
    }

    /// From now on it answers nothing at all.
    pub(super) fn falls_silent(&self) {
        self.0.lock().unwrap().is_silent = true;
    }

    pub(super) fn comes_back(&self) {
        self.0.lock().unwrap().is_away = false;
    }

    /// How many QRs it made.
    pub(super) fn made(&self) -> u32 {
        self.0.lock().unwrap().made
    }

    fn make(&self, charge: &Charge) -> Result<Created, GatewayAway> {
        let mut script = self.0.lock().unwrap();
        if script.is_away {
            return Err(GatewayAway("it is out".into()));
        }
        script.made += 1;
        let payload = emvco::dynamic(&Merchant::of("Kopi", "Jakarta"), charge.amount, &charge.order_number);
        let expires_at = charge.created_at + QR_LIFE;
        Ok(Created { payload, reference: format!("qr-{}", charge.payment_id), expires_at, is_paid: false })
    }

    fn say(&self, issued: &Issued) -> Result<ChargeStatus, GatewayAway> {
        let script = self.0.lock().unwrap();
        if script.is_away {
            return Err(GatewayAway("it is out".into()));
        }
        Ok(script.words.get(&issued.reference).copied().unwrap_or(ChargeStatus::Pending))
    }
}

impl QrisGateway for Gateway {
    fn name(&self) -> &'static str {
        "played"
    }

    fn is_test(&self) -> bool {
        false
    }

    fn create<'a>(&'a self, charge: &'a Charge) -> BoxFuture<'a, Result<Created, GatewayAway>> {
        if self.0.lock().unwrap().is_silent { pending().boxed() } else { ready(self.make(charge)).boxed() }
    }

    fn status<'a>(&'a self, issued: &'a Issued) -> BoxFuture<'a, Result<ChargeStatus, GatewayAway>> {
        if self.0.lock().unwrap().is_silent {
            return pending().boxed();
        }
        let held = self.0.lock().unwrap().held.take();
        let Some((arrived, answer)) = held else { return ready(self.say(issued)).boxed() };
        async move {
            arrived.send(()).unwrap();
            Ok(answer.await.unwrap())
        }
        .boxed()
    }
}
