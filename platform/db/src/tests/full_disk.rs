//! A full disk: what is answered, what stays committed, and that writes go on as soon as there is space.
//!
//! Two stand-ins for a full disk: SQLite's limit on the pages of a file, and the system's limit on the size of a file,
//! which a child process gets. Both work in any container.

use std::{env, path::Path, process::Command};

use super::*;

/// Where a child process finds the database.
const FOLDER_VARIABLE: &str = "FNB_TEST_FULL_DISK_FOLDER";
/// What one job of these tests writes.
const NOTE_BYTES: usize = 16 * 1024;

#[tokio::test]
async fn on_a_full_disk_exactly_what_was_answered_as_committed_is_there() {
    let fresh = Fresh::sqlite();
    let db = fresh.open().await;
    fill_the_disk(&db).await;
    let (release, blocking) = block_writer(&db).await;
    let mut ann = Box::pin(db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)));
    let mut big = Box::pin(db.write(open_large_account));
    let mut bob = Box::pin(db.write::<_, DbError, _>(|tx| open_account(tx, "bob", 1)));
    queue(&mut ann).await;
    queue(&mut big).await;
    queue(&mut bob).await;
    drop(release);
    blocking.await.unwrap().unwrap_or(());

    let answers = [("ann", ann.await), ("big", big.await), ("bob", bob.await)];
    assert!(matches!(answers[1].1, Err(DbError::DiskFull(_))), "{answers:?}");
    let committed: Vec<_> = answers.iter().filter(|(_, answer)| answer.is_ok()).map(|(name, _)| *name).collect();
    assert_eq!(all_names(&db).await, committed);
    db.write::<_, DbError, _>(|tx| open_account(tx, "eve", 1)).await.unwrap();
}

/// Leaves space for two more pages.
pub(super) async fn fill_the_disk(db: &Db) {
    db.write::<_, DbError, _>(|tx| {
        let pages = tx.query_one("PRAGMA page_count", (), |row| row.get::<i64>("page_count"))?;
        tx.query(&format!("PRAGMA max_page_count = {}", pages + 2), (), |_| Ok(()))
    })
    .await
    .unwrap();
}

pub(super) fn open_large_account(tx: &mut Tx<'_>) -> DbResult<()> {
    let note = "much ".repeat(100_000);
    tx.execute("INSERT INTO accounts (name, balance, note) VALUES ($1, $2, $3)", ("big", 1, note)).map(|_| ())
}

#[tokio::test]
async fn a_job_that_goes_on_after_the_disk_was_full_is_rolled_back() {
    let fresh = Fresh::sqlite();
    let db = fresh.open().await;
    fill_the_disk(&db).await;
    let result: Result<(), DbError> = db
        .write(|tx| {
            let _full = open_large_account(tx);
            open_account(tx, "bob", 1)
        })
        .await;
    assert!(matches!(result, Err(DbError::DiskFull(_))), "{result:?}");
    assert!(all_names(&db).await.is_empty());
}

#[tokio::test]
async fn writability_is_known_from_the_last_failure_and_another_attempt() {
    let fresh = Fresh::sqlite();
    let db = fresh.open().await;
    assert_eq!(db.check_writable().await, Ok(()));
    fill_the_disk(&db).await;
    assert!(db.write(open_large_account).await.is_err());
    assert_eq!(db.check_writable().await, Ok(()), "a small write still fits");

    db.write::<_, DbError, _>(|tx| tx.execute("PRAGMA query_only = ON", ())).await.unwrap();
    assert_eq!(db.check_writable().await, Ok(()), "the last write succeeded");
    for _ in 0..2 {
        let failed = db.write(|tx| open_account(tx, "ann", 1)).await;
        assert!(matches!(failed, Err(DbError::Unavailable(_))), "{failed:?}");
        assert!(matches!(db.check_writable().await, Err(DbError::Unavailable(_))));
    }
}

#[tokio::test]
async fn a_full_disk_is_an_outage_that_says_what_to_do() {
    let fresh = Fresh::sqlite();
    let db = fresh.open().await;
    fill_the_disk(&db).await;
    let full = db.write(open_large_account).await.unwrap_err();
    assert!(full.is_outage());
    let printed = errors::chain(&full).to_string();
    assert!(printed.contains("disk that holds the database is full") && printed.contains("Free space"), "{printed}");
}

