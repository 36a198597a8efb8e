//! SQLite's log: it is merged while its file is written, and stays bounded.

use super::*;

const MEGABYTE: u64 = 1024 * 1024;

#[tokio::test]
async fn a_log_is_merged_while_its_file_is_written() {
    let fresh = Fresh::sqlite();
    let db = fresh.open().await;
    write_megabytes(&db, 0..150).await;
    // As long as a merge that falls behind lets it become, and a job more.
    assert!(log_bytes(&fresh) < 80 * MEGABYTE, "{}", log_bytes(&fresh));
    assert_eq!(all_names(&db).await.len(), 150);
}

#[tokio::test]
async fn a_log_that_somebody_reads_from_is_merged_afterwards() {
    let fresh = Fresh::sqlite();
    let db = fresh.open().await;
    db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)).await.unwrap();
    let (release, reading) = hold_reader(&db).await;
    write_megabytes(&db, 0..40).await;
    let while_read = log_bytes(&fresh);
    assert!(while_read > 40 * MEGABYTE, "nothing of it may be overwritten: {while_read}");

    drop(release);
    assert_eq!(reading.await.unwrap(), Ok(vec!["ann".to_owned()]));
    write_megabytes(&db, 40..140).await;
    assert!(log_bytes(&fresh) < while_read + 80 * MEGABYTE, "{while_read}, then {}", log_bytes(&fresh));
    assert_eq!(all_names(&db).await.len(), 141);
}

/// Opens accounts with notes of a megabyte.
async fn write_megabytes(db: &Db, accounts: std::ops::Range<u32>) {
    for number in accounts {
        let write = move |tx: &mut Tx<'_>| {
            let note = "n".repeat(MEGABYTE as usize);
            let sql = "INSERT INTO accounts (name, balance, note) VALUES ($1, 1, $2)";
            tx.execute(sql, (format!("account {number}"), note))
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
