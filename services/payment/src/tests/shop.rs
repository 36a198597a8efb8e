//! A shop to test in: the service, an Order and a gateway that answer what the test sets.

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
    audit::Actor,
    device::{DeviceKind, DeviceRef},
    event::{EventData, OrderCreated, PlacedItem, PlacedOrder},
    ids::{OrderId, PaymentId, ProductId},
    money::{Amount, Currency},
    order::{AmountDue, OrderStatus, StockCheck},
    payment::{PaymentStatus, PaymentView},
    receipt::Receipt,
    staff::Role,
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
    gateways::{
        Charge, ChargeReference, ChargeStatus, CreatedCharge, GATEWAY_TIMEOUT, GatewayClient, GatewayError, Merchant,
        QrisGateway, emvco,
    },
    model::{AmountDueRow, Payment},
    store,
};

/// A shop with Payment, and stubs of Order and the gateway.
pub(super) struct TestShop {
    pub(super) world: World,
    pub(super) client: Client,
    pub(super) orders: OrderStub,
    pub(super) gateway: Arc<GatewayStub>,
    pub(super) db: db::Db,
    poll_timer: Timer,
}

/// How many cups machines pour of every order.
pub(super) const CUPS: u32 = 2;

/// How long a charge of the gateway stub can be paid.
pub(super) const CHARGE_TTL: Duration = Duration::from_secs(3_600);

impl TestShop {
    /// With a gateway stub.
    pub(super) async fn new() -> Self {
        Self::in_world(World::new().await).await
    }

    pub(super) async fn in_world(world: World) -> Self {
        Self::with_gateway_timeout(world, GATEWAY_TIMEOUT).await
    }

    pub(super) async fn with_gateway_timeout(world: World, timeout: Duration) -> Self {
        let gateway = Arc::new(GatewayStub::default());
        let client = GatewayClient::new(gateway.clone(), timeout);
        let service = crate::open_with_gateway(world.context(), Some(client), Duration::from_secs(1)).await.unwrap();
        Self::with_service(world, gateway, service).await
    }

    /// Opened as `fnb up` does, with these settings.
    pub(super) async fn with_settings(qris: Option<QrisSettings>) -> Self {
        let world = World::new().await;
        let service = crate::open(world.context(), PaymentSettings { qris }).await.unwrap();
        Self::with_service(world, Arc::default(), service).await
    }

    /// The same shop, opened again without any gateway.
    pub(super) async fn reopened_without_gateway(self) -> Self {
        self.world.stop().await;
        let mut service = crate::open(self.world.context(), PaymentSettings::default()).await.unwrap();
        let (db, poll_timer) = (service.db.clone(), service.timers.remove(0));
        let client = self.world.start(service).await;
        Self { client, db, poll_timer, ..self }
    }

    async fn with_service(world: World, gateway: Arc<GatewayStub>, mut service: host::Service) -> Self {
        let orders = OrderStub::default();
        world.stub("order", orders.router());
        let db = service.db.clone();
        // The test runs the timer itself.
        let poll_timer = service.timers.remove(0);
        let client = world.start(service).await;
        Self { world, client, orders, gateway, db, poll_timer }
    }

    /// Moves the clock and polls the gateway about what is then due.
    pub(super) async fn advance_and_poll(&self, time: Duration) {
        self.world.clock.advance(time);
        (self.poll_timer.run)().await.unwrap();
        self.wait_until_idle().await;
    }

    /// Waits until every published event was consumed.
    pub(super) async fn wait_until_idle(&self) {
        self.world.wait_until_idle().await;
    }

    /// The events of this kind that were published so far.
    pub(super) fn published<D: EventData>(&self) -> Vec<D> {
        self.world.published()
    }

    /// Places an order; Payment has consumed its event.
    pub(super) async fn place_order(&self, total: i64) -> OrderId {
        let order_id = self.orders.place(total, self.world.clock.now());
        self.world.publish(&OrderCreated(self.placed_order(order_id, 1, total))).await;
        order_id
    }

    /// A kiosk's client: no person is signed in.
    pub(super) fn kiosk(&self) -> Client {
        self.client.with_token(&self.world.credentials.device(DeviceKind::Kiosk))
    }

