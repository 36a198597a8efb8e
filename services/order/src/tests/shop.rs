//! A shop to test in: Order, and stubs of the services that it calls.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use contracts::{
    event::PaymentCompleted,
    ids::{OptionGroupId, OptionId, OrderId, PaymentId},
    inventory::{ReleaseStock, ReserveStock},
    money::{Amount, Currency},
    order::OrderView,
    payment::{CloseOrder, PaymentMethod},
    product::{OptionGroup, ProductCard, ProductOption},
    qr::{CodeStatus, CodeView},
    receipt::ReceiptPayment,
    time::Timestamp,
};
use host::Timer;
use serde_json::{Value, json};
use testkit::{Client, World, product_card};
use tokio::sync::oneshot;

/// What Inventory does with a reservation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Inventory {
    Reserves,
    RanOut,
    /// The first order that asks gets the last piece.
    HasOnlyOne,
    Unavailable,
    /// It has another order of this id.
    HasAnotherOrder,
    /// It refuses the request itself.
    Rejects,
}

/// What Payment answers about an order's money.
#[derive(Clone)]
pub(super) enum Payment {
    TookNothing,
    Took(OrderId, ReceiptPayment),
    /// It takes the money in the moment in which Order asks to close the order.
    TakesBeforeClose(OrderId, ReceiptPayment),
    Unavailable,
    /// It fails for these orders.
    FailsFor(Vec<OrderId>),
}

/// A reservation that Inventory answers only when the test lets it.
pub(super) struct Gate {
    does: Inventory,
    arrived: oneshot::Sender<()>,
    go_on: oneshot::Receiver<()>,
}

/// A shop with a latte (with sizes), a croissant, and a cold brew that a machine pours.
pub(super) struct TestShop {
    pub(super) world: World,
    pub(super) client: Client,
    expiry: Timer,
    pub(super) latte: ProductCard,
    pub(super) croissant: ProductCard,
    pub(super) cold_brew: ProductCard,
    menu: Arc<Mutex<Vec<ProductCard>>>,
    inventory: Arc<Mutex<Inventory>>,
    gate: Arc<Mutex<Option<Gate>>>,
    payment: Arc<Mutex<Payment>>,
    /// What Inventory was asked to reserve: (order, version).
    pub(super) reservations: Arc<Mutex<Vec<(String, i64)>>>,
    /// What Inventory was asked to release: (order, version).
    pub(super) released: Arc<Mutex<Vec<(String, i64)>>>,
    /// What Payment was asked to close: (order, version).
    pub(super) closed: Arc<Mutex<Vec<(OrderId, i64)>>>,
}

impl TestShop {
    pub(super) async fn open() -> Self {
        Self::open_in(World::new().await).await
    }

    pub(super) async fn open_in(world: World) -> Self {
        let latte = ProductCard { option_groups: vec![sizes()], ..product_card("Latte", 28_000) };
        let croissant = product_card("Croissant", 22_000);
        let cold_brew =
            ProductCard { is_dispensable: true, dispense_ml: Some(240), ..product_card("Cold brew", 24_000) };
        let menu = Arc::new(Mutex::new(vec![latte.clone(), croissant.clone(), cold_brew.clone()]));
        let inventory = Arc::new(Mutex::new(Inventory::Reserves));
        let (reservations, released) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let gate = Arc::new(Mutex::new(None));
        let closed = Arc::new(Mutex::new(Vec::new()));

        world.stub("product", product(Arc::clone(&menu)));
        let stock = stock(Arc::clone(&inventory), Arc::clone(&gate), Arc::clone(&reservations));
        let payment = Arc::new(Mutex::new(Payment::TookNothing));
        world
            .stub("payment", receipts(Arc::clone(&payment)).merge(closings(Arc::clone(&payment), Arc::clone(&closed))));
        world.stub("inventory", stock.merge(releases(Arc::clone(&released))));
        let service = crate::open(world.context()).await.unwrap();
        let expiry = service.timers[0].clone();
        let client = world.start(service).await;
        Self {
            world,
            client,
            expiry,
            latte,
            croissant,
            cold_brew,
            menu,
            inventory,
            gate,
            payment,
            reservations,
            released,
            closed,
        }
    }

    /// Another process of the same service, on the same database.
    pub(super) async fn second_process(&self) -> Client {
        self.world.client(&crate::open(self.world.context()).await.unwrap().router)
    }

