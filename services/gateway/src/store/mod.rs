//! The SQL. Each function is one statement.

pub(crate) mod audit;
mod devices;
mod pairing_codes;
pub(crate) mod sessions;
mod settings;
pub(crate) mod staff;
pub(crate) mod token_keys;

pub(crate) use audit::{
    AuditFilter, find_audit_hash, get_audit_head, insert_audit_entry, list_audit, list_audit_chain,
    next_audit_sequence, set_audit_head_hash,
};
pub(crate) use devices::{
    StoredDevice, count_devices_in_use, find_device, find_paired_at, insert_device, is_name_taken, list_devices,
    list_devices_to_load, list_letters, record_seen, replace_device, revoke_device, rotate_key,
};
pub(crate) use pairing_codes::{find_pairing, find_used_code, put_pairing_code, set_paired_device, use_pairing_code};
pub(crate) use settings::{get_settings, insert_settings_once, replace_settings};
