//! `fnb events`: events that wait to be published, dead letters, and their redrive.
//!
//! It reads the databases themselves, so it works while the shop runs and while it does not.

use std::fmt::Write;

use clap::Subcommand;
use contracts::ids::EventId;
use db::{DbError, Schema, Tx, dead_letters, outbox};
use host::Databases;

use crate::config::Config;

/// One screen for each service, the newest events first. Older ones are listed when these are redriven.
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
    /// List the dead letters, and how many events wait to be published.
    List,
    /// Show one event: its data, whether it was published, and why consumers dead-lettered it.
    Show {
        /// Its id, as `list` shows it.
        id: EventId,
    },
    /// Have a dead letter consumed again: within seconds if the shop runs, otherwise at its next start.
    Redrive {
        /// Its id, as `list` shows it.
        #[arg(required_unless_present = "all")]
        id: Option<EventId>,
        /// Every dead letter.
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
}

/// The command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventsError {
    /// A database cannot be opened.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// A statement failed.
    #[error("its rows cannot be read or written")]
    Db(#[from] DbError),
    /// The setting `database` is not an address.
    #[error("the setting `database` is not the address of a server")]
    Database(#[from] db::InvalidServerUrl),
    /// No service has the event.
    #[error(
        "no service has an event {0}. `fnb events list` shows the dead letters; published events are kept for 30 days."
    )]
    Unknown(EventId),
    /// The event is in an outbox, and no consumer dead-lettered it.
    #[error(
        "event {0} is not a dead letter, so there is nothing to redrive. `fnb events show {0}` shows whether it was \
         published; `fnb events list` shows the dead letters."
    )]
    NotDeadLettered(EventId),
    /// Some databases cannot be read. What is known of the others was printed.
    #[error("not every service's database can be read: see above")]
    Incomplete,
}

/// The output of a command: a part for each service.
#[derive(Debug, Default)]
struct Report {
    text: String,
    is_incomplete: bool,
}

impl Report {
    /// Unwraps the result of a service. An error becomes a line of the report, so that the other services still follow.
    fn take<T>(&mut self, service: &str, result: Result<T, EventsError>) -> Option<T> {
        result
            .map_err(|error| {
                let _ = writeln!(self.text, "{service:<10} {}", errors::chain(&error));
                self.is_incomplete = true;
            })
            .ok()
    }
}

/// Runs the command and prints its report.
pub(crate) async fn run(action: Action, config: Config) -> Result<(), EventsError> {
    let databases = crate::databases::of(&config)?;
    let report = match action {
        Action::List => list(&databases).await,
        Action::Show { id } => show(&databases, id).await?,
        Action::Redrive { id, .. } => redrive(&databases, id).await?,
    };
    print!("{}", report.text);
    if report.is_incomplete { Err(EventsError::Incomplete) } else { Ok(()) }
}

async fn list(databases: &Databases) -> Report {
    let mut report = Report::default();
    for schema in SCHEMAS {
        let listed = list_service(databases, schema.service).await;
        if let Some(text) = report.take(schema.service, listed) {
            report.text.push_str(&text);
        }
    }
    report
}

async fn list_service(databases: &Databases, service: &str) -> Result<String, EventsError> {
    let (unpublished, total, letters) = databases
        .open_read_only(service)
        .await?
        .read(|tx| {
            let (unpublished, total) = (outbox::count_unpublished(tx)?, dead_letters::count(tx)?);
            Ok::<_, DbError>((unpublished, total, dead_letters::list(tx, ROWS_MAX)?))
        })
        .await?;
    let mut text = format!("{service:<10} {unpublished} unpublished, {total} dead letters\n");
    let listed = i64::try_from(letters.len()).unwrap_or(i64::MAX);
    for letter in letters {
        let kind = letter.event.as_ref().map_or("cannot be read", |event| event.kind.name());
        let _ = writeln!(text, "  {}  {kind:<18} {}", letter.event_id, status(&letter));
    }
    if total > listed {
        let _ = writeln!(text, "  and {} older ones", total - listed);
    }
    Ok(text)
}