    /// A cashier's client.
    pub(super) fn cashier(&self) -> Client {
        self.client.with_token(&self.world.credentials.staff(Role::Cashier))
    }

    /// The data of OrderCreated and OrderRevived.
    pub(super) fn placed_order(&self, order_id: OrderId, order_version: i64, total: i64) -> PlacedOrder {
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
            placed_by: self.orders.placed_by(order_id),
            at,
        }
    }

    pub(super) async fn pay_cash(&self, order_id: OrderId, amount: i64, tendered: i64) -> testkit::Reply {
        self.client.post("/api/Payment", cash(order_id, amount, tendered)).await
    }

    pub(super) async fn pay_qris(&self, order_id: OrderId, amount: i64) -> testkit::Reply {
        self.client.post("/api/Payment", qris(order_id, amount)).await
    }

    /// Shows a QR code for an order.
    pub(super) async fn show_qr(&self, order_id: OrderId, amount: i64) -> PaymentView {
        self.pay_qris(order_id, amount).await.read(201)
    }

    pub(super) async fn payment(&self, payment_id: PaymentId) -> PaymentView {
        self.client.get(&format!("/api/Payment/{payment_id}")).await.read(200)
    }

    /// The statuses of an order's payments, newest first.
    pub(super) async fn statuses(&self, order_id: OrderId) -> Vec<PaymentStatus> {
        let payments: Vec<PaymentView> = self.client.get(&format!("/api/Payment/order/{order_id}")).await.read(200);
        payments.iter().map(|payment| payment.status).collect()
    }

    /// Each payment and the sum of its movements in the ledger.
    pub(super) async fn balances(&self) -> Vec<(Payment, i64)> {
        self.db.read::<_, DbError, _>(store::list_balances).await.unwrap()
    }

    /// The movements of a payment in the ledger.
    pub(super) async fn transactions(&self, payment_id: PaymentId) -> Vec<(String, i64)> {
        self.db.read::<_, DbError, _>(move |tx| store::list_transactions(tx, payment_id)).await.unwrap()
    }

    pub(super) async fn amounts_due(&self) -> Vec<AmountDueRow> {
        self.db.read::<_, DbError, _>(store::list_amounts_due).await.unwrap()
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

/// Order, as far as Payment calls it.
#[derive(Clone, Default)]
pub(super) struct OrderStub(Arc<Mutex<OrderAnswers>>);

#[derive(Default)]
struct OrderAnswers {
    due: HashMap<OrderId, AmountDue>,
    receipts: HashMap<OrderId, Receipt>,
    is_unavailable: bool,
}

impl OrderStub {
    /// An order whose event Payment has not consumed.
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
            device_id: None,
        };
        self.0.lock().unwrap().due.insert(order_id, due);
        order_id
    }

    /// The same, of a kiosk.
    pub(super) fn place_at_kiosk(&self, total: i64, now: Timestamp) -> OrderId {
        let order_id = self.place(total, now);
        let device_id = Some(testkit::device_id(DeviceKind::Kiosk));
        self.0.lock().unwrap().due.get_mut(&order_id).unwrap().device_id = device_id;
        order_id
    }

    fn placed_by(&self, order_id: OrderId) -> Actor {
        let device_id = self.0.lock().unwrap().due.get(&order_id).and_then(|due| due.device_id);
        let device = device_id.map(|device_id| DeviceRef { device_id, name: "Kiosk 1".into() });
        Actor { device, ..Actor::default() }
    }

    pub(super) fn set_status(&self, order_id: OrderId, status: OrderStatus, version: i64) {
        let mut answers = self.0.lock().unwrap();
        let due = answers.due.get_mut(&order_id).unwrap();
        (due.status, due.version) = (status, version);
    }

    pub(super) fn set_receipt(&self, receipt: Receipt) {
        self.0.lock().unwrap().receipts.insert(receipt.order_id, receipt);
    }

    pub(super) fn set_unavailable(&self) {
        self.0.lock().unwrap().is_unavailable = true;
    }

    fn router(&self) -> Router {
        Router::new()
            .route("/internal/Order/{order_id}/due", get(get_amount_due))
            .route("/internal/Order/{order_id}/receipt", get(get_receipt))
            .with_state(self.clone())
    }
}

