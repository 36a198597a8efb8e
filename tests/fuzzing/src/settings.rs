//! The shop's settings and events: documents that are stored and read again.

use contracts::{
    event::{CloudEvent, DeviceChanged, OrderCreated, PaymentCompleted, SessionEnded, ShopChanged, TokenKeyAdded},
    shop::{ShopRules, ShopSettings},
};

/// Settings that are accepted can be stored and read again, and the rules work with them.
pub fn settings(data: &[u8]) {
    let Ok(settings) = serde_json::from_slice::<ShopSettings>(data) else { return };
    let Ok(rules) = ShopRules::new(settings) else { return };
    let stored = serde_json::to_vec(rules.settings()).expect("JSON");
    let again: ShopSettings = serde_json::from_slice(&stored).expect("what was stored");
    assert_eq!(&again, rules.settings());
    let _day = rules.business_day(contracts::time::Timestamp(0));
    let _rules = (rules.price_rules(), rules.cash_step(), rules.code_validity(), rules.unpaid_order_ttl());
}

/// Events, and the data of those that every process reads.
pub fn events(data: &[u8]) {
    let Ok(event) = serde_json::from_slice::<CloudEvent>(data) else { return };
    let stored = serde_json::to_vec(&event).expect("JSON");
    let again: CloudEvent = serde_json::from_slice(&stored).expect("what was stored");
    assert_eq!((again.id, again.kind), (event.id, event.kind));
    let _ = (event.data::<OrderCreated>(), event.data::<PaymentCompleted>(), event.data::<ShopChanged>());
    let _ = (event.data::<DeviceChanged>(), event.data::<SessionEnded>(), event.data::<TokenKeyAdded>());
}