fn status(letter: &dead_letters::DeadLetter) -> String {
    match letter.redrive_requested_at {
        Some(at) => format!("redrive requested at {at}"),
        None => {
            format!("dead-lettered at {} after {} attempts: {}", letter.dead_lettered_at, letter.attempts, letter.error)
        }
    }
}

async fn show(databases: &Databases, id: EventId) -> Result<Report, EventsError> {
    let mut report = Report::default();
    for schema in SCHEMAS {
        let shown = async {
            let database = databases.open_read_only(schema.service).await?;
            Ok(database.read(move |tx| show_in_service(tx, schema.service, id)).await?)
        };
        if let Some(text) = report.take(schema.service, shown.await) {
            report.text.push_str(&text);
        }
    }
    if report.text.is_empty() { Err(EventsError::Unknown(id)) } else { Ok(report) }
}

/// What one service's database has about an event.
fn show_in_service(tx: &mut Tx<'_>, service: &str, id: EventId) -> Result<String, DbError> {
    let mut text = String::new();
    if let Some(row) = outbox::find(tx, id)? {
        let published =
            row.published_at.map_or_else(|| "not published yet".to_owned(), |at| format!("published at {at}"));
        let _ = writeln!(text, "in the outbox of {service} since {}, {published}", row.appended_at);
        let _ = writeln!(text, "{}", db::json(&row.event)?);
    }
    for letter in dead_letters::find(tx, id)? {
        let _ = writeln!(text, "dead letter of {service}: {}", status(&letter));
        let _ = match &letter.event {
            Ok(event) => writeln!(text, "{}", db::json(event)?),
            Err(error) => writeln!(text, "it cannot be read: {}", errors::chain(error)),
        };
    }
    Ok(text)
}

async fn redrive(databases: &Databases, id: Option<EventId>) -> Result<Report, EventsError> {
    let mut report = Report::default();
    let (mut requested, mut is_known) = (0, false);
    for schema in SCHEMAS {
        let result = request_redrive(databases, schema.service, id).await;
        if let Some(found) = report.take(schema.service, result) {
            requested += found.requested;
            is_known |= found.is_in_outbox;
        }
    }
    match (requested, id) {
        (0, Some(id)) if is_known => return Err(EventsError::NotDeadLettered(id)),
        (0, _) if report.is_incomplete => {}
        (0, Some(id)) => return Err(EventsError::Unknown(id)),
        (0, None) => report.text.push_str("There are no dead letters.\n"),
        (requested, _) => {
            let _ = writeln!(
                report.text,
                "Dead letters to redrive: {requested}. A running shop consumes them within seconds."
            );
        }
    }
    Ok(report)
}

/// What one service's database has of the event to redrive.
struct Found {
    /// The dead letters whose redrive is requested now.
    requested: u64,
    is_in_outbox: bool,
}

async fn request_redrive(databases: &Databases, service: &str, id: Option<EventId>) -> Result<Found, EventsError> {
    let now = clock::Clock::system().now();
    // Without migrations: another version of the program may run the shop now.
    let database = databases.open_existing(service).await?;
    let found = database.write::<_, DbError, _>(move |tx| {
        let requested = dead_letters::request_redrive(tx, id, now)?;
        let is_in_outbox = match id {
            Some(id) => outbox::find(tx, id)?.is_some(),
            None => false,
        };
        Ok(Found { requested, is_in_outbox })
    });
    let found = found.await;
    database.close().await;
    Ok(found?)
}

#[cfg(test)]
mod tests {
    use contracts::{
        event::{CloudEvent, OrderExpired},
        ids::OrderId,
        time::Timestamp,
    };

    use super::*;

    fn order_expired() -> OrderExpired {
        OrderExpired { order_id: OrderId::new(Timestamp(1)), order_version: 2, cups: 0 }
    }

    async fn migrated(folder: &tempfile::TempDir, schemas: impl IntoIterator<Item = Schema>) -> Databases {
        let databases = Databases::sqlite(folder.path());
        for schema in schemas {
            databases.open(&schema).await.unwrap().close().await;
        }
        databases
    }

