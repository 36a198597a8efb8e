use contracts::event::ShopChanged;

use super::*;

#[tokio::test]
async fn a_new_shop_trades_as_indonesian_coffee_shops_do() {
    let world = World::new().await;
    let client = start(&world).await;

    let reply = client.get("/api/Shop").await;

    assert_eq!(reply.headers["etag"], "\"1\"");
    let shop = reply.expect(200);
    assert_eq!((&shop["currency"], &shop["timeZone"]), (&json!("IDR"), &json!("Asia/Jakarta")));
}

#[tokio::test]
async fn new_settings_are_stored_published_and_used_at_once() {
    let world = World::new().await;
    let client = start(&world).await;

    let reply = client.put("/api/Shop", named("Kopi Pagi")).await;
    assert_eq!(reply.headers["etag"], "\"2\"");
    assert_eq!(reply.expect(200)["name"], "Kopi Pagi");
    assert_eq!(world.context().shop.current().settings().name, "Kopi Pagi", "before any event has arrived");
    assert_eq!(client.get("/api/Shop").await.expect(200)["name"], "Kopi Pagi");

    world.wait_until_idle().await;
    let events: Vec<ShopChanged> = world.published();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].version, events[0].settings.name.as_str()), (2, "Kopi Pagi"));
}

#[tokio::test]
async fn a_shop_that_is_opened_again_trades_as_it_did() {
    let world = World::new().await;
    start(&world).await.put("/api/Shop", named("Kopi Pagi")).await.expect(200);

    let client = start(&world).await;

    assert_eq!(client.get("/api/Shop").await.headers["etag"], "\"2\"");
    assert_eq!(world.context().shop.current().settings().name, "Kopi Pagi");
}

#[tokio::test]
async fn two_people_who_change_the_settings_at_once_do_not_undo_each_other() {
    let world = World::new().await;
    let client = start(&world).await;

    assert_eq!(client.send(replacing(&named("Kopi Pagi"), "\"1\"")).await.headers["etag"], "\"2\"");
    let refused = client.send(replacing(&named("Kopi Sore"), "\"1\"")).await.problem(412, "shop-changed-meanwhile");

    assert!(refused["detail"].as_str().unwrap().contains("version 2"), "{refused}");
    assert_eq!(client.get("/api/Shop").await.expect(200)["name"], "Kopi Pagi");
    assert_eq!(client.send(replacing(&named("Kopi Sore"), "\"2\"")).await.expect(200)["name"], "Kopi Sore");
    client.send(replacing(&named("Kopi Malam"), "3")).await.problem(400, "bad-request");
}

#[tokio::test]
async fn settings_of_an_older_release_are_kept_and_new_ones_get_defaults() {
    let world = World::new().await;
    start(&world).await.put("/api/Shop", named("Kopi Pagi")).await.expect(200);
    let db = world.context().databases.open_existing(crate::NAME).await.unwrap();
    let stored = r#"UPDATE shop_settings SET settings = '{"name": "Kopi Pagi"}'"#;
    db.write::<_, db::DbError, _>(move |tx| tx.execute(stored, ())).await.unwrap();
    db.close().await;

    let client = start(&world).await;

    assert_eq!(client.get("/api/Shop").await.expect(200), named("Kopi Pagi"));
    let mut strange = named("Kopi Sore");
    strange["codeValidity"] = json!(900);
    client.put("/api/Shop", strange).await.problem(422, "invalid-body");
}

#[tokio::test]
async fn of_many_changes_to_one_version_at_once_one_wins() {
    let world = World::new().await;
    let client = start(&world).await;
    let names: Vec<Value> = (0..8).map(|number| named(&format!("Kopi {number}"))).collect();

    let replies = futures::future::join_all(names.iter().map(|name| client.send(replacing(name, "\"1\"")))).await;

    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
    world.wait_until_idle().await;
    assert_eq!(world.published::<ShopChanged>().len(), 1);
}

