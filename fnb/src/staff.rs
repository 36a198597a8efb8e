//! `fnb staff`: the people of a shop, for whoever has the machine itself.
//!
//! It reads and writes the database, so it works while the shop runs and while it does not.

use std::fmt::Write;

use clap::Subcommand;
use clock::Clock;
use contracts::staff::{Pin, StaffView};
use db::Db;
use gateway::{FirstStaff, Person, StaffCommandError};

use crate::config::Config;

/// What to do with people.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List the people of the shop.
    List,
    /// Give a person a new random PIN, which is printed this once. It unlocks them and ends their sessions.
    ResetPin {
        /// Their name or id, as `list` shows it.
        person: String,
    },
}

/// The command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StaffError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// The setting `database` is not an address.
    #[error("the setting `database` is not the address of a server")]
    Database(#[from] db::InvalidServerUrl),
    /// The people cannot be read or written, or one is unknown.
    #[error("`fnb staff list` shows who there is")]
    Command(#[from] StaffCommandError),
}

/// Runs the command and prints what it did.
pub(crate) async fn run(action: Action, config: Config) -> Result<(), StaffError> {
    // Without migrations: another version of the program may run the shop now.
    let database = crate::databases::of(&config)?.open_existing(gateway::NAME).await?;
    let printed = match action {
        Action::List => list(&database).await,
        Action::ResetPin { person } => reset_pin(&database, person).await,
    };
    database.close().await;
    print!("{}", printed?);
    Ok(())
}

async fn list(database: &Db) -> Result<String, StaffError> {
    let now = Clock::system().now();
    let (mut text, mut after) = (String::new(), None);
    loop {
        let page = gateway::list_people(database, after, now).await?;
        page.items.iter().for_each(|person| describe(&mut text, person));
        after = page.items.last().map(|person| person.staff_id);
        if page.next_cursor.is_none() {
            return Ok(text);
        }
    }
}

fn describe(text: &mut String, person: &StaffView) {
    let state = match (person.is_active, person.locked_until) {
        (false, _) => ", does not work here".to_owned(),
        (true, Some(until)) => format!(", locked until {until}"),
        (true, None) => String::new(),
    };
    let _ = writeln!(text, "{}  {}  {}{state}", person.staff_id, person.role, person.name);
}

async fn reset_pin(database: &Db, person: String) -> Result<String, StaffError> {
    let person = person.parse().map_or(Person::Name(person), Person::Id);
    let reset = gateway::reset_pin(database, person, Clock::system().now()).await?;
    Ok(format!(
        "{}'s PIN: {}; it is shown this once. Sessions that ended: {}.\n",
        reset.name,
        spaced(&reset.pin),
        reset.ended_sessions
    ))
}

/// Prints the PINs of a new shop's first people to standard error, beside the log and not in it: log collectors, and
/// levels that are off, do not decide about it.
pub(crate) fn print_first(people: &[FirstStaff]) {
    for person in people {
        let role = person.role.to_string().to_lowercase();
        if let Some(pin) = &person.pin {
            eprintln!(
                "{role} PIN: {} ({}); it is shown this once; reset it with `fnb staff reset-pin {}`",
                spaced(pin),
                person.name,
                person.name
            );
        }
    }
}

/// The digits as people read them out: 481 926.
fn spaced(pin: &Pin) -> String {
    let (first, last) = pin.digits().split_at(pin.digits().len().div_ceil(2));
    format!("{first} {last}")
}
