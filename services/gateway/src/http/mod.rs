//! The routes of the shop's settings, people, devices and audit trail, and the one origin in front of every service.

mod assets;
mod audit;
mod cookies;
mod demo;
mod devices;
mod docs;
mod origin;
mod page;
mod pair_page;
mod sessions;
mod settings;
mod staff;
mod start_page;
mod trust;

use access::Access;
use axum::Router;
use utoipa::openapi::OpenApi;
use web::{Ready, Routes};

pub use self::{
    origin::{document, origin},
    trust::{HttpsSettings, plain_origin},
};
use crate::commands::{AuditTrail, Devices, Settings, Staff};

const DESCRIPTION: &str = "The shop's settings: its name, how it trades and how guests pay. Its people and devices, who is \
    signed in, and the trail of what they did.";

/// What the routes call.
pub(crate) struct UseCases {
    pub(crate) settings: Settings,
    pub(crate) staff: Staff,
    pub(crate) devices: Devices,
    pub(crate) trail: AuditTrail,
}

/// The routes of this service, and their document.
pub(crate) fn router(use_cases: UseCases, access: &Access, ready: Ready) -> (Router, OpenApi) {
    let UseCases { settings, staff, devices, trail } = use_cases;
    let routes = Routes::new()
        .merge(settings::routes().with_state(settings))
        .merge(sessions::routes().merge(staff::routes()).with_state(staff))
        .merge(devices::routes().with_state(devices))
        .merge(audit::routes().with_state(trail));
    web::finish(crate::NAME, "Shop", DESCRIPTION, routes, access, ready)
}
