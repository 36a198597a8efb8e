//! `PUT /api/Staff/{staffId}/pin`.

use contracts::{
    audit::AuditEntry,
    event::SessionEnded,
    ids::StaffId,
    staff::{Role, SetPin, StaffRef, StaffView},
};
use db::{Tx, outbox};
use web::Caller;

use super::{
    Staff,
    staff::{act, append_sessions_ended, get_view, take_attempts},
};
use crate::{
    error::StaffError,
    store::{self, staff::StaffRow},
};

/// The act in the audit trail.
pub(super) const PIN_CHANGED: &str = "staff.pin_changed";

impl Staff {
    /// Gives a person another PIN, and ends their sessions: whoever knew the old one is out. Owners do it for anyone,
    /// others for themselves, and each proves with their own PIN that the tablet is in their hand.
    ///
    /// # Errors
    /// `NotOwnPin`, `Unknown`; as at sign-in for the PIN of the caller.
    #[tracing::instrument(level = "debug", skip_all, fields(%staff_id))]
    pub(crate) async fn set_pin(
        &self,
        caller: Caller,
        staff_id: StaffId,
        request: SetPin,
    ) -> Result<StaffView, StaffError> {
        let may = |staff: &StaffRef| staff.role == Role::Owner || staff.staff_id == staff_id;
        let caller_id = caller.staff.as_ref().filter(|staff| may(staff)).ok_or(StaffError::NotOwnPin)?.staff_id;
        let actor = caller.actor();
        let verified = self.verify_pin(caller_id, request.caller_pin, actor.clone()).await?;
        let pin_hash = self.hash(request.pin).await?;
        let now = self.clock.now();
        let changed = self.db.write(move |tx| {
            store::staff::lock_staff(tx)?;
            // Between, somebody may have changed the PIN that was verified, or the role.
            if store::staff::find_staff(tx, caller_id)?.as_ref() != Some(&verified) {
                return Err(StaffError::WrongPin);
            }
            let staff = store::staff::find_staff(tx, staff_id)?.ok_or(StaffError::Unknown(staff_id))?;
            let (_, changed) = take_attempts(tx, caller_id, act(&actor, PIN_CHANGED, &staff, now))?;
            let (staff, ended) = replace_pin(tx, changed, staff_id, &pin_hash)?;
            Ok::<_, StaffError>((get_view(tx, staff.staff_id, now)?, ended))
        });
        let (view, ended) = changed.await?;
        self.refuse_sessions(&ended);
        Ok(view)
    }
}

/// Replaces a PIN with all that follows: no lock, no session. The caller has the lock of people.
pub(super) fn replace_pin(
    tx: &mut Tx<'_>,
    changed: AuditEntry,
    staff_id: StaffId,
    pin_hash: &str,
) -> Result<(StaffRow, Vec<SessionEnded>), StaffError> {
    let now = changed.at;
    let staff = store::staff::update_pin(tx, staff_id, pin_hash)?.ok_or(StaffError::Unknown(staff_id))?;
    store::staff::take_attempts(tx, staff_id)?;
    let ended = store::sessions::end_sessions_of(tx, staff_id, now)?;
    append_sessions_ended(tx, &ended, now)?;
    outbox::append_act(tx, changed)?;
    Ok((staff, ended))
}
