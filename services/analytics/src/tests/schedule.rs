use std::time::Duration;

use contracts::event::OrderExpired;
use host::Timer;
use testkit::World;

use super::{
    Reports, reports,
    shop::{Sale, TestShop},
    summary,
};

async fn run(timer: &Timer) {
    (timer.run)().await.unwrap();
}

#[tokio::test]
async fn figures_are_updated_at_the_start_soon_after_a_sale_and_hourly() {
    let world = World::new().await;
    let shop = TestShop::open(&world).await;
    let Reports { client, timer, .. } = reports(&world).await;
    let orders = async || summary(&client, "").await["orders"].as_i64().unwrap();

    shop.put(&[Sale::paid(1, &world)]).await;
    run(&timer).await;
    assert_eq!(orders().await, 1, "at the start");

    let sale = Sale::paid(3_000, &world);
    shop.put(std::slice::from_ref(&sale)).await;
    world.publish(&OrderExpired { order_id: sale.order_id(), order_version: 2, cups: 0 }).await;
    world.clock.advance(Duration::from_secs(9));
    run(&timer).await;
    assert_eq!(orders().await, 1, "nine seconds after the last run");
    world.clock.advance(Duration::from_secs(1));
    run(&timer).await;
    assert_eq!(orders().await, 2, "ten seconds after the last run");

    // No event was published for this one.
    let mut silent = Sale::paid(4, &world);
    silent.changed_at = world.clock.now();
    shop.put(&[silent]).await;
    world.clock.advance(Duration::from_secs(3_599));
    run(&timer).await;
    assert_eq!(orders().await, 2, "a second before the hour is over");
    world.clock.advance(Duration::from_secs(1));
    run(&timer).await;
    assert_eq!(orders().await, 3, "an hour after the last run");
}

#[tokio::test]
async fn a_failed_run_is_retried_after_ten_seconds() {
    let world = World::new().await;
    let Reports { client, timer, .. } = reports(&world).await;
    let error = (timer.run)().await.unwrap_err();
    let shown = errors::chain(&*error).to_string();
    assert!(shown.starts_with("the tables of order cannot be opened: "), "{shown}");

    let shop = TestShop::open(&world).await;
    shop.put(&[Sale::paid(1, &world)]).await;
    world.clock.advance(Duration::from_secs(10));
    run(&timer).await;
    assert_eq!(summary(&client, "").await["orders"], 1);
}