    /// Runs the timer that expires unpaid orders.
    pub(super) async fn expire(&self) {
        self.try_to_expire().await.unwrap();
    }

    /// The same, if it may fail.
    pub(super) async fn try_to_expire(&self) -> Result<(), String> {
        (self.expiry.run)().await.map_err(|error| errors::chain(&*error).to_string())
    }

    /// Changes what Product answers from now on, for what is not in the cache yet.
    pub(super) fn change_menu(&self, change: impl FnOnce(&mut Vec<ProductCard>)) {
        change(&mut self.menu.lock().unwrap());
    }

    pub(super) fn inventory(&self, does: Inventory) {
        *self.inventory.lock().unwrap() = does;
    }

    pub(super) fn payment(&self, answers: Payment) {
        *self.payment.lock().unwrap() = answers;
    }

    /// Holds the next reservation. Returns a receiver that completes when it has arrived, and a sender that releases it.
    pub(super) fn hold_next_reservation(&self, does: Inventory) -> (oneshot::Receiver<()>, oneshot::Sender<()>) {
        let ((arrived, asked), (answer, go_on)) = (oneshot::channel(), oneshot::channel());
        *self.gate.lock().unwrap() = Some(Gate { does, arrived, go_on });
        (asked, answer)
    }

    /// One croissant, ordered at the counter.
    pub(super) fn croissant_order(&self) -> Value {
        json!({ "items": [{ "productId": self.croissant.product_id, "quantity": 1 }], "totalAmount": 22_000 })
    }

    /// Cold brews, ordered at a kiosk.
    pub(super) fn cold_brew_order(&self, quantity: u32) -> Value {
        json!({
            "items": [{ "productId": self.cold_brew.product_id, "quantity": quantity }],
            "totalAmount": 24_000 * quantity, "channel": "KIOSK",
        })
    }

    /// A large latte.
    pub(super) fn latte_item(&self) -> Value {
        let large = self.latte.option_groups[0].options[1].option_id;
        json!({ "productId": self.latte.product_id, "quantity": 1, "options": [large] })
    }

    pub(super) async fn place(&self, order: Value) -> OrderView {
        self.client.post("/api/Order", order).await.read(201)
    }

    pub(super) async fn order(&self, order_id: OrderId) -> OrderView {
        self.client.get(&format!("/api/Order/{order_id}")).await.read(200)
    }

    /// Publishes, as Payment does, that an order is paid.
    pub(super) async fn pay(&self, order: &OrderView) -> PaymentCompleted {
        let payment = payment_of(order, self.world.clock.now());
        self.world.publish(&payment).await;
        payment
    }
}

pub(super) fn payment_of(order: &OrderView, paid_at: Timestamp) -> PaymentCompleted {
    PaymentCompleted {
        order_id: order.order_id,
        cups: contracts::order::dispensable_cups(&order.items),
        payment_id: PaymentId::new(paid_at),
        method: PaymentMethod::Cash,
        amount: order.price.total,
        currency: order.price.currency,
        paid_at,
        is_test: false,
    }
}

/// The same payment, as Payment writes it on the receipt.
pub(super) fn on_receipt(payment: &PaymentCompleted) -> ReceiptPayment {
    ReceiptPayment {
        payment_id: payment.payment_id,
        method: payment.method,
        paid_at: payment.paid_at,
        rounding: Amount::ZERO,
        due: payment.amount,
        tendered: None,
        change: None,
        is_test: payment.is_test,
    }
}

/// A cup of an order's first line, as QR publishes it.
pub(super) fn cup(order: &OrderView, unit: u32, status: CodeStatus, version: i64) -> CodeView {
    CodeView {
        code: format!("QR-20261122-{unit:016}"),
        order_id: order.order_id,
        line: 1,
        unit,
        cup: format!("{unit}/{}", order.items[0].quantity),
        product_id: order.items[0].product_id,
        product_name: order.items[0].product_name.clone(),
        dispense_ml: 240,
        status,
        expires_at: order.placed_at,
        device_id: None,
        version,
    }
}

