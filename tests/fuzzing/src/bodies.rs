//! JSON bodies, as every route reads them.

use std::sync::LazyLock;

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    response::IntoResponse,
};
use contracts::{
    inventory::{AdjustStock, WriteInventory, WriteRecipe},
    order::{ChangeOrder, PlaceOrder},
    payment::{ConfirmPayment, CreatePayment},
    product::WriteProduct,
    qr::{CompleteDispense, Heartbeat, ReissueCodes, ResolveCode, ValidateCode},
    shop::ShopSettings,
    staff::{CreateStaff, SetPin},
};
use serde_json::Value;
use tokio::runtime::Runtime;
use web::IdempotentJson;

/// Bodies are read within a time.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime"));

fn request(data: &[u8]) -> Request {
    let request = Request::post("/api/Thing").header("content-type", "application/json").header("idempotency-key", "k");
    request.body(Body::from(data.to_vec())).expect("a request")
}

/// What the extractor makes of the body. A refusal is the client's fault.
fn read<T>(data: &[u8]) -> Option<IdempotentJson<T>>
where
    IdempotentJson<T>: FromRequest<(), Rejection = web::Problem>,
{
    match RUNTIME.block_on(IdempotentJson::<T>::from_request(request(data), &())) {
        Ok(read) => Some(read),
        Err(problem) => {
            let status = problem.into_response().status();
            assert!(status.is_client_error(), "{status} for {:?}", String::from_utf8_lossy(data));
            None
        }
    }
}

/// Each request, and any JSON: with a key, two spellings of one body have one fingerprint.
pub fn bodies(data: &[u8]) {
    let _ = (read::<PlaceOrder>(data), read::<ChangeOrder>(data), read::<CreatePayment>(data));
    let _ = (read::<ConfirmPayment>(data), read::<WriteProduct>(data), read::<WriteInventory>(data));
    let _ = (read::<AdjustStock>(data), read::<WriteRecipe>(data), read::<ValidateCode>(data));
    let _ = (read::<CompleteDispense>(data), read::<Heartbeat>(data), read::<ReissueCodes>(data));
    let _ = (read::<ResolveCode>(data), read::<ShopSettings>(data), read::<CreateStaff>(data), read::<SetPin>(data));
    let Some(one) = read::<Value>(data) else { return };
    let spaced = [b" \n", data, b"\t "].concat();
    let other = read::<Value>(&spaced).expect("the same JSON");
    assert_eq!(fingerprint(&one), fingerprint(&other), "{:?}", String::from_utf8_lossy(data));
}

fn fingerprint(read: &IdempotentJson<Value>) -> Option<&str> {
    read.key.as_ref().map(|key| key.fingerprint.as_str())
}
