//! Recipes: what one unit of a product takes, with its options.

use contracts::{
    ids::OptionId,
    inventory::{RecipeView, ReserveItem},
};
use serde_json::json;

use super::{Line, NOBODY, Storeroom};

#[tokio::test]
async fn a_product_without_a_recipe_takes_one_of_itself_if_it_is_counted() {
    let shop = Storeroom::open().await;
    let (croissant, item) = shop.product("Croissant", 5, json!({})).await;
    let recipe: RecipeView = shop.client.get(&format!("/api/Recipe/{croissant}")).await.read(200);
    assert!(recipe.is_default);
    assert_eq!(recipe.parts.len(), 1);
    assert_eq!((recipe.parts[0].inventory_id, recipe.parts[0].quantity), (item, Some(1)));

    let uncounted: RecipeView = shop.client.get(&format!("/api/Recipe/{NOBODY}")).await.read(200);
    assert!(uncounted.is_default && uncounted.parts.is_empty());
    shop.client.get("/api/Recipe/latte").await.problem(400, "invalid-id");
}

#[tokio::test]
async fn a_recipe_is_replaced_as_a_whole_and_an_empty_one_takes_nothing() {
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
async fn an_impossible_recipe_is_refused() {
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

#[tokio::test]
async fn a_recipe_for_an_unknown_product_or_option_is_refused() {
    let shop = Storeroom::open().await;
    let milk = shop.stocked("Milk", 0, json!({})).await;
    let parts = json!([{"inventoryId": milk, "quantity": 200}]);
    shop.client.put(&format!("/api/Recipe/{NOBODY}"), json!({"parts": parts})).await.problem(404, "not-found");
    assert!(shop.client.get(&format!("/api/Recipe/{NOBODY}")).await.read::<RecipeView>(200).is_default);

    let (latte, options) = shop.new_product_with(None, &[0]);
    let large = |option: &str| json!({"optionId": option, "add": [{"inventoryId": milk, "quantity": 100}]});
    let recipe = |option: &str| json!({"parts": parts, "options": [large(option)]});
    let refused = shop.write_recipe(latte, recipe(NOBODY)).await.problem(422, "unknown-option");
    assert!(refused["detail"].as_str().unwrap().contains(NOBODY), "{refused}");
    let written = shop.write_recipe(latte, recipe(&options[0].to_string())).await.expect(200);
    assert_eq!(written["options"][0]["optionId"], json!(options[0]));
    assert_eq!(shop.client.get(&format!("/api/Recipe/{latte}")).await.expect(200), written);

    let unknown_item = json!({"optionId": options[0], "replace": [{"inventoryId": milk, "byInventoryId": NOBODY}]});
    let unknown_item = json!({"parts": parts, "options": [unknown_item]});
    shop.write_recipe(latte, unknown_item).await.problem(422, "unknown-inventory-item");
    let dispensed = json!({"parts": [{"inventoryId": milk, "takesDispensed": true}]});
    shop.write_recipe(latte, dispensed).await.problem(422, "invalid");
    assert_eq!(shop.client.get(&format!("/api/Recipe/{latte}")).await.expect(200), written);
}

#[tokio::test]
async fn a_recipe_is_not_written_while_product_is_unavailable() {
    let shop = Storeroom::open().await;
    let milk = shop.stocked("Milk", 0, json!({})).await;
    let product = shop.new_product();
    shop.world.stub("product", axum::Router::new().fallback(async || axum::http::StatusCode::SERVICE_UNAVAILABLE));
    let recipe = json!({"parts": [{"inventoryId": milk, "quantity": 200}]});
    shop.write_recipe(product, recipe).await.problem(503, "unavailable");
    assert!(shop.client.get(&format!("/api/Recipe/{product}")).await.read::<RecipeView>(200).is_default);
}

/// Large, oat milk and an extra shot, each chosen or not: 8 drinks from one recipe.
#[tokio::test]
async fn every_choice_of_options_holds_and_consumes_what_it_needs() {
    let shop = Storeroom::open().await;
    let beans = shop.stocked("Beans", 10_000, json!({})).await;
    let fresh = shop.stocked("Fresh milk", 10_000, json!({})).await;
    let oat = shop.stocked("Oat milk", 10_000, json!({})).await;
    let (latte, options) = shop.new_product_with(None, &[0, 0, 0]);
    let recipe = json!({
        "parts": [{"inventoryId": beans, "quantity": 18}, {"inventoryId": fresh, "quantity": 200}],
        "options": [
            {"optionId": options[0], "add": [{"inventoryId": fresh, "quantity": 100}]},
            {"optionId": options[1], "replace": [{"inventoryId": fresh, "byInventoryId": oat}]},
            {"optionId": options[2], "add": [{"inventoryId": beans, "quantity": 9}]},
        ],
    });
    shop.write_recipe(latte, recipe).await.expect(200);
    let items = [beans, fresh, oat];
    for (chosen, needs) in [
        (vec![], [18, 200, 0]),
        (vec![0], [18, 300, 0]),
        (vec![1], [18, 0, 200]),
        (vec![2], [27, 200, 0]),
        (vec![0, 1], [18, 0, 300]),
        (vec![0, 2], [27, 300, 0]),
        (vec![1, 2], [27, 0, 200]),
        (vec![2, 1, 0], [27, 0, 300]),
    ] {
        let chosen: Vec<OptionId> = chosen.into_iter().map(|index: usize| options[index]).collect();
        let before = [shop.levels(beans).await, shop.levels(fresh).await, shop.levels(oat).await];
        let order = shop.new_order();
        let two = Line(ReserveItem { product_id: latte, quantity: 2, options: chosen.clone(), dispense_ml: None });
        shop.reserve(order, 1, std::slice::from_ref(&two)).await.expect(200);
        for ((item, before), need) in items.iter().zip(&before).zip(&needs) {
            assert_eq!(shop.levels(*item).await, (before.0, 2 * need), "held with {chosen:?}");
        }
        shop.created(order, &[two]).await;
        shop.paid(order).await;
        for ((item, before), need) in items.iter().zip(&before).zip(&needs) {
            assert_eq!(shop.levels(*item).await, (before.0 - 2 * need, 0), "consumed with {chosen:?}");
        }
    }
}

#[tokio::test]
async fn an_order_keeps_what_it_holds_if_the_recipe_of_its_options_changes() {
    let shop = Storeroom::open().await;
    let fresh = shop.stocked("Fresh milk", 1_000, json!({})).await;
    let oat = shop.stocked("Oat milk", 1_000, json!({})).await;
    let (latte, options) = shop.new_product_with(None, &[0]);
    let parts = json!([{"inventoryId": fresh, "quantity": 200}]);
    let replace = json!({"optionId": options[0], "replace": [{"inventoryId": fresh, "byInventoryId": oat}]});
    shop.write_recipe(latte, json!({"parts": parts, "options": [replace]})).await.expect(200);
    let with_oat = [Line(ReserveItem { product_id: latte, quantity: 1, options, dispense_ml: None })];
    let order = shop.new_order();
    shop.reserve(order, 1, &with_oat).await.expect(200);

    shop.write_recipe(latte, json!({"parts": parts})).await.expect(200);
    shop.created(order, &with_oat).await;
    shop.paid(order).await;
    assert_eq!((shop.levels(fresh).await, shop.levels(oat).await), ((1_000, 0), (800, 0)));
}

#[tokio::test]
async fn a_keg_loses_the_millilitres_that_the_cup_gets() {
    let shop = Storeroom::open().await;
    let keg = shop.stocked("Cold brew keg", 1_000, json!({"unit": "ml"})).await;
    let (cold_brew, large) = shop.new_product_with(Some(240), &[120]);
    let recipe = json!({"parts": [{"inventoryId": keg, "takesDispensed": true}]});
    shop.write_recipe(cold_brew, recipe).await.expect(200);
    let order = shop.new_order();
    let lines = json!([
        {"productId": cold_brew, "quantity": 1, "dispenseMl": 240},
        {"productId": cold_brew, "quantity": 2, "dispenseMl": 360, "options": large},
    ]);
    shop.reserve_items(order, 1, lines).await.expect(200);
    assert_eq!(shop.levels(keg).await, (1_000, 960));
    let one_more = json!([{"productId": cold_brew, "quantity": 1, "dispenseMl": 240}]);
    shop.reserve_items(shop.new_order(), 1, one_more).await.problem(409, "out-of-stock");
}
