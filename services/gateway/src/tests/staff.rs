use contracts::event::ActAudited;

use super::*;

/// `PUT /api/Staff/{id}` with the ETag `version`.
async fn replace(client: &Client, id: StaffId, version: &str, person: Value) -> Reply {
    let request = Request::put(format!("/api/Staff/{id}"))
        .header("content-type", "application/json")
        .header("if-match", version)
        .body(Body::from(person.to_string()))
        .unwrap();
    client.send(request).await
}

async fn owner_id(client: &Client) -> StaffId {
    let people = client.get("/api/Staff").await.expect(200);
    serde_json::from_value(people["items"][0]["staffId"].clone()).unwrap()
}

async fn acts(world: &World) -> Vec<(String, String)> {
    world.wait_until_idle().await;
    world.published::<ActAudited>().into_iter().map(|act| (act.0.action, act.0.label)).collect()
}

#[tokio::test]
async fn a_repeated_request_adds_one_person_and_the_pin_is_nowhere() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let person = json!({"name": " Sari ", "role": "CASHIER", "pin": "13799731"});

    let first = owner.post_with_key("/api/Staff", "k1", person.clone()).await;
    assert_eq!(first.headers["etag"], "\"1\"");
    let first = first.expect(201);
    assert_eq!(owner.post_with_key("/api/Staff", "k1", person).await.expect(201), first);
    let other = json!({"name": "Budi", "role": "CASHIER", "pin": "13799731"});
    owner.post_with_key("/api/Staff", "k1", other).await.problem(422, "idempotency-key-reused");

    assert_eq!(first["name"], "Sari");
    assert_eq!(owner.get("/api/Staff").await.expect(200)["items"].as_array().unwrap().len(), 2);
    assert_eq!(acts(&world).await, [("staff.created".into(), "Owner".into()), ("staff.created".into(), "Sari".into())]);
    let published = format!("{:?}", world.published_events());
    assert!(!published.contains("13799731") && !first.to_string().contains("13799731"), "{published}");
    let act = world.published::<ActAudited>().pop().unwrap().0;
    assert_eq!(act.actor.staff.unwrap().name, "Ratih");
    assert_eq!(act.after.unwrap().get(), r#"{"isActive":true,"name":"Sari","role":"CASHIER"}"#);
}

#[tokio::test]
async fn two_people_who_work_here_do_not_share_a_name() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let budi = add(&owner, "Budi", Role::Cashier, "1379").await;

    let same = json!({"name": "SARI", "role": "CASHIER", "pin": "2468"});
    owner.post("/api/Staff", same.clone()).await.problem(409, "name-taken");
    let renamed = json!({"name": "sari", "role": "CASHIER"});
    owner.put(&format!("/api/Staff/{budi}"), renamed).await.problem(409, "name-taken");

    let left = json!({"name": "Sari", "role": "CASHIER", "isActive": false});
    owner.put(&format!("/api/Staff/{sari}"), left).await.expect(200);
    owner.post("/api/Staff", same).await.expect(201);
    let back = json!({"name": "Sari", "role": "CASHIER", "isActive": true});
    owner.put(&format!("/api/Staff/{sari}"), back).await.problem(409, "name-taken");
    for name in ["", " ", "a\nb", &"x".repeat(41)] {
        let wrong = json!({"name": name, "role": "CASHIER", "pin": "2468"});
        owner.post("/api/Staff", wrong).await.problem(422, "invalid");
    }
}

#[tokio::test]
async fn another_role_ends_the_sessions_and_another_name_does_not() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let client = signed_in(&owner.anonymous(), sari, "1379").await;

    let renamed = replace(&owner, sari, "\"1\"", json!({"name": "Sari W", "role": "CASHIER"})).await;
    assert_eq!(renamed.headers["etag"], "\"2\"");
    renamed.expect(200);
    client.get("/api/Session").await.expect(200);
    let stale = replace(&owner, sari, "\"1\"", json!({"name": "Sari", "role": "MANAGER"})).await;
    stale.problem(412, "version-mismatch");

    replace(&owner, sari, "\"2\"", json!({"name": "Sari W", "role": "MANAGER"})).await.expect(200);
    client.get("/api/Session").await.problem(401, "token-revoked");
    let acts = acts(&world).await;
    assert_eq!(acts.iter().filter(|(action, _)| action == "staff.changed").count(), 2, "{acts:?}");
}

