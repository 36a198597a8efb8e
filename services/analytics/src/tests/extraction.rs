use std::time::Duration;

use testkit::World;

use super::{
    Reports, extract, reports,
    shop::{Sale, TestShop, figures, wrong_sums},
    shop_with_reports, summary,
};
use crate::{commands::ORDERS_PER_BATCH_MAX, error::ExtractError};

/// More than fit into one batch.
fn a_busy_morning(world: &World) -> Vec<Sale> {
    (1..=ORDERS_PER_BATCH_MAX + 100).map(|number| Sale::paid(number, world)).collect()
}

/// The figures of a shop whose orders were extracted all at once.
async fn figures_of(sales: impl Fn(&World) -> Vec<Sale>) -> Vec<String> {
    let world = World::new().await;
    let shop = TestShop::open(&world).await;
    shop.put(&sales(&world)).await;
    let Reports { analytics, db, .. } = reports(&world).await;
    extract(&analytics).await;
    figures(&db).await
}

#[tokio::test]
async fn extracting_twice_changes_nothing() {
    let world = World::new().await;
    let shop = TestShop::open(&world).await;
    let Reports { analytics, db, .. } = reports(&world).await;
    shop.put(&a_busy_morning(&world)).await;
    assert_eq!(extract(&analytics).await, 600);
    let once = figures(&db).await;
    assert_eq!(extract(&analytics).await, 0);
    assert_eq!(figures(&db).await, once);
    assert_eq!(wrong_sums(&db).await, 0);
}

#[tokio::test]
async fn an_interrupted_run_is_continued_by_the_next_one() {
    let world = World::new().await;
    let shop = TestShop::open(&world).await;
    let Reports { client, analytics, db, .. } = reports(&world).await;
    let whole = a_busy_morning(&world);
    let mut broken = whole.clone();
    // A line without units is refused, so the transaction of its batch fails.
    broken[550].lines[1].2 = 0;
    shop.put(&broken).await;
    assert!(matches!(analytics.extract_orders().await, Err(ExtractError::Db(_))));
    assert_eq!(summary(&client, "").await["orders"], 500);
    assert!(summary(&client, "").await.get("asOf").is_none());

    shop.put(&whole[550..551]).await;
    assert_eq!(extract(&analytics).await, 100);
    assert_eq!(figures(&db).await, figures_of(a_busy_morning).await);
    assert_eq!(wrong_sums(&db).await, 0);
}

/// The steps of an order: placed, paid, and completed, or cancelled for every fifth.
fn step(number: u32, step: u32, world: &World) -> Sale {
    let mut sale = Sale::paid(number, world);
    sale.business_day = ["2026-11-21", "2026-11-22"][usize::from(number.is_multiple_of(2))];
    sale.version = i64::from(step) + 1;
    sale.rounding = i64::from(number % 3) - 1;
    sale.lines[0].1 = ["Latte", "Caffè latte"][usize::from(number > 20)];
    (sale.status, sale.method) = match (step, number % 5) {
        (0, _) => ("PENDING", None),
        (1, _) => ("PROCESSING", Some("QRIS")),
        (_, 0) => ("CANCELLED", Some("QRIS")),
        (_, _) => ("COMPLETED", Some("QRIS")),
    };
    sale
}

#[tokio::test]
async fn the_figures_end_the_same_however_orders_and_runs_interleave() {
    const ORDERS: u32 = 40;
    let expected = figures_of(|world| (1..=ORDERS).map(|number| step(number, 2, world)).collect()).await;
    for seed in 1..=3_u32 {
        let world = World::new().await;
        let shop = TestShop::open(&world).await;
        let Reports { analytics, db, .. } = reports(&world).await;
        // Each order appears three times, in an order that depends on the seed; its n-th time is its n-th step.
        let mut visits: Vec<u32> = (0..3 * ORDERS).collect();
        visits.sort_by_key(|visit| (visit * 7_919 + seed * 104_729) % 1_009);
        let mut steps = [0; ORDERS as usize + 1];
        for (index, visit) in visits.into_iter().enumerate() {
            let number = visit % ORDERS + 1;
            let taken = &mut steps[usize::try_from(number).unwrap()];
            let mut sale = step(number, *taken, &world);
            *taken += 1;
            world.clock.advance(Duration::from_millis(700));
            sale.changed_at = world.clock.now();
            shop.put(&[sale]).await;
            if index % 7 == 0 {
                extract(&analytics).await;
            }
        }
        extract(&analytics).await;
        assert_eq!(figures(&db).await, expected, "seed {seed}");
        assert_eq!(wrong_sums(&db).await, 0);
    }
}

