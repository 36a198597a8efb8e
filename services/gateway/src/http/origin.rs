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
use utoipa_axum::router::OpenApiRouter;
use web::Problem;

use super::{docs, start};
use crate::model::{ServiceState, owner_of};

const TITLE: &str = "fnb";
const DESCRIPTION: &str = "Everything that a shop's tablets, machines and programs ask of it: the menu, orders, \
    payments, codes, stock, reports and settings. Every refusal is a problem (RFC 9457) that says what to do.";

/// The services behind the origin. Cheap to clone.
#[derive(Clone)]
pub(super) struct Crew(Arc<[(&'static str, Router)]>);

#[derive(Clone)]
struct Front {
    crew: Crew,
    pages: Router,
}

/// The router of the one origin: each `/api` path goes to the service of `services` that owns it, answers and streams
/// come back as they are. Its own are the start page, `/docs`, `/openapi.json` of all services, `/livez`,
/// `/readyz` (all of them), and `/metrics`. What services say to each other is not reachable.
pub fn origin(context: &ServiceContext, services: &[Service]) -> Router {
    let crew = Crew(services.iter().map(|service| (service.name, service.router.clone())).collect());
    let start = start::Start { shop: context.shop.clone(), clock: context.clock.clone(), crew: crew.clone() };
    let pages = start::routes(start).merge(docs::routes());
    let routes = OpenApiRouter::with_openapi(document(services)).merge(OpenApiRouter::from(pages));
    let asked = crew.clone();
    let ready = web::ready(move || {
        let crew = asked.clone();
        async move { crew.all_ready().await }
    });
    let (pages, _) = web::finish("origin", TITLE, DESCRIPTION, routes, ready);
    Router::new().fallback(pass_on).with_state(Front { crew, pages })
}

/// The document of the whole API: that of each service, in one, sorted by path.
#[must_use]
pub fn document(services: &[Service]) -> OpenApi {
    let server = Server::new("/");
    let mut whole = OpenApiBuilder::new().servers(Some([server])).build();
    for service in services {
        whole.merge(service.openapi.clone());
    }
    whole
}

/// Hands the request to whose it is. Nothing of it is read here.
async fn pass_on(State(front): State<Front>, mut request: Request) -> Response {
    // What this router learned about the path must not look to the next as its own.
    request.extensions_mut().clear();
    let router = match owner_of(request.uri().path()) {
        None => front.pages,
        Some(service) => match front.crew.router_of(service) {
            Some(router) => router.clone(),
            None => return not_here(service).into_response(),
        },
    };
    router.oneshot(request).await.unwrap_or_else(|never| match never {})
}

fn not_here(service: &str) -> Problem {
    Problem::unavailable(format!("The {service} service does not run here right now. Start it, or try again later."))
}

impl Crew {
    fn router_of(&self, service: &str) -> Option<&Router> {
        self.0.iter().find(|(name, _)| *name == service).map(|(_, router)| router)
    }

    /// Asks every service at once whether it can do its work. Each says so within its own bound.
    pub(super) async fn states(&self) -> Vec<ServiceState> {
        let asked = self.0.iter().map(async |(name, router)| {
            let request = Request::get("/readyz").body(axum::body::Body::empty());
            let Ok(request) = request else { return ServiceState { name, is_ready: false } };
            let response = router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
            ServiceState { name, is_ready: response.status().is_success() }
        });
        join_all(asked).await
    }

    async fn all_ready(&self) -> Result<(), String> {
        let states = self.states().await;
        let away: Vec<&str> = states.iter().filter(|state| !state.is_ready).map(|state| state.name).collect();
        if away.is_empty() { Ok(()) } else { Err(format!("away: {}", away.join(", "))) }
    }
}
