use std::time::Duration;

use clock::Clock;
use contracts::{
    device::{DeviceKind, DeviceView},
    ids::{ApprovalId, DeviceId, SessionId, StaffId},
    staff::{ApprovableAction, Role, StaffRef},
    time::Timestamp,
};

use crate::{Access, Caller, CallerRole, Policy, TokenError, TokenIssuer, TokenSubject};

const NOW: Timestamp = Timestamp(1_795_312_800_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

/// A process that knows one key and one till.
struct Shop {
    clock: Clock,
    access: Access,
    issuer: TokenIssuer,
    till: DeviceView,
    session_id: SessionId,
}

impl Shop {
    fn new() -> Self {
        let clock = Clock::manual(NOW);
        let access = Access::new(clock.clone());
        let issuer = TokenIssuer::new(NOW).unwrap();
        access.add_key(issuer.key_id(), issuer.public_key().clone(), NOW + 100 * HOUR);
        let till = DeviceView {
            device_id: DeviceId::new(NOW),
            kind: DeviceKind::Pos,
            name: "POS 1".into(),
            place: None,
            letter: Some("A".into()),
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
        access.put_device(&till, None);
        Self { clock, access, issuer, till, session_id: SessionId::new(NOW) }
    }

    fn session_token(&self, role: Role) -> String {
        let staff = StaffRef { staff_id: StaffId::new(NOW), name: "Sari".into(), role };
        let (session_id, device_id) = (self.session_id, Some(self.till.device_id));
        self.issuer.issue(TokenSubject::Session { session_id, staff, device_id }, NOW, HOUR).unwrap().0
    }

    fn approval_token(&self, session_id: SessionId) -> String {
        let approved_by = StaffRef { staff_id: StaffId::new(NOW), name: "Dimas".into(), role: Role::Manager };
        let (action, subject) = (ApprovableAction::ReissueCodes, "order-1".to_owned());
        let approval_id = ApprovalId::new(NOW);
        let approval = TokenSubject::Approval { approval_id, session_id, action, subject, approved_by };
        self.issuer.issue(approval, NOW, HOUR).unwrap().0
    }
}

#[test]
fn a_token_names_the_person_and_the_device_until_it_expires() {
    let shop = Shop::new();
    let token = shop.session_token(Role::Cashier);
    let caller = shop.access.caller(&token).unwrap();
    assert_eq!(caller.staff.as_ref().unwrap().name, "Sari");
    assert_eq!(caller.device_id(), Some(shop.till.device_id));
    assert_eq!(caller.idempotency_owner(), format!("device:{}", shop.till.device_id));

    shop.clock.advance(HOUR);
    assert_eq!(shop.access.caller(&token).unwrap_err(), TokenError::Expired(NOW + HOUR));
    assert!(!shop.access.is_valid(&caller));
}

#[test]
fn tokens_of_another_shop_and_changed_tokens_are_refused() {
    let (shop, other) = (Shop::new(), Shop::new());
    assert_eq!(shop.access.caller(&other.session_token(Role::Owner)).unwrap_err(), TokenError::Invalid);

    let token = shop.session_token(Role::Cashier);
    for index in [10, 60, token.len() / 2, token.len() - 60, token.len() - 1] {
        let mut changed = token.clone().into_bytes();
        changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(shop.access.caller(&changed).unwrap_err(), TokenError::Invalid, "byte {index}");
    }
    for garbage in ["", "v4.public.", "v4.public.AAAA", &"v4.public.A".repeat(1_000)] {
        assert_eq!(shop.access.caller(garbage).unwrap_err(), TokenError::Invalid);
    }
}

#[test]
fn a_session_that_ended_and_a_revoked_device_are_refused_at_once() {
    let shop = Shop::new();
    let token = shop.session_token(Role::Cashier);
    let caller = shop.access.caller(&token).unwrap();
    shop.access.end_session(shop.session_id, NOW + HOUR);
    assert_eq!(shop.access.caller(&token).unwrap_err(), TokenError::Revoked);
    assert!(!shop.access.is_valid(&caller));

    let shop = Shop::new();
    let token = shop.session_token(Role::Cashier);
    shop.access.caller(&token).unwrap();
    shop.access.put_device(&DeviceView { revoked_at: Some(NOW), version: 2, ..shop.till.clone() }, None);
    assert_eq!(shop.access.caller(&token).unwrap_err(), TokenError::Revoked);
    // An event that is late does not bring it back.
    shop.access.put_device(&shop.till, None);
    assert_eq!(shop.access.caller(&token).unwrap_err(), TokenError::Revoked);
}

#[test]
fn a_sign_out_holds_when_a_clock_that_ran_ahead_is_set_back() {
    let shop = Shop::new();
    let token = shop.session_token(Role::Cashier);
    shop.clock.set(NOW + 48 * HOUR);
    shop.access.end_session(shop.session_id, NOW + HOUR);
    shop.access.end_session(SessionId::new(NOW), NOW + HOUR);
    shop.clock.set(NOW);
    assert_eq!(shop.access.caller(&token).unwrap_err(), TokenError::Revoked);
}

#[test]
fn tokens_of_a_revoked_key_are_refused_also_if_a_late_event_adds_it_again() {
    let shop = Shop::new();
    let token = shop.session_token(Role::Cashier);
    let caller = shop.access.caller(&token).unwrap();
    let ends_at = NOW + 100 * HOUR;
    shop.access.revoke_key(shop.issuer.key_id(), ends_at);
    assert_eq!(shop.access.caller(&token).unwrap_err(), TokenError::Revoked, "a token that was verified before");
    assert!(!shop.access.is_valid(&caller), "streams end");
    shop.access.add_key(shop.issuer.key_id(), shop.issuer.public_key().clone(), ends_at);
    assert_eq!(shop.access.caller(&token).unwrap_err(), TokenError::Revoked);
    assert_eq!(shop.access.caller(&shop.session_token(Role::Owner)).unwrap_err(), TokenError::Invalid);
}

#[test]
fn an_event_of_a_newer_key_makes_the_old_key_invalid_before_the_new_one_comes() {
    let shop = Shop::new();
    let key = crate::SigningKey::random().unwrap();
    let machine = DeviceView {
        device_id: DeviceId::new(NOW),
        kind: DeviceKind::Dispenser,
        is_bearer_allowed: true,
        ..shop.till.clone()
    };
    shop.access.put_device(&machine, Some(key.clone()));
    shop.access.put_device(&DeviceView { version: 2, ..machine.clone() }, None);
    let token = format!("{}.{}", machine.device_id, key.to_text());
    shop.access.caller(&token).unwrap();
    shop.access.put_device(&DeviceView { version: 3, key_version: 2, ..machine }, None);
    assert_eq!(shop.access.caller(&token).unwrap_err(), TokenError::Invalid);
}

#[test]
fn a_device_was_seen_when_it_called_and_each_time_is_taken_once() {
    let shop = Shop::new();
    assert_eq!(shop.access.take_seen(), []);
    shop.access.caller(&shop.session_token(Role::Cashier)).unwrap();
    shop.access.put_device(&DeviceView { name: "Till 1".into(), version: 2, ..shop.till.clone() }, None);
    assert_eq!(shop.access.take_seen(), [(shop.till.device_id, NOW)], "also if it was renamed meanwhile");
    assert_eq!(shop.access.take_seen(), []);
}

#[tokio::test]
async fn a_stream_learns_that_its_session_ended() {
    let shop = Shop::new();
    let caller = shop.access.caller(&shop.session_token(Role::Cashier)).unwrap();
    let mut ended = std::pin::pin!(shop.access.ended(&caller));
    tokio::select! {
        biased;
        () = &mut ended => panic!("the session has not ended"),
        () = std::future::ready(()) => {}
    }
    shop.access.end_session(shop.session_id, NOW + HOUR);
    ended.await;
}

#[test]
fn an_approval_is_for_one_session_one_action_and_one_subject() {
    let shop = Shop::new();
    let cashier = shop.access.caller(&shop.session_token(Role::Cashier)).unwrap();
    let of_another = shop.approval_token(SessionId::new(NOW));
    assert_eq!(shop.access.approval(&of_another, &cashier).unwrap_err(), TokenError::Invalid);

    let approval = shop.access.approval(&shop.approval_token(shop.session_id), &cashier).unwrap();
    let approved = Caller { approval: Some(approval), ..cashier.clone() };
    let policy = Policy::MANAGERS.or_approved(ApprovableAction::ReissueCodes);
    assert!(policy.allows(&approved) && !policy.allows(&cashier));
    assert!(!Policy::MANAGERS.or_approved(ApprovableAction::AdjustStock).allows(&approved));

    let actor = approved.approved_actor(ApprovableAction::ReissueCodes, "order-1").unwrap();
    assert_eq!(actor.approved_by.unwrap().name, "Dimas");
    assert!(actor.approval_id.is_some());
    assert!(approved.approved_actor(ApprovableAction::ReissueCodes, "order-2").is_err());
    assert!(cashier.approved_actor(ApprovableAction::ReissueCodes, "order-1").is_err());
    let manager = shop.access.caller(&shop.session_token(Role::Manager)).unwrap();
    assert_eq!(manager.approved_actor(ApprovableAction::ReissueCodes, "order-2").unwrap().approved_by, None);
    // An approval is no credential.
    assert_eq!(shop.access.caller(&shop.approval_token(shop.session_id)).unwrap_err(), TokenError::Invalid);
}

#[test]
fn a_policy_allows_the_roles_that_it_names() {
    let shop = Shop::new();
    let cashier = shop.access.caller(&shop.session_token(Role::Cashier)).unwrap();
    let nobody = Caller::default();
    assert!(Policy::ANYONE.allows(&nobody) && Policy::ANYONE.allows(&cashier));
    assert!(Policy::STAFF.allows(&cashier) && !Policy::STAFF.allows(&nobody));
    assert!(!Policy::MANAGERS.allows(&cashier) && !Policy::OWNERS.allows(&cashier));
    assert!(Policy::SERVICES.allows(&Caller::service()) && !Policy::SERVICES.allows(&cashier));
    assert!(Policy::OWNERS.or(CallerRole::Pos).allows(&cashier), "the person's till may");
}
