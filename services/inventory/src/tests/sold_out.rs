//! Product asks which products cannot be made now.

use contracts::inventory::SoldOut;
use serde_json::json;

use super::Storeroom;

#[tokio::test]
async fn a_product_is_sold_out_while_an_order_for_it_would_be_refused() {
    let shop = Storeroom::open().await;
    let (croissant, croissants) = shop.product("Croissant", 1, json!({})).await;
    let (muffin, _) = shop.product("Muffin", 0, json!({"policy": "WARN"})).await;
    let water = shop.new_product();
    let keg = shop.stocked("Cold brew keg", 300, json!({"unit": "ml"})).await;
    let (cold_brew, _) = shop.new_product_with(Some(240), &[120]);
    shop.write_recipe(cold_brew, json!({"parts": [{"inventoryId": keg, "takesDispensed": true}]})).await.expect(200);

    let sold_out = async |dispense_ml: u32| {
        let one = |product| json!({"productId": product, "quantity": 1});
        let cup = json!({"productId": cold_brew, "quantity": 1, "dispenseMl": dispense_ml});
        let items = json!({"items": [one(croissant), one(muffin), one(water), cup]});
        shop.client.post("/internal/Inventory/sold-out", items).await.read::<SoldOut>(200).product_ids
    };
    assert_eq!(sold_out(240).await, []);
    assert_eq!(sold_out(360).await, [cold_brew]);
    let order = shop.new_order();
    shop.reserve(order, 1, &[(croissant, 1)]).await.expect(200);
    assert_eq!(sold_out(240).await, [croissant], "an unpaid order holds the last one");
    shop.release(order, 1).await.expect(200);
    assert_eq!(sold_out(240).await, []);
    shop.adjust(croissants, contracts::inventory::MoveReason::Waste, 1).await.expect(200);
    assert_eq!(sold_out(240).await, [croissant]);
}

#[tokio::test]
async fn one_question_has_at_most_two_hundred_products() {
    let shop = Storeroom::open().await;
    let one = json!({"productId": shop.new_product(), "quantity": 1});
    let ask = async |count| {
        let items = json!({"items": vec![one.clone(); count]});
        shop.client.post("/internal/Inventory/sold-out", items).await
    };
    ask(200).await.expect(200);
    ask(201).await.problem(422, "invalid");
    assert_eq!(ask(0).await.read::<SoldOut>(200).product_ids, []);
}
