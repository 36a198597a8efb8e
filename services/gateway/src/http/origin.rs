//! One origin in front of every service, so that a browser needs no other.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use futures::future::join_all;
use host::{Service, ServiceContext};
use tower::ServiceExt;
use utoipa::openapi::{OpenApi, OpenApiBuilder, Server};
use web::{Peer, Problem, Routes};

use super::{
    assets, demo, docs, pair_page,
    start_page::{self, StartPageState},
};
use crate::{
    GatewaySettings,
    model::{ServiceState, service_of},
};

const TITLE: &str = "fnb";
const DESCRIPTION: &str = "Everything that a shop's tablets, machines and programs need: the menu, orders, payments, \
    codes, stock, reports and settings. Every refusal is a problem (RFC 9457) with what to do.";

/// The services behind the origin. Cheap to clone.
#[derive(Clone)]
pub(super) struct ServiceRouters(Arc<[(&'static str, Router)]>);

#[derive(Clone)]
struct Origin {
    services: ServiceRouters,
    pages: Router,
}

/// The router of the one origin: each `/api` path goes to the one of `services` that owns it; responses and streams come
/// back as they are. It has routes of its own: the start page, `/pair`, `/docs`, `/openapi.json` of all services, `/livez`,
/// `/readyz` (of all services) and `/metrics`. Internal routes cannot be reached.
pub fn origin(context: &ServiceContext, services: &[Service], settings: GatewaySettings) -> Router {
    let routers = ServiceRouters(services.iter().map(|service| (service.name, service.router.clone())).collect());
    let state = StartPageState {
        shop: context.shop.clone(),
        clock: context.clock.clone(),
        services: routers.clone(),
        database: if context.databases.is_server() { "PostgreSQL" } else { "SQLite" },
        started_at: context.clock.now(),
        is_demo: settings.demo_doors.is_some(),
    };
    let pages = start_page::routes(state)
        .merge(pair_page::routes(context.shop.clone()))
        .merge(docs::routes())
        .merge(assets::routes())
        .merge(settings.demo_doors.map_or_else(Router::new, demo::routes));
    let routes = Routes::pages(document(services), pages);
    let checked = routers.clone();
    let ready = web::ready(move || {
        let services = checked.clone();
        async move { services.check_ready().await }
    });
    let (pages, _) = web::finish("origin", TITLE, DESCRIPTION, routes, &context.access, ready);
    Router::new().fallback(forward).with_state(Origin { services: routers, pages })
}

/// The document of the whole API: those of all services in one, sorted by path.
#[must_use]
pub fn document(services: &[Service]) -> OpenApi {
    let server = Server::new("/");
    let mut whole = OpenApiBuilder::new().servers(Some([server])).build();
    for service in services {
        whole.merge(service.openapi.clone());
    }
    whole
}

/// Passes the request to the service that owns its path, without reading it.
async fn forward(State(origin): State<Origin>, mut request: Request) -> Response {
    // The path that this router matched is not the one that the service's router will match.
    let peer = Peer::of(request.extensions());
    request.extensions_mut().clear();
    if let Some(peer) = peer {
        request.extensions_mut().insert(peer);
    }
    let router = match service_of(request.uri().path()) {
        None => origin.pages,
        Some(service) => match origin.services.router_of(service) {
            Some(router) => router.clone(),
            None => return not_running(service).into_response(),
        },
    };
    router.oneshot(request).await.unwrap_or_else(|never| match never {})
}

fn not_running(service: &str) -> Problem {
    Problem::unavailable(format!("The {service} service does not run here right now. Start it, or try again later."))
}

impl ServiceRouters {
    fn router_of(&self, service: &str) -> Option<&Router> {
        self.0.iter().find(|(name, _)| *name == service).map(|(_, router)| router)
    }

    /// Checks all services at once. Each check has its own time limit.
    pub(super) async fn states(&self) -> Vec<ServiceState> {
        let checks = self.0.iter().map(async |(name, router)| {
            let request = Request::get("/readyz").body(axum::body::Body::empty());
            let Ok(request) = request else { return ServiceState { name, is_ready: false } };
            let response = router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
            ServiceState { name, is_ready: response.status().is_success() }
        });
        join_all(checks).await
    }

    async fn check_ready(&self) -> Result<(), String> {
        let states = self.states().await;
        let not_ready: Vec<&str> = states.iter().filter(|state| !state.is_ready).map(|state| state.name).collect();
        if not_ready.is_empty() { Ok(()) } else { Err(format!("unavailable: {}", not_ready.join(", "))) }
    }
}
