//! Whatever is done, in whatever order: the books balance.

use std::collections::BTreeMap;

use contracts::{
    ids::{InventoryId, OptionId, OrderId},
    inventory::{MoveReason, ReserveItem},
};
use futures::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::json;

use super::{Line, Storeroom};
use crate::{model::StockEffect, store};

/// Enough for every pair of steps to follow each other, and to run at once.
const GROUPS: usize = 150;
/// How many steps are done at once: as many transactions wait for each other as PostgreSQL runs.
const STEPS_AT_ONCE: usize = 4;

/// An order of the test: what it has, and the version that it is at.
#[derive(Clone)]
struct Order {
    id: OrderId,
    items: Vec<Line>,
    version: i64,
}

struct TestShop {
    room: Storeroom,
    /// One of each product, with every choice of its options.
    products: Vec<ReserveItem>,
    items: Vec<InventoryId>,
    orders: Vec<Order>,
}

#[tokio::test]
async fn on_hand_is_the_sum_of_the_moves_and_reserved_is_what_open_orders_hold() {
    let seed = testkit::seed();
    let mut random = StdRng::seed_from_u64(seed);
    let mut shop = opened().await;
    for group in 0..GROUPS {
        steps_at_once(&mut shop, &mut random).await;
        if group % 25 == 24 {
            check_books(&shop).await;
        }
    }
    shop.room.world.redeliver_all_shuffled(seed).await;
    check_books(&shop).await;
}

/// Items of every policy, some low soon; products that are counted as items, products with recipes of several, and one
/// from a keg whose options change its recipe.
async fn opened() -> TestShop {
    let room = Storeroom::open().await;
    let (mut products, mut items) = (Vec::new(), Vec::new());
    for (index, policy) in ["BLOCK", "WARN", "ALLOW", "BLOCK"].into_iter().enumerate() {
        let more = json!({"policy": policy, "lowLevel": 5 * index});
        let (product, item) = room.product(&format!("{policy} {index}"), 40, more).await;
        products.push(Line::from((product, 1)).0);
        items.push(item);
    }
    for pair in [[0, 1], [2, 3], [1, 3]] {
        let product = room.new_product();
        let parts = pair.map(|index| json!({"inventoryId": items[index], "quantity": index + 1}));
        room.client.put(&format!("/api/Recipe/{product}"), json!({"parts": parts})).await.expect(200);
        products.push(Line::from((product, 1)).0);
    }
    products.extend(dispensed(&room, &items).await);
    TestShop { room, products, items, orders: Vec::new() }
}

/// A drink from a keg: a large one takes another cup, a strong one adds something.
async fn dispensed(room: &Storeroom, items: &[InventoryId]) -> Vec<ReserveItem> {
    let (product_id, options) = room.new_product_with(Some(6), &[3, 0]);
    let (large, strong) = (options[0], options[1]);
    let recipe = json!({
        "parts": [{"inventoryId": items[0], "takesDispensed": true}, {"inventoryId": items[1], "quantity": 1}],
        "options": [
            {"optionId": large, "replace": [{"inventoryId": items[1], "byInventoryId": items[2]}]},
            {"optionId": strong, "add": [{"inventoryId": items[3], "quantity": 2}]},
        ],
    });
    room.write_recipe(product_id, recipe).await.expect(200);
    let cup = |options: &[OptionId]| {
        let dispense_ml = Some(if options.contains(&large) { 9 } else { 6 });
        ReserveItem { product_id, quantity: 1, options: options.to_vec(), dispense_ml }
    };
    vec![cup(&[]), cup(&[large]), cup(&[strong]), cup(&[strong, large])]
}

async fn steps_at_once(shop: &mut TestShop, random: &mut impl Rng) {
    let TestShop { room, products, items, orders } = shop;
    let steps: Vec<_> = (0..STEPS_AT_ONCE).map(|_| step(room, products, items, orders, random)).collect();
    join_all(steps).await;
}

fn step<'a>(
    room: &'a Storeroom,
    products: &[ReserveItem],
    items: &[InventoryId],
    orders: &mut Vec<Order>,
    random: &mut impl Rng,
) -> BoxFuture<'a, ()> {
    let mut some = |units_max: u32| {
        let one = products.choose(random).unwrap().clone();
        Line(ReserveItem { quantity: random.random_range(1..=units_max), ..one })
    };
    let (other_items, recipe_of, new_items) = ([some(3)], some(4), [some(3), some(3), some(3)]);
    let known = random.random_bool(0.7) && !orders.is_empty();
    if !known {
        let items = new_items[..random.random_range(1..=3)].to_vec();
        orders.push(Order { id: room.new_order(), items, version: 1 });
    }
    let index = if known { random.random_range(0..orders.len()) } else { orders.len() - 1 };
    let order = &mut orders[index];
    let what = random.random_range(0..13);
    order.version += i64::from((6..8).contains(&what));
    let Order { id, version, items: ordered } = order.clone();
    let (item, quantity) = (*items.choose(random).unwrap(), random.random_range(1..=20));
    match what {
        0 | 1 => async move { drop(room.reserve(id, version, &ordered).await) }.boxed(),
        2 | 3 => async move { room.created(id, &ordered).await }.boxed(),
        4 | 5 => room.paid(id).boxed(),
        6 => room.expired(id, version).boxed(),
        7 => {
            let is_written = random.random_bool(0.5);
            async move {
                drop(room.reserve(id, version, &ordered).await);
                if is_written {
                    room.revived(id, version, &ordered).await;
                }
            }
            .boxed()
        }
        8 => room.completed(id, version + 1).boxed(),
        // Another order by the same id, before it was placed.
        9 => async move { drop(room.reserve(id, 1, &other_items).await) }.boxed(),
        10 => {
            let reasons = [MoveReason::Received, MoveReason::Waste, MoveReason::Count, MoveReason::Correction];
            let reason = *reasons.choose(random).unwrap();
            async move { drop(room.adjust(item, reason, quantity).await) }.boxed()
        }
        11 => async move { drop(room.release(id, version).await) }.boxed(),
        _ => {
            let minutes = random.random_range(0..=4);
            async move {
                let Line(ReserveItem { product_id, quantity, .. }) = recipe_of;
                let parts = json!({"parts": [{"inventoryId": item, "quantity": quantity}]});
                room.client.put(&format!("/api/Recipe/{product_id}"), parts).await.expect(200);
                room.minutes_pass(minutes).await;
            }
            .boxed()
        }
    }
}

async fn check_books(shop: &TestShop) {
    let orders = shop.room.db.read::<_, db::DbError, _>(store::list_all).await.unwrap();
    let mut held: BTreeMap<InventoryId, i64> = BTreeMap::new();
    let mut taken: BTreeMap<InventoryId, i64> = BTreeMap::new();
    for order in &orders {
        assert_eq!(order.allocation.effect, order.target_effect(), "{order:?}");
        let sums = match order.allocation.effect {
            StockEffect::Held => &mut held,
            StockEffect::Consumed => &mut taken,
            StockEffect::None => continue,
        };
        for (item, quantity) in &order.allocation.quantities {
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
