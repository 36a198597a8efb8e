//! `/api/Device`: the devices of the shop, and their pairing.

use access::{CallerRole, Policy};
use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use contracts::{
    device::{
        CreatePairingCode, DevicePaired, DeviceView, PairDevice, PairingCodeView, PairingView, RenewedToken,
        RevokeDevice, WriteDevice,
    },
    ids::DeviceId,
    problem::Problem as ProblemBody,
    time::Timestamp,
};
use utoipa_axum::routes;
use web::{Caller, Created, IdempotentJson, Json, Path, Peer, Problem, Routes, etag, if_match};

use super::cookies::{SetCookie, is_encrypted, set_cookie};
use crate::{commands::Devices, model::GuessSource};

/// Every paired device.
const DEVICES: Policy = TABLETS.or(CallerRole::Dispenser);
/// Every paired tablet.
const TABLETS: Policy = Policy::NOBODY.or(CallerRole::Pos).or(CallerRole::Kiosk);

/// The routes of devices.
pub(super) fn routes() -> Routes<Devices> {
    Routes::new()
        .allow(Policy::MANAGERS, routes!(list_devices))
        .allow(Policy::MANAGERS, routes!(get_device))
        .allow(Policy::OWNERS, routes!(replace_device))
        .allow(Policy::OWNERS, routes!(revoke_device))
        .allow(Policy::OWNERS, routes!(create_pairing_code))
        .allow(Policy::OWNERS, routes!(create_code_to_pair_again))
        .allow(Policy::ANYONE, routes!(get_pairing))
        .allow(Policy::ANYONE, routes!(pair_device))
        .allow(DEVICES, routes!(get_current_device))
        .allow(TABLETS, routes!(renew_token))
}

/// Lists the devices: those in use by their age, then the last hundred that were revoked
#[utoipa::path(get, path = "/api/Device", tag = "Device", responses(
    (status = 200, description = "The devices", body = Vec<DeviceView>)
))]
async fn list_devices(State(devices): State<Devices>) -> Result<Json<Vec<DeviceView>>, Problem> {
    Ok(Json(devices.list_devices().await?))
}

/// Reads a device
///
/// The header ETag holds its version: send it as If-Match with a change.
#[utoipa::path(get, path = "/api/Device/{deviceId}", tag = "Device",
    params(("deviceId" = DeviceId, Path, description = "The device")),
    responses(
        (status = 200, description = "The device", body = DeviceView, headers(("ETag" = String, description = "Its version"))),
        (status = 400, description = "Not an id", body = ProblemBody),
        (status = 404, description = "No such device", body = ProblemBody),
    ))]
async fn get_device(
    State(devices): State<Devices>,
    Path(device_id): Path<DeviceId>,
) -> Result<impl IntoResponse, Problem> {
    Ok(versioned(devices.get_device(device_id).await?))
}

/// Replaces what the owner says of a device
#[utoipa::path(put, path = "/api/Device/{deviceId}", tag = "Device", request_body = WriteDevice,
    params(
        ("deviceId" = DeviceId, Path, description = "The device"),
        ("If-Match" = Option<String>, Header, description = "The ETag of the device that was read"),
    ),
    responses(
        (status = 200, description = "The device", body = DeviceView, headers(("ETag" = String, description = "Its new version"))),
        (status = 400, description = "Not an id, or If-Match is not a version", body = ProblemBody),
        (status = 404, description = "No such device", body = ProblemBody),
        (status = 409, description = "It was revoked, or another device has this name", body = ProblemBody),
        (status = 412, description = "It was changed since it was read", body = ProblemBody),
        (status = 422, description = "A name, a rate or products that are not acceptable", body = ProblemBody),
    ))]
async fn replace_device(
    State(devices): State<Devices>,
    caller: Caller,
    Path(device_id): Path<DeviceId>,
    headers: HeaderMap,
    Json(write): Json<WriteDevice>,
) -> Result<impl IntoResponse, Problem> {
    let (actor, version) = (caller.actor(), if_match(&headers)?);
    let replace = async move { devices.replace_device(actor, device_id, write, version).await };
    Ok(versioned(host::run_to_end(replace).await?))
}

