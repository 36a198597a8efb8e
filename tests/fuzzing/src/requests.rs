//! Whole requests to a whole shop: paths, queries, cursors, cookies, headers and bodies of every route.

use std::sync::LazyLock;

use axum::{
    Router,
    body::Body,
    http::{HeaderName, HeaderValue, Request, StatusCode, header},
};
use contracts::staff::Role;
use gateway::{FirstStart, GatewaySettings};
use host::ServiceHost;
use testkit::World;
use tokio::runtime::Runtime;
use tower::ServiceExt;

/// Every service in one process, on files in a temporary folder.
struct Shop {
    runtime: Runtime,
    origin: Router,
    token: HeaderValue,
    _running: (World, ServiceHost),
}

static SHOP: LazyLock<Shop> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (world, host, origin) = runtime.block_on(open());
    let token = format!("Bearer {}", world.credentials.staff(Role::Owner)).parse().expect("a token");
    Shop { runtime, origin, token, _running: (world, host) }
});

async fn open() -> (World, ServiceHost, Router) {
    let world = World::new().await;
    let context = world.context();
    let services = vec![
        gateway::open(context, FirstStart::default()).await.expect("the gateway").service,
        order::open(context).await.expect("orders"),
        payment::open(context, payment::PaymentSettings::default()).await.expect("payments"),
        product::open(context).await.expect("products"),
        inventory::open(context).await.expect("inventory"),
        qr::open(context).await.expect("codes"),
        analytics::open(context, analytics::AnalyticsSettings::default()).await.expect("reports"),
    ];
    let origin = gateway::origin(context, &services, GatewaySettings::default());
    let host = ServiceHost::start(context, services);
    (world, host, origin)
}

/// A request as text: a line with method and path, lines with headers, an empty line, the body. It is the owner's, unless
/// it has a credential of its own. Whatever it is, the shop does not fail.
pub fn requests(data: &[u8]) {
    let Some(mut request) = parse(data) else { return };
    let shop = &*SHOP;
    if !request.headers().contains_key(header::AUTHORIZATION) && !request.headers().contains_key(header::COOKIE) {
        request.headers_mut().insert(header::AUTHORIZATION, shop.token.clone());
    }
    let what = format!("{} {}", request.method(), request.uri());
    let response = shop.runtime.block_on(shop.origin.clone().oneshot(request));
    let status = response.unwrap_or_else(|never| match never {}).status();
    let is_fine = !status.is_server_error() || status == StatusCode::SERVICE_UNAVAILABLE;
    assert!(is_fine, "{what} is answered with {status}");
}

fn parse(data: &[u8]) -> Option<Request<Body>> {
    let (head, body) = match data.windows(2).position(|bytes| bytes == b"\n\n") {
        Some(end) => (&data[..end], &data[end + 2..]),
        None => (data, &[][..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let (method, path) = std::str::from_utf8(lines.next()?).ok()?.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(path).body(Body::from(body.to_vec())).ok()?;
    for line in lines {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(parts.next()?).ok()?;
        let value = HeaderValue::from_bytes(parts.next()?.trim_ascii()).ok()?;
        request.headers_mut().append(name, value);
    }
    Some(request)
}