    #[tokio::test]
    async fn all_dead_letters_are_counted_and_the_newest_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let databases = migrated(&folder, SCHEMAS).await;
        let stock = databases.open(&inventory::SCHEMA).await.unwrap();
        let events: Vec<CloudEvent> = (1..=i64::from(ROWS_MAX) + 2)
            .map(|second| CloudEvent::new(&order_expired(), Timestamp(second * 1_000_000)).unwrap())
            .collect();
        let (oldest, newest) = (events[0].id, events[events.len() - 1].id);
        stock
            .write(move |tx| {
                events.iter().try_for_each(|event| dead_letters::insert(tx, "inventory", event, "why", 8, Timestamp(1)))
            })
            .await
            .unwrap();
        stock.close().await;

        let Report { text: listed, is_incomplete } = list(&databases).await;
        assert!(!is_incomplete, "{listed}");
        assert!(listed.contains("inventory  0 unpublished, 52 dead letters"), "{listed}");
        assert!(listed.contains("  and 2 older ones"), "{listed}");
        assert!(listed.contains(&newest.to_string()) && !listed.contains(&oldest.to_string()), "{listed}");
    }

    #[tokio::test]
    async fn a_database_that_cannot_be_read_hides_no_other_service() {
        let folder = tempfile::tempdir().unwrap();
        let databases = migrated(&folder, SCHEMAS.into_iter().filter(|schema| schema.service != "payment")).await;
        let Report { text: listed, is_incomplete } = list(&databases).await;
        assert!(is_incomplete);
        assert!(listed.contains("order      0 unpublished") && listed.contains("qr         0 unpublished"), "{listed}");
        assert!(listed.contains("payment    there is no database file"), "{listed}");
        let redriven = redrive(&databases, None).await.unwrap();
        assert!(redriven.is_incomplete, "{}", redriven.text);
        assert!(redriven.text.contains("payment    there is no database file"), "{}", redriven.text);
    }

    #[tokio::test]
    async fn a_redrive_of_an_event_that_no_consumer_dead_lettered_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let databases = migrated(&folder, SCHEMAS).await;
        let orders = databases.open(&order::SCHEMA).await.unwrap();
        orders.write::<_, DbError, _>(|tx| outbox::append(tx, &order_expired(), Timestamp(1))).await.unwrap();
        let all = |tx: &mut Tx<'_>| outbox::unpublished(tx, None, Timestamp(i64::MAX), 1);
        let id = orders.read::<_, DbError, _>(all).await.unwrap().events[0].id;
        orders.close().await;

        let shown = show(&databases, id).await.unwrap();
        assert!(shown.text.contains("in the outbox of order"), "{}", shown.text);
        let refused = redrive(&databases, Some(id)).await.unwrap_err();
        assert!(refused.to_string().contains("is not a dead letter"), "{refused}");

        let unknown = redrive(&databases, Some(EventId::new(Timestamp(2)))).await.unwrap_err();
        assert!(unknown.to_string().contains("no service has an event"), "{unknown}");
    }

    #[tokio::test]
    async fn a_redrive_is_requested_of_each_consumer_that_dead_lettered_the_event() {
        let folder = tempfile::tempdir().unwrap();
        let databases = migrated(&folder, SCHEMAS).await;
        let event = CloudEvent::new(&order_expired(), Timestamp(1)).unwrap();
        let id = event.id;
        for schema in [inventory::SCHEMA, qr::SCHEMA] {
            let (db, event) = (databases.open(&schema).await.unwrap(), event.clone());
            let insert =
                move |tx: &mut Tx<'_>| dead_letters::insert(tx, schema.service, &event, "why", 8, Timestamp(1));
            db.write::<_, DbError, _>(insert).await.unwrap();
            db.close().await;
        }
        let redriven = redrive(&databases, Some(id)).await.unwrap();
        assert!(redriven.text.contains("Dead letters to redrive: 2"), "{}", redriven.text);
        let Report { text: listed, .. } = list(&databases).await;
        assert_eq!(listed.matches("redrive requested at").count(), 2, "{listed}");
    }
}
