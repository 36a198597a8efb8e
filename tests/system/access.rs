//! Who may call what: every operation of every service, with no credential, with another shop's, and as each role.
//!
//! The operations and their roles are those of the API documents, so that a new one is walked without a line here.

use std::{fs, time::Duration};

use access::{CallerRole, TokenIssuer, TokenSubject};
use analytics::AnalyticsSettings;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode},
};
use contracts::{
    device::{DeviceKind, DeviceView},
    ids::{ApprovalId, DeviceId, SessionId},
    staff::{ApprovableAction, Role},
};
use db::{Db, DbError};
use gateway::{FirstStart, GatewaySettings};
use host::{Service, ServiceHost};
use payment::PaymentSettings;
use serde_json::Value;
use testkit::World;
use tower::ServiceExt;

use crate::metrics::{repository, rust_files};

/// In place of every parameter of a path. Nothing has this id.
const ID: &str = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const PROBLEM_BYTES_MAX: usize = 64 * 1024;
/// The slugs with which a route's guard refuses.
const REFUSALS: [&str; 3] = ["/problems/sign-in-required", "/problems/invalid-token", "/problems/forbidden"];

/// Who sends a request.
#[derive(Clone, Copy, Debug)]
enum Who {
    Nobody,
    /// The owner of another shop.
    Stranger,
    Person(Role),
    Device(DeviceKind),
}

const EVERYONE: [Who; 8] = [
    Who::Nobody,
    Who::Stranger,
    Who::Person(Role::Cashier),
    Who::Person(Role::Manager),
    Who::Person(Role::Owner),
    Who::Device(DeviceKind::Pos),
    Who::Device(DeviceKind::Kiosk),
    Who::Device(DeviceKind::Dispenser),
];

impl Who {
    fn role(self) -> Option<&'static str> {
        match self {
            Self::Nobody | Self::Stranger => None,
            Self::Person(role) => Some(CallerRole::from(role).into()),
            Self::Device(kind) => Some(CallerRole::from(kind).into()),
        }
    }
}

/// One operation of an API document.
struct Operation {
    service: &'static str,
    method: Method,
    path: String,
    /// `None`: anyone.
    roles: Option<Vec<String>>,
    approvable: Option<ApprovableAction>,
}

impl Operation {
    fn allows(&self, who: Who) -> bool {
        let Some(roles) = &self.roles else { return true };
        who.role().is_some_and(|role| roles.iter().any(|allowed| allowed == role))
    }

    /// The status and the slug with which `who` is refused.
    fn refusal(&self, who: Who) -> (u16, &'static str) {
        match who {
            Who::Nobody => (401, "/problems/sign-in-required"),
            Who::Stranger => (401, "/problems/invalid-token"),
            Who::Person(_) if self.approvable.is_some() => (403, "/problems/approval-required"),
            Who::Person(_) | Who::Device(_) => (403, "/problems/forbidden"),
        }
    }
}

/// Every service of a shop in one process.
struct Shop {
    world: World,
    host: ServiceHost,
    origin: Router,
    routers: Vec<(&'static str, Router)>,
    databases: Vec<Db>,
    operations: Vec<Operation>,
    issuer: TokenIssuer,
    another_shops_issuer: TokenIssuer,
}

impl Shop {
    async fn open() -> Self {
        let world = World::new().await;
        let services = open_services(&world).await;
        let origin = gateway::origin(world.context(), &services, GatewaySettings::default());
        let routers = services.iter().map(|service| (service.name, service.router.clone())).collect();
        let databases = services.iter().map(|service| service.db.clone()).collect();
        let operations = services.iter().flat_map(operations).collect();
        let host = ServiceHost::start(world.context(), services);
        let now = world.clock.now();
        let (issuer, another_shops_issuer) = (TokenIssuer::new(now).unwrap(), TokenIssuer::new(now).unwrap());
        world.context().access.add_key(issuer.key_id(), issuer.public_key().clone(), now + DAY);
        Self { world, host, origin, routers, databases, operations, issuer, another_shops_issuer }
    }

