//! Which callers may use a route.

use contracts::{
    device::DeviceKind,
    staff::{ApprovableAction, Role},
};
use strum::{IntoStaticStr, VariantArray};

use crate::Caller;

/// A role that a policy can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum CallerRole {
    /// A signed-in cashier.
    Cashier,
    /// A signed-in manager.
    Manager,
    /// A signed-in owner.
    Owner,
    /// A paired till, also without a person.
    Pos,
    /// A paired kiosk.
    Kiosk,
    /// A paired dispenser.
    Dispenser,
    /// Another service of the shop.
    Service,
}

/// A set of roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleSet(u8);

/// Which callers may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The roles that may. `None`: everyone, without a credential.
    roles: Option<RoleSet>,
    /// What a cashier may do with a manager's approval.
    approvable: Option<ApprovableAction>,
}

impl RoleSet {
    /// No role.
    pub const NONE: Self = Self(0);

    /// This set and one role more.
    #[must_use]
    pub const fn with(self, role: CallerRole) -> Self {
        Self(self.0 | 1 << role as u8)
    }

    /// Whether both sets have a role in common.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Its roles.
    pub fn iter(self) -> impl Iterator<Item = CallerRole> {
        CallerRole::VARIANTS.iter().copied().filter(move |role| self.intersects(Self::NONE.with(*role)))
    }
}

impl Policy {
    /// Everyone, without a credential: health, sign-in, pairing and notifications that prove themselves.
    pub const ANYONE: Self = Self { roles: None, approvable: None };
    /// Nobody: the start of a policy that names other roles.
    pub const NOBODY: Self = Self::of(RoleSet::NONE);
    /// Every person who is signed in.
    pub const STAFF: Self = Self::NOBODY.or(CallerRole::Cashier).or_managers();
    /// Managers and owners.
    pub const MANAGERS: Self = Self::NOBODY.or_managers();
    /// Owners.
    pub const OWNERS: Self = Self::NOBODY.or(CallerRole::Owner);
    /// Staff, and kiosks for their own orders.
    pub const STAFF_AND_KIOSKS: Self = Self::STAFF.or(CallerRole::Kiosk);
    /// Staff, and the tablets that show the menu.
    pub const STAFF_AND_TABLETS: Self = Self::STAFF_AND_KIOSKS.or(CallerRole::Pos);
    /// The other services of the shop.
    pub const SERVICES: Self = Self::NOBODY.or(CallerRole::Service);

    const fn of(roles: RoleSet) -> Self {
        Self { roles: Some(roles), approvable: None }
    }

    const fn or_managers(self) -> Self {
        self.or(CallerRole::Manager).or(CallerRole::Owner)
    }

    /// This policy, and one more role.
    #[must_use]
    pub const fn or(self, role: CallerRole) -> Self {
        match self.roles {
            Some(roles) => Self { roles: Some(roles.with(role)), approvable: self.approvable },
            None => self,
        }
    }

    /// This policy, and cashiers with a manager's approval of `action`. The handler compares the approval's subject:
    /// [`Caller::approved_actor`].
    #[must_use]
    pub const fn or_approved(self, action: ApprovableAction) -> Self {
        Self { roles: self.roles, approvable: Some(action) }
    }

    /// The roles that it names. `None`: everyone.
    #[must_use]
    pub const fn roles(&self) -> Option<RoleSet> {
        self.roles
    }

    /// What a cashier may do with a manager's approval.
    #[must_use]
    pub const fn approvable(&self) -> Option<ApprovableAction> {
        self.approvable
    }

    /// Whether this caller may use the route.
    #[must_use]
    pub fn allows(&self, caller: &Caller) -> bool {
        let Some(allowed) = self.roles else { return true };
        let is_approved = || {
            let approval = caller.approval.as_ref().map(|approval| approval.action);
            caller.staff.is_some() && approval.is_some() && approval == self.approvable
        };
        allowed.intersects(caller.roles()) || is_approved()
    }
}

impl From<Role> for CallerRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Cashier => Self::Cashier,
            Role::Manager => Self::Manager,
            Role::Owner => Self::Owner,
        }
    }
}
impl From<DeviceKind> for CallerRole {
    fn from(kind: DeviceKind) -> Self {
        match kind {
            DeviceKind::Pos => Self::Pos,
            DeviceKind::Kiosk => Self::Kiosk,
            DeviceKind::Dispenser => Self::Dispenser,
        }
    }
}
