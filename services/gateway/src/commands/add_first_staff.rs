//! At the first start: somebody must be able to sign in.

use contracts::{
    audit::Actor,
    ids::StaffId,
    staff::{Pin, Role},
};
use db::DbError;

use super::{Staff, staff::append_change};
use crate::{FirstStaff, FirstStart, error::StaffError, model::StaffName, store};

/// The people of a demo shop.
const DEMO_STAFF: [(&str, Role); 3] = [("Sari", Role::Cashier), ("Dimas", Role::Manager), ("Ratih", Role::Owner)];
/// The person of any other new shop, who then adds the others.
const OWNER: [(&str, Role); 1] = [("Owner", Role::Owner)];
/// Six digits: more than the fewest, because this PIN may do everything.
const RANDOM_PINS: u32 = 1_000_000;

impl Staff {
    /// Adds the first people to a shop that has none. Returns them with their PINs, which are nowhere else in plain text.
    pub(crate) async fn add_first_staff(&self, start: FirstStart) -> Result<Vec<FirstStaff>, StaffError> {
        if self.db.read::<_, DbError, _>(|tx| store::staff::count_staff(tx, false)).await? > 0 {
            return Ok(Vec::new());
        }
        let people = if start.is_demo { &DEMO_STAFF[..] } else { &OWNER[..] };
        let mut first = Vec::new();
        let mut hashed = Vec::new();
        for (name, role) in people {
            let chosen = start.owner_pin.clone().filter(|_| *role == Role::Owner);
            let is_chosen = chosen.is_some();
            let pin = chosen.map_or_else(random_pin, Ok)?;
            hashed.push((StaffName::parse(name)?, *role, self.hash(pin.clone()).await?));
            first.push(FirstStaff { name: (*name).to_owned(), role: *role, pin: (!is_chosen).then_some(pin) });
        }
        let now = self.clock.now();
        let is_first = self.db.write::<_, StaffError, _>(move |tx| {
            store::staff::lock_staff(tx)?;
            if store::staff::count_staff(tx, false)? > 0 {
                return Ok(false);
            }
            for (name, role, pin_hash) in &hashed {
                let staff_id = StaffId::new(now);
                store::staff::insert_staff(tx, staff_id, name, *role, pin_hash, now)?;
                let added = store::staff::find_staff(tx, staff_id)?.ok_or(StaffError::Unknown(staff_id))?;
                append_change(tx, &Actor::default(), "staff.created", None, &added, now)?;
            }
            Ok(true)
        });
        Ok(if is_first.await? { first } else { Vec::new() })
    }
}

/// A random PIN of six digits.
pub(super) fn random_pin() -> Result<Pin, StaffError> {
    Ok(Pin::new(format!("{:06}", rand::random_range(0..RANDOM_PINS)))?)
}
