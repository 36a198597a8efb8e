//! The instance lock: one process at a time.

use std::time::Duration;

use super::*;
use crate::{InstanceLock, InstanceLockError};

/// Longer than a lock needs to notice a change.
const NOTICE_TIMEOUT: Duration = Duration::from_secs(20);

async fn is_taken(url: &DbUrl) -> bool {
    match InstanceLock::acquire(url).await {
        Ok(_) => false,
        Err(InstanceLockError::Taken) => true,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_locked_database_is_refused_to_others_until_the_lock_is_released() {
    on_each(async |fresh| {
        let lock = InstanceLock::acquire(&fresh.url).await.unwrap();
        assert!(is_taken(&fresh.url).await);
        let db = fresh.open().await;
        db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)).await.unwrap();
        let beside = Db::open_existing(&fresh.url).await.unwrap();
        beside.write::<_, DbError, _>(|tx| open_account(tx, "bob", 1)).await.unwrap();
        drop(lock);
        assert!(!is_taken(&fresh.url).await);
    })
    .await;
}

/// How many sessions have the lock, or wait for it.
fn sessions(tx: &mut Tx<'_>, is_granted: bool) -> DbResult<i64> {
    const SQL: &str = "
        SELECT COUNT(*) AS sessions FROM pg_locks JOIN pg_database ON pg_locks.database = pg_database.oid
         WHERE datname = current_database() AND locktype = 'advisory' AND granted = ($1 = 1)";
    tx.query_one(SQL, (i64::from(is_granted),), |row| row.get("sessions"))
}

async fn until_sessions(db: &Db, is_granted: bool, count: i64) {
    let reached = async { while db.read(move |tx| sessions(tx, is_granted)).await != Ok(count) {} };
    tokio::time::timeout(NOTICE_TIMEOUT, reached).await.expect("the lock changes hands");
}

/// Cuts the connection that holds the lock.
async fn cut(db: &Db) {
    const SQL: &str = "
        SELECT COUNT(pg_terminate_backend(pid)) AS cut FROM pg_locks JOIN pg_database ON pg_locks.database = pg_database.oid
         WHERE datname = current_database() AND locktype = 'advisory' AND granted";
    let cut = |tx: &mut Tx<'_>| tx.query_one(SQL, (), |row| row.get::<i64>("cut"));
    assert_eq!(db.write::<_, DbError, _>(cut).await, Ok(1));
}

#[tokio::test]
async fn a_lock_whose_connection_was_cut_is_taken_again() {
    let Some(fresh) = Fresh::postgres() else { return };
    let _lock = InstanceLock::acquire(&fresh.url).await.unwrap();
    let db = fresh.open().await;
    cut(&db).await;
    until_sessions(&db, true, 0).await;
    until_sessions(&db, true, 1).await;
    assert!(is_taken(&fresh.url).await);
}

#[tokio::test]
async fn a_lock_that_another_took_while_the_connection_was_lost_is_lost() {
    let Some(fresh) = Fresh::postgres() else { return };
    let mut lock = InstanceLock::acquire(&fresh.url).await.unwrap();
    let db = fresh.open().await;
    let another = tokio::spawn({
        let url = fresh.url.clone();
        async move { InstanceLock::acquire(&url).await.unwrap() }
    });
    until_sessions(&db, false, 1).await;
    cut(&db).await;
    let _another = another.await.unwrap();
    tokio::time::timeout(NOTICE_TIMEOUT, lock.lost()).await.expect("it notices");
}
