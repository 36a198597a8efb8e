use axum::http::Request;
use serde_json::json;
use testkit::World;

use super::{NOBODY, category, latte, menu, names, product};

#[tokio::test]
async fn a_category_is_added_renamed_and_moved() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, " Coffee ", 2).await;
    category(&client, "Tea", 1).await;
    assert_eq!(names(&client.get("/api/Category").await.expect(200)), ["Tea", "Coffee"]);

    let path = format!("/api/Category/{coffee}");
    let changed = client.put(&path, json!({"name": "Espresso bar", "position": 0})).await.expect(200);
    assert_eq!(changed["version"], 2);
    assert_eq!(client.get(&path).await.expect(200), changed);
    assert_eq!(names(&client.get("/api/Category").await.expect(200)), ["Espresso bar", "Tea"]);
}

#[tokio::test]
async fn of_two_people_who_change_a_category_at_once_the_later_one_is_refused() {
    let world = World::new().await;
    let client = menu(&world).await;
    let path = format!("/api/Category/{}", category(&client, "Coffee", 0).await);
    let read = client.get(&path).await.headers["etag"].to_str().unwrap().to_owned();
    let put = async |name: &str, version: &str| {
        let request = Request::put(&path).header("content-type", "application/json").header("if-match", version);
        client.send(request.body(json!({"name": name}).to_string().into()).unwrap()).await
    };
    assert_eq!(put("Espresso bar", &read).await.headers["etag"], "\"2\"");
    let refusal = put("Hot", &read).await.problem(412, "version-mismatch");
    assert!(refusal["detail"].as_str().unwrap().contains("at version 2 now"), "{refusal}");
    put("Hot", "one").await.problem(400, "bad-request");
    assert_eq!(client.get(&path).await.expect(200)["name"], "Espresso bar");
}

#[tokio::test]
async fn categories_come_in_pages() {
    let world = World::new().await;
    let client = menu(&world).await;
    for (position, name) in ["Coffee", "Tea", "Cake"].into_iter().enumerate() {
        category(&client, name, position.try_into().unwrap()).await;
    }
    let first = client.get("/api/Category?limit=2").await.expect(200);
    assert_eq!(names(&first), ["Coffee", "Tea"]);
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = client.get(&format!("/api/Category?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!(names(&second), ["Cake"]);
    assert!(second.get("nextCursor").is_none());
    client.get("/api/Category?limit=201").await.problem(400, "bad-request");
}

#[tokio::test]
async fn a_category_with_products_stays_and_the_refusal_names_them() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    let latte = product(&client, latte(&coffee)).await;
    let path = format!("/api/Category/{coffee}");

    let refusal = client.delete(&path).await.problem(409, "category-in-use");
    assert!(refusal["detail"].as_str().unwrap().contains("Coffee still has Latte"), "{refusal}");

    client.delete(&format!("/api/Product/{latte}")).await.expect(204);
    client.delete(&path).await.expect(204);
    client.delete(&path).await.expect(204);
    assert!(names(&client.get("/api/Category").await.expect(200)).is_empty());
    assert_eq!(names(&client.get("/api/Category?includeArchived=true").await.expect(200)), ["Coffee"]);
}

#[tokio::test]
async fn an_archived_category_takes_no_change_and_no_product() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    let path = format!("/api/Category/{coffee}");
    client.delete(&path).await.expect(204);
    client.put(&path, json!({"name": "Tea"})).await.problem(409, "category-archived");
    client.post("/api/Product", latte(&coffee)).await.problem(422, "invalid");
}

#[tokio::test]
async fn an_unknown_category_is_not_found_and_a_wrong_id_is_no_id() {
    let world = World::new().await;
    let client = menu(&world).await;
    let path = format!("/api/Category/{NOBODY}");
    client.get(&path).await.problem(404, "not-found");
    client.put(&path, json!({"name": "Tea"})).await.problem(404, "not-found");
    client.delete(&path).await.problem(404, "not-found");
    client.get("/api/Category/42").await.problem(400, "invalid-id");
}

#[tokio::test]
async fn an_impossible_category_is_refused() {
    let world = World::new().await;
    let client = menu(&world).await;
    client.post("/api/Category", json!({"name": "  "})).await.problem(422, "invalid");
    let far = json!({"name": "Tea", "position": 1_000_000_001});
    client.post("/api/Category", far).await.problem(422, "invalid");
    client.post("/api/Category", json!({"position": 1})).await.problem(422, "invalid-body");
    let coffee = category(&client, "Coffee", 0).await;
    client.post("/api/Category", json!({"categoryId": coffee, "name": "Tea"})).await.problem(409, "category-exists");
    let path = format!("/api/Category/{coffee}");
    client.put(&path, json!({"categoryId": NOBODY, "name": "Tea"})).await.problem(422, "invalid");
}

#[tokio::test]
async fn a_category_sent_twice_with_one_key_is_one_category() {
    let world = World::new().await;
    let client = menu(&world).await;
    let first = client.post_with_key("/api/Category", "key-1", json!({"name": "Coffee"})).await.expect(201);
    let again = client.post_with_key("/api/Category", "key-1", json!({"name": "Coffee"})).await.expect(201);
    assert_eq!(first, again);
    let other = client.post_with_key("/api/Category", "key-1", json!({"name": "Tea"})).await;
    other.problem(422, "idempotency-key-reused");
    assert_eq!(names(&client.get("/api/Category").await.expect(200)), ["Coffee"]);
}
