//! The rules of the gateway: versions of the settings, owners of paths, and what the start page says.

mod document;
mod language;
mod owner;
mod start_page;

pub(crate) use document::{Document, kept_settings};
pub(crate) use language::Language;
pub(crate) use owner::owner_of;
pub(crate) use start_page::{ServiceState, StartPage};
