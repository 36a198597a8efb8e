//! The routes of a service. Each names who may call it: a route without a policy does not compile.

use access::{CallerRole, Policy};
use axum::routing::MethodRouter;
use utoipa::openapi::{
    OpenApi,
    extensions::ExtensionsBuilder,
    path::{Operation, PathItem},
    security::SecurityRequirement,
};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::{
    authentication::{BEARER_SCHEME, SESSION_SCHEME, SIGNATURE_SCHEME},
    guard::Guard,
};

/// The key of an operation's roles in the API document.
const ROLES_EXTENSION: &str = "x-roles";
/// The key of the action that a manager can approve.
const APPROVABLE_EXTENSION: &str = "x-approvable-action";

/// The routes of a service, each with its policy.
pub struct Routes<S = ()>(OpenApiRouter<S>);

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes.
    #[must_use]
    pub fn new() -> Self {
        Self(OpenApiRouter::new())
    }

    /// Adds handlers that callers of `policy` may use: `allow(Policy::STAFF, routes!(list_orders))`.
    #[must_use]
    pub fn allow(self, policy: Policy, (schemas, mut paths, handlers): UtoipaMethodRouter<S>) -> Self {
        for operation in paths.paths.values_mut().flat_map(operations_mut) {
            document_policy(operation, &policy);
        }
        Self(self.0.routes((schemas, paths, handlers.route_layer(Guard::new(policy)))))
    }

    /// Adds handlers that only other services of the shop may call. They are not in the API document.
    #[must_use]
    pub fn internal(self, path: &str, handlers: MethodRouter<S>) -> Self {
        Self(self.0.route(path, handlers.route_layer(Guard::new(Policy::SERVICES))))
    }

    /// Adds pages, which anyone may read and which the API document leaves out. `document` begins the document.
    #[must_use]
    pub fn pages(document: OpenApi, pages: axum::Router<S>) -> Self {
        Self(OpenApiRouter::with_openapi(document).merge(OpenApiRouter::from(pages)))
    }

    /// Gives the handlers their state.
    #[must_use]
    pub fn with_state<T: Clone + Send + Sync + 'static>(self, state: S) -> Routes<T> {
        Routes(self.0.with_state(state))
    }

    /// These routes and others.
    #[must_use]
    pub fn merge(self, others: Self) -> Self {
        Self(self.0.merge(others.0))
    }

    pub(crate) fn split(self) -> (axum::Router<S>, OpenApi) {
        self.0.split_for_parts()
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> std::fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Routes").finish_non_exhaustive()
    }
}

/// Writes into the document how a caller proves who it is, and which roles may.
fn document_policy(operation: &mut Operation, policy: &Policy) {
    let Some(roles) = policy.roles() else {
        operation.security = Some(vec![SecurityRequirement::default()]);
        return;
    };
    let names: Vec<&str> = roles.iter().map(<&str>::from).collect();
    let mut schemes = vec![BEARER_SCHEME, SESSION_SCHEME];
    if roles.iter().any(|role| role == CallerRole::Dispenser) {
        schemes.push(SIGNATURE_SCHEME);
    }
    let requirements = schemes.into_iter().map(|scheme| SecurityRequirement::new(scheme, [] as [&str; 0]));
    operation.security = Some(requirements.collect());
    let mut extensions = ExtensionsBuilder::new().add(ROLES_EXTENSION, serde_json::json!(names));
    if let Some(action) = policy.approvable() {
        extensions = extensions.add(APPROVABLE_EXTENSION, serde_json::json!(action));
    }
    operation.extensions.get_or_insert_default().merge(extensions.build());
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
}