#[tokio::test]
async fn an_order_that_appears_behind_the_watermark_is_found() {
    let world = World::new().await;
    let (shop, client, analytics) = shop_with_reports(&world).await;
    let mut first = Sale::paid(1, &world);
    first.changed_at = world.clock.now();
    shop.put(&[first]).await;
    assert_eq!(extract(&analytics).await, 1);
    // Its transaction began before the other one and was committed after the run.
    let mut late = Sale::paid(2, &world);
    late.changed_at = world.clock.now() - Duration::from_secs(3);
    shop.put(&[late]).await;
    assert_eq!(extract(&analytics).await, 1);
    assert_eq!(summary(&client, "").await["orders"], 2);
}

#[tokio::test]
async fn an_order_whose_time_is_ahead_of_the_clock_is_read_at_once() {
    let world = World::new().await;
    let (shop, client, analytics) = shop_with_reports(&world).await;
    let mut ahead = Sale::paid(1, &world);
    ahead.changed_at = world.clock.now() + Duration::from_secs(3);
    shop.put(&[ahead]).await;
    assert_eq!(extract(&analytics).await, 1);
    assert_eq!(summary(&client, "").await["orders"], 1);
}

#[tokio::test]
async fn an_order_whose_commit_took_minutes_is_found_by_the_timer() {
    let world = World::new().await;
    let shop = TestShop::open(&world).await;
    let Reports { client, timer, .. } = reports(&world).await;
    let mut first = Sale::paid(1, &world);
    first.changed_at = world.clock.now();
    shop.put(&[first]).await;
    (timer.run)().await.unwrap();
    let mut late = Sale::paid(2, &world);
    late.changed_at = world.clock.now() - Duration::from_secs(9 * 60);
    shop.put(std::slice::from_ref(&late)).await;
    // Its event requests a run.
    world.publish(&contracts::event::OrderExpired { order_id: late.order_id(), order_version: 2, cups: 0 }).await;
    world.clock.advance(Duration::from_secs(10 * 60));
    (timer.run)().await.unwrap();
    assert_eq!(summary(&client, "").await["orders"], 2);
}

#[tokio::test]
async fn a_report_holds_every_sale_after_a_clock_that_ran_ahead_was_set_back() {
    let world = World::new().await;
    let (shop, client, analytics) = shop_with_reports(&world).await;
    let right = world.clock.now();
    let sold_now = |number| {
        let mut sale = Sale::paid(number, &world);
        sale.changed_at = world.clock.now();
        sale
    };
    world.clock.advance(Duration::from_secs(60 * 60));
    shop.put(&[sold_now(1)]).await;
    assert_eq!(extract(&analytics).await, 1);
    world.clock.advance(Duration::from_secs(20));
    shop.put(&[sold_now(2)]).await;

    world.clock.set(right);
    shop.put(&[sold_now(3)]).await;
    world.clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(extract(&analytics).await, 2);
    assert_eq!(summary(&client, "").await["orders"], 3);

    world.clock.advance(Duration::from_secs(15));
    shop.put(&[sold_now(4)]).await;
    world.clock.advance(Duration::from_secs(15));
    assert_eq!(extract(&analytics).await, 1, "later runs read what appears behind the rows ahead of the clock");
}

#[tokio::test]
async fn a_line_has_the_category_of_its_product() {
    let world = World::new().await;
    let shop = TestShop::open(&world).await;
    let Reports { analytics, db, .. } = reports(&world).await;
    shop.put(&[Sale::paid(1, &world)]).await;
    extract(&analytics).await;
    let figures = figures(&db).await;
    assert!(figures.iter().any(|row| row.contains("1 Latte Coffee 2 50000")), "{figures:?}");
    assert!(figures.iter().any(|row| row.contains("2 Croissant - 1 30000")), "{figures:?}");
}

#[tokio::test]
async fn reports_answer_before_the_other_services_have_a_database() {
    let world = World::new().await;
    let Reports { client, analytics, .. } = reports(&world).await;
    assert!(matches!(analytics.extract_orders().await, Err(ExtractError::SourceNotOpened { service: "order", .. })));
    let figures = summary(&client, "").await;
    assert_eq!(figures["orders"], 0);
    assert!(figures.get("asOf").is_none());

    let shop = TestShop::open(&world).await;
    shop.put(&[Sale::paid(1, &world)]).await;
    assert_eq!(extract(&analytics).await, 1);
    assert_eq!(summary(&client, "").await["asOf"], "2026-11-22T02:00:00Z");
}