#[tokio::test]
async fn a_server_with_a_full_disk_is_an_outage_and_keeps_its_connection() {
    let Some(fresh) = Fresh::postgres() else { return };
    let db = fresh.open_with(DbOptions { writers: 1, ..DbOptions::default() }).await;
    let session = |tx: &mut Tx<'_>| tx.query_one("SELECT pg_backend_pid() AS pid", (), |row| row.get::<i32>("pid"));
    let before = db.write::<_, DbError, _>(session).await.unwrap();
    let full = db
        .write::<_, DbError, _>(|tx| {
            tx.execute("DO $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$", ())
        })
        .await;
    assert!(matches!(full, Err(DbError::DiskFull(_))), "{full:?}");
    assert_eq!(db.write::<_, DbError, _>(session).await, Ok(before));
}

/// Runs an ignored test of this program in a process that cannot make any file larger than `file_kibibytes`.
fn run_with_file_limit(test: &str, file_kibibytes: usize, folder: &Path) {
    /// The unit of `ulimit -f`.
    const BLOCKS_PER_KIBIBYTE: usize = 2;
    // Without the trap, a write beyond the limit kills the process.
    const SCRIPT: &str = "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\"";
    let output = Command::new("sh")
        .args(["-c", SCRIPT, &(file_kibibytes * BLOCKS_PER_KIBIBYTE).to_string()])
        .arg(env::current_exe().unwrap())
        .args([&format!("tests::full_disk::{test}"), "--exact", "--ignored", "--nocapture"])
        .env(FOLDER_VARIABLE, folder)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
}

/// The database of the test that started this process.
fn url_in_child() -> Option<DbUrl> {
    Some(DbUrl::sqlite(Path::new(&env::var_os(FOLDER_VARIABLE)?).join("bank.db")))
}

async fn write_note(db: &Db) -> DbResult<u64> {
    db.write(|tx| {
        let sql = "INSERT INTO accounts (name, balance, note) VALUES ('ann', 1, $1)
                   ON CONFLICT (name) DO UPDATE SET note = excluded.note, balance = accounts.balance + 1";
        tx.execute(sql, ("n".repeat(NOTE_BYTES),))
    })
    .await
}

#[test]
fn writes_go_on_after_a_checkpoint_has_freed_space() {
    let folder = tempfile::tempdir().unwrap();
    run_with_file_limit("child_that_overwrites_a_note", 1024, folder.path());
}

#[tokio::test]
#[ignore = "a child process of another test"]
async fn child_that_overwrites_a_note() {
    const NOTES: i64 = 300;
    let Some(url) = url_in_child() else { return };
    // The WAL is not checkpointed until it cannot grow any more.
    let db = Db::open(&url, &SCHEMA, DbOptions { checkpoint_pages: u32::MAX, ..DbOptions::default() }).await.unwrap();
    for _ in 0..NOTES {
        assert_eq!(write_note(&db).await, Ok(1));
    }
    let balance = |tx: &mut Tx<'_>| tx.query_one("SELECT balance FROM accounts", (), |row| row.get::<i64>("balance"));
    assert_eq!(db.read::<_, DbError, _>(balance).await, Ok(NOTES), "each note was written once");
    assert_eq!(db.check_writable().await, Ok(()));
}

#[tokio::test]
async fn the_wal_stays_short_while_the_disk_has_little_space() {
    let fresh = Fresh::sqlite();
    let options = DbOptions { free_bytes_min: u64::MAX, ..DbOptions::default() };
    let db = fresh.open_with(options).await;
    for _ in 0..100 {
        assert_eq!(write_note(&db).await, Ok(1));
    }
    let wal_bytes = std::fs::metadata(fresh.folder.path().join("deep/er/bank.db-wal")).unwrap().len();
    assert!(wal_bytes < 400 * 1024, "{wal_bytes}");
}

#[tokio::test]
async fn readiness_says_at_start_that_nothing_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let owner = Db::open(&DbUrl::sqlite(folder.path().join("bank.db")), &SCHEMA, DbOptions::default()).await.unwrap();
    for _ in 0..4 {
        assert_eq!(write_note(&owner).await, Ok(1));
    }
    assert_eq!(owner.check_writable().await, Ok(()));
    // The WAL is longer than that already.
    run_with_file_limit("child_that_cannot_write", 32, folder.path());
}

#[tokio::test]
#[ignore = "a child process of another test"]
async fn child_that_cannot_write() {
    let Some(url) = url_in_child() else { return };
    let db = Db::open_existing(&url).await.unwrap();
    let refused = db.check_writable().await;
    assert!(matches!(refused, Err(DbError::Unavailable(_) | DbError::DiskFull(_))), "{refused:?}");
}
