//! What every part of the system says to every other: ids, money, statuses with their legal
//! transitions, requests and answers, prices and taxes, events, the receipt document.
//!
//! Owns the words; refuses to know how they travel. There is no I/O and no clock here, so that the
//! services, the tablets (as WebAssembly) and the tests share one reading of every rule.

pub mod event;
pub mod ids;
pub mod inventory;
pub mod money;
pub mod order;
pub mod payment;
pub mod pricing;
pub mod problem;
pub mod product;
pub mod qr;
pub mod receipt;
pub mod report;
pub mod shop;
pub mod time;

/// The longest page that a list answers. One screen of a busy bar; more is a report's job.
pub const PAGE_ROWS_MAX: u32 = 200;

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

/// A choice among a few words, each the same in JSON, in the database and in a filter of a list.
pub trait Word: Copy + Sized + 'static {
    /// Every choice.
    const ALL: &'static [Self];

    /// Its word.
    fn word(self) -> &'static str;

    /// The choice of this word.
    #[must_use]
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|choice| choice.word() == word)
    }
}
