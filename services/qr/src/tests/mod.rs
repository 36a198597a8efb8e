//! The service through its router and the events that it consumes.

mod clock;
mod devices;
mod events;
mod expiry;
mod leases;
mod redeem;
mod simulation;
mod staff;

use std::{borrow::Borrow, time::Duration};

use contracts::{
    Page,
    audit::Actor,
    device::{DeviceKind, DeviceView},
    event::{OrderCompleted, OrderCreated, OrderExpired, OrderRevived, PaymentCompleted, PlacedItem, PlacedOrder},
    ids::{DeviceId, Id, OrderId, PaymentId, ProductId},
    money::{Amount, Currency},
    order::StockCheck,
    payment::PaymentMethod,
    qr::{AttentionReason, AttentionView, CodeStatus, CodeView, ValidateCodeResponse},
    time::Timestamp,
};
use serde_json::{Value, json};
use testkit::{Client, Reply, World};
use uuid::Uuid;

use crate::commands::Codes;

/// Codes are valid for fifteen minutes by default.
const VALIDITY: Duration = Duration::from_secs(15 * 60);

/// A shop with this service alone.
struct Bar {
    world: World,
    client: Client,
    codes: Codes,
}

impl Bar {
    async fn open() -> Self {
        let world = World::new().await;
        let service = crate::open(world.context()).await.unwrap();
        let codes = Codes::new(service.db.clone(), world.context());
        let client = world.start(service).await;
        Self { world, client, codes }
    }

    fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// An order of a cake and this many lattes, which a device pours.
    fn order_of(&self, lattes: u32) -> PlacedOrder {
        let item = |line, product_name: &str, quantity, dispense_ml| {
            let product_id = ProductId::new(self.now());
            PlacedItem {
                line,
                product_id,
                product_name: product_name.into(),
                quantity,
                options: Vec::new(),
                dispense_ml,
            }
        };
        PlacedOrder {
            order_id: OrderId::new(self.now()),
            order_version: 1,
            order_number: "A-0042".into(),
            business_day: "2026-11-22".parse().unwrap(),
            total: Amount::whole(25_000),
            currency: Currency::IDR,
            stock: StockCheck::Reserved,
            items: vec![item(1, "Cake", 1, None), item(2, "Latte", lattes, Some(240))],
            placed_by: Actor::default(),
            at: self.now(),
        }
    }

    /// A paid order's codes.
    async fn paid_cups(&self, lattes: u32) -> Vec<CodeView> {
        let order = self.order_of(lattes);
        self.world.publish(&OrderCreated(order.clone())).await;
        self.world.publish(&self.payment_of(&order)).await;
        self.codes_of(order.order_id).await
    }

    /// A paid order of one latte.
    async fn paid_cup(&self) -> CodeView {
        self.paid_cups(1).await.remove(0)
    }

    fn payment_of(&self, order: &PlacedOrder) -> PaymentCompleted {
        PaymentCompleted {
            order_id: order.order_id,
            cups: order.cups(),
            payment_id: PaymentId::new(self.now()),
            method: PaymentMethod::Cash,
            amount: Amount::whole(25_000),
            currency: Currency::IDR,
            paid_at: self.now(),
            is_test: false,
        }
    }

    async fn codes_of(&self, order_id: OrderId) -> Vec<CodeView> {
        self.client.get(&format!("/api/QrCode/order/{order_id}")).await.read(200)
    }

    /// The code as it is now.
    async fn reload(&self, code: &CodeView) -> CodeView {
        let codes = self.codes_of(code.order_id).await;
        codes.into_iter().find(|now| now.code == code.code).unwrap()
    }

    async fn status(&self, code: &CodeView) -> CodeStatus {
        self.reload(code).await.status
    }

    /// The codes that the receipt in the cache shows.
    async fn on_receipt(&self, order_id: OrderId) -> Vec<CodeView> {
        let fields = self.codes.cache.get_fields(&contracts::receipt::cache_key(order_id)).await.unwrap();
        let part: contracts::receipt::ReceiptCodes = serde_json::from_str(&fields["qr"]).unwrap();
        part.codes
    }

