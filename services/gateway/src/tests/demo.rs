//! The doors of the demo shop.

use super::*;

/// A demo shop behind its origin.
async fn demo_shop(world: &World) -> Client {
    let gateway = open(world, FirstStart { owner_pin: None, is_demo: true }).await;
    let settings = GatewaySettings { demo_doors: Some(gateway.demo_doors) };
    let origin = crate::origin(world.context(), std::slice::from_ref(&gateway.service), settings);
    world.start(gateway.service).await;
    Client::new(origin)
}

/// The tokens of the session and of the device that a door gives. Empty: it gives none.
async fn enter(client: &Client, door: &str) -> (String, String) {
    let entered = client.post(&format!("/demo/{door}"), json!(null)).await;
    assert_eq!((entered.status.as_u16(), entered.headers["location"].to_str().unwrap()), (303, "/docs/"));
    let token = |name: &str| {
        let cookies = entered.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
        let mut values = cookies.filter_map(|cookie| cookie.strip_prefix(name)?.split(';').next());
        values.next().unwrap().to_owned()
    };
    (token("fnb_session="), token("fnb_device="))
}

#[tokio::test]
async fn a_door_of_the_demo_signs_in_without_a_pin() {
    let world = World::new().await;
    let client = demo_shop(&world).await;

    let (session, device) = enter(&client, "pos").await;
    let who = client.with_token(&session).get("/api/Session").await.expect(200);
    assert_eq!(who["staff"]["name"], "Sari");
    let till = client.with_token(&device).get("/api/Device/current").await.expect(200);
    assert_eq!((&till["name"], &till["letter"]), (&json!("POS 1"), &json!("A")));
    assert_eq!(who["deviceId"], till["deviceId"]);

    let (session, device) = enter(&client, "owner").await;
    let who = client.with_token(&session).get("/api/Session").await.expect(200);
    assert_eq!((&who["staff"]["name"], device.as_str()), (&json!("Ratih"), ""));
}

#[tokio::test]
async fn each_device_of_the_demo_is_paired_once() {
    let world = World::new().await;
    let client = demo_shop(&world).await;
    for door in ["kiosk", "dispenser", "kiosk", "dispenser", "pos", "pos"] {
        let (_, device) = enter(&client, door).await;
        client.with_token(&device).get("/api/Device/current").await.expect(200);
    }
    let (owner, _) = enter(&client, "owner").await;
    let devices = client.with_token(&owner).get("/api/Device").await.expect(200);
    let names: Vec<_> = devices.as_array().unwrap().iter().map(|device| device["name"].clone()).collect();
    assert_eq!(names, ["Kiosk 1", "Dispenser 1", "POS 1"]);
}

/// A crash between the pairing and the permission leaves the dispenser as one that is paired again: without it.
#[tokio::test]
async fn the_dispensers_door_allows_its_key_each_time() {
    let world = World::new().await;
    let client = demo_shop(&world).await;
    let (owner, _) = enter(&client, "owner").await;
    enter(&client, "dispenser").await;
    let devices = client.with_token(&owner).get("/api/Device").await.expect(200);
    let dispenser = &devices[0];
    let path = format!("/api/Device/{}", dispenser["deviceId"].as_str().unwrap());
    let write = json!({ "name": "Dispenser 1", "products": [], "isBearerAllowed": false });
    let refusing = client.with_token(&owner).put(&path, write).await.expect(200);
    assert_eq!(refusing["isBearerAllowed"], false);

    let (_, device) = enter(&client, "dispenser").await;
    client.with_token(&device).get("/api/Device/current").await.expect(200);
}

#[tokio::test]
async fn a_door_is_for_the_demos_own_machine_and_no_other_shop_has_one() {
    let world = World::new().await;
    let client = demo_shop(&world).await;
    let mut request = Request::post("/demo/owner").body(Body::empty()).unwrap();
    let peer = web::Peer { address: "192.168.1.20:50000".parse().unwrap(), is_encrypted: false };
    request.extensions_mut().insert(peer);
    client.send(request).await.problem(403, "forbidden");
    client.post("/demo/cellar", json!(null)).await.problem(404, "not-found");

    let other = World::new().await;
    let gateway = open(&other, FirstStart::default()).await.service;
    let real = Client::new(crate::origin(other.context(), &[gateway], GatewaySettings::default()));
    real.post("/demo/owner", json!(null)).await.problem(404, "unknown-route");
}
