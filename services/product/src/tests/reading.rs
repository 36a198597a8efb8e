use serde_json::json;
use testkit::{Client, World};

use super::{category, latte, menu, names, product};

async fn coffee_and_tea(client: &Client) -> (String, String) {
    let tea = category(client, "Tea", 2).await;
    let coffee = category(client, "Coffee", 1).await;
    for (name, category) in [("Sencha", &tea), ("Mocha 50%", &coffee), ("Assam", &tea), ("Latte", &coffee)] {
        let mut write = latte(category);
        write["name"] = json!(name);
        write["description"] = json!(format!("A cup of {name}"));
        product(client, write).await;
    }
    (coffee, tea)
}

#[tokio::test]
async fn the_menu_is_ordered_by_category_and_then_by_name() {
    let world = World::new().await;
    let client = menu(&world).await;
    coffee_and_tea(&client).await;
    assert_eq!(names(&client.get("/api/Product").await.expect(200)), ["Latte", "Mocha 50%", "Assam", "Sencha"]);
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap_or_a_repetition() {
    let world = World::new().await;
    let client = menu(&world).await;
    coffee_and_tea(&client).await;
    let mut seen = Vec::new();
    let mut path = "/api/Product?limit=1".to_owned();
    loop {
        let page = client.get(&path).await.expect(200);
        seen.extend(names(&page).into_iter().map(str::to_owned));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/api/Product?limit=1&cursor={cursor}");
    }
    assert_eq!(seen, ["Latte", "Mocha 50%", "Assam", "Sencha"]);
}

#[tokio::test]
async fn the_menu_is_filtered_by_category_availability_text_and_archive() {
    let world = World::new().await;
    let client = menu(&world).await;
    let (coffee, _) = coffee_and_tea(&client).await;
    let by_category = client.get(&format!("/api/Product?categoryId={coffee}")).await.expect(200);
    assert_eq!(names(&by_category), ["Latte", "Mocha 50%"]);
    let id = |index: usize| by_category["items"][index]["productId"].as_str().unwrap();

    client.put(&format!("/api/Product/{}/availability", id(0)), json!({"isAvailable": false})).await.expect(200);
    assert_eq!(names(&client.get("/api/Product?available=false").await.expect(200)), ["Latte"]);
    assert_eq!(names(&client.get("/api/Product?available=true&text=CUP").await.expect(200)).len(), 3);

    assert_eq!(names(&client.get("/api/Product?text=mocha").await.expect(200)), ["Mocha 50%"]);
    assert_eq!(names(&client.get("/api/Product?text=%25").await.expect(200)), ["Mocha 50%"]);
    assert!(names(&client.get("/api/Product?text=_").await.expect(200)).is_empty());

    client.delete(&format!("/api/Product/{}", id(1))).await.expect(204);
    assert_eq!(names(&client.get("/api/Product").await.expect(200)), ["Latte", "Assam", "Sencha"]);
    assert_eq!(names(&client.get("/api/Product?includeArchived=true").await.expect(200)).len(), 4);
}

#[tokio::test]
async fn a_text_is_found_in_any_case_and_any_alphabet() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    for (name, description) in [("Café Über", "Strong"), ("Кофе", "Крепкий"), ("Latte", "With CRÈME")] {
        let mut write = latte(&coffee);
        (write["name"], write["description"]) = (json!(name), json!(description));
        product(&client, write).await;
    }
    // CAFÉ ÜBER, КРЕПКИЙ, crème.
    for (text, name) in [
        ("CAF%C3%89%20%C3%9CBER", "Café Über"),
        ("%D0%9A%D0%A0%D0%95%D0%9F%D0%9A%D0%98%D0%99", "Кофе"),
        ("cr%C3%A8me", "Latte"),
    ] {
        let found = client.get(&format!("/api/Product?text={text}")).await.expect(200);
        assert_eq!(names(&found), [name], "{text}");
    }
}

#[tokio::test]
async fn an_impossible_query_is_refused() {
    let world = World::new().await;
    let client = menu(&world).await;
    client.get("/api/Product?limit=0").await.problem(400, "bad-request");
    client.get("/api/Product?limit=201").await.problem(400, "bad-request");
    client.get("/api/Product?text=lat%00te").await.problem(400, "bad-request");
    for wrong in ["limit=many", "available=perhaps", "categoryId=7", "cursor=7", "colour=brown"] {
        client.get(&format!("/api/Product?{wrong}")).await.problem(400, "invalid-query");
    }
}

#[tokio::test]
async fn the_api_document_describes_every_response_and_parameter() {
    let world = World::new().await;
    let document = menu(&world).await.get("/openapi.json").await.expect(200);
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap().values();
            let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
            for described in responses.chain(parameters) {
                let text = described["description"].as_str().unwrap_or_default();
                assert!(!text.is_empty(), "{method} {path}: {described}");
            }
            let has_body = operation.get("requestBody").is_some();
            assert_eq!(has_body, ["post", "put"].contains(&method.as_str()), "{method} {path}");
        }
    }
}