#[tokio::test]
async fn an_invalid_setting_is_refused_by_name_and_nothing_changes() {
    let world = World::new().await;
    let client = start(&world).await;
    let mut settings = named("Kopi Pagi");
    settings["timeZone"] = json!("Mars/Base");

    let refused = client.put("/api/Shop", &settings).await.problem(422, "invalid-shop");

    let expected = "timeZone \"Mars/Base\" is not known: use an IANA name such as Asia/Jakarta. \
                    Correct it and send the whole document again.";
    assert_eq!(refused["detail"], expected);
    settings["timeZone"] = json!(7);
    client.put("/api/Shop", &settings).await.problem(422, "invalid-body");
    assert_eq!(client.get("/api/Shop").await.headers["etag"], "\"1\"");
}

#[tokio::test]
async fn the_currency_stays_while_the_menu_has_prices_in_it() {
    let world = World::new().await;
    let client = start(&world).await;
    world.stub("product", menu_in(&["IDR"]));

    let refused = client.put("/api/Shop", dollars()).await.problem(409, "currency-fixed");

    assert!(refused["detail"].as_str().unwrap().starts_with("The menu has prices in IDR"), "{refused}");
    assert_eq!(client.get("/api/Shop").await.expect(200)["currency"], "IDR");
}

#[tokio::test]
async fn a_shop_without_prices_in_another_currency_takes_the_new_one() {
    for currencies in [&[][..], &["USD"]] {
        let world = World::new().await;
        let client = start(&world).await;
        world.stub("product", menu_in(currencies));
        assert_eq!(client.put("/api/Shop", dollars()).await.expect(200)["currency"], "USD");
    }
}

#[tokio::test]
async fn the_currency_does_not_change_while_the_menu_is_unavailable() {
    let world = World::new().await;
    let client = start(&world).await;

    let reply = client.put("/api/Shop", dollars()).await;

    assert_eq!(reply.headers["retry-after"], "1");
    let refused = reply.problem(503, "unavailable");
    assert!(refused["detail"].as_str().unwrap().starts_with("The product service"), "{refused}");
    client.put("/api/Shop", named("Kopi Pagi")).await.expect(200);
}

/// A menu whose products name these taxes.
fn menu_with_taxes(taxes: &'static [&'static str]) -> Router {
    Router::new().route("/internal/Product/taxes", get(async move || Json(taxes)))
}

/// The settings with other taxes than PB1.
fn with_tax(name: &str) -> Value {
    let mut settings = named("Kopi Pagi");
    settings["taxes"] = json!([{ "name": name, "percent": 11 }]);
    settings
}

#[tokio::test]
async fn a_tax_that_products_name_is_not_removed_or_renamed() {
    let world = World::new().await;
    let client = start(&world).await;
    world.stub("product", menu_with_taxes(&["PB1"]));

    let refused = client.put("/api/Shop", with_tax("PPN")).await.problem(409, "tax-in-use");

    assert!(refused["detail"].as_str().unwrap().starts_with("Products on the menu name the tax PB1"), "{refused}");
    assert_eq!(client.get("/api/Shop").await.expect(200)["taxes"][0]["name"], "PB1");
    client.put("/api/Shop", with_tax("PB1")).await.expect(200);
}

#[tokio::test]
async fn a_tax_that_no_product_names_can_be_removed() {
    let world = World::new().await;
    let client = start(&world).await;
    client.put("/api/Shop", with_tax("PPN")).await.problem(503, "unavailable");
    world.stub("product", menu_with_taxes(&["Alcohol"]));
    assert_eq!(client.put("/api/Shop", with_tax("PPN")).await.expect(200)["taxes"][0]["name"], "PPN");
}

#[tokio::test]
async fn settings_that_cannot_be_read_stop_the_start_with_the_reason() {
    let world = World::new().await;
    start(&world).await;
    let db = world.context().databases.open_existing(crate::NAME).await.unwrap();
    let broken = r#"UPDATE shop_settings SET settings = '{"timeZone": "Mars/Base"}'"#;
    db.write::<_, db::DbError, _>(move |tx| tx.execute(broken, ())).await.unwrap();
    db.close().await;

    let error = crate::open(world.context(), FirstStart::default()).await.unwrap_err();

    assert!(matches!(error, db::OpenError::Load { .. }), "{error:?}");
    let text = errors::chain(&error).to_string();
    assert!(text.starts_with("what gateway holds cannot be loaded: the stored settings are not valid: "), "{text}");
    assert!(text.contains("Mars/Base"), "{text}");
}
