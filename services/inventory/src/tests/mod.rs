//! Stock through its routes and its events.

mod adjusting;
mod books;
mod events;
mod items;
mod orders;
mod recipes;
mod reserving;

use std::time::Duration;

use contracts::{
    event::{OrderCompleted, OrderCreated, OrderExpired, OrderRevived, PaymentCompleted, PlacedItem, PlacedOrder},
    ids::{InventoryId, OrderId, PaymentId, ProductId},
    inventory::{InventoryView, MoveReason, StockMove},
    money::{Amount, Currency},
    order::StockCheck,
    payment::PaymentMethod,
};
use serde_json::{Value, json};
use testkit::{Client, Reply, World};

use crate::Inventory;

/// A storeroom of its own for one test.
struct Storeroom {
    world: World,
    client: Client,
    db: db::Db,
    /// For what the timer does: a test calls it instead of waiting.
    inventory: Inventory,
}

impl Storeroom {
    async fn open() -> Self {
        let world = World::new().await;
        let service = crate::open(world.context()).await.unwrap();
        let db = service.db.clone();
        let inventory = Inventory::new(db.clone(), world.clock.clone());
        let client = world.start(service).await;
        Self { world, client, db, inventory }
    }

    /// An item of which `on_hand` were delivered. `more` goes into the request, such as its policy.
    async fn stocked(&self, name: &str, on_hand: i64, more: Value) -> InventoryId {
        let mut item = json!({"name": name, "unit": "piece"});
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made: InventoryView = self.client.post("/api/Inventory", item).await.read(201);
        if on_hand > 0 {
            self.adjust(made.inventory_id, MoveReason::Received, on_hand).await.expect(200);
        }
        made.inventory_id
    }

    /// A product that is one item, of which `on_hand` are there.
    async fn product(&self, name: &str, on_hand: i64, more: Value) -> (ProductId, InventoryId) {
        let product_id = self.new_product();
        let mut with_product = json!({"productId": product_id});
        with_product.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        (product_id, self.stocked(name, on_hand, with_product).await)
    }

    fn new_product(&self) -> ProductId {
        ProductId::new(self.world.clock.now())
    }

    fn new_order(&self) -> OrderId {
        OrderId::new(self.world.clock.now())
    }

    async fn adjust(&self, id: InventoryId, reason: MoveReason, quantity: i64) -> Reply {
        let adjust = json!({"reason": reason, "quantity": quantity});
        self.client.post(&format!("/api/Inventory/{id}/adjust"), adjust).await
    }

    async fn item(&self, id: InventoryId) -> InventoryView {
        self.client.get(&format!("/api/Inventory/{id}")).await.read(200)
    }

    /// What is there, and what of it is reserved.
    async fn levels(&self, id: InventoryId) -> (i64, i64) {
        let item = self.item(id).await;
        (item.on_hand, item.reserved)
    }

    /// Every movement of an item, the oldest first.
    async fn moves(&self, id: InventoryId) -> Vec<StockMove> {
        let mut moves = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/api/StockMovement/{id}?limit=200{cursor}");
            let page: contracts::Page<StockMove> = self.client.get(&path).await.read(200);
            moves.extend(page.items);
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        moves.reverse();
        moves
    }

    async fn reserve(&self, order_id: OrderId, order_version: i64, items: &[(ProductId, u32)]) -> Reply {
        let items: Vec<Value> =
            items.iter().map(|(product_id, quantity)| json!({"productId": product_id, "quantity": quantity})).collect();
        let asked = json!({"orderVersion": order_version, "items": items});
        self.client.put(&format!("/internal/Reservation/{order_id}"), asked).await
    }

    async fn release(&self, order_id: OrderId, order_version: i64) -> Reply {
        let released = json!({"orderVersion": order_version});
        self.client.post(&format!("/internal/Reservation/{order_id}/release"), released).await
    }

    async fn created(&self, order_id: OrderId, items: &[(ProductId, u32)]) {
        self.world.publish(&OrderCreated(self.placed(order_id, 1, items))).await;
    }

    async fn revived(&self, order_id: OrderId, order_version: i64, items: &[(ProductId, u32)]) {
        self.world.publish(&OrderRevived(self.placed(order_id, order_version, items))).await;
    }

    async fn expired(&self, order_id: OrderId, order_version: i64) {
        self.world.publish(&OrderExpired { order_id, order_version, cups: 0 }).await;
    }

    async fn completed(&self, order_id: OrderId, order_version: i64) {
        self.world.publish(&OrderCompleted { order_id, order_version, cups: 0 }).await;
    }

    async fn paid(&self, order_id: OrderId) {
        let now = self.world.clock.now();
        self.world
            .publish(&PaymentCompleted {
                order_id,
                cups: 0,
                payment_id: PaymentId::new(now),
                method: PaymentMethod::Cash,
                amount: Amount::whole(25_000),
                currency: Currency::IDR,
                paid_at: now,
                is_test: false,
            })
            .await;
    }

    fn placed(&self, order_id: OrderId, order_version: i64, items: &[(ProductId, u32)]) -> PlacedOrder {
        let item = |(line, (product_id, quantity)): (u32, &(ProductId, u32))| PlacedItem {
            line,
            product_id: *product_id,
            product_name: "Something".into(),
            quantity: *quantity,
            options: Vec::new(),
            dispense_ml: None,
        };
        PlacedOrder {
            order_id,
            order_version,
            order_number: "A-0001".into(),
            business_day: "2026-11-22".parse().unwrap(),
            total: Amount::whole(25_000),
            currency: Currency::IDR,
            stock: StockCheck::Reserved,
            items: (1..).zip(items).map(item).collect(),
            at: self.world.clock.now(),
        }
    }

    async fn minutes_pass(&self, minutes: u64) {
        self.world.clock.advance(Duration::from_secs(minutes * 60));
        self.inventory.lapse_unconfirmed().await.unwrap();
        self.world.settle().await;
    }
}

/// An id that nothing has.
const NOBODY: &str = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5";
