//! `POST /api/Staff/{staffId}/unlock`.

use contracts::{audit::Actor, ids::StaffId, staff::StaffView};

use super::{Staff, replace_staff::view, staff::append_act};
use crate::{error::StaffError, store};

impl Staff {
    /// Lets a person try PINs again at once. Without attempts it changes nothing.
    ///
    /// # Errors
    /// `Unknown`.
    #[tracing::instrument(level = "debug", skip_all, fields(%staff_id))]
    pub(crate) async fn unlock_staff(&self, actor: Actor, staff_id: StaffId) -> Result<StaffView, StaffError> {
        let now = self.clock.now();
        let unlocked = self.db.write(move |tx| {
            let staff = store::staff::find_staff(tx, staff_id)?.ok_or(StaffError::Unknown(staff_id))?;
            if store::staff::delete_attempts(tx, staff_id)? {
                append_act(tx, &actor, "staff.unlocked", &staff, None::<&()>, None::<&()>, now)?;
            }
            view(tx, staff_id, now)
        });
        unlocked.await
    }
}
