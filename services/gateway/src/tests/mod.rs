//! The gateway through its router.

mod audit;
mod origin;
mod pages;
mod settings;

use axum::{Json, Router, body::Body, http::Request, routing::get};
use contracts::shop::ShopSettings;
use serde_json::{Value, json};
use testkit::{Client, World};

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
