//! What the API promises: a change of it is seen here before a client sees it.

use crate::program::Shop;

#[test]
fn the_api_is_as_it_was() {
    let shop = Shop::demo(&[]);
    let running = shop.start();
    insta::assert_json_snapshot!("openapi", running.till.get("/openapi.json").expect(200));
}

#[test]
fn every_service_says_that_it_lives_is_ready_and_what_it_does() {
    let shop = Shop::demo(&[]);
    let running = shop.start();
    for path in ["/livez", "/readyz", "/metrics", "/openapi.json", "/docs/", "/"] {
        running.till.get(path).expect(200);
    }
}
