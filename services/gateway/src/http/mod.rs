//! The routes of the shop's settings and devices, and the one origin in front of every service.

mod assets;
mod devices;
mod docs;
mod origin;
mod page;
mod pair_page;
mod settings;
mod start_page;

pub use origin::{document, origin};
pub(crate) use settings::router;
