//! The SQL of the menu. Nowhere else.

pub(crate) mod categories;
pub(crate) mod products;
