//! `POST /api/Staff`.

use contracts::{
    audit::Actor,
    ids::StaffId,
    staff::{CreateStaff, StaffView},
};
use db::idempotency::{self, Answer, IdempotencyKey};

use super::{
    Staff,
    staff::{ACTIVE_STAFF_MAX, append_change, get_view},
};
use crate::{error::StaffError, model::StaffName, store};

impl Staff {
    /// Adds a person. A repeated request gets the first response.
    ///
    /// # Errors
    /// `Name`, `NameTaken`, `TooMany`.
    #[tracing::instrument(level = "debug", skip_all)]
    pub(crate) async fn create_staff(
        &self,
        actor: Actor,
        key: Option<IdempotencyKey>,
        request: CreateStaff,
    ) -> Result<StaffView, StaffError> {
        let now = self.clock.now();
        let name = StaffName::parse(&request.name)?;
        // A plain hash of the body would give the PIN to whoever reads it: the key is compared without it.
        let fingerprint = format!("{} {}", request.role, name.as_str());
        let key = key.map(|key| IdempotencyKey { fingerprint, ..key });
        let pin_hash = self.hash(request.pin).await?;
        let created = self.db.write(move |tx| {
            idempotency::once(tx, key.as_ref(), now, |tx| {
                store::staff::lock_staff(tx)?;
                if store::staff::count_staff(tx, true)? >= i64::from(ACTIVE_STAFF_MAX) {
                    return Err(StaffError::TooMany(ACTIVE_STAFF_MAX));
                }
                let staff_id = StaffId::new(now);
                if !store::staff::insert_staff(tx, staff_id, &name, request.role, &pin_hash, now)? {
                    return Err(StaffError::NameTaken { name: name.as_str().to_owned() });
                }
                let added = store::staff::find_staff(tx, staff_id)?.ok_or(StaffError::Unknown(staff_id))?;
                append_change(tx, &actor, "staff.created", None, &added, now)?;
                get_view(tx, staff_id, now)
            })
        });
        created.await.map(Answer::into_inner)
    }
}
