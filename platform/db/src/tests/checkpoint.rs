//! SQLite's log: it is merged while its file is written, and stays bounded.

use super::*;

const KIBIBYTE: usize = 1024;
/// What one job writes, in pages of 4 KiB and a little more.
const NOTE_BYTES: usize = 16 * KIBIBYTE;
/// The logs of these tests are long from 256 KiB on. A merge that falls behind lets one become four times as long, and a
/// job more.
const LOG_PAGES: u32 = 64;
const LOG_BYTES_MAX: u64 = 1_200 * KIBIBYTE as u64;

#[tokio::test]
async fn a_log_is_merged_while_its_file_is_written() {
    let fresh = Fresh::sqlite();
    let db = fresh.open_with(DbOptions { checkpoint_pages: LOG_PAGES, ..DbOptions::default() }).await;
    write_notes(&db, 0..300).await;
    assert!(log_bytes(&fresh) < LOG_BYTES_MAX, "{}", log_bytes(&fresh));
    assert_eq!(all_names(&db).await.len(), 300);
}

#[tokio::test]
async fn a_log_that_somebody_reads_from_is_merged_afterwards() {
    let fresh = Fresh::sqlite();
    let db = fresh.open_with(DbOptions { checkpoint_pages: LOG_PAGES, ..DbOptions::default() }).await;
    db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)).await.unwrap();
    let (release, reading) = hold_reader(&db).await;
    write_notes(&db, 0..100).await;
    let while_read = log_bytes(&fresh);
    assert!(while_read > (100 * NOTE_BYTES) as u64, "nothing of it may be overwritten: {while_read}");

    drop(release);
    assert_eq!(reading.await.unwrap(), Ok(vec!["ann".to_owned()]));
    write_notes(&db, 100..400).await;
    assert!(log_bytes(&fresh) < while_read + LOG_BYTES_MAX, "{while_read}, then {}", log_bytes(&fresh));
    assert_eq!(all_names(&db).await.len(), 401);
}

async fn write_notes(db: &Db, accounts: std::ops::Range<u32>) {
    for number in accounts {
        let write = move |tx: &mut Tx<'_>| {
            let sql = "INSERT INTO accounts (name, balance, note) VALUES ($1, 1, $2)";
            tx.execute(sql, (format!("account {number}"), "n".repeat(NOTE_BYTES)))
        };
        assert_eq!(db.write::<_, DbError, _>(write).await, Ok(1));
    }
}

/// A reader that has begun, and reads on once it is released.
async fn hold_reader(db: &Db) -> (mpsc::Sender<()>, tokio::task::JoinHandle<DbResult<Vec<String>>>) {
    let (release, released) = mpsc::channel::<()>();
    let (begun, mut has_begun) = tokio::sync::mpsc::channel(1);
    let (db, released) = (db.clone(), Arc::new(Mutex::new(released)));
    let reading = tokio::spawn(async move {
        db.read(move |tx| {
            let before = names(tx)?;
            begun.try_send(()).unwrap();
            let _released = released.lock().unwrap().recv();
            assert_eq!(names(tx)?, before, "a reader sees one moment");
            Ok(before)
        })
        .await
    });
    has_begun.recv().await.unwrap();
    (release, reading)
}

fn log_bytes(fresh: &Fresh) -> u64 {
    std::fs::metadata(fresh.folder.path().join("deep/er/bank.db-wal")).unwrap().len()
}
