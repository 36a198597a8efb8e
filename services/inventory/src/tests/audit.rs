//! What the audit trail learns of stock.

use contracts::{
    audit::AuditEntry,
    event::ActAudited,
    inventory::MoveReason,
    staff::{ApprovableAction, Role},
};
use serde_json::{Value, json};

use super::{NOBODY, Storeroom};

/// The acts that were published.
async fn acts(shop: &Storeroom) -> Vec<AuditEntry> {
    shop.world.wait_until_idle().await;
    shop.world.published::<ActAudited>().into_iter().map(|ActAudited(act)| act).collect()
}

/// The values of an act before and after.
fn values(act: &AuditEntry) -> (Value, Value) {
    let value = |raw: &Option<Box<serde_json::value::RawValue>>| {
        raw.as_ref().map_or(Value::Null, |raw| serde_json::from_str(raw.get()).unwrap())
    };
    (value(&act.before), value(&act.after))
}

#[tokio::test]
async fn stock_that_a_person_moved_says_what_was_on_hand_before_and_after() {
    let shop = Storeroom::open().await;
    let milk = shop.stocked("Milk", 0, json!({})).await;
    for (reason, quantity) in [
        (MoveReason::Received, 1_000),
        (MoveReason::Waste, 100),
        (MoveReason::Count, 850),
        (MoveReason::Correction, -50),
    ] {
        shop.adjust(milk, reason, quantity).await.expect(200);
    }
    shop.adjust(milk, MoveReason::Waste, 10_000).await.problem(409, "insufficient-stock");

    let acts = acts(&shop).await;
    let on_hand = |on_hand: i64| json!({"onHand": on_hand, "unit": "piece"});
    let told: Vec<_> = acts.iter().map(|act| (&*act.action, values(act))).collect();
    assert_eq!((told[0].0, &told[0].1.0, &told[0].1.1["name"]), ("item.created", &Value::Null, &json!("Milk")));
    let moves = [
        ("stock.received", 0, 1_000),
        ("stock.wasted", 1_000, 900),
        ("stock.counted", 900, 850),
        ("stock.corrected", 850, 800),
    ];
    assert_eq!(told.len(), 1 + moves.len(), "a movement that is refused is no act");
    for (told, (action, before, after)) in told[1..].iter().zip(moves) {
        assert_eq!(*told, (action, (on_hand(before), on_hand(after))));
    }
    assert!(acts.iter().all(|act| act.label == "Milk" && act.subject == milk.to_string()));
}

#[tokio::test]
async fn a_cashier_moves_stock_with_a_managers_approval_of_that_item_only() {
    let shop = Storeroom::open().await;
    let (milk, beans) = (shop.stocked("Milk", 10, json!({})).await, shop.stocked("Beans", 10, json!({})).await);
    let cashier = shop.client.with_token(&shop.world.credentials.staff(Role::Cashier));
    let approved = cashier.with_approval(&shop.world.credentials.approval(ApprovableAction::AdjustStock, milk));
    let before = acts(&shop).await.len();
    let waste = || json!({"reason": "WASTE", "quantity": 2, "note": "Fell down"});

    cashier.post(&format!("/api/Inventory/{milk}/adjust"), waste()).await.problem(403, "approval-required");
    approved.post(&format!("/api/Inventory/{beans}/adjust"), waste()).await.problem(403, "approval-required");
    let path = format!("/api/Inventory/{milk}/adjust");
    let first = approved.post_with_key(&path, "k1", waste()).await.expect(200);
    assert_eq!(approved.post_with_key(&path, "k1", waste()).await.expect(200), first, "a retry is no second act");
    approved.post_with_key(&path, "k2", waste()).await.problem(403, "approval-used");
    approved.post(&path, waste()).await.problem(403, "approval-used");

    assert_eq!((shop.item(milk).await.on_hand, shop.item(beans).await.on_hand), (8, 10));
    let acts = acts(&shop).await;
    assert_eq!(acts.len(), before + 1);
    let act = acts.last().unwrap();
    assert_eq!(act.actor.staff.as_ref().unwrap().name, "Sari");
    assert_eq!(act.actor.approved_by.as_ref().unwrap().name, "Dimas");
    assert_eq!(act.reason.as_deref(), Some("Fell down"));
}

#[tokio::test]
async fn changes_of_items_and_recipes_say_what_differs() {
    let shop = Storeroom::open().await;
    let milk = shop.stocked("Milk", 0, json!({"lowLevel": 5})).await;
    let latte = shop.new_product();

    let renamed = json!({"name": "Fresh milk", "unit": "piece", "lowLevel": 5});
    shop.client.put(&format!("/api/Inventory/{milk}"), renamed).await.expect(200);
    let parts = |quantity: i64| json!({"parts": [{"inventoryId": milk, "quantity": quantity}]});
    shop.write_recipe(latte, parts(150)).await.expect(200);
    shop.write_recipe(latte, parts(180)).await.expect(200);
    shop.write_recipe(latte, json!({"parts": [{"inventoryId": NOBODY, "quantity": 1}]}))
        .await
        .problem(422, "unknown-inventory-item");

    let acts = acts(&shop).await;
    let told: Vec<_> = acts[1..].iter().map(|act| (&*act.action, &*act.label, values(act))).collect();
    assert_eq!(told.len(), 3, "a recipe that is refused is no act: {told:#?}");
    assert_eq!(told[0], ("item.changed", "Fresh milk", (json!({"name": "Milk"}), json!({"name": "Fresh milk"}))));
    let mut first = parts(150);
    first["options"] = json!([]);
    assert_eq!(told[1], ("recipe.written", "Something", (Value::Null, first)));
    assert_eq!(told[2], ("recipe.written", "Something", (parts(150), parts(180))));
}
