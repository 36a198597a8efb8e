//! `PUT /api/Staff/{staffId}/pin`.

use contracts::{
    audit::Actor,
    event::SessionEnded,
    ids::StaffId,
    staff::{Pin, Role, StaffView},
    time::Timestamp,
};
use db::Tx;
use web::Caller;

use super::{
    Staff,
    replace_staff::view,
    staff::{append_act, append_sessions_ended},
};
use crate::{
    error::StaffError,
    store::{self, staff::StaffRow},
};

impl Staff {
    /// Gives a person another PIN, and ends their sessions: whoever knew the old one is out. Owners do it for anyone,
    /// others for themselves.
    ///
    /// # Errors
    /// `NotOwnPin`, `Unknown`.
    #[tracing::instrument(level = "debug", skip_all, fields(%staff_id))]
    pub(crate) async fn set_pin(&self, caller: Caller, staff_id: StaffId, pin: Pin) -> Result<StaffView, StaffError> {
        let may = |staff: &contracts::staff::StaffRef| staff.role == Role::Owner || staff.staff_id == staff_id;
        if !caller.staff.as_ref().is_some_and(may) {
            return Err(StaffError::NotOwnPin);
        }
        let (now, actor) = (self.clock.now(), caller.actor());
        let pin_hash = self.hash(pin).await?;
        let changed = self.db.write(move |tx| {
            let (staff, ended) = replace_pin(tx, &actor, staff_id, &pin_hash, now)?;
            Ok::<_, StaffError>((view(tx, staff.staff_id, now)?, ended))
        });
        let (view, ended) = changed.await?;
        self.refuse_sessions(&ended);
        Ok(view)
    }
}

/// Replaces a PIN with all that follows: no lock, no session.
pub(super) fn replace_pin(
    tx: &mut Tx<'_>,
    actor: &Actor,
    staff_id: StaffId,
    pin_hash: &str,
    now: Timestamp,
) -> Result<(StaffRow, Vec<SessionEnded>), StaffError> {
    store::staff::lock_staff(tx)?;
    let staff = store::staff::update_pin(tx, staff_id, pin_hash)?.ok_or(StaffError::Unknown(staff_id))?;
    store::staff::delete_attempts(tx, staff_id)?;
    let ended = store::sessions::end_sessions_of(tx, staff_id, now)?;
    append_sessions_ended(tx, &ended, now)?;
    append_act(tx, actor, "staff.pin_changed", &staff, None::<&()>, None::<&()>, now)?;
    Ok((staff, ended))
}
