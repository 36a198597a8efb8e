//! The rules of the gateway: versions of the settings, people and their PINs, the chain of the audit trail, owners of
//! paths, and the texts of the pages.

mod audit_chain;
mod audit_period;
mod device;
mod door;
mod language;
mod pair_page;
mod pairing;
mod path_owner;
mod pin_lock;
mod staff_name;
mod start_page;
mod template;
mod trust_page;
mod versioned_settings;

pub(crate) use audit_chain::{
    AuditColumns, ChainHead, ChainPosition, ChainedEntry, Verified, entry_hash, search_text, verify_entries,
};
pub(crate) use audit_period::Moment;
pub(crate) use device::{DEVICES_MAX, InvalidDevice, check_name, check_reason, check_text, free_letter, written};
pub(crate) use door::Door;
pub(crate) use language::Language;
pub(crate) use pair_page::PairPage;
pub(crate) use pairing::{GuessSource, PAIRING_CODE_VALIDITY, PAIRING_CODES_MAX, Pairing, PairingCode, PairingGuesses};
pub(crate) use path_owner::service_of;
pub(crate) use pin_lock::{ATTEMPTS_PER_LOCK, LOCK_MAX, lock_ends};
pub(crate) use staff_name::{InvalidStaffName, StaffName};
pub(crate) use start_page::{ServiceState, StartPage, Visitor};
pub(crate) use template::PageContext;
pub(crate) use trust_page::{AuthorityView, ShopAddresses, TRUST_PATH, TrustPage, file_name};
pub(crate) use versioned_settings::{VersionedSettings, parse_stored_settings};
