//! The SQL. Each function is one statement.

pub(crate) mod sessions;
mod settings;
pub(crate) mod staff;
pub(crate) mod token_keys;

pub(crate) use settings::{get_settings, insert_settings_once, replace_settings};
