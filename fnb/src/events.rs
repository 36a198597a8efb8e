//! `fnb events`: what waits to be sent, what could not be acted on, and how to send it again.
//!
//! It reads the databases themselves, so it works while the shop runs and while it does not.

use std::fmt::Write;

use clap::Subcommand;
use contracts::ids::EventId;
use db::{DbError, Schema, Tx, dead_letters, outbox};
use host::Databases;

use crate::config::Config;

/// One screen for each service, the newest events first; those before them come up when these are seen to.
const ROWS_MAX: u32 = 50;

/// Every service that has events.
const SCHEMAS: [Schema; 7] = [
    order::SCHEMA,
    payment::SCHEMA,
    product::SCHEMA,
    inventory::SCHEMA,
    qr::SCHEMA,
    analytics::SCHEMA,
    gateway::SCHEMA,
];

/// What to do with events.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List the dead letters, and for each service how many events wait to be sent.
    List,
    /// Show one event: what it says, whether it was sent, who could not act on it and why.
    Show {
        /// Its id, as `list` shows it.
        id: EventId,
    },
    /// Have a dead letter acted on again; a running shop does it within seconds, another at its next start.
    Redrive {
        /// Its id, as `list` shows it.
        #[arg(required_unless_present = "all")]
        id: Option<EventId>,
        /// Every dead letter.
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
}

/// The events cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventsError {
    /// A database did not open.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// A database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The setting `database` is no address.
    #[error("the setting `database` is not the address of a server: {0}")]
    Database(#[from] db::InvalidServerUrl),
    /// No service knows it.
    #[error(
        "no service knows an event {0}. `fnb events list` shows the dead letters; the outbox keeps the others 30 days."
    )]
    Unknown(EventId),
}

/// Does it, and prints what came of it.
pub(crate) async fn run(action: Action, config: Config) -> Result<(), EventsError> {
    let databases = crate::up::databases(&config)?;
    let text = match action {
        Action::List => list(&databases).await?,
        Action::Show { id } => show(&databases, id).await?,
        Action::Redrive { id, .. } => redrive(&databases, id).await?,
    };
    print!("{text}");
    Ok(())
}

async fn list(databases: &Databases) -> Result<String, EventsError> {
    let mut text = String::new();
    for schema in SCHEMAS {
        let (waiting, dead, letters) = databases
            .open_read_only(schema.service)
            .await?
            .read(|tx| {
                let counts = (outbox::count_unpublished(tx)?, dead_letters::count(tx)?);
                Ok::<_, DbError>((counts.0, counts.1, dead_letters::list(tx, ROWS_MAX)?))
            })
            .await?;
        let _ = writeln!(text, "{:<10} {waiting} waiting to be sent, {dead} dead", schema.service);
        let listed = i64::try_from(letters.len()).unwrap_or(i64::MAX);
        for letter in letters {
            let _ = writeln!(text, "  {}  {:<18} {}", letter.event.id, letter.event.kind.name(), standing(&letter));
        }
        if dead > listed {
            let _ = writeln!(text, "  and {} older ones", dead - listed);
        }
    }
    Ok(text)
}

fn standing(letter: &dead_letters::DeadLetter) -> String {
    match letter.redrive_asked_at {
        Some(at) => format!("asked for again at {at}"),
        None => format!("given up at {} after {} tries: {}", letter.buried_at, letter.tries, letter.error),
    }
}

async fn show(databases: &Databases, id: EventId) -> Result<String, EventsError> {
    let mut text = String::new();
    for schema in SCHEMAS {
        let database = databases.open_read_only(schema.service).await?;
        let shown = database.read(move |tx| shown_by(tx, schema.service, id)).await?;
        text.push_str(&shown);
    }
    if text.is_empty() { Err(EventsError::Unknown(id)) } else { Ok(text) }
}

/// What one service knows of an event.
fn shown_by(tx: &mut Tx<'_>, service: &str, id: EventId) -> Result<String, DbError> {
    let mut text = String::new();
    if let Some(said) = outbox::find(tx, id)? {
        let sent = said.published_at.map_or_else(|| "not sent yet".to_owned(), |at| format!("sent at {at}"));
        let _ = writeln!(text, "said by {service} at {}, {sent}", said.appended_at);
        let _ = writeln!(text, "{}", db::json(&said.event)?);
    }
    for letter in dead_letters::find(tx, id)? {
        let _ = writeln!(text, "dead letter of {service}: {}", standing(&letter));
        let _ = writeln!(text, "{}", db::json(&letter.event)?);
    }
    Ok(text)
}

async fn redrive(databases: &Databases, id: Option<EventId>) -> Result<String, EventsError> {
    let now = clock::Clock::system().now();
    let mut asked = 0;
    for schema in SCHEMAS {
        // As it is: the shop may be running, by another version of the program too.
        let database = databases.open_existing(schema.service).await?;
        asked += database.write(move |tx| dead_letters::ask_redrive(tx, id, now)).await?;
        database.close().await;
    }
    match (asked, id) {
        (0, Some(id)) => Err(EventsError::Unknown(id)),
        (0, None) => Ok("There are no dead letters.\n".to_owned()),
        (asked, _) => Ok(format!("{asked} asked for again. A running shop acts on them within seconds.\n")),
    }
}

#[cfg(test)]
mod tests {
    use contracts::{
        event::{CloudEvent, OrderExpired},
        ids::OrderId,
        time::Micros,
    };

    use super::*;

    #[tokio::test]
    async fn every_dead_letter_is_counted_and_the_newest_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let databases = Databases::sqlite(folder.path());
        for schema in SCHEMAS {
            databases.open(&schema).await.unwrap().close().await;
        }
        let stock = databases.open(&inventory::SCHEMA).await.unwrap();
        let event = |at| {
            let expired = OrderExpired { order_id: OrderId::new(Micros(at)), order_version: 2, cups: 0 };
            CloudEvent::new(&expired, Micros(at)).unwrap()
        };
        let events: Vec<CloudEvent> = (1..=i64::from(ROWS_MAX) + 2).map(|second| event(second * 1_000_000)).collect();
        let (oldest, newest) = (events[0].id, events[events.len() - 1].id);
        stock
            .write(move |tx| {
                events.iter().try_for_each(|event| dead_letters::bury(tx, "inventory", event, "why", 8, Micros(1)))
            })
            .await
            .unwrap();
        stock.close().await;

        let listed = list(&databases).await.unwrap();
        assert!(listed.contains("inventory  0 waiting to be sent, 52 dead"), "{listed}");
        assert!(listed.contains("  and 2 older ones"), "{listed}");
        assert!(listed.contains(&newest.to_string()) && !listed.contains(&oldest.to_string()), "{listed}");
    }
}
