//! The SQL. Each function is one statement.

mod devices;
mod pairing_codes;
mod settings;

pub(crate) use devices::{
    DeviceInUse, count_devices_in_use, find_device, insert_device, list_devices, list_devices_in_use, list_letters,
    record_seen, replace_device, revoke_device, rotate_key,
};
pub(crate) use pairing_codes::{find_pairing, put_pairing_code, use_pairing_code};
pub(crate) use settings::{get_settings, insert_settings_once, replace_settings};
