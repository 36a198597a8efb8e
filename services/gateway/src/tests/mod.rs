//! The gateway through its router.

mod approvals;
mod audit;
mod demo;
mod devices;
mod first_start;
mod origin;
mod pages;
mod pin_limit;
mod sessions;
mod settings;
mod staff;
mod trust;

use axum::{Json, Router, body::Body, http::Request, routing::get};
use contracts::{
    ids::StaffId,
    shop::ShopSettings,
    staff::{Pin, Role, SignedIn, StaffView},
};
use serde_json::{Value, json};
use testkit::{Client, Reply, World};

use crate::{FirstStart, Gateway, GatewaySettings, commands::PinCost};

/// The service alone.
async fn start(world: &World) -> Client {
    world.start(open(world, FirstStart::default()).await.service).await
}

/// The service, with PINs that cost next to nothing.
async fn open(world: &World, start: FirstStart) -> Gateway {
    crate::open_with_cost(world.context(), start, PinCost::CHEAP).await.unwrap()
}

/// A menu whose prices are in these currencies.
fn menu_in(currencies: &'static [&'static str]) -> Router {
    Router::new().route("/internal/Product/currencies", get(async move || Json(currencies)))
}

fn named(name: &str) -> Value {
    serde_json::to_value(ShopSettings { name: name.to_owned(), ..ShopSettings::default() }).unwrap()
}

fn asking(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    request.body(Body::empty()).unwrap()
}

/// `PUT /api/Shop` with the ETag `version`.
fn replacing(settings: &Value, version: &str) -> Request<Body> {
    Request::put("/api/Shop")
        .header("content-type", "application/json")
        .header("if-match", version)
        .body(Body::from(settings.to_string()))
        .unwrap()
}

fn dollars() -> Value {
    let mut settings = named("Kopi Pagi");
    settings["currency"] = json!("USD");
    settings["cashRounding"] = json!(0.05);
    settings
}

/// A new shop whose owner has the PIN 2580, and a client of the owner at the till.
async fn start_shop(world: &World) -> Client {
    let owner_pin = Some(Pin::new("2580").unwrap());
    world.start(open(world, FirstStart { owner_pin, is_demo: false }).await.service).await
}

/// Adds a person, and returns the id.
async fn add(owner: &Client, name: &str, role: Role, pin: &str) -> StaffId {
    let person = json!({"name": name, "role": role, "pin": pin});
    owner.post("/api/Staff", person).await.read::<StaffView>(201).staff_id
}

async fn sign_in(client: &Client, staff_id: StaffId, pin: &str) -> Reply {
    client.post("/api/Session", json!({"staffId": staff_id, "pin": pin})).await
}

/// A client of the person, who signs in.
async fn signed_in(client: &Client, staff_id: StaffId, pin: &str) -> Client {
    let session: SignedIn = sign_in(client, staff_id, pin).await.read(201);
    client.with_token(&session.token)
}
