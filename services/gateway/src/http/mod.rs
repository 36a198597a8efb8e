//! The routes of the shop's settings, and the one origin in front of every service.

mod assets;
mod docs;
mod origin;
mod page;
mod pair_page;
mod settings;
mod start_page;
mod trust;

pub use origin::{document, origin};
pub(crate) use settings::router;
pub use trust::{HttpsSettings, plain_origin};
