//! Whatever is done, in whatever order: the books balance.

use std::collections::BTreeMap;

use contracts::{
    ids::{InventoryId, OrderId, ProductId},
    inventory::MoveReason,
};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::json;

use super::Storeroom;
use crate::{
    model::Effect,
    store::{self},
};

/// Enough for every pair of steps to follow each other.
const STEPS: usize = 600;

/// An order of the test: what it has, and the version that it is at.
struct Order {
    id: OrderId,
    items: Vec<(ProductId, u32)>,
    version: i64,
}

struct Shop {
    room: Storeroom,
    products: Vec<ProductId>,
    items: Vec<InventoryId>,
    orders: Vec<Order>,
}

#[tokio::test]
async fn on_hand_is_the_sum_of_the_moves_and_reserved_is_what_open_orders_hold() {
    let seed = std::env::var("FNB_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    println!("FNB_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut shop = opened().await;
    for step in 0..STEPS {
        one_step(&mut shop, &mut random).await;
        if step % 100 == 99 {
            check_books(&shop).await;
        }
    }
    shop.room.world.redeliver_all_shuffled(seed).await;
    check_books(&shop).await;
}

/// Items of every policy, some low soon; products that are items, and products with recipes of several.
async fn opened() -> Shop {
    let room = Storeroom::open().await;
    let (mut products, mut items) = (Vec::new(), Vec::new());
    for (index, policy) in ["BLOCK", "WARN", "ALLOW", "BLOCK"].into_iter().enumerate() {
        let more = json!({"policy": policy, "lowLevel": 5 * index});
        let (product, item) = room.product(&format!("{policy} {index}"), 40, more).await;
        products.push(product);
        items.push(item);
    }
    for pair in [[0, 1], [2, 3], [1, 3]] {
        let product = room.new_product();
        let parts = pair.map(|index| json!({"inventoryId": items[index], "quantity": index + 1}));
        room.client.put(&format!("/api/Recipe/{product}"), json!({"parts": parts})).await.expect(200);
        products.push(product);
    }
    Shop { room, products, items, orders: Vec::new() }
}

async fn one_step(shop: &mut Shop, random: &mut impl Rng) {
    let room = &shop.room;
    let known = random.random_bool(0.7) && !shop.orders.is_empty();
    if !known {
        let count = random.random_range(1..=3);
        let items = (0..count).map(|_| (*shop.products.choose(random).unwrap(), random.random_range(1..=3))).collect();
        shop.orders.push(Order { id: room.new_order(), items, version: 1 });
    }
    let index = if known { random.random_range(0..shop.orders.len()) } else { shop.orders.len() - 1 };
    let order = &mut shop.orders[index];
    match random.random_range(0..12) {
        0 | 1 => drop(room.reserve(order.id, order.version, &order.items).await),
        2 | 3 => room.created(order.id, &order.items).await,
        4 | 5 => room.paid(order.id).await,
        6 => {
            order.version += 1;
            room.expired(order.id, order.version).await;
        }
        7 => {
            order.version += 1;
            drop(room.reserve(order.id, order.version, &order.items).await);
            if random.random_bool(0.5) {
                room.revived(order.id, order.version, &order.items).await;
            }
        }
        8 => room.completed(order.id, order.version + 1).await,
        9 => {
            // Another order by the same id, before it was placed.
            let items = [(*shop.products.choose(random).unwrap(), random.random_range(1..=3))];
            drop(room.reserve(order.id, 1, &items).await);
        }
        10 => {
            let reasons = [MoveReason::Received, MoveReason::Waste, MoveReason::Count, MoveReason::Correction];
            let item = *shop.items.choose(random).unwrap();
            drop(room.adjust(item, *reasons.choose(random).unwrap(), random.random_range(1..=20)).await);
        }
        _ => {
            let (product, item) = (*shop.products.choose(random).unwrap(), *shop.items.choose(random).unwrap());
            let parts = json!({"parts": [{"inventoryId": item, "quantity": random.random_range(1..=4)}]});
            room.client.put(&format!("/api/Recipe/{product}"), parts).await.expect(200);
            room.minutes_pass(random.random_range(0..=4)).await;
        }
    }
}

async fn check_books(shop: &Shop) {
    let orders = shop.room.db.read::<_, db::DbError, _>(store::all_orders).await.unwrap();
    let mut held: BTreeMap<InventoryId, i64> = BTreeMap::new();
    let mut taken: BTreeMap<InventoryId, i64> = BTreeMap::new();
    for order in &orders {
        assert_eq!(order.occupied.effect, order.wanted(), "{order:?}");
        let sums = match order.occupied.effect {
            Effect::Held => &mut held,
            Effect::Taken => &mut taken,
            Effect::None => continue,
        };
        for (item, quantity) in &order.occupied.parts {
            *sums.entry(*item).or_default() += quantity;
        }
    }
    for id in &shop.items {
        let (item, moves) = (shop.room.item(*id).await, shop.room.moves(*id).await);
        assert_eq!(item.on_hand, moves.iter().map(|row| row.quantity).sum::<i64>(), "{item:?}");
        assert_eq!(item.reserved, held.get(id).copied().unwrap_or_default(), "{item:?}");
        let sold = moves.iter().filter(|row| row.order_id.is_some()).map(|row| row.quantity).sum::<i64>();
        assert_eq!(-sold, taken.get(id).copied().unwrap_or_default(), "{item:?}");
        let mut on_hand = 0;
        for row in &moves {
            on_hand += row.quantity;
            assert_eq!(row.on_hand_after, on_hand, "{row:?}");
        }
    }
}
