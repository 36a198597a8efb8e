//! Who may call which route.

use std::time::Duration;

use ::access::{Access, Policy, TokenIssuer, TokenSubject};
use axum::{extract::Request, http::header};
use clock::Clock;
use contracts::{
    device::{DeviceKind, DeviceView},
    ids::{ApprovalId, DeviceId, SessionId, StaffId},
    staff::{ApprovableAction, Role, StaffRef},
    time::Timestamp,
};

use super::*;
use crate::{APPROVAL_HEADER, Caller, DEVICE_COOKIE, SESSION_COOKIE, ServiceRegistry};

const NOW: Timestamp = Timestamp(1_795_312_800_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

#[utoipa::path(get, path = "/api/Till", responses((status = 200)))]
async fn count_till(caller: Caller) -> String {
    caller.staff.as_ref().map_or("nobody", |staff| &staff.name).to_owned()
}

#[utoipa::path(delete, path = "/api/Till", responses((status = 200)))]
async fn empty_till(caller: Caller) -> Result<String, Problem> {
    let actor = caller.approved_actor(ApprovableAction::AdjustStock, "till-1")?;
    Ok(actor.approved_by.map_or("by themselves".to_owned(), |manager| manager.name))
}

#[utoipa::path(get, path = "/api/Menu", responses((status = 200)))]
async fn read_menu(caller: Caller) -> String {
    caller.device.as_ref().map_or("no device", |device| &device.name).to_owned()
}

/// A service with a route for staff, one for managers, one for everyone and one for services.
struct Shop {
    access: Access,
    issuer: TokenIssuer,
    session_id: SessionId,
    router: Router,
}

impl Shop {
    fn new() -> Self {
        let access = Access::new(Clock::manual(NOW));
        let issuer = TokenIssuer::new(NOW).unwrap();
        access.add_key(issuer.key_id(), issuer.public_key().clone(), NOW + 10 * HOUR);
        let routes = Routes::new()
            .allow(Policy::STAFF, routes!(count_till))
            .allow(Policy::MANAGERS.or_approved(ApprovableAction::AdjustStock), routes!(empty_till))
            .allow(Policy::ANYONE, routes!(read_menu))
            .internal("/internal/Till", get(async || "7"));
        let router = finish("till", "Till", "", routes, &access, ready(async || Ok(()))).0;
        Self { access, issuer, session_id: SessionId::new(NOW), router }
    }

    fn session(&self, role: Role) -> String {
        let staff = StaffRef { staff_id: StaffId::new(NOW), name: "Sari".into(), role };
        self.issue(TokenSubject::Session { session_id: self.session_id, staff, device_id: None })
    }

    fn tablet(&self) -> String {
        let device_id = DeviceId::new(NOW);
        let view = DeviceView {
            device_id,
            kind: DeviceKind::Kiosk,
            name: "Kiosk 1".into(),
            place: None,
            letter: Some("B".into()),
            products: Vec::new(),
            ml_per_second: None,
            is_bearer_allowed: false,
            paired_at: NOW,
            last_seen_at: None,
            revoked_at: None,
            revoke_reason: None,
            key_version: 1,
            version: 1,
        };
        self.access.put_device(&view, None);
        self.issue(TokenSubject::Device { device_id })
    }

    fn issue(&self, subject: TokenSubject) -> String {
        self.issuer.issue(subject, NOW, HOUR).unwrap().0
    }

    async fn call(&self, method: &str, path: &str, headers: &[(&str, String)]) -> Reply {
        let request = Request::builder().method(method).uri(path);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        send(&self.router, request.body(Body::empty()).unwrap()).await
    }
}

fn bearer(token: &str) -> (&'static str, String) {
    (header::AUTHORIZATION.as_str(), format!("Bearer {token}"))
}

fn cookies(session: &str, device: &str) -> (&'static str, String) {
    (header::COOKIE.as_str(), format!("theme=dark; {SESSION_COOKIE}={session}; {DEVICE_COOKIE}={device}"))
}

#[tokio::test]
async fn without_a_valid_credential_only_open_routes_answer() {
    let shop = Shop::new();
    let refused = shop.call("GET", "/api/Till", &[]).await;
    refused.problem(401, "sign-in-required");
    assert_eq!(refused.headers["www-authenticate"], "Bearer");
    shop.call("GET", "/api/Till", &[bearer("v4.public.AAAA")]).await.problem(401, "invalid-token");
    shop.call("GET", "/api/Till", &[("authorization", "Basic c2FyaTpzYXJp".into())])
        .await
        .problem(401, "invalid-token");
    let foreign = Shop::new().session(Role::Owner);
    shop.call("GET", "/api/Till", &[bearer(&foreign)]).await.problem(401, "invalid-token");

    let token = shop.session(Role::Cashier);
    assert_eq!(shop.call("GET", "/api/Till", &[bearer(&token)]).await.body, "Sari");
    shop.access.end_session(shop.session_id, NOW + HOUR);
    shop.call("GET", "/api/Till", &[bearer(&token)]).await.problem(401, "token-revoked");
    assert_eq!(shop.call("GET", "/api/Menu", &[bearer(&token)]).await.status, 200);
}

#[tokio::test]
async fn a_tablet_stays_paired_when_its_persons_session_ends() {
    let shop = Shop::new();
    let (session, tablet) = (shop.session(Role::Cashier), shop.tablet());
    assert_eq!(shop.call("GET", "/api/Till", &[cookies(&session, &tablet)]).await.body, "Sari");
    shop.access.end_session(shop.session_id, NOW + HOUR);
    assert_eq!(shop.call("GET", "/api/Menu", &[cookies(&session, &tablet)]).await.body, "Kiosk 1");
    shop.call("GET", "/api/Till", &[cookies(&session, &tablet)]).await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_cashier_needs_a_managers_approval_of_this_action_and_subject() {
    let shop = Shop::new();
    let cashier = bearer(&shop.session(Role::Cashier));
    shop.call("DELETE", "/api/Till", std::slice::from_ref(&cashier)).await.problem(403, "approval-required");
    assert_eq!(shop.call("DELETE", "/api/Till", &[bearer(&shop.session(Role::Owner))]).await.body, "by themselves");

    let approve = |subject: &str| {
        let approved_by = StaffRef { staff_id: StaffId::new(NOW), name: "Dimas".into(), role: Role::Manager };
        let (action, subject) = (ApprovableAction::AdjustStock, subject.to_owned());
        let (approval_id, session_id) = (ApprovalId::new(NOW), shop.session_id);
        let approval = TokenSubject::Approval { approval_id, session_id, action, subject, approved_by };
        (APPROVAL_HEADER, shop.issue(approval))
    };
    assert_eq!(shop.call("DELETE", "/api/Till", &[cashier.clone(), approve("till-1")]).await.body, "Dimas");
    shop.call("DELETE", "/api/Till", &[cashier.clone(), approve("till-2")]).await.problem(403, "approval-required");
    shop.call("DELETE", "/api/Till", &[cashier, (APPROVAL_HEADER, "no token".into())])
        .await
        .problem(401, "invalid-token");
}

#[tokio::test]
async fn internal_routes_answer_other_services_alone() {
    let shop = Shop::new();
    shop.call("GET", "/internal/Till", &[]).await.problem(401, "sign-in-required");
    shop.call("GET", "/internal/Till", &[bearer(&shop.session(Role::Owner))]).await.problem(403, "forbidden");
    let services = ServiceRegistry::new();
    services.connect("till", shop.router.clone());
    assert_eq!(services.client("till").get::<u32>("/internal/Till").await.unwrap(), 7);
}

#[test]
fn the_api_document_names_roles_and_credentials() {
    let access = Access::new(Clock::manual(NOW));
    let routes = Routes::new()
        .allow(Policy::MANAGERS.or_approved(ApprovableAction::AdjustStock), routes!(empty_till))
        .allow(Policy::ANYONE, routes!(read_menu))
        .internal("/internal/Till", get(async || "7"));
    let (_, document) = finish("till", "Till", "", routes, &access, ready(async || Ok(())));
    let json: Value = serde_json::from_str(&document.to_json().unwrap()).unwrap();
    let empty = &json["paths"]["/api/Till"]["delete"];
    assert_eq!(empty["x-roles"], json!(["MANAGER", "OWNER"]));
    assert_eq!(empty["x-approvable-action"], "ADJUST_STOCK");
    assert_eq!(empty["security"], json!([{ "token": [] }, { "session": [] }]));
    assert_eq!(json["paths"]["/api/Menu"]["get"]["security"], json!([{}]));
    assert_eq!(json["components"]["securitySchemes"]["session"]["in"], "cookie");
    assert!(json["paths"]["/internal/Till"].is_null());
}
