//! The people of the shop: what their use cases share.

use access::Access;
use clock::Clock;
use contracts::{
    audit::{Actor, AuditArea, AuditEntry},
    event::{ActAudited, SessionEnded},
    ids::StaffId,
    staff::{Pin, Role, StaffRef},
    time::Timestamp,
};
use db::{Db, DbResult, Tx, outbox};
use host::ServiceContext;
use serde::Serialize;
use serde_json::value::to_raw_value;

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
    /// that guesses that are sent at once count too; after a right one the caller deletes the count.
    ///
    /// An id that nobody has takes the same way to the same response.
    pub(super) async fn verify_pin(&self, staff_id: StaffId, pin: Pin, actor: Actor) -> Result<StaffRow, StaffError> {
        let now = self.clock.now();
        let place = self.pins.queue()?;
        let counted = self.db.write(move |tx| match store::staff::count_attempt(tx, staff_id, now)? {
            Some(attempt) => Ok((attempt, store::staff::find_staff(tx, staff_id)?)),
            None => {
                let until = store::staff::find_lock(tx, staff_id)?.unwrap_or(now);
                Err(StaffError::Locked { until, pause: until.since(now) })
            }
        });
        let (attempt, staff) = counted.await?;
        let active = staff.clone().filter(|staff| staff.is_active);
        let hash = active.as_ref().map(|staff| staff.pin_hash.clone());
        let is_right = self.pins.verify(place, pin, hash).await?;
        if let Some(staff) = active.filter(|_| is_right) {
            return Ok(staff);
        }
        if attempt.locked_until > now {
            tracing::warn!(%staff_id, attempts = attempt.attempts, until = %attempt.locked_until, "wrong PINs locked a person");
            if let Some(staff) = staff {
                self.audit_lock(actor, staff, attempt.locked_until, now).await?;
            }
        }
        Err(StaffError::WrongPin)
    }

    async fn audit_lock(
        &self,
        actor: Actor,
        staff: StaffRow,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StaffError> {
        let locked = LockState { locked_until: until };
        self.db
            .write(move |tx| append_act(tx, &actor, "staff.locked", &staff, None::<&()>, Some(&locked), now))
            .await?;
        Ok(())
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

/// The events of sessions that ended in this transaction.
pub(super) fn append_sessions_ended(tx: &mut Tx<'_>, ended: &[SessionEnded], now: Timestamp) -> DbResult<()> {
    ended.iter().try_for_each(|session| outbox::append(tx, session, now))
}

/// Appends an act on a person to the audit trail.
pub(super) fn append_act<B: Serialize, A: Serialize>(
    tx: &mut Tx<'_>,
    actor: &Actor,
    action: &str,
    staff: &StaffRow,
    before: Option<&B>,
    after: Option<&A>,
    now: Timestamp,
) -> DbResult<()> {
    let entry = AuditEntry {
        at: now,
        actor: actor.clone(),
        area: AuditArea::Person,
        action: action.to_owned(),
        subject: staff.staff_id.to_string(),
        label: staff.name.clone(),
        reason: None,
        before: before.map(to_raw_value).transpose()?,
        after: after.map(to_raw_value).transpose()?,
    };
    outbox::append(tx, &ActAudited(entry), now)
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
    append_act(tx, actor, action, after, before.map(state).as_ref(), Some(&state(after)), now)
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
