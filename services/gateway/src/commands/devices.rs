//! The state of devices, and what their use cases have in common.

use std::{sync::Arc, time::Duration};

use access::{Access, SigningKey};
use clock::Clock;
use contracts::{
    audit::{Actor, AuditArea, AuditEntry},
    device::DeviceView,
    event::DeviceChanged,
    time::Timestamp,
};
use db::{Db, DbResult, Tx, outbox};
use host::ServiceContext;

use super::Tokens;
use crate::model::PairingGuesses;

/// How long a tablet's token lasts, unless the tablet renews it: half a year in a drawer.
pub(crate) const DEVICE_TOKEN_LIFETIME: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// The devices of the shop. Clones share it.
#[derive(Clone)]
pub(crate) struct Devices {
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) access: Access,
    pub(super) tokens: Tokens,
    pub(super) guesses: Arc<PairingGuesses>,
}

impl Devices {
    pub(crate) fn new(db: Db, context: &ServiceContext, tokens: Tokens) -> Self {
        let (clock, access) = (context.clock.clone(), context.access.clone());
        Self { db, clock, access, tokens, guesses: Arc::default() }
    }

    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Gives a change to this process at once. Other processes consume the event.
    pub(super) fn share(&self, device: &DeviceView, key: Option<SigningKey>) {
        self.access.put_device(device, key);
        let DeviceView { device_id, name, kind, version, .. } = device;
        let is_revoked = device.revoked_at.is_some();
        tracing::info!(%device_id, name, %kind, version, is_revoked, "device changed");
    }
}

/// What was done to a device, for the audit trail.
pub(super) struct Act<'a> {
    pub(super) actor: &'a Actor,
    pub(super) action: &'static str,
    pub(super) before: Option<&'a DeviceView>,
    pub(super) after: &'a DeviceView,
}

/// Publishes how a device is now, and who did that.
pub(super) fn append_change(tx: &mut Tx<'_>, act: &Act<'_>, now: Timestamp) -> DbResult<()> {
    let Act { actor, action, before, after } = act;
    outbox::append(tx, &DeviceChanged((*after).clone()), now)?;
    let actor = (*actor).clone();
    let entry = AuditEntry::new(actor, AuditArea::Device, *action, after.device_id, &after.name, now);
    let entry = match before {
        Some(before) => entry.with_change(*before, *after)?,
        None => entry.with_after(after)?,
    };
    let entry = entry.with_reason(after.revoke_reason.clone());
    outbox::append_act(tx, entry)
}
