//! `POST /api/Staff/{staffId}/unlock`.

use contracts::{audit::Actor, ids::StaffId, staff::StaffView};
use db::{approvals, outbox};

use super::{
    Staff,
    staff::{act, get_view, refuse_equals},
};
use crate::{error::StaffError, store};

impl Staff {
    /// Lets a person try PINs again at once; the next lock is longer all the same. Without a lock it changes nothing, and
    /// uses up no approval.
    ///
    /// # Errors
    /// `Unknown`, `NotAbove`, `Approval`.
    #[tracing::instrument(level = "debug", skip_all, fields(%staff_id))]
    pub(crate) async fn unlock_staff(&self, actor: Actor, staff_id: StaffId) -> Result<StaffView, StaffError> {
        let now = self.clock.now();
        let unlocked = self.db.write(move |tx| {
            store::staff::lock_staff(tx)?;
            let staff = store::staff::find_staff(tx, staff_id)?.ok_or(StaffError::Unknown(staff_id))?;
            refuse_equals(&actor, &staff)?;
            if store::staff::lift_lock(tx, staff_id, now)? {
                approvals::use_up(tx, &actor, now)?;
                outbox::append_act(tx, act(&actor, "staff.unlocked", &staff, now))?;
            }
            get_view(tx, staff_id, now)
        });
        unlocked.await
    }
}
