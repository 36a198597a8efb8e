use crate::Person;

use super::*;

#[tokio::test]
async fn a_new_shop_has_an_owner_with_a_random_pin_that_is_shown_once() {
    let world = World::new().await;
    let gateway = open(&world, FirstStart::default()).await;
    let [owner] = &gateway.first_staff[..] else { panic!("{:?}", gateway.first_staff) };
    assert_eq!((owner.name.as_str(), owner.role), ("Owner", Role::Owner));
    let pin = owner.pin.clone().unwrap();
    assert_eq!(pin.digits().len(), 6);
    let client = world.start(gateway.service).await;
    let people = client.get("/api/Staff").await.expect(200);
    let id: StaffId = serde_json::from_value(people["items"][0]["staffId"].clone()).unwrap();
    sign_in(&client.anonymous(), id, pin.digits()).await.expect(201);
    world.stop().await;

    let again = open(&world, FirstStart { owner_pin: Some(Pin::new("2580").unwrap()), is_demo: true }).await;
    assert!(again.first_staff.is_empty());
}

#[tokio::test]
async fn a_chosen_pin_is_the_owners_and_is_not_shown() {
    let world = World::new().await;
    let gateway = open(&world, FirstStart { owner_pin: Some(Pin::new("2580").unwrap()), is_demo: true }).await;
    let shown: Vec<_> = gateway.first_staff.iter().map(|person| (person.name.as_str(), person.pin.is_some())).collect();
    assert_eq!(shown, [("Sari", true), ("Dimas", true), ("Ratih", false)]);
}

#[tokio::test]
async fn a_pin_is_reset_beside_the_running_shop() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let guest = owner.anonymous();
    signed_in(&guest, sari, "1379").await;
    for _ in 0..5 {
        sign_in(&guest, sari, "0000").await.expect(401);
    }

    let beside = world.context().databases.open_existing(crate::NAME).await.unwrap();
    let now = world.clock.now();
    let reset = crate::reset_pin(&beside, Person::Name("SARI".into()), now).await.unwrap();
    assert_eq!((reset.name.as_str(), reset.ended_sessions), ("Sari", 1));
    sign_in(&guest, sari, "1379").await.problem(401, "wrong-pin");
    sign_in(&guest, sari, reset.pin.digits()).await.expect(201);
    let by_id = crate::reset_pin(&beside, Person::Id(sari), now).await.unwrap();
    sign_in(&guest, sari, by_id.pin.digits()).await.expect(201);

    let unknown = crate::reset_pin(&beside, Person::Name("Eve".into()), now).await.unwrap_err();
    assert_eq!(unknown.to_string(), "there is no person Eve");
    assert_eq!(crate::list_people(&beside, None, now).await.unwrap().items.len(), 2);
    beside.close().await;
}
