//! Values that are read from text: amounts of money, times, ids.

use std::{fmt::Display, str::FromStr};

use contracts::{
    ids::OrderId,
    money::{Amount, Currency},
    time::{BusinessDay, Timestamp},
};
use serde_json::Value;

use crate::text;

/// What was read is written in a way that is read as the same.
#[track_caller]
fn read_and_write<T: FromStr + Display + PartialEq>(text: &str) -> Option<T> {
    let value: T = text.parse().ok()?;
    let written = value.to_string();
    assert!(written.parse::<T>().is_ok_and(|again| again == value), "{text:?} is written as {written:?}");
    Some(value)
}

/// Amounts, as text and in JSON. No amount is read from a text that loses a digit on its way.
pub fn amounts(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let _currency = read_and_write::<Currency>(text);
    if let Some(amount) = read_and_write::<Amount>(text) {
        for currency in ["IDR", "USD", "KWD"] {
            let currency: Currency = currency.parse().expect("a currency");
            if let Ok(money) = amount.money(currency) {
                assert_eq!(money.amount().money(currency), Ok(money), "{text:?}");
                let _sum = money.plus(money);
                let _difference = money.minus(money);
                let _product = money.times(u32::MAX);
            }
        }
    }
    if let Ok(amount) = serde_json::from_slice::<Amount>(data) {
        let written = serde_json::to_string(&amount).expect("JSON");
        assert_eq!(serde_json::from_str::<Amount>(&written).ok(), Some(amount), "{text:?} is written as {written}");
    }
}

/// Times and business days, as text and in JSON.
pub fn times(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let _time = read_and_write::<Timestamp>(text);
    if let Some(day) = read_and_write::<BusinessDay>(text) {
        let _earlier = day.days_earlier(u32::MAX);
        assert_eq!(day.days_earlier(0), day);
        let _compact = day.compact();
    }
    let json = Value::String(text.to_owned());
    let _time = serde_json::from_value::<Timestamp>(json.clone());
    let _day = serde_json::from_value::<BusinessDay>(json);
}

/// Ids.
pub fn ids(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let _id = read_and_write::<OrderId>(text);
    let _id = serde_json::from_value::<OrderId>(Value::String(text.to_owned()));
}
