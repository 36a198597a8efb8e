use contracts::{audit::AuditEntry, event::ActAudited, staff::Role};

use super::*;

/// The acts that were published, each with its values before and after.
async fn acts(world: &World) -> Vec<(AuditEntry, Value, Value)> {
    world.wait_until_idle().await;
    let value = |raw: &Option<Box<serde_json::value::RawValue>>| {
        raw.as_ref().map_or(Value::Null, |raw| serde_json::from_str(raw.get()).unwrap())
    };
    let with_values = |ActAudited(act): ActAudited| {
        let (before, after) = (value(&act.before), value(&act.after));
        (act, before, after)
    };
    world.published::<ActAudited>().into_iter().map(with_values).collect()
}

#[tokio::test]
async fn changes_of_the_menu_say_who_made_them_and_what_differs() {
    let world = World::new().await;
    let client = menu(&world).await;
    let manager = client.with_token(&world.credentials.staff(Role::Manager));
    let coffee = category(&manager, "Coffee", 1).await;
    let latte_id = product(&manager, latte(&coffee)).await;
    let path = format!("/api/Product/{latte_id}");

    let dearer = json!({"name": "Latte", "categoryId": coffee, "price": 27000});
    manager.put(&path, dearer).await.expect(200);
    manager.put(&format!("{path}/availability"), json!({"isAvailable": false})).await.expect(200);
    manager.put(&format!("{path}/availability"), json!({"isAvailable": false})).await.expect(200);
    manager.delete(&path).await.expect(204);
    manager.delete(&path).await.expect(204);
    manager.put(&format!("/api/Category/{coffee}"), json!({"name": "Kopi", "position": 1})).await.expect(200);
    manager.delete(&format!("/api/Category/{coffee}")).await.expect(204);

    let acts = acts(&world).await;
    let told: Vec<_> = acts.iter().map(|(act, before, after)| (&*act.action, &*act.label, before, after)).collect();
    assert_eq!(told.len(), 7, "what changes nothing is no act: {told:#?}");
    assert!(acts.iter().all(|(act, ..)| act.actor.staff.as_ref().unwrap().name == "Dimas"));
    assert_eq!(
        (told[0].0, told[0].1, told[0].2, &told[0].3["name"]),
        ("category.created", "Coffee", &Value::Null, &json!("Coffee"))
    );
    assert_eq!(
        (told[1].0, told[1].1, told[1].2, &told[1].3["price"]),
        ("product.created", "Latte", &Value::Null, &json!(25000))
    );
    assert_eq!(acts[1].0.subject, latte_id);
    let changes = [
        ("product.changed", "Latte", json!({"price": 25000}), json!({"price": 27000})),
        ("product.availability_changed", "Latte", json!({"isAvailable": true}), json!({"isAvailable": false})),
        ("product.archived", "Latte", json!({"isArchived": false}), json!({"isArchived": true})),
        ("category.changed", "Kopi", json!({"name": "Coffee"}), json!({"name": "Kopi"})),
        ("category.archived", "Kopi", json!({"isArchived": false}), json!({"isArchived": true})),
    ];
    for (told, (action, label, before, after)) in told[2..].iter().zip(&changes) {
        assert_eq!(*told, (*action, *label, before, after));
    }
}

#[tokio::test]
async fn a_change_of_the_menu_that_is_refused_is_no_act() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 1).await;
    let latte_id = product(&client, latte(&coffee)).await;
    let before = acts(&world).await.len();

    client.put(&format!("/api/Product/{latte_id}"), latte(NOBODY)).await.problem(422, "invalid");
    client.put(&format!("/api/Product/{NOBODY}"), latte(&coffee)).await.problem(404, "not-found");
    client.delete(&format!("/api/Category/{coffee}")).await.problem(409, "category-in-use");
    client
        .put(&format!("/api/Category/{NOBODY}"), json!({"name": "Kopi", "position": 1}))
        .await
        .problem(404, "not-found");
    let taken = json!({"productId": latte_id, "name": "Mocha", "categoryId": coffee, "price": 1});
    client.post("/api/Product", taken).await.problem(409, "product-exists");

    assert_eq!(acts(&world).await.len(), before);
}

#[tokio::test]
async fn a_repeated_request_is_one_act() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 1).await;
    for _ in 0..3 {
        client.post_with_key("/api/Product", "a-key", latte(&coffee)).await.expect(201);
    }
    assert_eq!(acts(&world).await.len(), 2, "the category and the product");
}
