//! Recipes: what one unit of a product takes.

use contracts::inventory::RecipeView;
use serde_json::json;

use super::{NOBODY, Storeroom};

#[tokio::test]
async fn a_product_without_a_recipe_takes_one_of_itself_if_it_is_counted() {
    let shop = Storeroom::open().await;
    let (croissant, item) = shop.product("Croissant", 5, json!({})).await;
    let recipe: RecipeView = shop.client.get(&format!("/api/Recipe/{croissant}")).await.read(200);
    assert!(recipe.is_default);
    assert_eq!(recipe.parts.len(), 1);
    assert_eq!((recipe.parts[0].inventory_id, recipe.parts[0].quantity), (item, 1));

    let uncounted: RecipeView = shop.client.get(&format!("/api/Recipe/{NOBODY}")).await.read(200);
    assert!(uncounted.is_default && uncounted.parts.is_empty());
    shop.client.get("/api/Recipe/latte").await.problem(400, "invalid-id");
}

#[tokio::test]
async fn a_recipe_is_written_whole_and_an_empty_one_takes_nothing() {
    let shop = Storeroom::open().await;
    let (croissant, item) = shop.product("Croissant", 5, json!({})).await;
    let butter = shop.stocked("Butter", 100, json!({})).await;
    let path = format!("/api/Recipe/{croissant}");
    let parts = json!({"parts": [{"inventoryId": butter, "quantity": 30}, {"inventoryId": item, "quantity": 1}]});
    let written: RecipeView = shop.client.put(&path, parts).await.read(200);
    assert_eq!((written.parts.len(), written.is_default), (2, false));
    assert_eq!(shop.client.get(&path).await.read::<RecipeView>(200), written);

    let nothing: RecipeView = shop.client.put(&path, json!({"parts": []})).await.read(200);
    assert_eq!((nothing.parts.len(), nothing.is_default), (0, false));
    assert_eq!(shop.client.get(&path).await.read::<RecipeView>(200), nothing);
    shop.reserve(shop.new_order(), 1, &[(croissant, 99)]).await.expect(200);
    assert_eq!(shop.levels(item).await, (5, 0));
}

#[tokio::test]
async fn a_recipe_that_cannot_be_kept_is_refused() {
    let shop = Storeroom::open().await;
    let milk = shop.stocked("Milk", 0, json!({})).await;
    let path = format!("/api/Recipe/{}", shop.new_product());
    let part = |quantity: i64| json!({"inventoryId": milk, "quantity": quantity});
    for parts in [vec![part(0)], vec![part(-1)], vec![part(1_000_001)], vec![part(1), part(2)], vec![part(1); 33]] {
        shop.client.put(&path, json!({"parts": parts})).await.problem(422, "invalid");
    }
    let unknown = json!({"parts": [part(1), {"inventoryId": NOBODY, "quantity": 1}]});
    let refused = shop.client.put(&path, unknown).await.problem(422, "unknown-inventory-item");
    assert!(refused["detail"].as_str().unwrap().contains(NOBODY));
    assert_eq!(shop.client.put(&path, json!({})).await.status, 422);
    assert!(shop.client.get(&path).await.read::<RecipeView>(200).is_default);
}
