use std::time::Duration;

use contracts::{event::ActAudited, staff::ApprovalView};

use super::*;

/// A cashier who is signed in, a manager with the PIN 2468, and a person whom five wrong PINs have locked.
struct Counter {
    owner: Client,
    cashier: Client,
    cashier_id: StaffId,
    manager_id: StaffId,
    locked: StaffId,
}

impl Counter {
    async fn new(world: &World) -> Self {
        let owner = start_shop(world).await;
        let cashier_id = add(&owner, "Sari", Role::Cashier, "1379").await;
        let manager_id = add(&owner, "Dimas", Role::Manager, "2468").await;
        let locked = add(&owner, "Budi", Role::Cashier, "1111").await;
        let cashier = signed_in(&owner.anonymous(), cashier_id, "1379").await;
        for _ in 0..5 {
            sign_in(&owner.anonymous(), locked, "0000").await.expect(401);
        }
        Self { owner, cashier, cashier_id, manager_id, locked }
    }

    async fn ask(&self, client: &Client, staff_id: StaffId, pin: &str, action: &str, subject: StaffId) -> Reply {
        let request = json!({"staffId": staff_id, "pin": pin, "action": action, "subject": subject});
        client.post("/api/Approval", request).await
    }

    async fn unlock(&self, client: &Client, approval: &str) -> Reply {
        client.with_approval(approval).post(&format!("/api/Staff/{}/unlock", self.locked), json!({})).await
    }
}

#[tokio::test]
async fn a_manager_approves_one_act_on_the_cashiers_tablet() {
    let world = World::new().await;
    let counter = Counter::new(&world).await;

    let reply = counter.ask(&counter.cashier, counter.manager_id, "2468", "UNLOCK_STAFF", counter.locked).await;
    let approval: ApprovalView = reply.read(200);
    assert_eq!(approval.approved_by.name, "Dimas");
    assert_eq!(approval.expires_at, world.clock.now() + Duration::from_secs(120));
    counter.unlock(&counter.cashier, &approval.approval).await.expect(200);

    world.wait_until_idle().await;
    let act = world.published::<ActAudited>().pop().unwrap().0;
    assert_eq!(act.action, "staff.unlocked");
    assert_eq!((act.actor.staff.unwrap().name, act.actor.approved_by.unwrap().name), ("Sari".into(), "Dimas".into()));
}

#[tokio::test]
async fn an_approval_is_for_one_act_and_a_retry_of_that_act_changes_nothing() {
    let world = World::new().await;
    let counter = Counter::new(&world).await;
    let reply = counter.ask(&counter.cashier, counter.manager_id, "2468", "UNLOCK_STAFF", counter.locked).await;
    let approval = reply.read::<ApprovalView>(200).approval;

    counter.unlock(&counter.cashier, &approval).await.expect(200);
    counter.unlock(&counter.cashier, &approval).await.expect(200);
    for _ in 0..5 {
        sign_in(&counter.owner.anonymous(), counter.locked, "0000").await.expect(401);
    }
    counter.unlock(&counter.cashier, &approval).await.problem(403, "approval-used");
    sign_in(&counter.owner.anonymous(), counter.locked, "1111").await.problem(429, "staff-locked");
}

#[tokio::test]
async fn a_managers_approval_does_not_unlock_a_manager_and_an_owners_does() {
    let world = World::new().await;
    let counter = Counter::new(&world).await;
    let ratna = add(&counter.owner, "Ratna", Role::Manager, "3579").await;
    let dewi = add(&counter.owner, "Dewi", Role::Owner, "8642").await;
    for _ in 0..5 {
        sign_in(&counter.owner.anonymous(), ratna, "0000").await.expect(401);
    }
    let manager = signed_in(&counter.owner.anonymous(), counter.manager_id, "2468").await;
    let path = format!("/api/Staff/{ratna}/unlock");

    for client in [&counter.cashier, &manager] {
        let reply = counter.ask(client, counter.manager_id, "2468", "UNLOCK_STAFF", ratna).await;
        let of_equal = reply.read::<ApprovalView>(200).approval;
        client.with_approval(&of_equal).post(&path, json!({})).await.problem(403, "forbidden");
    }
    let of_owner = counter.ask(&manager, dewi, "8642", "UNLOCK_STAFF", ratna).await.read::<ApprovalView>(200).approval;
    manager.with_approval(&of_owner).post(&path, json!({})).await.expect(200);
}

