//! The rules of the gateway: versions of the settings, devices and their pairing codes, owners of paths, and the texts of
//! the pages.

mod device;
mod door;
mod language;
mod pair_page;
mod pairing;
mod path_owner;
mod start_page;
mod template;
mod versioned_settings;

pub(crate) use device::{DEVICES_MAX, check_name, check_reason, check_text, free_letter, written};
pub(crate) use language::Language;
pub(crate) use pair_page::{CodeInAddress, PairPage};
pub(crate) use pairing::{PAIRING_CODE_VALIDITY, PAIRING_CODES_MAX, Pairing, PairingCode, PairingGuesses};
pub(crate) use path_owner::service_of;
pub(crate) use start_page::{ServiceState, StartPage, Visitor};
pub(crate) use template::PageContext;
pub(crate) use versioned_settings::{VersionedSettings, parse_stored_settings};
