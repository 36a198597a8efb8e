//! The rules of the gateway: versions of the settings, the chain of the audit trail, owners of paths, and the text of
//! the start page.

mod audit_chain;
mod audit_period;
mod language;
mod path_owner;
mod start_page;
mod versioned_settings;

pub(crate) use audit_chain::{
    AuditColumns, ChainHead, ChainPosition, ChainedEntry, Verified, entry_hash, search_text, verify_entries,
};
pub(crate) use audit_period::Moment;
pub(crate) use language::Language;
pub(crate) use path_owner::service_of;
pub(crate) use start_page::{ServiceState, StartPage};
pub(crate) use versioned_settings::{VersionedSettings, parse_stored_settings};
