//! The SQL. Each function is one statement.

mod settings;

pub(crate) use settings::{get_settings, insert_settings_once, replace_settings};
