//! What every part of the system says to every other: ids, money, statuses with their legal
//! transitions, requests and answers, prices and taxes, events, the receipt document.
//!
//! Owns the words; refuses to know how they travel. There is no I/O and no clock here, so that the
//! services, the tablets (as WebAssembly) and the tests share one reading of every rule.

pub mod cash_rounding;
pub mod event;
pub mod ids;
pub mod inventory;
pub mod money;
pub mod order;
pub mod payment;
mod payment_method;
pub mod pricing;
pub mod problem;
pub mod product;
pub mod qr;
pub mod receipt;
pub mod report;
pub mod shop;
pub mod text;
pub mod time;

/// The longest page that a list answers. One screen of a busy bar; more is a report's job.
pub const PAGE_ROWS_MAX: u32 = 200;

/// A page that no list answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("limit is {0}: ask for 1 to {PAGE_ROWS_MAX} rows, and for the next page with nextCursor")]
pub struct InvalidLimit(u32);

/// The rows of a page that is asked for with `limit`, or `unless_told`.
///
/// # Errors
/// [`InvalidLimit`] for none, or more than [`PAGE_ROWS_MAX`].
pub fn page_rows(limit: Option<u32>, unless_told: u32) -> Result<u32, InvalidLimit> {
    match limit.unwrap_or(unless_told) {
        rows @ 1..=PAGE_ROWS_MAX => Ok(rows),
        other => Err(InvalidLimit(other)),
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The rows of this page, at most [`PAGE_ROWS_MAX`].
    pub items: Vec<T>,
    /// Send it as `cursor` for the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page of `limit` rows, from `rows` that were asked for with one more. `cursor`: what names a row.
    pub fn of<C: ToString>(mut rows: Vec<T>, limit: u32, cursor: impl FnOnce(&T) -> C) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_next = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| has_next).map(|last| cursor(last).to_string());
        Self { items: rows, next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use std::{fmt::Debug, str::FromStr};

    use serde::{Serialize, de::DeserializeOwned};
    use strum::VariantArray;

    use super::{
        InvalidLimit, PAGE_ROWS_MAX,
        inventory::{MoveReason, StockoutPolicy},
        order::{Channel, DiningOption, OrderStatus, StockCheck},
        page_rows,
        payment::{PaymentMethod, PaymentStatus},
        qr::{AttentionReason, CodeStatus, DispenseOutcome},
    };

    /// `T`'s text in JSON, in the database and in a query parameter is the same.
    fn one_text_everywhere<T>()
    where
        T: Copy + Debug + PartialEq + Into<&'static str> + VariantArray + Serialize + DeserializeOwned,
        T: FromStr<Err: Debug>,
    {
        for variant in T::VARIANTS {
            let text: &str = (*variant).into();
            assert_eq!(serde_json::to_string(variant).unwrap(), format!("{text:?}"));
            assert_eq!(text.parse::<T>().unwrap(), *variant);
            assert_eq!(serde_json::from_value::<T>(text.into()).unwrap(), *variant);
        }
    }

    #[test]
    fn an_enum_has_one_text_in_json_and_in_the_database() {
        one_text_everywhere::<StockoutPolicy>();
        one_text_everywhere::<MoveReason>();
        one_text_everywhere::<OrderStatus>();
        one_text_everywhere::<Channel>();
        one_text_everywhere::<DiningOption>();
        one_text_everywhere::<StockCheck>();
        one_text_everywhere::<CodeStatus>();
        one_text_everywhere::<DispenseOutcome>();
        one_text_everywhere::<AttentionReason>();
        one_text_everywhere::<PaymentMethod>();
        one_text_everywhere::<PaymentStatus>();
    }

    #[test]
    fn a_page_has_1_to_200_rows_and_says_so() {
        assert_eq!(page_rows(None, 50), Ok(50));
        assert_eq!((page_rows(Some(1), 50), page_rows(Some(PAGE_ROWS_MAX), 50)), (Ok(1), Ok(PAGE_ROWS_MAX)));
        assert_eq!((page_rows(Some(0), 50), page_rows(Some(201), 50)), (Err(InvalidLimit(0)), Err(InvalidLimit(201))));
        assert!(InvalidLimit(201).to_string().contains("1 to 200"));
    }
}