    /// A credential of its own for each call: an operation may end it.
    fn credential(&self, who: Who) -> Option<String> {
        let now = self.world.clock.now();
        match who {
            Who::Nobody => None,
            Who::Stranger => Some(session(&self.another_shops_issuer, &self.world, SessionId::new(now), Role::Owner)),
            Who::Person(role) => Some(session(&self.issuer, &self.world, SessionId::new(now), role)),
            Who::Device(kind) => {
                let device_id = DeviceId::new(now);
                self.world.credentials.pair(&DeviceView { device_id, ..testkit::device(kind, now) });
                let device = self.world.context().access.device(device_id).unwrap();
                let key = device.signing_key.as_ref().map(|key| format!("{device_id}.{}", key.to_text()));
                Some(key.unwrap_or_else(|| self.issue(TokenSubject::Device { device_id })))
            }
        }
    }

    fn issue(&self, subject: TokenSubject) -> String {
        self.issuer.issue(subject, self.world.clock.now(), DAY).unwrap().0
    }

    fn router_of(&self, service: &str) -> &Router {
        &self.routers.iter().find(|(name, _)| *name == service).unwrap().1
    }

    /// Waits for the effects of every event, and counts events and saved responses of each database: every act writes one
    /// of them.
    async fn acts(&self) -> Vec<i64> {
        const SQL: &str = "SELECT (SELECT COUNT(*) FROM outbox) + (SELECT COUNT(*) FROM idempotency_keys) AS acts";
        ServiceHost::wait_until_all_idle(std::slice::from_ref(&self.host)).await.unwrap();
        let mut acts = Vec::new();
        for db in &self.databases {
            acts.push(db.read(|tx| tx.query_one::<i64>(SQL, (), |row| row.get("acts"))).await);
        }
        acts.into_iter().collect::<Result<_, DbError>>().unwrap()
    }
}

async fn open_services(world: &World) -> Vec<Service> {
    let context = world.context();
    vec![
        gateway::open(context, FirstStart::default()).await.unwrap().service,
        order::open(context).await.unwrap(),
        payment::open(context, PaymentSettings::default()).await.unwrap(),
        product::open(context).await.unwrap(),
        inventory::open(context).await.unwrap(),
        qr::open(context).await.unwrap(),
        analytics::open(context, AnalyticsSettings::default()).await.unwrap(),
    ]
}

fn session(issuer: &TokenIssuer, world: &World, session_id: SessionId, role: Role) -> String {
    let subject = TokenSubject::Session { session_id, staff: testkit::staff(role), device_id: None };
    issuer.issue(subject, world.clock.now(), DAY).unwrap().0
}

fn operations(service: &Service) -> Vec<Operation> {
    let document = serde_json::to_value(&service.openapi).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let roles = serde_json::from_value(operation["x-roles"].clone()).unwrap();
            let approvable = serde_json::from_value(operation["x-approvable-action"].clone()).unwrap();
            let method = method.to_uppercase().parse().unwrap();
            operations.push(Operation { service: service.name, method, path: path.clone(), roles, approvable });
        }
    }
    operations
}

/// `path` with [`ID`] for each parameter.
fn with_ids(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { ID } else { part }).collect::<Vec<_>>().join("/")
}