#[tokio::test]
async fn the_last_owner_stays_an_owner_who_works_here() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let id = owner_id(&owner).await;

    for written in
        [json!({"name": "Owner", "role": "MANAGER"}), json!({"name": "Owner", "role": "OWNER", "isActive": false})]
    {
        owner.put(&format!("/api/Staff/{id}"), written).await.problem(409, "last-owner");
    }
    owner.put(&format!("/api/Staff/{id}"), json!({"name": "Ratih", "role": "OWNER"})).await.expect(200);
    add(&owner, "Dewi", Role::Owner, "1379").await;
    owner.put(&format!("/api/Staff/{id}"), json!({"name": "Ratih", "role": "MANAGER"})).await.expect(200);
}

#[tokio::test]
async fn owners_who_dismiss_each_other_at_once_leave_one() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let mut owners = vec![owner_id(&owner).await];
    for number in 1..6 {
        owners.push(add(&owner, &format!("Owner {number}"), Role::Owner, "1379").await);
    }

    let dismissals = owners.iter().enumerate().map(|(number, id)| {
        let (owner, path) = (owner.clone(), format!("/api/Staff/{id}"));
        let written = json!({"name": format!("Former {number}"), "role": "OWNER", "isActive": false});
        async move { owner.put(&path, written).await.status.as_u16() }
    });
    let mut statuses = futures::future::join_all(dismissals).await;

    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 409]);
    assert_eq!(owner.get("/api/Staff").await.expect(200)["items"].as_array().unwrap().len(), 1);
    let everyone = owner.get("/api/Staff?includeInactive=true&limit=4").await.expect(200);
    assert_eq!(everyone["items"].as_array().unwrap().len(), 4);
    let cursor = everyone["nextCursor"].as_str().unwrap();
    let rest = owner.get(&format!("/api/Staff?includeInactive=true&cursor={cursor}")).await.expect(200);
    assert_eq!(rest["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_new_pin_lifts_the_lock_and_ends_what_the_old_one_began() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let dimas = add(&owner, "Dimas", Role::Manager, "2468").await;
    let guest = owner.anonymous();
    let client = signed_in(&guest, sari, "1379").await;
    let manager = signed_in(&guest, dimas, "2468").await;
    let owner = signed_in(&guest, owner_id(&owner).await, "2580").await;
    for _ in 0..5 {
        sign_in(&guest, sari, "0000").await.expect(401);
    }

    let path = format!("/api/Staff/{sari}/pin");
    manager.put(&path, json!({"callerPin": "2468", "pin": "8642"})).await.problem(403, "forbidden");
    client.put(&path, json!({"callerPin": "1379", "pin": "8642"})).await.problem(429, "staff-locked");
    owner.put(&path, json!({"callerPin": "2580", "pin": "8642"})).await.expect(200);

    client.get("/api/Session").await.problem(401, "token-revoked");
    sign_in(&guest, sari, "1379").await.problem(401, "wrong-pin");
    sign_in(&guest, sari, "8642").await.expect(201);
    owner.put(&path, json!({"callerPin": "2580", "pin": "12"})).await.expect(422);
    let unknown = format!("/api/Staff/{}/pin", StaffId::new(world.clock.now()));
    owner.put(&unknown, json!({"callerPin": "2580", "pin": "8642"})).await.problem(404, "not-found");
}

#[tokio::test]
async fn whoever_finds_a_signed_in_tablet_cannot_change_a_pin_on_it() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let (sari, id) = (add(&owner, "Sari", Role::Cashier, "1379").await, owner_id(&owner).await);
    let guest = owner.anonymous();
    let (left_tablet, client) = (signed_in(&guest, id, "2580").await, signed_in(&guest, sari, "1379").await);

    let path = format!("/api/Staff/{sari}/pin");
    client.put(&path, json!({"pin": "8642"})).await.expect(422);
    client.put(&path, json!({"callerPin": "0000", "pin": "8642"})).await.problem(401, "wrong-pin");
    client.put(&path, json!({"callerPin": "1379", "pin": "8642"})).await.expect(200);
    sign_in(&guest, sari, "8642").await.expect(201);
    world.wait_until_idle().await;
    let changed = world.published::<ActAudited>().pop().unwrap().0;
    assert_eq!(
        (changed.action.as_str(), changed.after.unwrap().get()),
        ("staff.pin_changed", r#"{"failedAttempts":1}"#)
    );

    for _ in 0..5 {
        left_tablet.put(&path, json!({"callerPin": "0000", "pin": "6666"})).await.problem(401, "wrong-pin");
    }
    left_tablet.put(&path, json!({"callerPin": "2580", "pin": "6666"})).await.problem(429, "staff-locked");
    sign_in(&guest, sari, "8642").await.expect(201);
}

#[tokio::test]
async fn only_owners_unlock_and_sign_out_managers_and_owners() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let dimas = add(&owner, "Dimas", Role::Manager, "2468").await;
    let manager = owner.with_token(&world.credentials.staff(Role::Manager));
    let boss = owner_id(&owner).await;
    let guest = owner.anonymous();
    let (at_work, of_boss) = (signed_in(&guest, dimas, "2468").await, signed_in(&guest, boss, "2580").await);
    for _ in 0..5 {
        sign_in(&guest, dimas, "0000").await.expect(401);
    }

    for act in ["unlock", "sign-out"] {
        for target in [dimas, boss] {
            let refused =
                manager.post(&format!("/api/Staff/{target}/{act}"), json!({})).await.problem(403, "forbidden");
            assert!(refused["detail"].as_str().unwrap().contains("Let an owner"), "{refused}");
        }
    }
    at_work.post(&format!("/api/Staff/{dimas}/unlock"), json!({})).await.problem(403, "forbidden");
    at_work.post(&format!("/api/Staff/{dimas}/sign-out"), json!({})).await.expect(200);
    at_work.get("/api/Session").await.problem(401, "token-revoked");
    owner.post(&format!("/api/Staff/{dimas}/unlock"), json!({})).await.expect(200);
    owner.post(&format!("/api/Staff/{boss}/sign-out"), json!({})).await.expect(200);
    of_boss.get("/api/Session").await.problem(401, "token-revoked");
}