    /// The dispenser of this name, which is paired the first time that a test names it.
    fn device(&self, name: &str) -> Client {
        let device_id = device_id(name);
        if self.world.context().access.device(device_id).is_none() {
            let dispenser = testkit::device(DeviceKind::Dispenser, self.now());
            self.world.credentials.pair(&DeviceView { device_id, name: name.into(), ..dispenser });
        }
        self.client.with_token(&self.world.credentials.device_token(device_id))
    }

    /// Sends a body to a path. Its `deviceId` says which device sends it, and is not sent; without one, staff do.
    async fn post(&self, path: &str, body: impl Borrow<Value>) -> Reply {
        let (sender, body) = self.sender_of(body.borrow());
        sender.post(path, body).await
    }

    /// Who sends this body, and the body that is sent.
    fn sender_of(&self, body: &Value) -> (Client, Value) {
        let mut body = body.clone();
        let device = body.as_object_mut().and_then(|body| body.remove("deviceId"));
        let sender = device.map_or_else(|| self.client.clone(), |name| self.device(name.as_str().unwrap()));
        (sender, body)
    }

    async fn validate(&self, body: Value) -> ValidateCodeResponse {
        self.post("/api/QrCode/validate", body).await.read(200)
    }

    /// A device's scan.
    async fn scan(&self, code: &CodeView, device: &str, attempt: &str) -> ValidateCodeResponse {
        self.validate(scan_of(code, device, attempt, "epoch-1")).await
    }

    /// A report of the device `seven`.
    async fn report(&self, code: &CodeView, grant: &ValidateCodeResponse, outcome: &str, poured_ms: u32) -> Reply {
        let report = json!({
            "dispenseId": grant.dispense_id, "deviceId": "seven", "outcome": outcome, "pouredMs": poured_ms,
        });
        self.post(&format!("/api/QrCode/{}/complete", code.code), report).await
    }

    async fn resolve(&self, code: &CodeView, decision: &str) -> Reply {
        self.client.post(&format!("/api/QrCode/{}/resolve", code.code), json!({ "decision": decision })).await
    }

    /// A page of the attention list.
    async fn attention(&self, query: &str) -> Page<AttentionView> {
        self.client.get(&format!("/api/QrCode/attention{query}")).await.read(200)
    }

    /// The first page of the attention list.
    async fn attention_list(&self) -> Vec<(CodeView, AttentionReason)> {
        self.attention("").await.items.into_iter().map(|waiting| (waiting.code, waiting.reason)).collect()
    }

    /// A cup of which the device `seven` poured half.
    async fn cup_in_review(&self) -> CodeView {
        let cup = self.paid_cup().await;
        let grant = self.scan(&cup, "seven", "one").await;
        self.report(&cup, &grant, "partial", 4000).await.read(200)
    }
}

/// The id of the device of this name.
fn device_id(name: &str) -> DeviceId {
    let mut bytes = [0; 16];
    for (byte, char) in bytes.iter_mut().zip(name.bytes()) {
        *byte = char;
    }
    Id::from_uuid(Uuid::from_bytes(bytes))
}

/// A device's scan, as [`Bar::post`] sends it.
fn scan_of(code: &CodeView, device: &str, attempt: &str, epoch: &str) -> Value {
    json!({ "code": code.code, "deviceId": device, "attemptId": attempt, "journalEpoch": epoch })
}

fn expired(order: &PlacedOrder, order_version: i64) -> OrderExpired {
    OrderExpired { order_id: order.order_id, order_version, cups: order.cups() }
}

fn completed(order: &PlacedOrder, order_version: i64) -> OrderCompleted {
    OrderCompleted { order_id: order.order_id, order_version, cups: order.cups() }
}

fn revived(order: &PlacedOrder, order_version: i64) -> OrderRevived {
    OrderRevived(PlacedOrder { order_version, ..order.clone() })
}
