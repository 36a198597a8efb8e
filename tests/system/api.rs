//! The API as a whole: a change of a document is visible in a snapshot before a client sees it.

use crate::{api_client::ApiClient, program::TestShop};

#[test]
fn the_api_document_is_unchanged() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    insta::assert_json_snapshot!("openapi", running.client.get("/openapi.json").expect(200));
}

#[test]
fn the_api_document_describes_every_operation() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let document = serde_json::from_value(running.client.get("/openapi.json").expect(200)).unwrap();
    assert_eq!(web::incomplete_operations(&document), [""; 0]);
}

#[test]
fn the_gateway_serves_health_metrics_documents_and_pages() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    for path in ["/livez", "/readyz", "/metrics", "/openapi.json", "/docs/", "/"] {
        running.client.get(path).expect(200);
    }
}

#[test]
fn every_service_serves_health_metrics_and_its_document_on_its_own_port() {
    // The specification fixes the ports. Linux has millions of loopback addresses, so this process uses one of its own; only
    // a program that listens on every address would conflict.
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let address = format!("127.77.{high}.{low}");
    let shop = TestShop::demo_with_service_ports(&address);
    let _running = shop.start();
    for (port, route) in [
        (5001, "/api/Order"),
        (5002, "/api/Payment"),
        (5003, "/api/Product"),
        (5004, "/api/Inventory"),
        (5005, "/api/QrCode/validate"),
        (8000, "/api/v1/reports/summary"),
    ] {
        let service = ApiClient::at(&format!("http://{address}:{port}"));
        for path in ["/livez", "/readyz", "/metrics"] {
            service.get(path).expect(200);
        }
        let described = service.get("/openapi.json").expect(200);
        assert!(described["paths"].get(route).is_some(), "port {port} describes {:?}", described["paths"]);
    }
}
