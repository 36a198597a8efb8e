//! Who sends a request.

use std::sync::Arc;

use contracts::{
    audit::Actor,
    device::{DeviceKind, DeviceRef},
    ids::{ApprovalId, DeviceId, SessionId, StaffId, TokenKeyId},
    staff::{ApprovableAction, Role, StaffRef},
    time::Timestamp,
};

use crate::{CallerRole, PairedDevice, RoleSet};

/// Who sends a request: a person on a device, a device by itself, or another service.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// The person who is signed in.
    pub staff: Option<StaffRef>,
    /// The session of that person.
    pub session_id: Option<SessionId>,
    /// The paired device that sends the request.
    pub device: Option<Arc<PairedDevice>>,
    /// Whether another service of the shop calls.
    pub is_service: bool,
    /// When its credential ends. `None`: it does not end by itself.
    pub expires_at: Option<Timestamp>,
    /// The key that signed its token. `None`: it sent no token.
    pub key_id: Option<TokenKeyId>,
    /// The number of a signed request, which only rises. `None`: the request is not signed.
    pub sequence: Option<u64>,
    /// What a manager approved.
    pub approval: Option<Approval>,
}

/// Whose requests belong together: a device's, whoever is signed in on it, or a person's without a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// A paired device.
    Device(DeviceId),
    /// A person.
    Person(StaffId),
}

/// A manager's approval of one action on one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Its id: one act uses it up.
    pub approval_id: ApprovalId,
    /// The action.
    pub action: ApprovableAction,
    /// The id of what it is done to.
    pub subject: String,
    /// The manager.
    pub approved_by: StaffRef,
}

/// A person may do this with a manager's approval only, and has none for this subject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{action} of {subject} needs the approval of a manager")]
pub struct NotApproved {
    /// The action.
    pub action: ApprovableAction,
    /// The id of what it would have been done to.
    pub subject: String,
}

impl Caller {
    /// Another service of the shop.
    #[must_use]
    pub fn service() -> Self {
        Self { is_service: true, ..Self::default() }
    }

    /// The roles it has at once: a person has the device's too.
    #[must_use]
    pub fn roles(&self) -> RoleSet {
        let mut roles = RoleSet::NONE;
        if let Some(staff) = &self.staff {
            roles = roles.with(staff.role.into());
        }
        if let Some(device) = &self.device {
            roles = roles.with(device.kind.into());
        }
        if self.is_service {
            roles = roles.with(CallerRole::Service);
        }
        roles
    }

    /// Whose requests this one belongs to. `None`: another service's, or of nobody who is known.
    #[must_use]
    pub fn principal(&self) -> Option<Principal> {
        let person = || self.staff.as_ref().map(|staff| Principal::Person(staff.staff_id));
        self.device_id().map(Principal::Device).or_else(person)
    }

    /// Under whose name a repeated request is the same request. A retry survives a change of staff on the device.
    #[must_use]
    pub fn idempotency_owner(&self) -> String {
        match self.principal() {
            Some(Principal::Device(device_id)) => format!("device:{device_id}"),
            Some(Principal::Person(staff_id)) => format!("staff:{staff_id}"),
            None => if self.is_service { "service" } else { "anonymous" }.to_owned(),
        }
    }

    /// The id of the device that calls.
    #[must_use]
    pub fn device_id(&self) -> Option<DeviceId> {
        self.device.as_ref().map(|device| device.device_id)
    }

    /// The device if it calls by itself and is a guest's: it sees its own orders only.
    #[must_use]
    pub fn kiosk(&self) -> Option<&PairedDevice> {
        let device = self.device.as_deref()?;
        (self.staff.is_none() && device.kind == DeviceKind::Kiosk).then_some(device)
    }

    /// Who acts, for the audit trail.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let device = self.device.as_ref();
        Actor {
            staff: self.staff.clone(),
            device: device.map(|device| DeviceRef { device_id: device.device_id, name: device.name.clone() }),
            ..Actor::default()
        }
    }

    /// Who acts, if they may do this to `subject`: a manager by themselves, a cashier with an approval of it. The command
    /// uses the approval up (`db::approvals::use_up`).
    ///
    /// # Errors
    /// [`NotApproved`] without such an approval.
    #[expect(clippy::needless_pass_by_value, reason = "callers pass an id or a text, whichever they have")]
    pub fn approved_actor(&self, action: ApprovableAction, subject: impl ToString) -> Result<Actor, NotApproved> {
        let subject = subject.to_string();
        match &self.approval {
            // Of a manager too: an owner approves what a manager may not do alone.
            Some(approval) if approval.action == action && approval.subject == subject => {
                let approved_by = Some(approval.approved_by.clone());
                Ok(Actor { approved_by, approval_id: Some(approval.approval_id), ..self.actor() })
            }
            _ if self.staff.as_ref().is_some_and(|staff| staff.role >= Role::Manager) => Ok(self.actor()),
            _ => Err(NotApproved { action, subject }),
        }
    }
}
