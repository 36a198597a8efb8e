//! One suite for both databases: always on SQLite, and also on PostgreSQL if `FNB_TEST_POSTGRES` names a server, such
//! as `postgres://postgres@127.0.0.1:5432`. Every test creates databases of its own.

mod checkpoint;
mod full_disk;
mod instance_lock;
mod jobs;
mod metrics;
mod opening;
mod platform_tables;
mod rows;
mod tls;

use std::{
    future::{Future, ready},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
};

use contracts::{
    event::{EventData, EventKind},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::{Db, DbError, DbOptions, DbResult, DbUrl, Schema, ServerUrl, Tx, outbox};

const NOW: Timestamp = Timestamp(1_795_312_800_000_000);

const SCHEMA: Schema = Schema {
    service: "bank",
    migrations: &[(
        "V1__accounts",
        "CREATE TABLE accounts (
             name    TEXT   NOT NULL PRIMARY KEY,
             balance BIGINT NOT NULL CHECK (balance >= 0),
             note    TEXT
         );
         CREATE TABLE cards (
             card    TEXT NOT NULL PRIMARY KEY,
             account TEXT NOT NULL REFERENCES accounts (name)
         );",
    )],
};

/// A database that does not exist yet, and is removed after the test.
struct Fresh {
    url: DbUrl,
    postgres: Option<(String, String)>,
    folder: tempfile::TempDir,
}

impl Fresh {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { url: DbUrl::sqlite(folder.path().join("deep/er/bank.db")), postgres: None, folder }
    }

    fn postgres() -> Option<Self> {
        static CREATED: AtomicU32 = AtomicU32::new(0);
        let base = std::env::var("FNB_TEST_POSTGRES").ok()?;
        let name = format!("fnb_test_{}_{}", std::process::id(), CREATED.fetch_add(1, Ordering::Relaxed));
        let url = base.parse::<ServerUrl>().unwrap().database(&name);
        Some(Self { url, postgres: Some((base, name)), folder: tempfile::tempdir().unwrap() })
    }

    async fn open(&self) -> Db {
        self.open_with(DbOptions::default()).await
    }

    async fn open_with(&self, options: DbOptions) -> Db {
        Db::open(&self.url, &SCHEMA, options).await.unwrap()
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let Some((base, name)) = self.postgres.take() else { return };
        let dropped = thread::spawn(move || {
            let mut client = ::postgres::Client::connect(&format!("{base}/postgres"), ::postgres::NoTls).unwrap();
            client.batch_execute(&format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")).unwrap();
        });
        dropped.join().unwrap();
    }
}

/// Runs a test on each kind of database that is available, always a new one.
async fn on_each(test: impl AsyncFn(&Fresh)) {
    let fresh = Fresh::sqlite();
    test(&fresh).await;
    if let Some(fresh) = Fresh::postgres() {
        test(&fresh).await;
    }
}

fn open_account(tx: &mut Tx<'_>, name: &str, balance: i64) -> DbResult<()> {
    tx.execute("INSERT INTO accounts (name, balance) VALUES ($1, $2)", (name, balance)).map(|_| ())
}

fn names(tx: &mut Tx<'_>) -> DbResult<Vec<String>> {
    tx.query("SELECT name FROM accounts ORDER BY name", (), |row| row.get("name"))
}

async fn all_names(db: &Db) -> Vec<String> {
    db.read::<_, DbError, _>(names).await.unwrap()
}

/// The data of an event, for the outbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Note(String);

impl EventData for Note {
    const KIND: EventKind = EventKind::OrderChanged;

    fn subject(&self) -> String {
        self.0.clone()
    }
}

fn append_event(tx: &mut Tx<'_>, text: &str) -> DbResult<()> {
    outbox::append(tx, &Note(text.into()), NOW)
}

/// Blocks one writer: its job runs from when this returns until the sender is dropped.
async fn block_writer(db: &Db) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), DbError>>) {
    let (release, released) = mpsc::channel::<()>();
    let (start, mut started) = tokio::sync::mpsc::channel(1);
    let released = Arc::new(Mutex::new(released));
    let db = db.clone();
    let blocking = tokio::spawn(async move {
        db.write(move |_| {
            start.try_send(()).unwrap();
            let _released = released.lock().unwrap().recv();
            Ok(())
        })
        .await
    });
    started.recv().await.unwrap();
    (release, blocking)
}

/// Puts a job into the queue.
async fn queue<F: Future>(job: &mut Pin<Box<F>>) {
    tokio::select! {
        biased;
        _ = job => panic!("it was answered while the writer was blocked"),
        () = ready(()) => {}
    }
}
