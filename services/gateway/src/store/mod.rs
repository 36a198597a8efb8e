//! The SQL. Each function is one statement.

pub(crate) mod audit;
pub(crate) mod sessions;
mod settings;
pub(crate) mod staff;
pub(crate) mod token_keys;

pub(crate) use audit::{
    AuditFilter, find_audit_hash, get_audit_head, insert_audit_entry, list_audit, list_audit_chain,
    next_audit_sequence, set_audit_head_hash,
};
pub(crate) use settings::{get_settings, insert_settings_once, replace_settings};
