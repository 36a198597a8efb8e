//! The contracts between all parts of the system: ids, money, statuses with their legal transitions, requests and
//! responses, prices and taxes, events, the receipt.
//!
//! Owns types and rules. Does not know HTTP, databases or the bus: there is no I/O and no clock here, so that services,
//! tablets (as WebAssembly) and tests apply the same rules.

pub mod audit;
pub mod cash_rounding;
pub mod device;
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
#[cfg(test)]
mod schema_bounds;
pub mod shop;
pub mod staff;
pub mod text;
pub mod time;

/// What `Debug` prints instead of a credential.
pub(crate) const REDACTED: &str = "****";

/// The longest page of a list. One screen of a busy bar; more is a report's job.
pub const PAGE_ROWS_MAX: u32 = 200;

/// A `limit` outside 1 to [`PAGE_ROWS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("limit is {0}: ask for 1 to {PAGE_ROWS_MAX} rows, and for the next page with nextCursor")]
pub struct InvalidLimit(u32);

/// The number of rows of a page: `limit`, or `default_rows` without one.
///
/// # Errors
/// [`InvalidLimit`] for 0 or more than [`PAGE_ROWS_MAX`].
pub fn page_rows(limit: Option<u32>, default_rows: u32) -> Result<u32, InvalidLimit> {
    match limit.unwrap_or(default_rows) {
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
    /// A page of `limit` rows. `rows` were queried with a limit of one more, which shows whether there is a next page.
    /// `cursor` returns the key of a row.
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
    use serde_json::{Value, json};
    use strum::VariantArray;
    use uuid::Uuid;

    use super::{
        InvalidLimit, PAGE_ROWS_MAX, REDACTED,
        device::{DevicePaired, PairDevice, PairingCodeView, RenewedToken},
        inventory::{MoveReason, StockoutPolicy},
        order::{Channel, DiningOption, OrderStatus, StockCheck},
        page_rows,
        payment::{PaymentMethod, PaymentStatus},
        qr::{AttentionReason, CodeStatus, DispenseOutcome},
        staff::{ApprovalView, SignedIn},
    };

    /// Asserts that `T` has the same text in JSON, in the database and in a query parameter.
    fn assert_one_text<T>()
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
    fn debug_shows_no_token_key_or_code() {
        const SECRET: &str = "QmFyaXN0YQ";
        let person = json!({ "staffId": Uuid::nil(), "name": "Sari", "role": "OWNER" });
        let device = json!({
            "deviceId": Uuid::nil(), "kind": "KIOSK", "name": "Kiosk 1", "isBearerAllowed": false,
            "pairedAt": "2026-11-22T08:00:00Z", "keyVersion": 1, "version": 1,
        });
        let until = "2026-11-22T08:10:00Z";
        let printed = [
            printed::<SignedIn>(json!({ "staff": person, "expiresAt": until, "token": SECRET })),
            printed::<ApprovalView>(json!({ "approval": SECRET, "approvedBy": person, "expiresAt": until })),
            printed::<PairingCodeView>(json!({ "code": SECRET, "url": SECRET, "qrSvg": SECRET, "expiresAt": until })),
            printed::<PairDevice>(json!({ "code": SECRET, "name": "Kiosk 1" })),
            printed::<DevicePaired>(json!({ "device": device, "token": SECRET, "signingKey": SECRET })),
            printed::<RenewedToken>(json!({ "token": SECRET, "expiresAt": until })),
        ];
        for text in printed {
            assert!(text.contains(REDACTED) && !text.contains(SECRET), "{text}");
        }
    }

    fn printed<T: Debug + DeserializeOwned>(value: Value) -> String {
        format!("{:?}", serde_json::from_value::<T>(value).unwrap())
    }

    #[test]
    fn an_enum_has_one_text_in_json_and_in_the_database() {
        assert_one_text::<StockoutPolicy>();
        assert_one_text::<MoveReason>();
        assert_one_text::<OrderStatus>();
        assert_one_text::<Channel>();
        assert_one_text::<DiningOption>();
        assert_one_text::<StockCheck>();
        assert_one_text::<CodeStatus>();
        assert_one_text::<DispenseOutcome>();
        assert_one_text::<AttentionReason>();
        assert_one_text::<PaymentMethod>();
        assert_one_text::<PaymentStatus>();
    }

    #[test]
    fn a_page_has_1_to_200_rows() {
        assert_eq!(page_rows(None, 50), Ok(50));
        assert_eq!((page_rows(Some(1), 50), page_rows(Some(PAGE_ROWS_MAX), 50)), (Ok(1), Ok(PAGE_ROWS_MAX)));
        assert_eq!((page_rows(Some(0), 50), page_rows(Some(201), 50)), (Err(InvalidLimit(0)), Err(InvalidLimit(201))));
        assert!(InvalidLimit(201).to_string().contains("1 to 200"));
    }
}
