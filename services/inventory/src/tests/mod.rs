//! Stock through its routes and its events.

mod adjust_stock;
mod audit;
mod books;
mod event_order;
mod items;
mod order_events;
mod recipes;
mod reserve_stock;
mod sold_out;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::Query, routing::get};
use contracts::{
    audit::Actor,
    event::{OrderCompleted, OrderCreated, OrderExpired, OrderRevived, PaymentCompleted, PlacedItem, PlacedOrder},
    ids::{InventoryId, OptionId, OrderId, PaymentId, ProductId},
    inventory::{InventoryView, MoveReason, ReserveItem, StockMove},
    money::{Amount, Currency},
    order::StockCheck,
    payment::PaymentMethod,
    product::{OptionGroup, ProductCard, ProductOption},
};
use serde_json::{Value, json};
use testkit::{Client, Reply, World, product_card};

use crate::Inventory;

/// A storeroom of its own for one test.
struct Storeroom {
    world: World,
    client: Client,
    db: db::Db,
    /// For what the timers do: a test calls it instead of waiting.
    inventory: Inventory,
    menu: Menu,
}

/// One line of an order. A product and its quantity are a line without options, which no machine pours.
#[derive(Clone, Debug)]
struct Line(ReserveItem);

impl From<(ProductId, u32)> for Line {
    fn from((product_id, quantity): (ProductId, u32)) -> Self {
        Self(ReserveItem { product_id, quantity, options: Vec::new(), dispense_ml: None })
    }
}

/// The products that the stand-in for Product knows.
type Menu = Arc<Mutex<HashMap<String, ProductCard>>>;

/// A stub of Product that returns the cards of `menu`.
fn product_service(menu: &Menu) -> Router {
    let menu = Arc::clone(menu);
    let cards = move |Query(query): Query<HashMap<String, String>>| async move {
        let found: Option<ProductCard> = menu.lock().unwrap().get(&query["ids"]).cloned();
        web::Json(Vec::from_iter(found))
    };
    Router::new().route("/internal/Product/cards", get(cards))
}

impl Storeroom {
    async fn open() -> Self {
        let world = World::new().await;
        let menu = Menu::default();
        world.stub("product", product_service(&menu));
        let service = crate::open(world.context()).await.unwrap();
        let db = service.db.clone();
        let inventory = Inventory::new(db.clone(), world.clock.clone(), world.context().services.client("product"));
        let client = world.start(service).await;
        Self { world, client, db, inventory, menu }
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

    /// A product of the menu without options, which no machine pours.
    fn new_product(&self) -> ProductId {
        self.on_menu(product_card("Something", 25_000))
    }

    fn on_menu(&self, card: ProductCard) -> ProductId {
        let card = ProductCard { product_id: ProductId::new(self.world.clock.now()), ..card };
        self.menu.lock().unwrap().insert(card.product_id.to_string(), card.clone());
        card.product_id
    }

    /// A product with these options, one group of each; the option's millilitres come with its id.
    fn new_product_with(&self, dispense_ml: Option<u32>, deltas: &[i32]) -> (ProductId, Vec<OptionId>) {
        let options: Vec<OptionId> = deltas.iter().map(|_| OptionId::new(self.world.clock.now())).collect();
        let group = |(option_id, delta): (&OptionId, &i32)| OptionGroup {
            group_id: None,
            name: option_id.to_string(),
            min_choices: 0,
            max_choices: 1,
            options: vec![ProductOption {
                option_id: Some(*option_id),
                name: "Yes".into(),
                price_delta: Amount::ZERO,
                dispense_ml_delta: *delta,
            }],
        };
        let option_groups = options.iter().zip(deltas).map(group).collect();
        let is_dispensable = dispense_ml.is_some();
        let card = ProductCard { is_dispensable, dispense_ml, option_groups, ..product_card("Cold brew", 24_000) };
        (self.on_menu(card), options)
    }

    async fn write_recipe(&self, product_id: ProductId, recipe: Value) -> Reply {
        self.client.put(&format!("/api/Recipe/{product_id}"), recipe).await
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

    /// What is on hand, and what of it is reserved.
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

    async fn reserve<L: Into<Line> + Clone>(&self, order_id: OrderId, order_version: i64, items: &[L]) -> Reply {
        let items: Vec<ReserveItem> = items.iter().map(|line| line.clone().into().0).collect();
        self.reserve_items(order_id, order_version, json!(items)).await
    }

    async fn reserve_items(&self, order_id: OrderId, order_version: i64, items: Value) -> Reply {
        let request = json!({"orderVersion": order_version, "items": items});
        self.client.put(&format!("/internal/Reservation/{order_id}"), request).await
    }

    async fn release(&self, order_id: OrderId, order_version: i64) -> Reply {
        let release = json!({"orderVersion": order_version});
        self.client.post(&format!("/internal/Reservation/{order_id}/release"), release).await
    }

    async fn created<L: Into<Line> + Clone>(&self, order_id: OrderId, items: &[L]) {
        self.world.publish(&OrderCreated(self.placed(order_id, 1, items))).await;
    }

    async fn revived<L: Into<Line> + Clone>(&self, order_id: OrderId, order_version: i64, items: &[L]) {
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

    fn placed<L: Into<Line> + Clone>(&self, order_id: OrderId, order_version: i64, items: &[L]) -> PlacedOrder {
        let item = |(line, item): (u32, &L)| {
            let Line(ReserveItem { product_id, quantity, options, dispense_ml }) = item.clone().into();
            PlacedItem { line, product_id, product_name: "Something".into(), quantity, options, dispense_ml }
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
            placed_by: Actor::default(),
            at: self.world.clock.now(),
        }
    }

    async fn minutes_pass(&self, minutes: u64) {
        self.world.clock.advance(Duration::from_secs(minutes * 60));
        self.inventory.expire_reservations().await.unwrap();
        self.world.wait_until_idle().await;
    }
}

/// An id that nothing has.
const NOBODY: &str = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5";
