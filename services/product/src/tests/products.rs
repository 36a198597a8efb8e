use axum::http::Request;
use serde_json::json;
use testkit::World;

use super::{NOBODY, category, latte, menu, names, product};

#[tokio::test]
async fn a_product_is_added_with_its_options_and_read_again() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    let mut write = latte(&coffee);
    write["optionGroups"] = json!([{"name": "Size", "minChoices": 1, "maxChoices": 1, "options": [
        {"name": "Regular"}, {"name": "Large", "priceDelta": 6000}]}]);
    let reply = client.post("/api/Product", write).await;
    let (location, etag) = (reply.headers["location"].clone(), reply.headers["etag"].clone());
    let made = reply.expect(201);
    assert_eq!(etag, "\"1\"");
    assert_eq!(client.get(location.to_str().unwrap()).await.expect(200), made);
    assert_eq!((&made["price"], &made["currency"], &made["isAvailable"]), (&json!(25000), &json!("IDR"), &json!(true)));
    assert!(made["optionGroups"][0]["options"][1]["optionId"].is_string());
}

#[tokio::test]
async fn a_product_sent_twice_with_one_key_is_one_product() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    let first = client.post_with_key("/api/Product", "key-1", latte(&coffee)).await.expect(201);
    assert_eq!(client.post_with_key("/api/Product", "key-1", latte(&coffee)).await.expect(201), first);
    let mut mocha = latte(&coffee);
    mocha["name"] = json!("Mocha");
    client.post_with_key("/api/Product", "key-1", mocha).await.problem(422, "idempotency-key-reused");
    assert_eq!(names(&client.get("/api/Product").await.expect(200)), ["Latte"]);
}

#[tokio::test]
async fn a_corrected_product_goes_through_with_the_key_of_the_refused_one() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    let mut wrong = latte(&coffee);
    wrong["price"] = json!(-1);
    client.post_with_key("/api/Product", "key-1", wrong).await.problem(422, "invalid");
    client.post_with_key("/api/Product", "key-1", latte(&coffee)).await.expect(201);
}

#[tokio::test]
async fn an_impossible_product_is_refused_and_not_written() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    let with = |field: &str, value| {
        let mut write = latte(&coffee);
        write[field] = value;
        write
    };
    for (write, field) in [
        (with("name", json!("")), "name"),
        (with("price", json!(-1)), "price"),
        (with("taxName", json!("VAT")), "taxName"),
        (with("categoryId", json!(NOBODY)), "categoryId"),
        (with("isDispensable", json!(true)), "dispenseMl"),
        (
            with("optionGroups", json!([{"name": "Size", "minChoices": 0, "maxChoices": 1, "options": []}])),
            "optionGroups[0]",
        ),
    ] {
        let refusal = client.post("/api/Product", write).await.problem(422, "invalid");
        assert!(refusal["detail"].as_str().unwrap().starts_with(field), "{refusal}");
    }
    client.post("/api/Product", with("price", json!("25000"))).await.problem(422, "invalid-body");
    client.post("/api/Product", with("colour", json!("brown"))).await.problem(422, "invalid-body");
    assert!(names(&client.get("/api/Product").await.expect(200)).is_empty());
}

#[tokio::test]
async fn an_id_is_taken_once() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    let mut write = latte(&coffee);
    write["productId"] = json!(NOBODY);
    client.post("/api/Product", write.clone()).await.expect(201);
    client.post("/api/Product", write).await.problem(409, "product-exists");
}

#[tokio::test]
async fn a_product_is_replaced_as_a_whole() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    let mut write = latte(&coffee);
    write["description"] = json!("Milk and coffee");
    let path = format!("/api/Product/{}", product(&client, write).await);
    let mut cheaper = latte(&coffee);
    cheaper["price"] = json!(20000);
    let changed = client.put(&path, cheaper).await.expect(200);
    assert_eq!(
        (&changed["price"], &changed["description"], &changed["version"]),
        (&json!(20000), &json!(""), &json!(2))
    );
    client.put(&path, latte(NOBODY)).await.problem(422, "invalid");
    let mut other = latte(&coffee);
    other["productId"] = json!(NOBODY);
    client.put(&path, other).await.problem(422, "invalid");
    assert_eq!(client.get(&path).await.expect(200), changed);
}

