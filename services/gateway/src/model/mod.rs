//! The rules of the gateway: versions of the settings, people and their PINs, owners of paths, and the text of the start
//! page.

mod language;
mod path_owner;
mod pin_lock;
mod staff_name;
mod start_page;
mod versioned_settings;

pub(crate) use language::Language;
pub(crate) use path_owner::service_of;
pub(crate) use pin_lock::{ATTEMPTS_PER_LOCK, LOCK_MAX, lock_ends};
pub(crate) use staff_name::{InvalidStaffName, StaffName};
pub(crate) use start_page::{ServiceState, StartPage};
pub(crate) use versioned_settings::{VersionedSettings, parse_stored_settings};
