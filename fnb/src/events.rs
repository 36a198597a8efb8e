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
    /// Some databases did not answer; what the others say was printed.
    #[error("not every service could be asked: see above")]
    Incomplete,
}

/// What the services say, each after the other.
#[derive(Debug, Default)]
struct Said {
    text: String,
    is_incomplete: bool,
}

impl Said {
    /// Takes what a service says. One that cannot be asked does not silence the others.
    fn take<T>(&mut self, service: &str, said: Result<T, EventsError>) -> Option<T> {
        said.map_err(|error| {
            let _ = writeln!(self.text, "{service:<10} {error}");
            self.is_incomplete = true;
        })
        .ok()
    }
}

/// Does it, and prints what came of it.
pub(crate) async fn run(action: Action, config: Config) -> Result<(), EventsError> {
    let databases = crate::up::databases(&config)?;
    let said = match action {
        Action::List => list(&databases).await,
        Action::Show { id } => show(&databases, id).await?,
        Action::Redrive { id, .. } => redrive(&databases, id).await?,
    };
    print!("{}", said.text);
    if said.is_incomplete { Err(EventsError::Incomplete) } else { Ok(()) }
}

async fn list(databases: &Databases) -> Said {
    let mut said = Said::default();
    for schema in SCHEMAS {
        let listed = listed_by(databases, schema.service).await;
        if let Some(text) = said.take(schema.service, listed) {
            said.text.push_str(&text);
        }
    }
    said
}

async fn listed_by(databases: &Databases, service: &str) -> Result<String, EventsError> {
    let (waiting, dead, letters) = databases
        .open_read_only(service)
        .await?
        .read(|tx| {
            let counts = (outbox::count_unpublished(tx)?, dead_letters::count(tx)?);
            Ok::<_, DbError>((counts.0, counts.1, dead_letters::list(tx, ROWS_MAX)?))
        })
        .await?;
    let mut text = format!("{service:<10} {waiting} waiting to be sent, {dead} dead\n");
    let listed = i64::try_from(letters.len()).unwrap_or(i64::MAX);
    for letter in letters {
        let kind = letter.event.as_ref().map_or("cannot be read", |event| event.kind.name());
        let _ = writeln!(text, "  {}  {kind:<18} {}", letter.event_id, standing(&letter));
    }
    if dead > listed {
        let _ = writeln!(text, "  and {} older ones", dead - listed);
    }
    Ok(text)
}

fn standing(letter: &dead_letters::DeadLetter) -> String {
    match letter.redrive_requested_at {
        Some(at) => format!("asked for again at {at}"),
        None => format!("given up at {} after {} tries: {}", letter.dead_lettered_at, letter.attempts, letter.error),
    }
}

async fn show(databases: &Databases, id: EventId) -> Result<Said, EventsError> {
    let mut said = Said::default();
    for schema in SCHEMAS {
        let shown = async {
            let database = databases.open_read_only(schema.service).await?;
            Ok(database.read(move |tx| shown_by(tx, schema.service, id)).await?)
        };
        if let Some(text) = said.take(schema.service, shown.await) {
            said.text.push_str(&text);
        }
    }
    if said.text.is_empty() { Err(EventsError::Unknown(id)) } else { Ok(said) }
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
        let _ = match letter.event {
            Ok(event) => writeln!(text, "{}", db::json(&event)?),
            Err(error) => writeln!(text, "it cannot be read: {error}"),
        };
    }
    Ok(text)
}

async fn redrive(databases: &Databases, id: Option<EventId>) -> Result<Said, EventsError> {
    let mut said = Said::default();
    let mut asked = 0;
    for schema in SCHEMAS {
        asked += said.take(schema.service, request_redrive(databases, schema.service, id).await).unwrap_or(0);
    }
    match (asked, id) {
        (0, _) if said.is_incomplete => {}
        (0, Some(id)) => return Err(EventsError::Unknown(id)),
        (0, None) => said.text.push_str("There are no dead letters.\n"),
        (asked, _) => {
            let _ = writeln!(said.text, "{asked} asked for again. A running shop acts on them within seconds.");
        }
    }
    Ok(said)
}

async fn request_redrive(databases: &Databases, service: &str, id: Option<EventId>) -> Result<u64, EventsError> {
    let now = clock::Clock::system().now();
    // As it is: the shop may be running, by another version of the program too.
    let database = databases.open_existing(service).await?;
    let asked = database.write(move |tx| dead_letters::request_redrive(tx, id, now)).await;
    database.close().await;
    Ok(asked?)
}

#[cfg(test)]
mod tests {
    use contracts::{
        event::{CloudEvent, OrderExpired},
        ids::OrderId,
        time::Timestamp,
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
            let expired = OrderExpired { order_id: OrderId::new(Timestamp(at)), order_version: 2, cups: 0 };
            CloudEvent::new(&expired, Timestamp(at)).unwrap()
        };
        let events: Vec<CloudEvent> = (1..=i64::from(ROWS_MAX) + 2).map(|second| event(second * 1_000_000)).collect();
        let (oldest, newest) = (events[0].id, events[events.len() - 1].id);
        stock
            .write(move |tx| {
                events.iter().try_for_each(|event| dead_letters::insert(tx, "inventory", event, "why", 8, Timestamp(1)))
            })
            .await
            .unwrap();
        stock.close().await;

        let Said { text: listed, is_incomplete } = list(&databases).await;
        assert!(!is_incomplete, "{listed}");
        assert!(listed.contains("inventory  0 waiting to be sent, 52 dead"), "{listed}");
        assert!(listed.contains("  and 2 older ones"), "{listed}");
        assert!(listed.contains(&newest.to_string()) && !listed.contains(&oldest.to_string()), "{listed}");
    }

    #[tokio::test]
    async fn a_service_that_cannot_be_asked_does_not_silence_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let databases = Databases::sqlite(folder.path());
        for schema in SCHEMAS.into_iter().filter(|schema| schema.service != "payment") {
            databases.open(&schema).await.unwrap().close().await;
        }
        let Said { text: listed, is_incomplete } = list(&databases).await;
        assert!(is_incomplete);
        assert!(listed.contains("order      0 waiting") && listed.contains("qr         0 waiting"), "{listed}");
        assert!(listed.contains("payment    there is no database file"), "{listed}");
        let asked = redrive(&databases, None).await.unwrap();
        assert!(asked.is_incomplete && asked.text.contains("payment    there is no database file"), "{}", asked.text);
    }
}
