//! The JSON of events: a change of shape fails here before a consumer receives it.

use serde_json::{Value, json};

use super::*;
use crate::{
    audit::{Actor, AuditArea, AuditEntry},
    device::{DeviceKind, DeviceRef, DeviceView},
    ids::Id,
    inventory::Shortage,
    money::{Amount, Currency},
    order::{Channel, DiningOption, OrderItemView, OrderStatus, OrderView, PriceView, StockCheck, TaxView},
    payment::PaymentMethod,
    pricing::Percent,
    product::ProductCard,
    qr::{CodeStatus, CodeView, DispenseOutcome},
    shop::ShopSettings,
    staff::{Role, StaffRef},
};

const NOW: Timestamp = Timestamp(1_795_312_800_000_001);

fn id<Of>(number: u128) -> Id<Of> {
    Id::from_uuid(uuid::Uuid::from_u128(0x0192_f0c1_2b3a_7c4d_8e5f_0000_0000_0000 + number))
}

/// The JSON of the event, with a fixed id.
fn json_of<D: EventData>(data: &D) -> Value {
    let event = CloudEvent { id: id(99), ..CloudEvent::new(data, NOW).unwrap() };
    let json = serde_json::to_string(&event).unwrap();
    let read: CloudEvent = serde_json::from_str(&json).unwrap();
    assert_eq!(serde_json::to_string(&read.data::<D>().unwrap()).unwrap(), read.data.get(), "it reads what it writes");
    serde_json::from_str(&json).unwrap()
}

fn cashier_at_the_till() -> Actor {
    Actor {
        staff: Some(StaffRef { staff_id: id(7), name: "Sari".into(), role: Role::Cashier }),
        device: Some(DeviceRef { device_id: id(8), name: "POS 1".into() }),
        approved_by: None,
        approval_id: None,
        via: None,
    }
}

fn placed() -> PlacedOrder {
    PlacedOrder {
        order_id: id(1),
        order_version: 1,
        order_number: "A-0042".into(),
        business_day: "2026-11-22".parse().unwrap(),
        total: Amount::whole(52_000),
        currency: Currency::IDR,
        stock: StockCheck::Reserved,
        items: vec![
            PlacedItem {
                line: 1,
                product_id: id(2),
                product_name: "Cold brew".into(),
                quantity: 1,
                options: vec![id(6)],
                dispense_ml: Some(240),
            },
            PlacedItem {
                line: 2,
                product_id: id(3),
                product_name: "Latte".into(),
                quantity: 1,
                options: Vec::new(),
                dispense_ml: None,
            },
        ],
        placed_by: cashier_at_the_till(),
        at: NOW,
    }
}

fn order() -> OrderView {
    OrderView {
        order_id: id(1),
        order_number: "A-0042".into(),
        status: OrderStatus::Processing,
        channel: Channel::Kiosk,
        placed_by: Actor { staff: None, ..cashier_at_the_till() },
        dining_option: DiningOption::DineIn,
        customer_name: Some("Sari".into()),
        table: None,
        items: vec![OrderItemView {
            line: 1,
            product_id: id(2),
            product_name: "Cold brew".into(),
            quantity: 2,
            unit_price: Amount::whole(24_000),
            line_total: Amount::whole(48_000),
            options: Vec::new(),
            note: Some("no ice".into()),
            is_dispensable: true,
            poured: 1,
            in_review: 0,
        }],
        price: PriceView {
            currency: Currency::IDR,
            subtotal: Amount::whole(48_000),
            discount: Amount::ZERO,
            service: Amount::ZERO,
            taxes: vec![TaxView {
                name: "PB1".into(),
                percent: Percent::from_hundredths(1_000).unwrap(),
                amount: Amount::whole(4_364),
            }],
            tax: Amount::whole(4_364),
            total: Amount::whole(48_000),
        },
        stock: StockCheck::Deferred,
        business_day: "2026-11-22".parse().unwrap(),
        placed_at: NOW,
        expires_at: None,
        paid_at: Some(NOW),
        payment_method: Some(PaymentMethod::Qris),
        cancel_reason: None,
        updated_at: NOW,
        version: 3,
    }
}

fn code(status: CodeStatus) -> CodeView {
    CodeView {
        code: "QR-20261122-0123456789ABCDEF".into(),
        order_id: id(1),
        line: 1,
        unit: 1,
        cup: "1/2".into(),
        product_id: id(2),
        product_name: "Cold brew".into(),
        dispense_ml: 240,
        status,
        expires_at: NOW,
        device_id: Some("bar-1".into()),
        version: 3,
    }
}

fn card() -> ProductCard {
    serde_json::from_value(json!({
        "productId": id::<crate::ids::ProductMarker>(2), "name": "Cold brew", "description": "",
        "categoryId": id::<crate::ids::CategoryMarker>(4), "price": 24_000, "currency": "IDR", "isDispensable": true,
        "dispenseMl": 240, "optionGroups": [{
            "groupId": id::<crate::ids::OptionGroupMarker>(5), "name": "Cup", "minChoices": 1, "maxChoices": 1, "options": [{
                "optionId": id::<crate::ids::OptionMarker>(6), "name": "Large", "priceDelta": 8_000,
                "dispenseMlDelta": 120,
            }],
        }], "isAvailable": true, "isArchived": false, "version": 2, "updatedAt": NOW,
    }))
    .unwrap()
}

