//! `PUT /api/Staff/{staffId}`.

use contracts::{
    audit::Actor,
    ids::StaffId,
    staff::{StaffView, WriteStaff},
};
use db::DbError;

use super::{
    Staff,
    staff::{append_change, append_sessions_ended, get_view},
};
use crate::{
    error::StaffError,
    model::StaffName,
    store::{self, staff::StaffRow},
};

impl Staff {
    /// Replaces a person's name, role and whether they work here. Another role, or none any more, ends their sessions:
    /// tokens name the role.
    ///
    /// # Errors
    /// `Name`, `NameTaken`, `Unknown`, `VersionMismatch`, `LastOwner`.
    #[tracing::instrument(level = "debug", skip_all, fields(%staff_id))]
    pub(crate) async fn replace_staff(
        &self,
        actor: Actor,
        staff_id: StaffId,
        expected_version: Option<i64>,
        write: WriteStaff,
    ) -> Result<StaffView, StaffError> {
        let now = self.clock.now();
        let name = StaffName::parse(&write.name)?;
        let taken = name.as_str().to_owned();
        let replaced = self.db.write::<_, StaffError, _>(move |tx| {
            store::staff::lock_staff(tx)?;
            let before = store::staff::find_staff(tx, staff_id)?.ok_or(StaffError::Unknown(staff_id))?;
            let written = (&name, write.role, write.is_active);
            let Some(after) = store::staff::update_staff(tx, staff_id, expected_version, written)? else {
                return Err(refusal(before, expected_version));
            };
            let may_stay = before.role == after.role && after.is_active;
            let ended = if may_stay { Vec::new() } else { store::sessions::end_sessions_of(tx, staff_id, now)? };
            append_sessions_ended(tx, &ended, now)?;
            append_change(tx, &actor, action(&before, &after), Some(&before), &after, now)?;
            Ok((get_view(tx, staff_id, now)?, ended))
        });
        let (view, ended) = replaced.await.map_err(|error| match error {
            StaffError::Db(DbError::Unique { .. }) => StaffError::NameTaken { name: taken },
            other => other,
        })?;
        self.refuse_sessions(&ended);
        Ok(view)
    }
}

fn refusal(found: StaffRow, expected_version: Option<i64>) -> StaffError {
    match expected_version {
        Some(expected) if expected != found.version => StaffError::VersionMismatch(found.version),
        _ => StaffError::LastOwner { name: found.name },
    }
}

fn action(before: &StaffRow, after: &StaffRow) -> &'static str {
    match (before.is_active, after.is_active) {
        (true, false) => "staff.deactivated",
        (false, true) => "staff.activated",
        _ => "staff.changed",
    }
}
