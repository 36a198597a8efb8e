//! `fnb staff`: on the machine itself, beside the shop or without it.

use contracts::{
    Page,
    audit::Actor,
    ids::StaffId,
    staff::{Pin, StaffView},
    time::Timestamp,
};
use db::{Db, DbError, DbResult, Tx};

use super::{
    add_first_staff::random_pin,
    pin_hasher::{PinCost, PinHasher},
    set_pin::{PIN_CHANGED, replace_pin},
    staff::act,
};
use crate::{
    error::StaffError,
    model::StaffName,
    store::{self, staff::StaffRow},
};

/// A person as somebody at the machine names them.
#[derive(Clone, Debug)]
pub enum Person {
    /// By the id.
    Id(StaffId),
    /// By the name, in capitals or not.
    Name(String),
}

/// A new PIN.
#[derive(Clone, Debug)]
pub struct ResetPin {
    /// The person's name.
    pub name: String,
    /// The new PIN, which is nowhere else in plain text.
    pub pin: Pin,
    /// How many sessions ended.
    pub ended_sessions: usize,
}

/// The command failed.
#[derive(Debug, thiserror::Error)]
pub enum StaffCommandError {
    /// Nobody has this id or name.
    #[error("there is no person {0}")]
    Unknown(String),
    /// The people cannot be read or written.
    #[error("the people of the shop cannot be read or written")]
    Failed(#[source] errors::BoxError),
}

/// A page of people, in the order in which they were added.
///
/// # Errors
/// [`StaffCommandError::Failed`] if they cannot be read.
pub async fn list_people(
    db: &Db,
    after: Option<StaffId>,
    now: Timestamp,
) -> Result<Page<StaffView>, StaffCommandError> {
    let limit = contracts::PAGE_ROWS_MAX;
    let rows = db.read::<_, DbError, _>(move |tx| store::staff::list_staff(tx, true, after, limit + 1, now)).await;
    let rows = rows.map_err(|error| StaffCommandError::Failed(error.into()))?;
    Ok(Page::of(rows, limit, |staff| staff.staff_id))
}

/// Gives a person a random PIN, unlocks them and ends their sessions. A process that runs the shop consumes the events.
///
/// # Errors
/// [`StaffCommandError`].
pub async fn reset_pin(db: &Db, person: Person, now: Timestamp) -> Result<ResetPin, StaffCommandError> {
    let asked = match &person {
        Person::Id(id) => id.to_string(),
        Person::Name(name) => name.clone(),
    };
    let reset = try_reset(db, person, now).await.map_err(|error| StaffCommandError::Failed(error.into()))?;
    reset.ok_or(StaffCommandError::Unknown(asked))
}

/// `None`: there is no such person.
async fn try_reset(db: &Db, person: Person, now: Timestamp) -> Result<Option<ResetPin>, StaffError> {
    let pin = random_pin()?;
    let pins = PinHasher::new(PinCost::OWASP)?;
    let pin_hash = pins.hash(pins.queue()?, pin.clone()).await?;
    let replaced = db.write::<_, StaffError, _>(move |tx| {
        store::staff::lock_staff(tx)?;
        let Some(staff) = find(tx, &person)? else { return Ok(None) };
        let changed = act(&Actor::terminal(), PIN_CHANGED, &staff, now);
        replace_pin(tx, changed, staff.staff_id, &pin_hash).map(Some)
    });
    Ok(replaced.await?.map(|(staff, ended)| ResetPin { name: staff.name, pin, ended_sessions: ended.len() }))
}

fn find(tx: &mut Tx<'_>, person: &Person) -> DbResult<Option<StaffRow>> {
    match person {
        Person::Id(id) => store::staff::find_staff(tx, *id),
        // Nobody has a text for a name that cannot be one.
        Person::Name(name) => match StaffName::parse(name) {
            Ok(name) => store::staff::find_by_name(tx, &name),
            Err(_) => Ok(None),
        },
    }
}