/// Revokes a device: it and the sessions on it are refused from now on
///
/// Repeated, it answers the same. A device that was revoked comes back by a code of pairing-code only.
#[utoipa::path(post, path = "/api/Device/{deviceId}/revoke", tag = "Device", request_body = RevokeDevice,
    params(("deviceId" = DeviceId, Path, description = "The device")),
    responses(
        (status = 200, description = "The device", body = DeviceView),
        (status = 400, description = "Not an id", body = ProblemBody),
        (status = 404, description = "No such device", body = ProblemBody),
        (status = 422, description = "No reason that can be shown", body = ProblemBody),
    ))]
async fn revoke_device(
    State(devices): State<Devices>,
    caller: Caller,
    Path(device_id): Path<DeviceId>,
    Json(RevokeDevice { reason }): Json<RevokeDevice>,
) -> Result<Json<DeviceView>, Problem> {
    let actor = caller.actor();
    Ok(Json(host::run_to_end(async move { devices.revoke_device(actor, device_id, reason).await }).await?))
}

/// Makes a pairing code for a new device: for one use, for ten minutes
#[utoipa::path(post, path = "/api/Device/pairing", tag = "Device", request_body = CreatePairingCode,
    responses(
        (status = 200, description = "The code, and the page that the device opens as a QR", body = PairingCodeView),
        (status = 409, description = "Too many codes wait to be used, or another device has this name", body = ProblemBody),
        (status = 422, description = "A name that is not acceptable", body = ProblemBody),
    ))]
async fn create_pairing_code(
    State(devices): State<Devices>,
    caller: Caller,
    peer: Option<Peer>,
    headers: HeaderMap,
    Json(request): Json<CreatePairingCode>,
) -> Result<Json<PairingCodeView>, Problem> {
    Ok(Json(devices.create_pairing_code(caller.actor(), request, &origin(&headers, peer)).await?))
}

/// Makes a pairing code that pairs a device again
///
/// A dispenser in use gets another key. A tablet, or a device that was revoked, is replaced by a new device with its name
/// and its letter, if that is still free.
#[utoipa::path(post, path = "/api/Device/{deviceId}/pairing-code", tag = "Device", extensions(("x-without-body" = json!(true))),
    params(("deviceId" = DeviceId, Path, description = "The device")),
    responses(
        (status = 200, description = "The code, and the page that the device opens as a QR", body = PairingCodeView),
        (status = 400, description = "Not an id", body = ProblemBody),
        (status = 404, description = "No such device", body = ProblemBody),
        (status = 409, description = "Too many codes wait to be used", body = ProblemBody),
    ))]
async fn create_code_to_pair_again(
    State(devices): State<Devices>,
    caller: Caller,
    peer: Option<Peer>,
    headers: HeaderMap,
    Path(device_id): Path<DeviceId>,
) -> Result<Json<PairingCodeView>, Problem> {
    Ok(Json(devices.create_code_to_pair_again(caller.actor(), device_id, &origin(&headers, peer)).await?))
}

/// Shows what a pairing code makes of a device. The code stays valid
#[utoipa::path(get, path = "/api/Device/pairing/{code}", tag = "Device",
    params(("code" = String, Path, description = "The eight digits", pattern = "^[0-9]{8}$")),
    responses(
        (status = 200, description = "What the device will be", body = PairingView),
        (status = 404, description = "The code does not exist, was used, or has expired", body = ProblemBody),
        (status = 429, description = "Too many wrong codes in this minute", body = ProblemBody),
    ))]
async fn get_pairing(
    State(devices): State<Devices>,
    peer: Option<Peer>,
    Path(code): Path<String>,
) -> Result<Json<PairingView>, Problem> {
    Ok(Json(devices.get_pairing(code, source_of(peer)).await?))
}

