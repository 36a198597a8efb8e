//! The routes of the shop's settings, its people and its audit trail, and the one origin in front of every service.

mod assets;
mod audit;
mod cookies;
mod docs;
mod origin;
mod page;
mod pair_page;
mod sessions;
mod settings;
mod start_page;

use access::Access;
use axum::Router;
use utoipa::openapi::OpenApi;
use web::{Ready, Routes};

pub use self::origin::{document, origin};
use crate::commands::{AuditTrail, Settings, Staff};

/// The routes of this service, and their document.
pub(crate) fn router(
    settings: Settings,
    staff: Staff,
    trail: AuditTrail,
    access: &Access,
    ready: Ready,
) -> (Router, OpenApi) {
    let routes = Routes::new()
        .merge(settings::routes().with_state(settings))
        .merge(sessions::routes().with_state(staff))
        .merge(audit::routes().with_state(trail));
    let description = "The shop's settings: its name, how it trades and how guests pay. Its people, and who is signed in. \
                       Its audit trail.";
    web::finish(crate::NAME, "Shop", description, routes, access, ready)
}