#[tokio::test]
async fn approvals_are_audited_with_the_wrong_pins_before_them() {
    let world = World::new().await;
    let counter = Counter::new(&world).await;
    let (cashier, locked) = (&counter.cashier, counter.locked);
    for pin in ["0000", "1111", "2468"] {
        counter.ask(cashier, counter.manager_id, pin, "UNLOCK_STAFF", locked).await;
    }
    counter.ask(cashier, counter.cashier_id, "0000", "ADJUST_STOCK", locked).await.expect(401);
    counter.ask(cashier, counter.cashier_id, "1379", "ADJUST_STOCK", locked).await.expect(403);

    world.wait_until_idle().await;
    let acts = world.published::<ActAudited>();
    let [given, refused] = &acts[acts.len() - 2..] else { unreachable!() };
    let of = |act: &ActAudited| (act.0.action.clone(), act.0.subject.clone(), act.0.label.clone());
    assert_eq!(of(given), ("approval.given".into(), locked.to_string(), "UNLOCK_STAFF".into()));
    assert_eq!(given.0.after.as_ref().unwrap().get(), r#"{"failedAttempts":2}"#);
    let actor = &given.0.actor;
    assert_eq!(actor.staff.as_ref().unwrap().name, "Sari");
    assert_eq!(actor.approved_by.as_ref().unwrap().name, "Dimas");
    assert_eq!(of(refused), ("approval.refused".into(), counter.cashier_id.to_string(), "Sari".into()));
    assert_eq!(refused.0.after.as_ref().unwrap().get(), r#"{"failedAttempts":1}"#);
}

#[tokio::test]
async fn an_approval_is_for_its_session_its_action_and_its_subject_for_two_minutes() {
    let world = World::new().await;
    let counter = Counter::new(&world).await;
    let (manager, locked) = (counter.manager_id, counter.locked);
    let approval = async |action, subject| {
        let reply = counter.ask(&counter.cashier, manager, "2468", action, subject).await;
        reply.read::<ApprovalView>(200).approval
    };

    let of_another_subject = approval("UNLOCK_STAFF", counter.cashier_id).await;
    counter.unlock(&counter.cashier, &of_another_subject).await.problem(403, "approval-required");
    let of_another_action = approval("ADJUST_STOCK", locked).await;
    counter.unlock(&counter.cashier, &of_another_action).await.problem(403, "approval-required");
    let right = approval("UNLOCK_STAFF", locked).await;
    let another_session = signed_in(&counter.owner.anonymous(), counter.cashier_id, "1379").await;
    counter.unlock(&another_session, &right).await.problem(401, "invalid-token");

    world.clock.advance(Duration::from_secs(120));
    counter.unlock(&counter.cashier, &right).await.problem(401, "token-expired");
    assert_eq!(counter.owner.get(&format!("/api/Staff/{locked}")).await.expect(200)["failedAttempts"], 5);
}

#[tokio::test]
async fn a_cashiers_pin_approves_nothing_and_wrong_pins_count() {
    let world = World::new().await;
    let counter = Counter::new(&world).await;
    let (cashier, locked) = (&counter.cashier, counter.locked);

    counter.ask(cashier, counter.cashier_id, "1379", "UNLOCK_STAFF", locked).await.problem(403, "cannot-approve");
    counter.ask(cashier, locked, "1111", "UNLOCK_STAFF", locked).await.problem(429, "staff-locked");
    for _ in 0..5 {
        counter.ask(cashier, counter.manager_id, "0000", "UNLOCK_STAFF", locked).await.problem(401, "wrong-pin");
    }
    counter.ask(cashier, counter.manager_id, "2468", "UNLOCK_STAFF", locked).await.problem(429, "staff-locked");
    let guest = counter.owner.anonymous();
    counter.ask(&guest, counter.manager_id, "2468", "UNLOCK_STAFF", locked).await.problem(401, "sign-in-required");
    let nothing = json!({"staffId": counter.manager_id, "pin": "2468", "action": "UNLOCK_STAFF", "subject": ""});
    cashier.post("/api/Approval", nothing).await.problem(422, "invalid");
}
