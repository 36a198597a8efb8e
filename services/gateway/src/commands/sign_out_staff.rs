//! `POST /api/Staff/{staffId}/sign-out`.

use contracts::{audit::Actor, ids::StaffId, staff::StaffView};
use db::outbox;

use super::{
    Staff,
    staff::{act, append_sessions_ended, get_view, refuse_equals},
};
use crate::{error::StaffError, store};

impl Staff {
    /// Ends every session of a person: one's own, or of somebody with a lower role. Without sessions it changes nothing.
    ///
    /// # Errors
    /// `Unknown`, `NotAbove`.
    #[tracing::instrument(level = "debug", skip_all, fields(%staff_id))]
    pub(crate) async fn sign_out_staff(&self, actor: Actor, staff_id: StaffId) -> Result<StaffView, StaffError> {
        let now = self.clock.now();
        let signed_out = self.db.write::<_, StaffError, _>(move |tx| {
            store::staff::lock_staff(tx)?;
            let staff = store::staff::find_staff(tx, staff_id)?.ok_or(StaffError::Unknown(staff_id))?;
            if actor.staff.as_ref().is_none_or(|caller| caller.staff_id != staff_id) {
                refuse_equals(&actor, &staff)?;
            }
            let ended = store::sessions::end_sessions_of(tx, staff_id, now)?;
            append_sessions_ended(tx, &ended, now)?;
            if !ended.is_empty() {
                outbox::append_act(tx, act(&actor, "staff.signed_out", &staff, now))?;
            }
            Ok((get_view(tx, staff_id, now)?, ended))
        });
        let (view, ended) = signed_out.await?;
        self.refuse_sessions(&ended);
        Ok(view)
    }
}
