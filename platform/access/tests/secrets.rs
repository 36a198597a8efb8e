//! Secrets are not in what `Debug` prints: a log line of a struct that holds one does not give it away.
#![allow(clippy::unwrap_used, missing_docs)]

use access::{Access, SigningKey, TokenIssuer};
use clock::Clock;
use contracts::{
    device::DeviceKind,
    ids::DeviceId,
    staff::{CreateStaff, Pin, SetPin},
    time::Timestamp,
};

const NOW: Timestamp = Timestamp(1_795_312_800_000_000);

#[test]
fn a_pin_is_not_printed() {
    let pin = Pin::new("482193").unwrap();
    assert_eq!(format!("{pin:?}"), "Pin(****)");
    let requests = [
        format!("{:?}", serde_json::from_str::<CreateStaff>(r#"{"name":"Sari","role":"CASHIER","pin":"482193"}"#)),
        format!("{:?}", serde_json::from_str::<SetPin>(r#"{"callerPin":"482193","pin":"482193"}"#)),
        // A refusal does not repeat a PIN that is none, because it may be one with a slip of the finger.
        format!("{:?}", serde_json::from_str::<SetPin>(r#"{"callerPin":"482193","pin":"482193x"}"#)),
    ];
    for printed in requests {
        assert!(!printed.contains("482193"), "{printed}");
    }
}

#[test]
fn a_dispensers_key_is_not_printed() {
    let key = SigningKey::random().unwrap();
    assert_eq!(format!("{key:?}"), "SigningKey(****)");

    let access = Access::new(Clock::manual(NOW));
    let dispenser = serde_json::from_value(serde_json::json!({
        "deviceId": DeviceId::new(NOW), "kind": DeviceKind::Dispenser, "name": "Dispenser 1", "products": [],
        "isBearerAllowed": true, "pairedAt": NOW, "keyVersion": 1, "version": 1,
    }))
    .unwrap();
    access.put_device(&dispenser, Some(key.clone()));
    let paired = access.device(dispenser.device_id).unwrap();
    let printed = format!("{access:?} {paired:?}");
    assert!(printed.contains("SigningKey(****)") && !printed.contains(&key.to_text()), "{printed}");
}

#[test]
fn the_key_that_signs_tokens_is_not_printed() {
    let issuer = TokenIssuer::new(NOW).unwrap();
    assert_eq!(format!("{issuer:?}"), format!("TokenIssuer {{ key_id: {:?}, .. }}", issuer.key_id()));
}
