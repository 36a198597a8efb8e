//! SQLite's write-ahead log (WAL): it is checkpointed while the file is written, and stays bounded.

use super::*;

const KIBIBYTE: usize = 1024;
/// What one job writes, in pages of 4 KiB and a little more.
const NOTE_BYTES: usize = 16 * KIBIBYTE;
/// The WAL is checkpointed from 256 KiB on. While a checkpoint falls behind, it may become four times as long, and one
/// job longer.
const CHECKPOINT_PAGES: u32 = 64;
const WAL_BYTES_MAX: u64 = 1_200 * KIBIBYTE as u64;

#[tokio::test]
async fn the_wal_is_checkpointed_while_the_file_is_written() {
    let fresh = Fresh::sqlite();
    let db = fresh.open_with(DbOptions { checkpoint_pages: CHECKPOINT_PAGES, ..DbOptions::default() }).await;
    write_notes(&db, 0..300).await;
    assert!(wal_bytes(&fresh) < WAL_BYTES_MAX, "{}", wal_bytes(&fresh));
    assert_eq!(all_names(&db).await.len(), 300);
}

#[tokio::test]
async fn a_wal_that_a_reader_uses_is_checkpointed_afterwards() {
    let fresh = Fresh::sqlite();
    let db = fresh.open_with(DbOptions { checkpoint_pages: CHECKPOINT_PAGES, ..DbOptions::default() }).await;
    db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)).await.unwrap();
    let (release, reading) = start_reader(&db).await;
    write_notes(&db, 0..100).await;
    let while_read = wal_bytes(&fresh);
    assert!(while_read > (100 * NOTE_BYTES) as u64, "the reader needs all of it: {while_read}");

    drop(release);
    assert_eq!(reading.await.unwrap(), Ok(vec!["ann".to_owned()]));
    write_notes(&db, 100..400).await;
    assert!(wal_bytes(&fresh) < while_read + WAL_BYTES_MAX, "{while_read}, then {}", wal_bytes(&fresh));
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

/// Starts a read job, which reads again when it is released.
async fn start_reader(db: &Db) -> (mpsc::Sender<()>, tokio::task::JoinHandle<DbResult<Vec<String>>>) {
    let (release, released) = mpsc::channel::<()>();
    let (start, mut started) = tokio::sync::mpsc::channel(1);
    let (db, released) = (db.clone(), Arc::new(Mutex::new(released)));
    let reading = tokio::spawn(async move {
        db.read(move |tx| {
            let before = names(tx)?;
            start.try_send(()).unwrap();
            let _released = released.lock().unwrap().recv();
            assert_eq!(names(tx)?, before, "a reader sees one snapshot");
            Ok(before)
        })
        .await
    });
    started.recv().await.unwrap();
    (release, reading)
}

fn wal_bytes(fresh: &Fresh) -> u64 {
    std::fs::metadata(fresh.folder.path().join("deep/er/bank.db-wal")).unwrap().len()
}
