//! The plain port while the shop listens on a network.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    http::{Method, Request},
    routing::any,
};
use contracts::device::DeviceKind;
use tempfile::TempDir;
use tls::{Authority, ServerNames};
use web::Peer;

use super::*;
use crate::HttpsSettings;

const LAN: [u8; 4] = [192, 168, 1, 20];
const TABLET: [u8; 4] = [192, 168, 1, 77];
const SIGNED: (&str, &str) = ("signature-input", "sig1=()");

struct PlainPort {
    client: Client,
    authority: Arc<Authority>,
    _folder: TempDir,
}

/// A shop behind its plain port. The origin answers each request with its path.
fn plain_port(world: &World, has_authority: bool) -> PlainPort {
    let folder = tempfile::tempdir().unwrap();
    let names = ServerNames::new([LAN.into()], []);
    let now = world.context().clock.now();
    let authority = Arc::new(Authority::open(folder.path(), "Kopi Pagi", &names, now).unwrap());
    let origin = Router::new().fallback(any(async |uri: axum::http::Uri| format!("origin {uri}")));
    let known = has_authority.then(|| Arc::clone(&authority));
    let name = (!has_authority).then(|| "kopi.example".to_owned());
    let https = HttpsSettings { port: 8443, address: Some(LAN.into()), name, authority: known };
    let client = Client::new(crate::plain_origin(world.context(), origin, https));
    PlainPort { client, authority, _folder: folder }
}

fn request(from: [u8; 4], method: Method, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let peer = Peer { address: SocketAddr::from((from, 50_000)), is_encrypted: false };
    let request = Request::builder().method(method).uri(path).extension(peer).header("host", "192.168.1.20:8080");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Body::empty()).unwrap()
}

fn tablet(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    request(TABLET, Method::GET, path, headers)
}

#[tokio::test]
async fn the_machine_itself_reaches_everything() {
    let world = World::new().await;
    let shop = plain_port(&world, true);
    for path in ["/", "/api/Order", "/docs/"] {
        let reply = shop.client.send(request([127, 0, 0, 1], Method::POST, path, &[])).await;
        assert_eq!(reply.expect(200), format!("origin {path}"));
    }
    let page = shop.client.send(request([127, 0, 0, 1], Method::GET, "/trust", &[])).await.expect(200);
    assert!(page.as_str().unwrap().contains("<h1>Trust this shop</h1>"), "{page}");
}

#[tokio::test]
async fn another_machine_gets_the_page_that_explains_how_to_trust_the_shop() {
    let world = World::new().await;
    let shop = plain_port(&world, true);
    for path in ["/", "/trust"] {
        let reply = shop.client.send(tablet(path, &[("accept-language", "id")])).await;
        let policy = reply.headers["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; style-src 'self'") && !policy.contains("script"), "{policy}");
        let html = reply.expect(200).as_str().unwrap().to_owned();
        assert!(html.contains("Percayai toko ini") && html.contains("http://192.168.1.20:8080</p>"), "{html}");
        assert!(html.contains("href=\"https://192.168.1.20:8443\""), "{html}");
        for group in shop.authority.fingerprint().split(':').collect::<Vec<_>>().chunks(4) {
            assert!(html.contains(&format!("<span>{}</span>", group.join(":"))), "{html}");
        }
    }
    let chosen = shop.client.send(tablet("/trust?lang=en", &[("accept-language", "id")])).await.expect(200);
    assert!(chosen.as_str().unwrap().contains("Trust this shop"), "{chosen}");
}

#[tokio::test]
async fn a_device_downloads_the_authority_as_a_file_that_it_can_install() {
    let world = World::new().await;
    let shop = plain_port(&world, true);
    let reply = shop.client.send(tablet("/trust/ca.crt", &[])).await;
    assert_eq!(reply.headers["content-type"], "application/x-x509-ca-cert");
    let name = world.context().shop.current().settings().name.clone();
    let file = format!("inline; filename=\"{}\"", crate::model::file_name(&name));
    assert_eq!(reply.headers["content-disposition"], file);
    assert_eq!(reply.headers["content-length"], shop.authority.certificate().len().to_string());
}

