//! Events come twice and in any order.

use serde_json::json;

use super::Storeroom;

/// Every choice of at least one of `events`.
fn choices(events: &[char]) -> Vec<Vec<char>> {
    let chosen = |mask: u32| (0u32..).zip(events).filter(move |(bit, _)| mask >> bit & 1 == 1).map(|(_, event)| *event);
    (1..1 << events.len()).map(|mask| chosen(mask).collect()).collect()
}

/// What two units of an order do to (on hand, reserved) once all of `events` have come.
fn end_of(events: &[char]) -> (i64, i64) {
    let is_open = match (events.contains(&'R'), events.contains(&'E'), events.contains(&'C')) {
        (true, _, _) | (false, false, true) => true,
        (false, true, _) | (false, false, false) => false,
    };
    match (is_open, events.contains(&'P')) {
        (false, _) => (0, 0),
        (true, false) => (0, 2),
        (true, true) => (-2, 0),
    }
}

/// C: created as version 1. P: paid. E: expired as version 2. R: revived as version 3.
#[tokio::test]
async fn created_paid_expired_and_revived_have_the_same_end_in_any_order() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 1_000, json!({})).await;
    let mut before = shop.levels(croissants).await;
    for chosen in choices(&['C', 'P', 'E', 'R']) {
        for sequence in testkit::permutations(&chosen) {
            let order = shop.new_order();
            // Each twice: at once, and once more when all have come, as events of their own.
            let again: Vec<char> = sequence.iter().rev().copied().collect();
            let doubled = sequence.iter().flat_map(|event| [*event, *event]).chain(again);
            for event in doubled {
                match event {
                    'C' => shop.created(order, &[(croissant, 2)]).await,
                    'P' => shop.paid(order).await,
                    'E' => shop.expired(order, 2).await,
                    _ => shop.revived(order, 3, &[(croissant, 2)]).await,
                }
            }
            let after = shop.levels(croissants).await;
            let moved = (after.0 - before.0, after.1 - before.1);
            assert_eq!(moved, end_of(&chosen), "after {sequence:?}");
            before = after;
        }
    }
}

#[tokio::test]
async fn events_that_come_again_change_nothing() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 100, json!({"lowLevel": 90})).await;
    for index in 0..12 {
        let order = shop.new_order();
        shop.created(order, &[(croissant, 3)]).await;
        if index % 2 == 0 {
            shop.paid(order).await;
        }
        if index % 3 == 0 {
            shop.expired(order, 2).await;
        }
    }
    shop.world.wait_until_idle().await;
    let (levels, moves) = (shop.levels(croissants).await, shop.moves(croissants).await);
    for seed in 0..3 {
        shop.world.redeliver_all_shuffled(seed).await;
    }
    assert_eq!((shop.levels(croissants).await, shop.moves(croissants).await), (levels, moves));
}
