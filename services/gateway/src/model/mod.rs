//! The rules of the gateway: versions of the settings, owners of paths, and the texts of the pages.

mod door;
mod language;
mod pair_page;
mod path_owner;
mod start_page;
mod template;
mod trust_page;
mod versioned_settings;

pub(crate) use language::Language;
pub(crate) use pair_page::{PairPage, PairingCode};
pub(crate) use path_owner::service_of;
pub(crate) use start_page::{ServiceState, StartPage, Visitor};
pub(crate) use template::PageContext;
pub(crate) use trust_page::{AuthorityView, ShopAddresses, TRUST_PATH, TrustPage, file_name};
pub(crate) use versioned_settings::{VersionedSettings, parse_stored_settings};
