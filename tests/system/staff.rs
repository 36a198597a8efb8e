//! The people of a shop, for whoever has the machine itself.

use std::{process::Command, time::Duration};

use serde_json::{Value, json};

use crate::{
    program::{RunningShop, TestShop, pin_in},
    wait::wait_until,
};

/// Every process refuses what was ended within this time.
const REVOKED_WITHIN: Duration = Duration::from_secs(5);

fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn sign_in(shop: &RunningShop, staff_id: &str, pin: &str) -> (u16, Value) {
    let response = shop.client.post("/api/Session", &json!({"staffId": staff_id, "pin": pin}));
    (response.status, response.body)
}

/// The status of a request with this token.
fn status_with(shop: &RunningShop, token: &str) -> u16 {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request = agent.get(format!("{}/api/Session", shop.url)).header("authorization", format!("Bearer {token}"));
    request.call().unwrap().status().as_u16()
}

#[test]
fn the_owners_pin_is_printed_once_and_reset_on_the_machine_itself() {
    let test_shop = TestShop::empty();
    let shop = test_shop.start();
    let first_log = test_shop.log();
    assert_eq!(first_log.matches("owner PIN: ").count(), 1, "{first_log}");
    let pin = pin_in(&first_log);
    let listed = printed(test_shop.command("staff").arg("list"));
    let id = listed.split_whitespace().next().unwrap();
    assert!(listed.contains("OWNER  Owner"), "{listed}");
    let (status, session) = sign_in(&shop, id, &pin);
    assert_eq!(status, 201, "{session}");
    let token = session["token"].as_str().unwrap();
    assert_eq!(status_with(&shop, token), 200);

    let reset = printed(test_shop.command("staff").args(["reset-pin", "owner"]));
    wait_until(REVOKED_WITHIN, || match status_with(&shop, token) {
        401 => Ok(()),
        other => Err(format!("the session goes on: {other}")),
    });
    let new_pin = pin_in(&reset);
    assert_eq!(sign_in(&shop, id, &new_pin).0, 201, "{reset}");

    shop.kill();
    drop(shop);
    let shop = test_shop.start();
    assert_eq!(test_shop.log().matches("owner PIN: ").count(), 1, "shown again");
    assert_eq!(sign_in(&shop, id, &new_pin).0, 201);
    let output = test_shop.command("staff").args(["reset-pin", "Eve"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && error.contains("there is no person Eve"), "{error}");
}

#[test]
fn a_demo_shop_prints_the_pins_of_its_three_people() {
    let test_shop = TestShop::demo(&[]);
    let _shop = test_shop.start();
    let log = test_shop.log();
    for line in ["cashier PIN: ", "manager PIN: ", "owner PIN: "] {
        assert_eq!(log.matches(line).count(), 1, "{line} in {log}");
    }
    let listed = printed(test_shop.command("staff").arg("list"));
    for person in ["CASHIER  Sari", "MANAGER  Dimas", "OWNER  Ratih"] {
        assert!(listed.contains(person), "{listed}");
    }
}
