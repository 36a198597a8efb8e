//! The guarantees that other tests rely on.

use axum::{Json, Router, http::StatusCode, routing::post};
use bus::ConsumeError;
use clock::Clock;
use contracts::{
    event::{OrderCreated, OrderExpired, PaymentOrphaned, Queue},
    ids::{OrderId, PaymentId},
    money::Currency,
};
use db::{Db, DbError, Schema, inbox, outbox};
use host::{Event, EventConsumer, Service, retry};
use serde_json::{Value, json};
use web::Problem;

use crate::{World, permutations, product_card};

/// Payment, which echoes requests, and publishes PaymentOrphaned for every order that expires.
async fn payment_service(world: &World) -> Service {
    let schema = Schema { service: "payment", migrations: &[] };
    let db = world.context().databases.open(&schema).await.unwrap();
    let router = Router::new()
        .route("/echo", post(async |Json(body): Json<Value>| (StatusCode::CREATED, Json(body))))
        .route("/refusal", post(async || Problem::conflict("total-mismatch", "Total differs", "Send it again.")));
    let (queue, consumer) = EventConsumer::new("payment", Queue::Payment, &db, (db.clone(), world.clock.clone()))
        .on(orphan_payment)
        .on_every(async |_, _| Ok(()))
        .build();
    Service {
        name: "payment",
        router,
        openapi: utoipa::openapi::OpenApi::default(),
        db,
        consumer: Some((queue, consumer)),
        timers: Vec::new(),
    }
}

async fn orphan_payment((db, clock): (Db, Clock), event: Event<OrderExpired>) -> Result<(), ConsumeError> {
    let (now, delivery) = (clock.now(), event.delivery());
    let orphaned =
        PaymentOrphaned { order_id: event.data.order_id, payment_id: PaymentId::new(now), reason: "expired".into() };
    let publish_once =
        move |tx: &mut db::Tx<'_>| inbox::once(tx, delivery, now, |tx| outbox::append(tx, &orphaned, now));
    db.write::<_, DbError, _>(publish_once).await.map(drop).map_err(retry)
}

fn order_expired(world: &World) -> OrderExpired {
    OrderExpired { order_id: OrderId::new(world.clock.now()), order_version: 2, cups: 0 }
}

#[tokio::test]
async fn a_client_reads_responses_and_problems() {
    let world = World::new().await;
    let client = world.start(payment_service(&world).await).await;
    let echoed = client.post("/echo", json!({"cups": 2})).await.expect(201);
    assert_eq!(echoed["cups"], 2);
    let problem = client.post("/refusal", json!({})).await.problem(409, "total-mismatch");
    assert_eq!(problem["detail"], "Send it again.");
}

#[tokio::test]
async fn idle_means_that_the_events_that_followed_are_published_too() {
    let world = World::new().await;
    world.start(payment_service(&world).await).await;
    let orders: Vec<_> = (0..20).map(|_| order_expired(&world)).collect();
    for order in &orders {
        world.publish(order).await;
    }
    world.wait_until_idle().await;
    assert_eq!(world.published::<OrderExpired>(), orders);
    let mut orphans: Vec<_> = world.published::<PaymentOrphaned>().into_iter().map(|orphan| orphan.order_id).collect();
    orphans.sort();
    assert_eq!(orphans, orders.iter().map(|order| order.order_id).collect::<Vec<_>>());
    assert!(world.published::<OrderCreated>().is_empty());
}

#[tokio::test]
async fn redelivery_in_another_order_has_no_effect_behind_an_inbox() {
    let world = World::new().await;
    world.start(payment_service(&world).await).await;
    for _ in 0..20 {
        world.publish(&order_expired(&world)).await;
    }
    world.wait_until_idle().await;
    world.redeliver_all_shuffled(7).await;
    assert_eq!(world.published::<PaymentOrphaned>().len(), 20);
}

#[tokio::test]
async fn a_stub_replaces_another_service() {
    let world = World::new().await;
    let card = product_card("Latte", 28_000);
    let stubbed = card.clone();
    let router = Router::new().route("/internal/cards", axum::routing::get(async move || Json(stubbed)));
    world.stub("product", router);
    let product = world.context().services.client("product");
    assert_eq!(product.get::<contracts::product::ProductCard>("/internal/cards").await.unwrap(), card);
}

#[tokio::test]
async fn a_world_can_have_other_settings() {
    let world = World::with_shop(|shop| {
        shop.currency = "USD".parse().unwrap();
        shop.cash_rounding = "0.05".parse().unwrap();
    })
    .await;
    assert_ne!(world.context().shop.current().currency(), Currency::IDR);
}

#[tokio::test]
async fn services_that_were_stopped_start_again_with_their_databases() {
    let world = World::new().await;
    world.start(payment_service(&world).await).await;
    world.publish(&order_expired(&world)).await;
    world.stop().await;
    world.start(payment_service(&world).await).await;
    world.publish(&order_expired(&world)).await;
    world.wait_until_idle().await;
    assert_eq!(world.published::<PaymentOrphaned>().len(), 2);
}

#[tokio::test]
#[should_panic(expected = "payment has no handler for [OrderCreated, OrderRevived, OrderCancelled, PaymentOrphaned]")]
async fn a_consumer_without_a_handler_for_each_kind_is_not_started() {
    let world = World::new().await;
    let service = payment_service(&world).await;
    let incomplete =
        EventConsumer::new("payment", Queue::Payment, &service.db, (service.db.clone(), world.clock.clone()))
            .on(orphan_payment)
            .build();
    world.start(Service { consumer: Some(incomplete), ..service }).await;
}

#[test]
fn three_items_have_six_permutations() {
    let permuted = permutations(&["a", "b", "c"]);
    assert_eq!(permuted.len(), 6);
    assert_eq!(permuted.iter().collect::<std::collections::HashSet<_>>().len(), 6);
}
