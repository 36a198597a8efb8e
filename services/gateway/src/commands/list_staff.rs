//! `GET /api/Staff`, `GET /api/Staff/{staffId}` and `GET /api/Session/staff`.

use contracts::{
    Page,
    device::DeviceKind,
    ids::StaffId,
    staff::{StaffTile, StaffView},
};
use db::DbError;

use super::{Staff, sign_in::may_sign_in, staff::ACTIVE_STAFF_MAX};
use crate::{error::StaffError, store};

impl Staff {
    /// A page of people, in the order in which they were added.
    pub(crate) async fn list_staff(
        &self,
        include_inactive: bool,
        after: Option<StaffId>,
        limit: u32,
    ) -> Result<Page<StaffView>, DbError> {
        let now = self.clock.now();
        let rows = self.db.read(move |tx| store::staff::list_staff(tx, include_inactive, after, limit + 1, now));
        Ok(Page::of(rows.await?, limit, |staff| staff.staff_id))
    }

    /// One person.
    pub(crate) async fn get_staff(&self, staff_id: StaffId) -> Result<StaffView, StaffError> {
        let now = self.clock.now();
        let found = self.db.read::<_, DbError, _>(move |tx| store::staff::get_staff_view(tx, staff_id, now));
        found.await?.ok_or(StaffError::Unknown(staff_id))
    }

    /// The tiles of the sign-in screen, of those who can sign in there. `tablet`: the kind of the device that shows them.
    pub(crate) async fn list_tiles(&self, tablet: Option<DeviceKind>) -> Result<Vec<StaffTile>, DbError> {
        let now = self.clock.now();
        let mut tiles = self.db.read(move |tx| store::staff::list_tiles(tx, ACTIVE_STAFF_MAX, now)).await?;
        tiles.retain(|tile| tablet.is_none_or(|tablet| may_sign_in(tile.role, tablet)));
        Ok(tiles)
    }
}