/// Turns a pairing code into the device's own credential, which is shown this once
///
/// A tablet gets a token, which a browser has as a cookie too; a dispenser gets the key that it signs with.
#[utoipa::path(post, path = "/api/Device/pair", tag = "Device", request_body = PairDevice,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "A retry with the same key and body gets a credential of the same device, for ten minutes")),
    responses(
        (status = 201, description = "The device and its credential", body = DevicePaired,
            headers(("Set-Cookie" = String, description = "A tablet's token"))),
        (status = 404, description = "The code does not exist, was used, or has expired", body = ProblemBody),
        (status = 409, description = "Too many devices, a name that another device has, or a code that another request used",
            body = ProblemBody),
        (status = 422, description = "A name that is not acceptable", body = ProblemBody),
        (status = 429, description = "Too many wrong codes in this minute", body = ProblemBody),
    ))]
async fn pair_device(
    State(devices): State<Devices>,
    peer: Option<Peer>,
    request: IdempotentJson<PairDevice>,
) -> Result<Response, Problem> {
    let now = devices.now();
    let pair = async move { devices.pair_device(request.body, request.key, source_of(peer)).await };
    let paired = host::run_to_end(pair).await?;
    let token = paired.token.as_deref().zip(paired.expires_at);
    let cookie = token.map(|(token, expires_at)| device_cookie(token, now, expires_at, peer));
    let created = Created::at(format!("/api/Device/{}", paired.device.device_id), paired);
    Ok(match cookie {
        Some(cookie) => (cookie, created).into_response(),
        None => created.into_response(),
    })
}

/// Reads the device that asks
#[utoipa::path(get, path = "/api/Device/current", tag = "Device", responses(
    (status = 200, description = "The device", body = DeviceView),
    (status = 404, description = "It is not in the list", body = ProblemBody),
))]
async fn get_current_device(State(devices): State<Devices>, caller: Caller) -> Result<Json<DeviceView>, Problem> {
    let Some(device_id) = caller.device_id() else { return Err(Problem::not_found("device", "of this request")) };
    Ok(Json(devices.get_device(device_id).await?))
}

/// Renews the token of the tablet that asks: it lasts half a year from now
#[utoipa::path(post, path = "/api/Device/current/token", tag = "Device", extensions(("x-without-body" = json!(true))), responses(
    (status = 200, description = "The new token", body = RenewedToken,
        headers(("Set-Cookie" = String, description = "The same token"))),
    (status = 404, description = "The request comes from no device", body = ProblemBody),
))]
async fn renew_token(State(devices): State<Devices>, peer: Option<Peer>, caller: Caller) -> Result<Response, Problem> {
    let Some(device) = &caller.device else { return Err(Problem::not_found("device", "of this request")) };
    let renewed = devices.renew_token(device)?;
    let cookie = device_cookie(&renewed.token, devices.now(), renewed.expires_at, peer);
    Ok((cookie, Json(renewed)).into_response())
}

fn versioned(device: DeviceView) -> impl IntoResponse {
    (etag(device.version), Json(device))
}

/// Where a guess of a code comes from.
fn source_of(peer: Option<Peer>) -> GuessSource {
    let other = peer.filter(|peer| !peer.is_loopback());
    other.map_or(GuessSource::Machine, |peer| GuessSource::Network(peer.client()))
}

/// The origin that the owner's browser uses, which the new device should reach too. The server has checked the host.
fn origin(headers: &HeaderMap, peer: Option<Peer>) -> String {
    let scheme = if is_encrypted(peer) { "https" } else { "http" };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    format!("{scheme}://{host}")
}

/// The cookie of a tablet.
fn device_cookie(token: &str, now: Timestamp, expires_at: Timestamp, peer: Option<Peer>) -> SetCookie {
    set_cookie(web::DEVICE_COOKIE, token, now, expires_at, is_encrypted(peer))
}
