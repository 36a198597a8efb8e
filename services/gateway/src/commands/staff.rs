//! The people of the shop: what their use cases share.

use access::Access;
use clock::Clock;
use contracts::{
    audit::{Actor, AuditArea, AuditEntry},
    event::SessionEnded,
    ids::StaffId,
    staff::{Pin, Role, StaffRef, StaffView},
    time::Timestamp,
};
use db::{Db, DbError, DbResult, Tx, outbox};
use host::ServiceContext;
use serde::Serialize;

use super::{PinHasher, Tokens};
use crate::{
    error::StaffError,
    store::{self, staff::StaffRow},
};

/// The most people who work here: two screens of tiles for the largest shop.
pub(crate) const ACTIVE_STAFF_MAX: u32 = 200;

/// The people, their PINs and their sessions.
#[derive(Clone)]
pub(crate) struct Staff {
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) access: Access,
    pub(super) tokens: Tokens,
    pub(super) pins: PinHasher,
}

/// What the audit trail shows of a person.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StaffState<'a> {
    name: &'a str,
    role: Role,
    is_active: bool,
}

impl Staff {
    pub(crate) fn new(db: Db, context: &ServiceContext, tokens: Tokens, pins: PinHasher) -> Self {
        Self { db, clock: context.clock.clone(), access: context.access.clone(), tokens, pins }
    }

    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The hash of a new PIN.
    pub(super) async fn hash(&self, pin: Pin) -> Result<String, StaffError> {
        Ok(self.pins.hash(self.pins.queue()?, pin).await?)
    }

    /// The person with this id, if this is their PIN and they work here. The attempt is counted before it is verified, so
    /// that guesses that are sent at once count too; after a right one the caller takes the count. The audit trail learns
    /// of a lock with the attempt that locks: also if its PIN is right, which lifts the lock again.
    ///
    /// An id that nobody has takes the same way to the same response.
    pub(super) async fn verify_pin(&self, staff_id: StaffId, pin: Pin, actor: Actor) -> Result<StaffRow, StaffError> {
        let now = self.clock.now();
        let place = self.pins.queue()?;
        let counted = self.db.write(move |tx| match store::staff::count_attempt(tx, staff_id, now)? {
            Some(attempt) => {
                let staff = store::staff::find_staff(tx, staff_id)?;
                if let Some(staff) = staff.as_ref().filter(|_| attempt.locked_until > now) {
                    let lock = LockState { locked_until: attempt.locked_until };
                    outbox::append_act(
                        tx,
                        act(&actor, "staff.locked", staff, now).with_after(&lock).map_err(DbError::from)?,
                    )?;
                }
                Ok((attempt, staff))
            }
            None => {
                let until = store::staff::find_lock(tx, staff_id)?.unwrap_or(now);
                Err(StaffError::Locked { until, pause: until.since(now) })
            }
        });
        let (attempt, staff) = counted.await?;
        let active = staff.filter(|staff| staff.is_active);
        let hash = active.as_ref().map(|staff| staff.pin_hash.clone());
        let is_right = self.pins.verify(place, pin, hash).await?;
        if let Some(staff) = active.filter(|_| is_right) {
            return Ok(staff);
        }
        if attempt.locked_until > now {
            tracing::warn!(%staff_id, attempts = attempt.attempts, until = %attempt.locked_until, "wrong PINs locked a person");
        }
        Err(StaffError::WrongPin)
    }

    /// Makes this process refuse the sessions at once. Other processes consume the events.
    pub(super) fn refuse_sessions(&self, ended: &[SessionEnded]) {
        for session in ended {
            self.access.end_session(session.session_id, session.expires_at);
        }
    }
}

/// What the audit trail shows of a lock.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LockState {
    locked_until: Timestamp,
}

/// What the audit trail shows of the wrong PINs before a right one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailedAttempts {
    failed_attempts: u32,
}

/// The person as they are in this transaction.
pub(super) fn get_view(tx: &mut Tx<'_>, staff_id: StaffId, now: Timestamp) -> Result<StaffView, StaffError> {
    store::staff::get_staff_view(tx, staff_id, now)?.ok_or(StaffError::Unknown(staff_id))
}

/// Refuses an act on a person, unless the actor, or whoever approved it, has a higher role. Owners act on owners too.
pub(super) fn refuse_equals(actor: &Actor, staff: &StaffRow) -> Result<(), StaffError> {
    let role = actor.staff.iter().chain(&actor.approved_by).map(|person| person.role).max();
    if role.is_some_and(|role| role == Role::Owner || role > staff.role) {
        return Ok(());
    }
    Err(StaffError::NotAbove { name: staff.name.clone() })
}

/// The events of sessions that ended in this transaction.
pub(super) fn append_sessions_ended(tx: &mut Tx<'_>, ended: &[SessionEnded], now: Timestamp) -> DbResult<()> {
    ended.iter().try_for_each(|session| outbox::append(tx, session, now))
}

/// An act on a person, for the audit trail.
pub(super) fn act(actor: &Actor, action: &str, staff: &StaffRow, now: Timestamp) -> AuditEntry {
    AuditEntry::new(actor.clone(), AuditArea::Person, action, staff.staff_id, staff.name.as_str(), now)
}

/// Takes the count of attempts to enter a PIN after a right one. Returns the act with how many were wrong, if any were.
pub(super) fn take_attempts(tx: &mut Tx<'_>, staff_id: StaffId, act: AuditEntry) -> DbResult<(u32, AuditEntry)> {
    let failed_attempts = store::staff::take_attempts(tx, staff_id)?.saturating_sub(1);
    if failed_attempts == 0 {
        return Ok((0, act));
    }
    Ok((failed_attempts, act.with_after(&FailedAttempts { failed_attempts })?))
}

/// Appends a change of a person to the audit trail.
pub(super) fn append_change(
    tx: &mut Tx<'_>,
    actor: &Actor,
    action: &str,
    before: Option<&StaffRow>,
    after: &StaffRow,
    now: Timestamp,
) -> DbResult<()> {
    let mut act = act(actor, action, after, now).with_after(&state(after))?;
    if let Some(before) = before {
        act = act.with_before(&state(before))?;
    }
    outbox::append_act(tx, act)
}

fn state(staff: &StaffRow) -> StaffState<'_> {
    StaffState { name: &staff.name, role: staff.role, is_active: staff.is_active }
}

impl StaffRow {
    /// How tokens and the audit trail name the person.
    pub(super) fn to_ref(&self) -> StaffRef {
        StaffRef { staff_id: self.staff_id, name: self.name.clone(), role: self.role }
    }
}