#[tokio::test]
async fn another_machine_reaches_nothing_else_of_the_shop_without_https() {
    let world = World::new().await;
    let shop = plain_port(&world, true);
    for (method, path) in [
        (Method::GET, "/api/Order"),
        (Method::POST, "/api/Order"),
        (Method::POST, "/"),
        (Method::GET, "/metrics"),
        (Method::GET, "/readyz"),
        (Method::GET, "/trust/authority.pem"),
        (Method::GET, "/livez/"),
    ] {
        let reply = shop.client.send(request(TABLET, method.clone(), path, &[])).await;
        if (method, path) == (Method::POST, "/") {
            reply.problem(405, "method-not-allowed");
            continue;
        }
        let refusal = reply.problem(403, "https-required");
        let detail = refusal["detail"].as_str().unwrap();
        assert!(detail.contains("https://192.168.1.20:8443") && detail.contains("/trust"), "{path}: {detail}");
    }
    for path in ["/livez", "/assets/tokens.css"] {
        assert_eq!(shop.client.send(tablet(path, &[])).await.expect(200), format!("origin {path}"));
    }
    shop.client.get("/api/Order").await.problem(403, "https-required");
}

#[tokio::test]
async fn a_person_who_opens_another_page_is_led_to_the_one_that_explains() {
    let world = World::new().await;
    let shop = plain_port(&world, true);
    let reply = shop.client.send(tablet("/pair?code=1", &[("accept", "text/html,*/*;q=0.8")])).await;
    assert_eq!((reply.status.as_u16(), &reply.headers["location"]), (307, &"/trust".parse().unwrap()));
    assert_eq!(reply.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn a_dispenser_that_signs_reaches_its_three_routes_and_no_other() {
    let world = World::new().await;
    let shop = plain_port(&world, true);
    let send = async |method: Method, path: &str, headers: &[(&str, &str)]| {
        shop.client.send(request(TABLET, method, path, headers)).await
    };
    for path in ["/api/QrCode/validate", "/api/QrCode/heartbeat", "/api/QrCode/QR-20261122-0/complete"] {
        assert_eq!(send(Method::POST, path, &[SIGNED]).await.expect(200), format!("origin {path}"));
        send(Method::POST, path, &[]).await.problem(403, "https-required");
        send(Method::GET, path, &[SIGNED]).await.problem(403, "https-required");
    }
    for path in [
        "/api/QrCode/QR-20261122-0/resolve",
        "/api/QrCode/QR-20261122-0/complete/x",
        "/api/QrCode//complete",
        "/api/QrCode/x/../complete",
        "/api/QrCode",
        "/api/Order",
        "/internal/QrCode/validate",
    ] {
        send(Method::POST, path, &[SIGNED]).await.problem(403, "https-required");
    }
}

#[tokio::test]
async fn a_dispenser_that_sends_its_key_reaches_its_routes_and_a_persons_token_does_not() {
    let world = World::new().await;
    let shop = plain_port(&world, true);
    let send = async |path: &str, credential: &str| {
        shop.client.send(request(TABLET, Method::POST, path, &[("authorization", credential)])).await
    };
    let key = format!("{}.c2VjcmV0", testkit::device_id(DeviceKind::Dispenser));
    let person = world.credentials.staff(Role::Owner);
    let tablet = world.credentials.device(DeviceKind::Kiosk);
    for path in ["/api/QrCode/validate", "/api/QrCode/heartbeat", "/api/QrCode/QR-20261122-0/complete"] {
        assert_eq!(send(path, &format!("Bearer {key}")).await.expect(200), format!("origin {path}"));
        for credential in [
            format!("Bearer {person}"),
            format!("Bearer {tablet}"),
            format!("Basic {key}"),
            key.clone(),
            "Bearer kitchen.c2VjcmV0".to_owned(),
        ] {
            send(path, &credential).await.problem(403, "https-required");
        }
    }
    send("/api/Order", &format!("Bearer {key}")).await.problem(403, "https-required");
}

#[tokio::test]
async fn a_shop_with_its_own_certificate_leads_to_https_and_explains_no_authority() {
    let world = World::new().await;
    let shop = plain_port(&world, false);
    let reply = shop.client.send(tablet("/pair", &[("accept", "text/html")])).await;
    assert_eq!(reply.headers["location"], "https://kopi.example:8443/pair");
    let refusal = shop.client.send(tablet("/trust/ca.crt", &[])).await.problem(403, "https-required");
    let detail = refusal["detail"].as_str().unwrap();
    assert!(detail.contains("https://kopi.example:8443") && !detail.contains("/trust"), "{detail}");
}
