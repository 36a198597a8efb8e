//! The statements that move payments, held against the transitions of contracts.

use std::collections::HashSet;

use contracts::{
    audit::Actor,
    ids::{OrderId, PaymentId},
    money::{Currency, Money},
    payment::{PaymentMethod, PaymentStatus},
    time::Timestamp,
};
use db::{Db, DbError, DbResult, Tx};
use strum::VariantArray;
use testkit::World;

use super::*;
use crate::model::{OrderSnapshot, Payment, QrCharge};

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

type Update = fn(&mut Tx<'_>, PaymentId) -> DbResult<bool>;

/// Every statement that moves a payment.
const UPDATES: [(&str, Update); 7] = [
    ("mark_paid", |tx, id| Ok(mark_paid(tx, id, NOW, None, None, NOW)?.is_some())),
    ("mark_surplus_money", |tx, id| Ok(mark_surplus_money(tx, id, "paid", NOW, None, None, NOW)?.is_some())),
    ("mark_refund_due", |tx, id| Ok(mark_refund_due(tx, id, "closed", NOW)?.is_some())),
    ("expire_payment", |tx, id| expire_payment(tx, id, Some(NOW), NOW)),
    ("expire_pending_of_order", |tx, id| {
        let before = find_payment(tx, id)?.unwrap();
        expire_pending_of_order(tx, before.order_id, NOW)?;
        Ok(find_payment(tx, id)?.unwrap().version > before.version)
    }),
    ("reopen_payment", |tx, id| Ok(reopen_payment(tx, id, NOW, NOW)?.is_some())),
    ("fail_payment", |tx, id| fail_payment(tx, id, NOW)),
];

/// A QR payment of an order of its own, brought to `status`.
fn insert_with_status(tx: &mut Tx<'_>, status: PaymentStatus) -> DbResult<PaymentId> {
    let (order_id, payment_id) = (OrderId::new(NOW), PaymentId::new(NOW));
    let total = Money::new(25_000, Currency::IDR);
    let due = contracts::order::AmountDue {
        order_id,
        order_number: "A-0001".into(),
        status: contracts::order::OrderStatus::Pending,
        version: 1,
        total: total.amount(),
        currency: total.currency,
        cups: 0,
        device_id: None,
    };
    upsert_amount_due(tx, &OrderSnapshot::from_amount_due(due).unwrap())?;
    let qr =
        QrCharge { payload: "0002".into(), expires_at: NOW, gateway: "stub".into(), gateway_reference: "1".into() };
    let payment = Payment {
        payment_id,
        order_id,
        method: PaymentMethod::Qris,
        status: PaymentStatus::Pending,
        amount: total,
        rounding: Money::zero(total.currency),
        due: total,
        tendered: None,
        change: None,
        qr: Some(qr),
        reference: None,
        is_test: false,
        refund_reason: None,
        taken_by: Actor::default(),
        confirmed_by: None,
        created_at: NOW,
        paid_at: None,
        next_poll_at: None,
        version: 1,
        updated_at: NOW,
    };
    assert!(insert_payment(tx, &payment)?);
    match status {
        PaymentStatus::Pending => {}
        PaymentStatus::Paid => drop(mark_paid(tx, payment_id, NOW, None, None, NOW)?),
        PaymentStatus::Failed => drop(fail_payment(tx, payment_id, NOW)?),
        PaymentStatus::Expired => drop(expire_payment(tx, payment_id, None, NOW)?),
        PaymentStatus::RefundDue => drop(mark_surplus_money(tx, payment_id, "paid", NOW, None, None, NOW)?),
    }
    assert_eq!(find_payment(tx, payment_id)?.unwrap().status, status);
    Ok(payment_id)
}

#[tokio::test]
async fn the_statements_make_every_legal_transition_and_no_other() {
    let world = World::new().await;
    let db: Db = world.context().databases.open(&crate::SCHEMA).await.unwrap();
    let made = db
        .write::<_, DbError, _>(|tx| {
            let mut made = HashSet::new();
            for from in PaymentStatus::VARIANTS.iter().copied() {
                for (name, update) in UPDATES {
                    let payment_id = insert_with_status(tx, from)?;
                    let has_moved = update(tx, payment_id)?;
                    let to = find_payment(tx, payment_id)?.unwrap().status;
                    assert_eq!(has_moved, from != to, "{name}: {from} to {to}");
                    assert!(!has_moved || from.can_transition_to(to), "{name}: {from} to {to}");
                    made.extend(has_moved.then_some((from, to)));
                }
            }
            Ok(made)
        })
        .await
        .unwrap();
    assert_eq!(made, HashSet::from(PaymentStatus::TRANSITIONS));
}