#[tokio::test]
async fn a_change_of_an_old_card_does_not_overwrite_a_newer_one() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    let path = format!("/api/Product/{}", product(&client, latte(&coffee)).await);
    let put = async |version: &str| {
        let request = Request::put(&path).header("content-type", "application/json").header("if-match", version);
        client.send(request.body(latte(&coffee).to_string().into()).unwrap()).await
    };
    assert_eq!(put("\"1\"").await.expect(200)["version"], 2);
    let refusal = put("\"1\"").await.problem(412, "version-mismatch");
    assert!(refusal["detail"].as_str().unwrap().contains("at version 2 now"), "{refusal}");
    put("one").await.problem(400, "bad-request");
    assert_eq!(put("*").await.expect(200)["version"], 3);
}

#[tokio::test]
async fn a_product_leaves_the_menu_for_good_and_can_still_be_read() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    let path = format!("/api/Product/{}", product(&client, latte(&coffee)).await);
    client.delete(&path).await.expect(204);
    client.delete(&path).await.expect(204);
    let archived = client.get(&path).await.expect(200);
    assert_eq!((&archived["isArchived"], &archived["version"]), (&json!(true), &json!(2)));
    client.put(&path, latte(&coffee)).await.problem(409, "product-archived");
    let available = client.put(&format!("{path}/availability"), json!({"isAvailable": true})).await;
    available.problem(409, "product-archived");
}

#[tokio::test]
async fn a_product_is_taken_off_sale_and_put_on_again() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    let id = product(&client, latte(&coffee)).await;
    let path = format!("/api/Product/{id}/availability");
    let off = json!({"productId": id, "isAvailable": false, "version": 2});
    assert_eq!(client.put(&path, json!({"isAvailable": false})).await.expect(200), off);
    assert_eq!(client.put(&path, json!({"isAvailable": false})).await.expect(200), off);
    assert_eq!(client.get("/api/Product/availability").await.expect(200), json!([off]));
    assert_eq!(client.put(&path, json!({"isAvailable": true})).await.expect(200)["version"], 3);
    client.delete(&format!("/api/Product/{id}")).await.expect(204);
    assert_eq!(client.get("/api/Product/availability").await.expect(200), json!([]));
}

#[tokio::test]
async fn an_unknown_product_is_not_found_and_a_wrong_id_is_no_id() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    let path = format!("/api/Product/{NOBODY}");
    client.get(&path).await.problem(404, "not-found");
    client.put(&path, latte(&coffee)).await.problem(404, "not-found");
    client.delete(&path).await.problem(404, "not-found");
    let available = client.put(&format!("{path}/availability"), json!({"isAvailable": true})).await;
    available.problem(404, "not-found");
    client.get("/api/Product/latte").await.problem(400, "invalid-id");
}

#[tokio::test]
async fn of_changes_to_the_same_card_at_the_same_time_one_wins() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    let path = format!("/api/Product/{}", product(&client, latte(&coffee)).await);
    let put = async || {
        let request = Request::put(&path).header("content-type", "application/json").header("if-match", "\"1\"");
        client.send(request.body(latte(&coffee).to_string().into()).unwrap()).await.status.as_u16()
    };
    let mut answers = futures::future::join_all((0..8).map(|_| put())).await;
    answers.sort_unstable();
    assert_eq!(answers, [200, 412, 412, 412, 412, 412, 412, 412]);
    assert_eq!(client.get(&path).await.expect(200)["version"], 2);
}

#[tokio::test]
async fn a_full_menu_takes_one_more_after_one_was_archived() {
    const PRODUCTS: i64 = crate::model::MENU_PRODUCTS_MAX;
    const INSERT: &str = "
        INSERT INTO products (product_id, category_id, name, description, search_text, price, currency, is_dispensable,
                              option_groups, version, updated_at)
        VALUES ($1, $2, 'Latte', '', '', 25000, 'IDR', 0, '[]', 1, 1)";
    let world = World::new().await;
    let service = crate::open(world.context()).await.unwrap();
    let db = service.db.clone();
    let client = world.start(service).await;
    let coffee = category(&client, "Coffee", 0).await;
    let last = product(&client, latte(&coffee)).await;
    let fill = move |tx: &mut db::Tx<'_>| {
        (1..PRODUCTS).try_for_each(|number| tx.execute(INSERT, (format!("{NOBODY}{number}"), &coffee)).map(drop))?;
        Ok::<_, db::DbError>(coffee.clone())
    };
    let coffee = db.write(fill).await.unwrap();
    client.post("/api/Product", latte(&coffee)).await.problem(409, "menu-full");
    client.delete(&format!("/api/Product/{last}")).await.expect(204);
    client.post("/api/Product", latte(&coffee)).await.expect(201);
}
