//! What the other tests rely on.

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

/// A service that echoes requests, and publishes PaymentOrphaned for every order that expires.
async fn orphanage(world: &World) -> Service {
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
async fn a_client_reads_answers_and_problems() {
    let world = World::new().await;
    let client = world.start(orphanage(&world).await).await;
    let echoed = client.post("/echo", json!({"cups": 2})).await.expect(201);
    assert_eq!(echoed["cups"], 2);
    let problem = client.post("/refusal", json!({})).await.problem(409, "total-mismatch");
    assert_eq!(problem["detail"], "Send it again.");
}

#[tokio::test]
async fn settle_waits_for_what_follows_and_nothing_that_was_said_is_lost() {
    let world = World::new().await;
    world.start(orphanage(&world).await).await;
    let orders: Vec<_> = (0..20).map(|_| order_expired(&world)).collect();
    for order in &orders {
        world.publish(order).await;
    }
    world.settle().await;
    assert_eq!(world.said::<OrderExpired>(), orders);
    let mut orphans: Vec<_> = world.said::<PaymentOrphaned>().into_iter().map(|orphan| orphan.order_id).collect();
    orphans.sort();
    assert_eq!(orphans, orders.iter().map(|order| order.order_id).collect::<Vec<_>>());
    assert!(world.said::<OrderCreated>().is_empty());
}

#[tokio::test]
async fn redelivery_in_another_order_is_no_news_to_a_service_with_an_inbox() {
    let world = World::new().await;
    world.start(orphanage(&world).await).await;
    for _ in 0..20 {
        world.publish(&order_expired(&world)).await;
    }
    world.settle().await;
    world.redeliver_all_shuffled(7).await;
    assert_eq!(world.said::<PaymentOrphaned>().len(), 20);
}

#[tokio::test]
async fn a_stub_stands_in_for_a_peer() {
    let world = World::new().await;
    let card = product_card("Latte", 28_000);
    let answer = card.clone();
    let router = Router::new().route("/internal/cards", axum::routing::get(async move || Json(answer)));
    world.stub("product", router);
    let peer = world.context().services.client("product");
    assert_eq!(peer.get::<contracts::product::ProductCard>("/internal/cards").await.unwrap(), card);
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
async fn a_shop_that_was_stopped_starts_again_with_its_databases() {
    let world = World::new().await;
    world.start(orphanage(&world).await).await;
    world.publish(&order_expired(&world)).await;
    world.stop().await;
    world.start(orphanage(&world).await).await;
    world.publish(&order_expired(&world)).await;
    world.settle().await;
    assert_eq!(world.said::<PaymentOrphaned>().len(), 2);
}

#[test]
fn three_things_come_in_six_orders() {
    let orders = permutations(&["a", "b", "c"]);
    assert_eq!(orders.len(), 6);
    assert_eq!(orders.iter().collect::<std::collections::HashSet<_>>().len(), 6);
}
