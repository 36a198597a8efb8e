//! `POST /api/Staff/{staffId}/sign-out`.

use contracts::{audit::Actor, ids::StaffId, staff::StaffView};

use super::{
    Staff,
    replace_staff::view,
    staff::{append_act, append_sessions_ended},
};
use crate::{error::StaffError, store};

impl Staff {
    /// Ends every session of a person. Without sessions it changes nothing.
    ///
    /// # Errors
    /// `Unknown`.
    #[tracing::instrument(level = "debug", skip_all, fields(%staff_id))]
    pub(crate) async fn sign_out_staff(&self, actor: Actor, staff_id: StaffId) -> Result<StaffView, StaffError> {
        let now = self.clock.now();
        let signed_out = self.db.write::<_, StaffError, _>(move |tx| {
            store::staff::lock_staff(tx)?;
            let staff = store::staff::find_staff(tx, staff_id)?.ok_or(StaffError::Unknown(staff_id))?;
            let ended = store::sessions::end_sessions_of(tx, staff_id, now)?;
            append_sessions_ended(tx, &ended, now)?;
            if !ended.is_empty() {
                append_act(tx, &actor, "staff.signed_out", &staff, None::<&()>, None::<&()>, now)?;
            }
            Ok((view(tx, staff_id, now)?, ended))
        });
        let (view, ended) = signed_out.await?;
        self.refuse_sessions(&ended);
        Ok(view)
    }
}
