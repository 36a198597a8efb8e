use std::pin::pin;

use access::Policy;
use axum::{extract::Path, routing::post};
use contracts::ids::OrderId;
use futures::{FutureExt, StreamExt, stream};
use host::Service;
use http_body_util::BodyExt;
use tower::ServiceExt;
use utoipa::openapi::OpenApi;
use utoipa_axum::routes;
use web::Routes;

use super::*;

const ID: &str = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5";

/// Lists orders
#[utoipa::path(get, path = "/api/Order", tag = "Order", responses((status = 200)))]
async fn orders() -> &'static str {
    "the orders"
}

/// A service with a public route, a stream that does not end, and an internal route.
fn order_routes() -> Routes {
    let plain = Router::new()
        .route("/api/Order/{orderId}", get(async |web::Path(id): web::Path<OrderId>| id.to_string()))
        .route("/api/Order/{orderId}/note", post(async |Path(_): Path<String>, note: String| note))
        .route("/api/Order/stream", get(async || Body::from_stream(two_ticks_and_silence())))
        .route("/api/Order/peer", get(async |peer: Option<web::Peer>| format!("{peer:?}")))
        .route("/internal/Order/secret", get(async || "secret"));
    Routes::pages(OpenApi::default(), plain).allow(Policy::ANYONE, routes!(orders))
}

fn two_ticks_and_silence() -> impl futures::Stream<Item = Result<String, std::io::Error>> + Send {
    stream::iter(["data: 1\n\n", "data: 2\n\n"]).map(|tick| Ok(tick.to_owned())).chain(stream::pending())
}

/// The gateway and an order service that is ready or not, behind the origin.
async fn shop(world: &World, is_ready: bool) -> Router {
    let gateway = open(world, FirstStart::default()).await.service;
    let check = web::ready(move || async move { if is_ready { Ok(()) } else { Err("no disk".to_owned()) } });
    let (router, openapi) = web::finish("order", "Orders", "", order_routes(), &world.context().access, check);
    let order = Service { name: "order", router, openapi, db: gateway.db.clone(), consumer: None, timers: Vec::new() };
    crate::origin(world.context(), &[gateway, order], GatewaySettings::default())
}

#[tokio::test]
async fn each_path_reaches_the_service_that_owns_it() {
    let world = World::new().await;
    let client = world.client(&shop(&world, true).await);

    assert_eq!(client.get("/api/Order").await.expect(200), "the orders");
    assert_eq!(client.get(&format!("/api/Order/{ID}")).await.expect(200), ID);
    assert_eq!(client.get("/api/Shop").await.expect(200)["currency"], "IDR");
    let note = Request::post(format!("/api/Order/{ID}/note")).body(Body::from("no sugar")).unwrap();
    assert_eq!(client.send(note).await.expect(200), "no sugar");
}

#[tokio::test]
async fn a_service_learns_who_is_at_the_other_end() {
    let world = World::new().await;
    let client = Client::new(shop(&world, true).await);
    let peer = web::Peer { address: ([192, 168, 1, 77], 50_000).into(), is_encrypted: true };

    let request = Request::get("/api/Order/peer").extension(peer).body(Body::empty()).unwrap();

    assert_eq!(client.send(request).await.expect(200), format!("{:?}", Some(peer)));
    assert_eq!(client.get("/api/Order/peer").await.expect(200), "None");
}

#[tokio::test]
async fn a_refusal_of_a_service_comes_back_as_it_is() {
    let world = World::new().await;
    let client = world.client(&shop(&world, true).await);

    client.get("/api/Order/seven").await.problem(400, "invalid-id");
    let reply = client.delete("/api/Order").await;
    assert_eq!(reply.headers["allow"], "GET,HEAD");
    reply.problem(405, "method-not-allowed");
    client.get("/api/Nothing").await.problem(404, "unknown-route");
}

#[tokio::test]
async fn internal_routes_cannot_be_reached() {
    let world = World::new().await;
    let client = world.client(&shop(&world, true).await);

    for path in [
        "/internal/Order/secret",
        "/internal",
        "//internal/Order/secret",
        "/api/Order/../../internal/Order/secret",
        "/api/Order/%2e%2e/%2e%2e/internal/Order/secret",
        "/api/../internal/Order/secret",
    ] {
        client.get(path).await.problem(404, "unknown-route");
    }
}

#[tokio::test]
async fn a_service_that_does_not_run_here_is_unavailable() {
    let world = World::new().await;
    let reply = world.client(&shop(&world, true).await).get("/api/Payment").await;
    assert_eq!(reply.headers["retry-after"], "1");
    reply.problem(503, "unavailable");
}

#[tokio::test]
async fn a_stream_comes_through_piece_by_piece() {
    let world = World::new().await;
    let origin = shop(&world, true).await;

    let response = origin.oneshot(asking("/api/Order/stream", &[])).await.unwrap();

    let mut body = response.into_body();
    for tick in ["data: 1\n\n", "data: 2\n\n"] {
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), tick);
    }
    assert!(pin!(body.frame()).now_or_never().is_none(), "the stream is still open");
}

#[tokio::test]
async fn the_shop_is_ready_when_every_service_is() {
    let world = World::new().await;
    assert_eq!(world.client(&shop(&world, true).await).get("/readyz").await.expect(200), "ready\n");

    let client = world.client(&shop(&world, false).await);
    let refused = client.get("/readyz").await.problem(503, "not-ready");
    assert_eq!(refused["detail"], "Not ready: unavailable: order. Ask again in a second.");
    client.get("/livez").await.expect(200).as_str().unwrap();
}

#[tokio::test]
async fn one_document_holds_the_api_of_every_service() {
    let world = World::new().await;
    let document = world.client(&shop(&world, true).await).get("/openapi.json").await.expect(200);

    let paths = document["paths"].as_object().unwrap();
    assert!(paths.contains_key("/api/Order") && paths.contains_key("/api/Shop"), "{:?}", paths.keys());
    assert_eq!(document["servers"], json!([{"url": "/"}]));
    assert_eq!(document["info"]["title"], "fnb");
    assert!(document["components"]["schemas"]["ShopSettings"].is_object());
}
