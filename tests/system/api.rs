//! What the API promises: a change of it is seen here before a client sees it.

use crate::{http::Till, program::TestShop};

#[test]
fn the_api_is_as_it_was() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    insta::assert_json_snapshot!("openapi", running.till.get("/openapi.json").expect(200));
}

#[test]
fn the_gateway_says_that_it_lives_is_ready_and_what_it_does() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    for path in ["/livez", "/readyz", "/metrics", "/openapi.json", "/docs/", "/"] {
        running.till.get(path).expect(200);
    }
}

#[test]
fn every_service_says_at_its_own_port_that_it_lives_is_ready_and_what_it_does() {
    // The ports are the specification's. Of the loopback addresses, which Linux has by the million, this process has one
    // for itself; only a program that listens on every address would be in the way.
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
        let service = Till::at(&format!("http://{address}:{port}"));
        for path in ["/livez", "/readyz", "/metrics"] {
            service.get(path).expect(200);
        }
        let described = service.get("/openapi.json").expect(200);
        assert!(described["paths"].get(route).is_some(), "port {port} describes {:?}", described["paths"]);
    }
}
