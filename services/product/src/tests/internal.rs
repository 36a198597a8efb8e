use serde_json::json;
use testkit::World;

use super::{NOBODY, category, latte, menu, product};

#[tokio::test]
async fn the_cards_of_these_ids_are_returned_archived_ones_too() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    let first = product(&client, latte(&coffee)).await;
    let second = product(&client, latte(&coffee)).await;
    product(&client, latte(&coffee)).await;
    client.delete(&format!("/api/Product/{second}")).await.expect(204);

    let cards = client.get(&format!("/internal/Product/cards?ids={first},{NOBODY},{second}")).await.expect(200);
    let ids: Vec<_> = cards.as_array().unwrap().iter().map(|card| card["productId"].as_str().unwrap()).collect();
    assert_eq!(ids, [first, second]);
    assert_eq!(cards[1]["isArchived"], true);
}

#[tokio::test]
async fn at_most_as_many_cards_are_returned_as_an_order_has_lines() {
    let world = World::new().await;
    let client = menu(&world).await;
    let ids = |count: usize| vec![NOBODY; count].join(",");
    client.get(&format!("/internal/Product/cards?ids={}", ids(201))).await.problem(422, "invalid");
    assert_eq!(client.get(&format!("/internal/Product/cards?ids={}", ids(200))).await.expect(200), json!([]));
    assert_eq!(client.get("/internal/Product/cards?ids=").await.expect(200), json!([]));
    client.get("/internal/Product/cards?ids=latte").await.problem(400, "bad-request");
}

#[tokio::test]
async fn the_currencies_of_the_menu_are_listed() {
    let world = World::new().await;
    let client = menu(&world).await;
    assert_eq!(client.get("/internal/Product/currencies").await.expect(200), json!([]));
    let coffee = category(&client, "Coffee", 0).await;
    let latte = product(&client, latte(&coffee)).await;
    assert_eq!(client.get("/internal/Product/currencies").await.expect(200), json!(["IDR"]));
    client.delete(&format!("/api/Product/{latte}")).await.expect(204);
    assert_eq!(client.get("/internal/Product/currencies").await.expect(200), json!([]));
}

#[tokio::test]
async fn the_taxes_of_the_menu_are_listed() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    product(&client, latte(&coffee)).await;
    assert_eq!(client.get("/internal/Product/taxes").await.expect(200), json!([]), "one that names none");
    let mut taxed = latte(&coffee);
    taxed["taxName"] = json!("PB1");
    let taxed = product(&client, taxed).await;
    assert_eq!(client.get("/internal/Product/taxes").await.expect(200), json!(["PB1"]));
    client.delete(&format!("/api/Product/{taxed}")).await.expect(204);
    assert_eq!(client.get("/internal/Product/taxes").await.expect(200), json!([]));
}