async fn get_amount_due(State(orders): State<OrderStub>, Path(order_id): Path<OrderId>) -> Response {
    let answers = orders.0.lock().unwrap();
    answer(answers.is_unavailable, answers.due.get(&order_id))
}

async fn get_receipt(State(orders): State<OrderStub>, Path(order_id): Path<OrderId>) -> Response {
    let answers = orders.0.lock().unwrap();
    answer(answers.is_unavailable, answers.receipts.get(&order_id))
}

fn answer<T: serde::Serialize>(is_unavailable: bool, found: Option<&T>) -> Response {
    match found {
        _ if is_unavailable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(found) => Json(found).into_response(),
        None => web::Problem::not_found("order", "of this id").into_response(),
    }
}

/// A gateway that answers what the test sets. Unless it is set, no charge is paid.
#[derive(Default)]
pub(super) struct GatewayStub(Mutex<GatewayAnswers>);

#[derive(Default)]
struct GatewayAnswers {
    statuses: HashMap<String, ChargeStatus>,
    charges_created: u32,
    is_unavailable: bool,
    hangs: bool,
    held_call: Option<(oneshot::Sender<()>, oneshot::Receiver<ChargeStatus>)>,
}

impl GatewayStub {
    /// Holds the next status call: the receiver learns that it was called, the sender gives it its answer.
    pub(super) fn hold_next_status_call(&self) -> (oneshot::Receiver<()>, oneshot::Sender<ChargeStatus>) {
        let ((called, was_called), (answer, answered)) = (oneshot::channel(), oneshot::channel());
        self.0.lock().unwrap().held_call = Some((called, answered));
        (was_called, answer)
    }

    /// From now on this is the status of a payment's charge.
    pub(super) fn set_status(&self, payment: &PaymentView, status: ChargeStatus) {
        self.0.lock().unwrap().statuses.insert(payment.reference.clone().unwrap(), status);
    }

    pub(super) fn set_unavailable(&self) {
        self.0.lock().unwrap().is_unavailable = true;
    }

    pub(super) fn set_available(&self) {
        self.0.lock().unwrap().is_unavailable = false;
    }

    /// From now on its calls never end.
    pub(super) fn stop_answering(&self) {
        self.0.lock().unwrap().hangs = true;
    }

    pub(super) fn charges_created(&self) -> u32 {
        self.0.lock().unwrap().charges_created
    }

    fn create_now(&self, charge: &Charge) -> Result<CreatedCharge, GatewayError> {
        let mut answers = self.0.lock().unwrap();
        if answers.is_unavailable {
            return Err(GatewayError::Unavailable("out of order".into()));
        }
        answers.charges_created += 1;
        let payload = emvco::dynamic_payload(&Merchant::of("Kopi", "Jakarta"), charge.amount, &charge.order_number);
        let expires_at = charge.created_at + CHARGE_TTL;
        Ok(CreatedCharge { payload, reference: format!("qr-{}", charge.payment_id), expires_at, is_paid: false })
    }

    fn status_now(&self, charge: &ChargeReference) -> Result<ChargeStatus, GatewayError> {
        let answers = self.0.lock().unwrap();
        if answers.is_unavailable {
            return Err(GatewayError::Unavailable("out of order".into()));
        }
        Ok(answers.statuses.get(&charge.reference).copied().unwrap_or(ChargeStatus::Pending))
    }
}

impl QrisGateway for GatewayStub {
    fn name(&self) -> &'static str {
        "stub"
    }

    fn is_test(&self) -> bool {
        false
    }

    fn create<'a>(&'a self, charge: &'a Charge) -> BoxFuture<'a, Result<CreatedCharge, GatewayError>> {
        if self.0.lock().unwrap().hangs { pending().boxed() } else { ready(self.create_now(charge)).boxed() }
    }

    fn status<'a>(&'a self, charge: &'a ChargeReference) -> BoxFuture<'a, Result<ChargeStatus, GatewayError>> {
        if self.0.lock().unwrap().hangs {
            return pending().boxed();
        }
        let held_call = self.0.lock().unwrap().held_call.take();
        let Some((called, answer)) = held_call else { return ready(self.status_now(charge)).boxed() };
        async move {
            called.send(()).unwrap();
            Ok(answer.await.unwrap())
        }
        .boxed()
    }
}
