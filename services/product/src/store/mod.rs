//! The SQL of the menu: one statement, one function.

pub(crate) mod categories;
pub(crate) mod products;