fn dispenser() -> DeviceView {
    DeviceView {
        device_id: id(9),
        kind: DeviceKind::Dispenser,
        name: "Dispenser 1".into(),
        place: Some("By the door".into()),
        letter: None,
        products: vec![id(2)],
        ml_per_second: Some(30),
        is_bearer_allowed: false,
        paired_at: NOW,
        last_seen_at: None,
        revoked_at: Some(NOW),
        revoke_reason: Some("stolen".into()),
        key_version: 1,
        version: 2,
    }
}

fn act() -> AuditEntry {
    let person = |number, name: &str, role| StaffRef { staff_id: id(number), name: name.into(), role };
    AuditEntry {
        at: NOW,
        actor: Actor {
            staff: Some(person(12, "Sari", Role::Cashier)),
            device: Some(DeviceRef { device_id: id(13), name: "POS 1".into() }),
            approved_by: Some(person(14, "Dimas", Role::Manager)),
            approval_id: Some(id(15)),
            via: None,
        },
        area: AuditArea::Menu,
        action: "product.changed".into(),
        subject: id::<()>(3).to_string(),
        label: "Latte".into(),
        reason: Some("new beans".into()),
        before: Some(serde_json::value::to_raw_value(&json!({ "price": 28_000 })).unwrap()),
        after: Some(serde_json::value::to_raw_value(&json!({ "price": 30_000 })).unwrap()),
    }
}

#[test]
fn the_json_of_every_event_stays_the_same() {
    let shortage = Shortage {
        inventory_id: id(7),
        name: "Oat milk".into(),
        unit: "ml".into(),
        needed: 200,
        available: 150,
        product_ids: vec![id(3)],
    };
    let events = [
        json_of(&OrderCreated(placed())),
        json_of(&OrderRevived(PlacedOrder { order_version: 3, ..placed() })),
        json_of(&OrderCancelled { order_id: id(1), order_version: 2, cups: 0, reason: "guest left".into() }),
        json_of(&OrderExpired { order_id: id(1), order_version: 2, cups: 0 }),
        json_of(&OrderCompleted { order_id: id(1), order_version: 4, cups: 0 }),
        json_of(&OrderChanged(order())),
        json_of(&PaymentCompleted {
            order_id: id(1),
            cups: 0,
            payment_id: id(8),
            method: PaymentMethod::Cash,
            amount: Amount::whole(52_000),
            currency: Currency::IDR,
            paid_at: NOW,
            is_test: false,
        }),
        json_of(&PaymentOrphaned { order_id: id(1), payment_id: id(8), reason: "the order was cancelled".into() }),
        json_of(&ProductChanged(card())),
        json_of(&InventoryLow {
            inventory_id: id(7),
            name: "Oat milk".into(),
            unit: "ml".into(),
            on_hand: 4_900,
            low_level: 5_000,
        }),
        json_of(&StockShort { order_id: id(1), order_version: 1, shortages: vec![shortage] }),
        json_of(&CodesIssued { order_id: id(1), codes: vec![code(CodeStatus::Pending)] }),
        json_of(&DispenseCompleted { code: code(CodeStatus::Used), poured_ms: Some(8_000) }),
        json_of(&DispenseFailed {
            code: code(CodeStatus::Review),
            outcome: Some(DispenseOutcome::Partial),
            poured_ms: Some(3_000),
        }),
        json_of(&ShopChanged { version: 2, settings: ShopSettings::default() }),
        json_of(&DeviceChanged(dispenser())),
        json_of(&SessionEnded { session_id: id(10), expires_at: NOW }),
        json_of(&TokenKeyAdded { key_id: id(11), public_key: "key".into(), expires_at: NOW }),
        json_of(&ActAudited(act())),
    ];
    assert_eq!(events.len(), EventKind::ALL.len(), "a new kind of event belongs here too");
    insta::assert_json_snapshot!(events);
}

#[test]
fn every_kind_reaches_its_queues_and_analytics() {
    for kind in EventKind::ALL {
        assert!(Queue::Analytics.subscriptions().contains(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
    let route = |kind: &EventKind| {
        let subscribed = Queue::ALL.iter().filter(|queue| queue.subscriptions().contains(kind));
        (kind.routing_key(), kind.source(), subscribed.map(|queue| queue.name()).collect::<Vec<_>>())
    };
    let routes: Vec<_> = EventKind::ALL.iter().map(route).collect();
    insta::assert_json_snapshot!(routes);
}

#[test]
fn an_event_cannot_be_read_as_another_kind() {
    let expired = CloudEvent::new(&OrderExpired { order_id: id(1), order_version: 2, cups: 0 }, NOW).unwrap();
    assert!(expired.data::<OrderCompleted>().is_err());
}

#[test]
fn an_event_carries_the_trace_that_it_belongs_to() {
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned();
    let event = CloudEvent::new(&OrderExpired { order_id: id(1), order_version: 2, cups: 0 }, NOW).unwrap();
    let json = serde_json::to_value(&event).unwrap();
    assert!(json.get("traceparent").is_none(), "{json:#}");
    let traced = CloudEvent { traceparent: Some(traceparent.clone()), ..event };
    let json = serde_json::to_string(&traced).unwrap();
    let read: CloudEvent = serde_json::from_str(&json).unwrap();
    assert_eq!(read.traceparent, Some(traceparent));
}
