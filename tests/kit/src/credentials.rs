//! The people and devices of a test, and their tokens.

use std::time::Duration;

use access::{Access, SigningKey, TokenIssuer, TokenSubject};
use contracts::{
    device::{DeviceKind, DeviceView},
    ids::{ApprovalId, DeviceId, Id, SessionId, StaffId},
    staff::{ApprovableAction, Role, StaffRef},
    time::Timestamp,
};
use uuid::Uuid;

/// Longer than any test moves its clock.
const LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Signs tokens of people and devices that no gateway knows.
#[derive(Debug)]
pub struct Credentials {
    access: Access,
    issuer: TokenIssuer,
    now: Timestamp,
}

impl Credentials {
    /// A till, a kiosk and a dispenser, which `access` knows from now on.
    pub(crate) fn new(access: &Access, now: Timestamp) -> Self {
        let issuer = TokenIssuer::new(now).expect("randomness");
        access.add_key(issuer.key_id(), issuer.public_key().clone(), now + LIFETIME);
        let credentials = Self { access: access.clone(), issuer, now };
        for kind in [DeviceKind::Pos, DeviceKind::Kiosk, DeviceKind::Dispenser] {
            credentials.pair(&device(kind, now));
        }
        credentials
    }

    /// The token of a person of this role at the till. Each role is one person with one session.
    #[must_use]
    pub fn staff(&self, role: Role) -> String {
        let device_id = Some(device_id(DeviceKind::Pos));
        self.issue(TokenSubject::Session { session_id: session_id(role), staff: staff(role), device_id })
    }

    /// The token of a device that calls by itself; of a dispenser, its key.
    #[must_use]
    pub fn device(&self, kind: DeviceKind) -> String {
        match self.access.device(device_id(kind)).and_then(|device| device.signing_key.clone()) {
            Some(key) => format!("{}.{}", device_id(kind), key.to_text()),
            None => self.device_token(device_id(kind)),
        }
    }

    /// The token of the device with this id.
    #[must_use]
    pub fn device_token(&self, device_id: DeviceId) -> String {
        self.issue(TokenSubject::Device { device_id })
    }

    /// Pairs one more device, or changes one.
    pub fn pair(&self, view: &DeviceView) {
        let key = (view.kind == DeviceKind::Dispenser).then(|| SigningKey::random().expect("randomness"));
        self.access.put_device(view, key);
    }

    /// A manager's approval for the cashier of [`Credentials::staff`].
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "callers pass an id or a text, whichever they have")]
    pub fn approval(&self, action: ApprovableAction, subject: impl ToString) -> String {
        self.issue(TokenSubject::Approval {
            approval_id: ApprovalId::new(self.now),
            session_id: session_id(Role::Cashier),
            action,
            subject: subject.to_string(),
            approved_by: staff(Role::Manager),
        })
    }

    fn issue(&self, subject: TokenSubject) -> String {
        self.issuer.issue(subject, self.now, LIFETIME).expect("a token").0
    }
}

/// The person of this role.
#[must_use]
pub fn staff(role: Role) -> StaffRef {
    let name = match role {
        Role::Cashier => "Sari",
        Role::Manager => "Dimas",
        Role::Owner => "Ratih",
    };
    StaffRef { staff_id: StaffId::from_uuid(Uuid::from_u128(0x57 << 16 | role as u128)), name: name.into(), role }
}

/// The device of this kind.
#[must_use]
pub fn device(kind: DeviceKind, paired_at: Timestamp) -> DeviceView {
    let (name, letter) = match kind {
        DeviceKind::Pos => ("POS 1", Some("A")),
        DeviceKind::Kiosk => ("Kiosk 1", Some("B")),
        DeviceKind::Dispenser => ("Dispenser 1", None),
    };
    DeviceView {
        device_id: device_id(kind),
        kind,
        name: name.into(),
        place: None,
        letter: letter.map(str::to_owned),
        products: Vec::new(),
        ml_per_second: (kind == DeviceKind::Dispenser).then_some(contracts::qr::PUMP_ML_PER_SECOND),
        is_bearer_allowed: kind == DeviceKind::Dispenser,
        paired_at,
        last_seen_at: None,
        revoked_at: None,
        revoke_reason: None,
        key_version: 1,
        version: 1,
    }
}

/// The id of the device of this kind.
#[must_use]
pub fn device_id(kind: DeviceKind) -> DeviceId {
    Id::from_uuid(Uuid::from_u128(0xde << 16 | kind as u128))
}

fn session_id(role: Role) -> SessionId {
    Id::from_uuid(Uuid::from_u128(0x5e << 16 | role as u128))
}