#[tokio::test]
async fn after_an_unlock_the_next_lock_is_longer() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    for minutes in [5, 15, 45] {
        for _ in 0..5 {
            sign_in(&owner.anonymous(), sari, "0000").await.problem(401, "wrong-pin");
        }
        let until = world.clock.now() + std::time::Duration::from_secs(minutes * 60);
        let locked = sign_in(&owner.anonymous(), sari, "1379").await.problem(429, "staff-locked");
        assert_eq!(locked["context"]["lockedUntil"], json!(until));
        owner.post(&format!("/api/Staff/{sari}/unlock"), json!({})).await.expect(200);
    }
    sign_in(&owner.anonymous(), sari, "1379").await.expect(201);
}

#[tokio::test]
async fn a_manager_unlocks_and_signs_out_everywhere() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let guest = owner.anonymous();
    let manager = owner.with_token(&world.credentials.staff(Role::Manager));
    let sessions = [signed_in(&guest, sari, "1379").await, signed_in(&guest, sari, "1379").await];
    for _ in 0..5 {
        sign_in(&guest, sari, "0000").await.expect(401);
    }

    let cashier = owner.with_token(&world.credentials.staff(Role::Cashier));
    cashier.post(&format!("/api/Staff/{sari}/unlock"), json!({})).await.problem(403, "approval-required");
    let unlocked = manager.post(&format!("/api/Staff/{sari}/unlock"), json!({})).await.read::<StaffView>(200);
    assert_eq!((unlocked.locked_until, unlocked.failed_attempts), (None, 5));
    manager.post(&format!("/api/Staff/{sari}/unlock"), json!({})).await.expect(200);
    let signed_out = manager.post(&format!("/api/Staff/{sari}/sign-out"), json!({})).await.read::<StaffView>(200);
    assert!(!signed_out.is_signed_in);
    for session in sessions {
        session.get("/api/Session").await.problem(401, "token-revoked");
    }
    let acts = acts(&world).await;
    for action in ["staff.unlocked", "staff.signed_out"] {
        assert_eq!(acts.iter().filter(|(done, _)| done == action).count(), 1, "{action} in {acts:?}");
    }
}

#[tokio::test]
async fn only_owners_decide_who_works_here() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let id = owner_id(&owner).await;
    let person = json!({"name": "Eve", "role": "OWNER", "pin": "6666"});

    for role in [Role::Cashier, Role::Manager] {
        let client = owner.with_token(&world.credentials.staff(role));
        client.post("/api/Staff", person.clone()).await.problem(403, "forbidden");
        client.put(&format!("/api/Staff/{id}"), json!({"name": "Eve", "role": "CASHIER"})).await.expect(403);
        client
            .put(&format!("/api/Staff/{id}/pin"), json!({"callerPin": "6666", "pin": "6666"}))
            .await
            .problem(403, "forbidden");
    }
    owner.anonymous().post("/api/Staff", person).await.problem(401, "sign-in-required");
    assert_eq!(owner.get("/api/Staff").await.expect(200)["items"].as_array().unwrap().len(), 1);
}