/// The status of a request with an empty object as its body, and the type of its problem.
async fn call(
    router: &Router,
    method: &Method,
    path: &str,
    credential: Option<&str>,
    approval: Option<&str>,
) -> (StatusCode, String) {
    let mut request =
        Request::builder().method(method.clone()).uri(with_ids(path)).header("content-type", "application/json");
    if let Some(credential) = credential {
        request = request.header("authorization", format!("Bearer {credential}"));
    }
    if let Some(approval) = approval {
        request = request.header(web::APPROVAL_HEADER, approval);
    }
    let response = router.clone().oneshot(request.body(Body::from("{}")).unwrap()).await.unwrap();
    let status = response.status();
    // A successful response may be a stream that does not end.
    if !status.is_client_error() {
        return (status, String::new());
    }
    let body = to_bytes(response.into_body(), PROBLEM_BYTES_MAX).await.unwrap();
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    (status, problem["type"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn callers_without_a_role_of_the_operation_are_refused_and_change_nothing() {
    let shop = Shop::open().await;
    let before = shop.acts().await;
    let mut wrong = Vec::new();
    for operation in &shop.operations {
        let Operation { method, path, .. } = operation;
        for who in EVERYONE.into_iter().filter(|who| !operation.allows(*who)) {
            for router in [shop.router_of(operation.service), &shop.origin] {
                let (status, kind) = call(router, method, path, shop.credential(who).as_deref(), None).await;
                if (status.as_u16(), kind.as_str()) != operation.refusal(who) {
                    wrong.push(format!("{method} {path} answers {who:?} with {status} {kind}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(shop.acts().await, before);
}

#[tokio::test]
async fn callers_with_a_role_of_the_operation_are_never_refused_for_who_they_are() {
    let shop = Shop::open().await;
    let mut wrong = Vec::new();
    for operation in &shop.operations {
        let Operation { method, path, .. } = operation;
        for who in EVERYONE.into_iter().filter(|who| operation.allows(*who)) {
            let (status, kind) = call(&shop.origin, method, path, shop.credential(who).as_deref(), None).await;
            // Sign-in answers a wrong PIN with 401, too.
            let is_guarded = operation.roles.is_some();
            let is_refused = (is_guarded && matches!(status.as_u16(), 401 | 403)) || REFUSALS.contains(&kind.as_str());
            if is_refused || status == StatusCode::INTERNAL_SERVER_ERROR {
                wrong.push(format!("{method} {path} answers {who:?} with {status} {kind}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_cashier_may_do_what_a_manager_approved_and_nothing_else() {
    let shop = Shop::open().await;
    let mut approvable = 0;
    for operation in &shop.operations {
        let Some(action) = operation.approvable else { continue };
        approvable += 1;
        let Operation { method, path, .. } = operation;
        let session_id = SessionId::new(shop.world.clock.now());
        let cashier = session(&shop.issuer, &shop.world, session_id, Role::Cashier);
        let approval = |session_id, action| {
            let approved_by = testkit::staff(Role::Manager);
            let (approval_id, subject) = (ApprovalId::new(shop.world.clock.now()), ID.to_owned());
            shop.issue(TokenSubject::Approval { approval_id, session_id, action, subject, approved_by })
        };
        let reply = async |approval: &str| call(&shop.origin, method, path, Some(&cashier), Some(approval)).await;

        let (status, kind) = reply(&approval(session_id, action)).await;
        assert!(!matches!(status.as_u16(), 401 | 403), "{method} {path}: {status} {kind}");

        let another_session = SessionId::new(shop.world.clock.now());
        let refused = reply(&approval(another_session, action)).await;
        assert_eq!(refused, (StatusCode::UNAUTHORIZED, "/problems/invalid-token".to_owned()), "{method} {path}");

        // If a cashier may call the operation at all, the handler decides what needs an approval.
        if operation.allows(Who::Person(Role::Cashier)) {
            continue;
        }
        let another = match action {
            ApprovableAction::AdjustStock => ApprovableAction::ResolveCode,
            _ => ApprovableAction::AdjustStock,
        };
        let refused = reply(&approval(session_id, another)).await;
        assert_eq!(refused, (StatusCode::FORBIDDEN, "/problems/approval-required".to_owned()), "{method} {path}");
    }
    assert!(approvable > 0);
}

#[tokio::test]
async fn routes_between_services_are_refused_to_everyone_else() {
    let shop = Shop::open().await;
    let before = shop.acts().await;
    for (service, method, path) in internal_routes() {
        let router = shop.router_of(&service);
        for who in EVERYONE {
            let credential = shop.credential(who);
            let (status, kind) = call(router, &method, &path, credential.as_deref(), None).await;
            let expected = if who.role().is_some() { 403 } else { 401 };
            assert_eq!(status, expected, "{method} {path} answers {who:?} with {kind}");

            let on_a_port = web::without_internal(router.clone());
            for router in [&shop.origin, &on_a_port] {
                let hidden = call(router, &method, &path, credential.as_deref(), None).await;
                assert_eq!(hidden, (StatusCode::NOT_FOUND, "/problems/unknown-route".to_owned()), "{method} {path}");
            }
        }
    }
    assert_eq!(shop.acts().await, before);
}

/// Every `.internal("path", method(` in the services' code.
fn internal_routes() -> Vec<(String, Method, String)> {
    let mut routes = Vec::new();
    for folder in fs::read_dir(repository().join("services")).unwrap() {
        let folder = folder.unwrap();
        let service = folder.file_name().into_string().unwrap();
        for file in rust_files(&folder.path().join("src")) {
            let code = fs::read_to_string(&file).unwrap();
            for registration in code.split(".internal(").skip(1) {
                let (path, rest) = registration.trim_start().strip_prefix('"').unwrap().split_once('"').unwrap();
                let method = rest.trim_start_matches([',', ' ', '\n']).split('(').next().unwrap().to_uppercase();
                routes.push((service.clone(), method.parse().unwrap(), path.to_owned()));
            }
        }
    }
    assert!(routes.len() >= 10, "{routes:?}");
    routes
}