fn sizes() -> OptionGroup {
    let option = |name: &str, price| ProductOption {
        option_id: Some(OptionId::new(Timestamp(0))),
        name: name.into(),
        price_delta: Amount::whole(price),
        dispense_ml_delta: 0,
    };
    OptionGroup {
        group_id: Some(OptionGroupId::new(Timestamp(0))),
        name: "Size".into(),
        min_choices: 1,
        max_choices: 1,
        options: vec![option("Regular", 0), option("Large", 6_000)],
    }
}

fn product(menu: Arc<Mutex<Vec<ProductCard>>>) -> Router {
    let cards = move |Query(query): Query<HashMap<String, String>>| async move {
        let asked = query.get("ids").cloned().unwrap_or_default();
        let menu = menu.lock().unwrap();
        let found = menu.iter().filter(|card| asked.split(',').any(|id| id == card.product_id.to_string()));
        Json(found.cloned().collect::<Vec<_>>())
    };
    Router::new().route("/internal/Product/cards", get(cards))
}

fn stock(
    inventory: Arc<Mutex<Inventory>>,
    gate: Arc<Mutex<Option<Gate>>>,
    reservations: Arc<Mutex<Vec<(String, i64)>>>,
) -> Router {
    let reserve = move |Path(order_id): Path<String>, Json(asked): Json<ReserveStock>| async move {
        let is_first = {
            let mut reservations = reservations.lock().unwrap();
            reservations.push((order_id, asked.order_version));
            reservations[0].0 == reservations[reservations.len() - 1].0
        };
        let gate = gate.lock().unwrap().take();
        let does = match gate {
            Some(Gate { does, arrived, go_on }) => {
                arrived.send(()).unwrap();
                go_on.await.unwrap();
                does
            }
            None => *inventory.lock().unwrap(),
        };
        match does {
            Inventory::Reserves => Json(json!({})).into_response(),
            Inventory::HasOnlyOne if is_first => Json(json!({})).into_response(),
            Inventory::Unavailable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            Inventory::RanOut | Inventory::HasOnlyOne => refusal(409, "out-of-stock", "Croissant: 1 wanted, 0 left."),
            Inventory::HasAnotherOrder => refusal(409, "order-id-taken", "The order id is another order's."),
            Inventory::Rejects => refusal(422, "invalid-body", "orderVersion: missing."),
        }
    };
    Router::new().route("/internal/Reservation/{orderId}", put(reserve))
}

fn receipts(payment: Arc<Mutex<Payment>>) -> Router {
    let receipt = move |Path(asked): Path<OrderId>| async move {
        match payment.lock().unwrap().clone() {
            Payment::Took(order_id, payment) if order_id == asked => Json(payment).into_response(),
            Payment::FailsFor(orders) if orders.contains(&asked) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Payment::Unavailable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            _ => Json(Value::Null).into_response(),
        }
    };
    Router::new().route("/internal/Payment/receipt/{orderId}", get(receipt))
}

fn closings(payment: Arc<Mutex<Payment>>, closed: Arc<Mutex<Vec<(OrderId, i64)>>>) -> Router {
    let close = move |Path(asked): Path<OrderId>, Json(close): Json<CloseOrder>| async move {
        closed.lock().unwrap().push((asked, close.order_version));
        match payment.lock().unwrap().clone() {
            Payment::Took(order_id, payment) | Payment::TakesBeforeClose(order_id, payment) if order_id == asked => {
                Json(payment).into_response()
            }
            Payment::FailsFor(orders) if orders.contains(&asked) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Payment::Unavailable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            _ => Json(Value::Null).into_response(),
        }
    };
    Router::new().route("/internal/Payment/order/{orderId}/close", post(close))
}

fn releases(released: Arc<Mutex<Vec<(String, i64)>>>) -> Router {
    let release = move |Path(order_id): Path<String>, Json(asked): Json<ReleaseStock>| async move {
        released.lock().unwrap().push((order_id, asked.order_version));
        Json(json!({}))
    };
    Router::new().route("/internal/Reservation/{orderId}/release", post(release))
}

fn refusal(status: u16, slug: &str, detail: &str) -> Response {
    let problem = json!({
        "type": format!("/problems/{slug}"), "title": slug, "status": status, "detail": detail,
        "context": { "shortages": [] },
    });
    (StatusCode::from_u16(status).unwrap(), Json(problem)).into_response()
}

/// The currency of these shops.
pub(super) const CURRENCY: Currency = Currency::IDR;
