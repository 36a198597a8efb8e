//! Jobs: what is committed, what is rolled back, and when the caller is answered.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;

/// Reads that together take longer than a commit that is not deferred.
const READS: u32 = 100;
/// Longer than any test runs.
const FOREVER: Duration = Duration::from_secs(3600);

/// One writer, so that a test can block it on both databases.
fn one_writer() -> DbOptions {
    DbOptions { writers: 1, ..DbOptions::default() }
}

#[tokio::test]
async fn of_jobs_that_are_committed_together_only_the_failed_ones_change_nothing() {
    on_each(async |fresh| {
        let db = fresh.open_with(one_writer()).await;
        let (release, blocking) = block_writer(&db).await;

        let mut ann = Box::pin(db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)));
        let mut ann_again = Box::pin(db.write::<_, DbError, _>(|tx| {
            open_account(tx, "zoe", 1)?;
            open_account(tx, "ann", 2)
        }));
        let mut refused = Box::pin(db.write::<(), _, _>(|tx| {
            open_account(tx, "yan", 1)?;
            Err(DbError::Inconsistent("no".into()))
        }));
        let mut panics = Box::pin(db.write::<(), DbError, _>(|tx| {
            open_account(tx, "xia", 1)?;
            panic!("in the middle")
        }));
        let mut bob = Box::pin(db.write::<_, DbError, _>(|tx| open_account(tx, "bob", 1)));
        queue(&mut ann).await;
        queue(&mut ann_again).await;
        queue(&mut refused).await;
        queue(&mut panics).await;
        queue(&mut bob).await;
        drop(release);
        blocking.await.unwrap().unwrap();

        assert_eq!(ann.await, Ok(()));
        assert!(matches!(ann_again.await, Err(DbError::Unique { .. })));
        assert_eq!(refused.await, Err(DbError::Inconsistent("no".into())));
        assert!(panics.await.unwrap_err().to_string().contains("in the middle"));
        assert_eq!(bob.await, Ok(()));
        assert_eq!(all_names(&db).await, ["ann", "bob"]);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_panics_is_answered_and_the_next_one_is_committed() {
    on_each(async |fresh| {
        let db = fresh.open_with(one_writer()).await;
        let panicked: Result<(), DbError> = db
            .write(|tx| {
                open_account(tx, "ann", 1)?;
                panic!("alone")
            })
            .await;
        assert!(panicked.unwrap_err().to_string().contains("alone"));
        let read: Result<(), DbError> = db.read(|_| panic!("while reading")).await;
        assert!(read.is_err());
        db.write::<_, DbError, _>(|tx| open_account(tx, "bob", 1)).await.unwrap();
        assert_eq!(all_names(&db).await, ["bob"]);
    })
    .await;
}

#[tokio::test]
async fn a_reader_sees_only_what_is_committed() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)).await.unwrap();
        let (release, released) = mpsc::channel::<()>();
        let (written, mut has_written) = tokio::sync::mpsc::channel(1);
        let released = Arc::new(Mutex::new(released));
        let writer = db.clone();
        let writing = tokio::spawn(async move {
            writer
                .write::<_, DbError, _>(move |tx| {
                    open_account(tx, "bob", 1)?;
                    written.try_send(()).unwrap();
                    let _released = released.lock().unwrap().recv();
                    Ok(())
                })
                .await
        });
        has_written.recv().await.unwrap();
        assert_eq!(all_names(&db).await, ["ann"]);
        drop(release);
        writing.await.unwrap().unwrap();
        assert_eq!(all_names(&db).await, ["ann", "bob"]);
    })
    .await;
}

#[tokio::test]
async fn a_read_job_cannot_write() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        assert_eq!(db.read(|tx| open_account(tx, "ann", 1)).await, Err(DbError::ReadOnly));
        assert!(all_names(&db).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_point_read_sees_what_a_reader_sees() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)).await.unwrap();
        assert_eq!(db.point_read(names).await, Ok(vec!["ann".to_owned()]), "a commit that was just answered");
        assert_eq!(db.point_read(|tx| open_account(tx, "bob", 1)).await, Err(DbError::ReadOnly));
        for _ in 0..5 {
            let panicked: Result<(), DbError> = db.point_read(|_| panic!("in a point read")).await;
            assert!(panicked.unwrap_err().to_string().contains("in a point read"));
        }
        assert_eq!(db.point_read(names).await, Ok(vec!["ann".to_owned()]), "no connection is lost by a panic");
        db.close().await;
        assert_eq!(db.point_read(names).await, Err(DbError::Closed));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_point_reads_run_at_once_than_there_are_connections() {
    on_each(async |fresh| {
        let db = fresh.open_with(DbOptions { readers: 1, ..DbOptions::default() }).await;
        db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)).await.unwrap();
        // Each keeps its connection until both have one: one on the caller's thread, one on the reader's.
        let all_read = Arc::new(Barrier::new(2));
        let point_read = || {
            let (db, all_read) = (db.clone(), Arc::clone(&all_read));
            let job = move |tx: &mut Tx<'_>| {
                all_read.wait();
                names(tx)
            };
            tokio::spawn(async move { db.point_read::<_, DbError, _>(job).await })
        };
        if fresh.postgres.is_none() {
            let (first, second) = (point_read(), point_read());
            assert_eq!(first.await.unwrap(), Ok(vec!["ann".to_owned()]));
            assert_eq!(second.await.unwrap(), Ok(vec!["ann".to_owned()]));
        }
        let many: Vec<_> = (0..20)
            .map(|_| {
                let db = db.clone();
                tokio::spawn(async move { db.point_read::<_, DbError, _>(names).await })
            })
            .collect();
        for found in many {
            assert_eq!(found.await.unwrap(), Ok(vec!["ann".to_owned()]));
        }
    })
    .await;
}

#[tokio::test]
async fn a_job_that_ignores_a_failed_statement_is_rolled_back() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        let result: Result<(), DbError> = db
            .write(|tx| {
                open_account(tx, "ann", 1)?;
                let _twice = open_account(tx, "ann", 2);
                Ok(())
            })
            .await;
        assert!(matches!(result, Err(DbError::Unique { .. })), "{result:?}");
        assert!(all_names(&db).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_job_that_is_answered_with_a_failure_is_not_committed_after_its_group_ended() {
    let fresh = Fresh::sqlite();
    let db = fresh.open().await;
    let (release, blocking) = block_writer(&db).await;
    // It is rolled back after it wrote, so the others run with a savepoint each.
    let mut refused = Box::pin(db.write::<(), _, _>(|tx| {
        open_account(tx, "ann", 1)?;
        Err(DbError::Inconsistent("no".into()))
    }));
    // As a full disk may do.
    let mut ends_the_group = Box::pin(db.write::<_, DbError, _>(|tx| tx.execute("ROLLBACK", ())));
    let mut bob = Box::pin(db.write::<_, DbError, _>(|tx| open_account(tx, "bob", 1)));
    queue(&mut refused).await;
    queue(&mut ends_the_group).await;
    queue(&mut bob).await;
    drop(release);
    blocking.await.unwrap().unwrap_or(());
    refused.await.unwrap_err();
    ends_the_group.await.unwrap_err();
    bob.await.unwrap_err();
    assert_eq!(all_names(&db).await, [""; 0]);
    db.write::<_, DbError, _>(|tx| open_account(tx, "eve", 1)).await.unwrap();
}

#[tokio::test]
async fn a_unique_violation_is_distinguished_from_a_check_and_a_foreign_key() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)).await.unwrap();
        let unique = db.write(|tx| open_account(tx, "ann", 1)).await.unwrap_err();
        assert!(matches!(&unique, DbError::Unique { constraint } if constraint.contains("accounts")), "{unique}");
        let check = db.write(|tx| open_account(tx, "bob", -1)).await.unwrap_err();
        assert!(matches!(check, DbError::Statement { .. }), "{check}");
        let foreign_key = db
            .write::<_, DbError, _>(|tx| {
                let sql = "INSERT INTO cards (card, account) VALUES ($1, $2) RETURNING card";
                tx.query_opt(sql, ("1", "nobody"), |row| row.get::<String>("card"))
            })
            .await
            .unwrap_err();
        assert!(matches!(foreign_key, DbError::Statement { .. }), "{foreign_key}");
    })
    .await;
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    on_each(async |fresh| {
        let db = fresh.open_with(DbOptions { jobs_waiting_max: 1, ..one_writer() }).await;
        let (release, blocking) = block_writer(&db).await;
        let mut waits = Box::pin(db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)));
        queue(&mut waits).await;
        assert_eq!(db.write(|tx| open_account(tx, "bob", 1)).await, Err(DbError::Overloaded));
        drop(release);
        blocking.await.unwrap().unwrap();
        assert_eq!(waits.await, Ok(()));
        assert_eq!(all_names(&db).await, ["ann"]);
    })
    .await;
}

#[tokio::test]
async fn closing_finishes_queued_jobs_and_refuses_later_ones() {
    on_each(async |fresh| {
        let db = fresh.open_with(one_writer()).await;
        let (release, blocking) = block_writer(&db).await;
        let mut waits = Box::pin(db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)));
        queue(&mut waits).await;
        let closing = tokio::spawn({
            let db = db.clone();
            async move { db.close().await }
        });
        drop(release);
        closing.await.unwrap();
        blocking.await.unwrap().unwrap();
        assert_eq!(waits.await, Ok(()));
        assert_eq!(db.write(|tx| open_account(tx, "bob", 1)).await, Err(DbError::Closed));
        assert_eq!(db.read(names).await, Err(DbError::Closed));
        db.close().await;
        assert_eq!(all_names(&fresh.open().await).await, ["ann"]);
        if fresh.postgres.is_none() {
            assert!(fresh.folder.path().join("deep/er/bank.db").exists());
        }
    })
    .await;
}

#[tokio::test]
async fn a_closed_file_has_no_wal() {
    let fresh = Fresh::sqlite();
    let db = fresh.open().await;
    db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)).await.unwrap();
    assert!(fresh.folder.path().join("deep/er/bank.db-wal").exists());
    db.close().await;
    assert!(!fresh.folder.path().join("deep/er/bank.db-wal").exists());
}

#[tokio::test]
async fn an_empty_commit_does_not_make_a_read_only_server_writable() {
    let Some(fresh) = Fresh::postgres() else { return };
    let db = fresh.open_with(one_writer()).await;
    db.write::<_, DbError, _>(|tx| tx.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", ()))
        .await
        .unwrap();
    let failed = db.write(|tx| open_account(tx, "ann", 1)).await;
    assert!(matches!(failed, Err(DbError::Unavailable(_))), "{failed:?}");
    db.write::<_, DbError, _>(|_| Ok(())).await.unwrap();
    assert!(matches!(db.check_writable().await, Err(DbError::Unavailable(_))));
}

#[tokio::test]
async fn two_jobs_in_a_deadlock_are_both_committed() {
    let Some(fresh) = Fresh::postgres() else { return };
    let db = fresh.open().await;
    db.write::<_, DbError, _>(|tx| {
        open_account(tx, "ann", 0)?;
        open_account(tx, "bob", 0)
    })
    .await
    .unwrap();
    let both_hold_one = Arc::new(Barrier::new(2));
    let job = |first: &'static str, second: &'static str| {
        let (db, both_hold_one, has_met) = (db.clone(), both_hold_one.clone(), AtomicBool::new(false));
        tokio::spawn(async move {
            db.write::<_, DbError, _>(move |tx| {
                const SQL: &str = "UPDATE accounts SET balance = balance + 1 WHERE name = $1";
                tx.execute(SQL, (first,))?;
                if !has_met.swap(true, Ordering::SeqCst) {
                    both_hold_one.wait();
                }
                tx.execute(SQL, (second,))
            })
            .await
        })
    };
    let (one, other) = (job("ann", "bob"), job("bob", "ann"));
    assert_eq!(one.await.unwrap(), Ok(1));
    assert_eq!(other.await.unwrap(), Ok(1));
    let balances =
        db.read::<_, DbError, _>(|tx| tx.query("SELECT balance FROM accounts", (), |row| row.get::<i64>("balance")));
    assert_eq!(balances.await.unwrap(), [2, 2]);
}

#[tokio::test]
async fn a_connection_that_was_cut_is_reopened() {
    let Some(fresh) = Fresh::postgres() else { return };
    let db = fresh.open_with(one_writer()).await;
    db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 0)).await.unwrap();
    let (base, name) = fresh.postgres.clone().unwrap();
    let cut = thread::spawn(move || {
        let mut client = ::postgres::Client::connect(&format!("{base}/postgres"), ::postgres::NoTls).unwrap();
        client.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", &[&name]).unwrap();
    });
    cut.join().unwrap();
    db.write::<_, DbError, _>(|tx| open_account(tx, "bob", 0)).await.unwrap();
    assert_eq!(all_names(&db).await, ["ann", "bob"]);
}

const ACCOUNTS: i64 = 10;
const BALANCE: i64 = 100;
const TELLERS: u64 = 8;
const TRANSFERS_PER_TELLER: u32 = 60;

/// Moves money if there is enough; the row with the smaller name first, as every hot row.
fn transfer(tx: &mut Tx<'_>, from: i64, to: i64, amount: i64) -> DbResult<()> {
    const SQL: &str = "
        UPDATE accounts SET balance = balance + $2 WHERE name = $1 AND balance + $2 >= 0 RETURNING balance";
    let mut steps = [(from, -amount), (to, amount)];
    steps.sort_unstable();
    for (account, change) in steps {
        let moved = tx.query_opt(SQL, (format!("{account}"), change), |row| row.get::<i64>("balance"))?;
        moved.ok_or(DbError::Inconsistent("not enough money".into()))?;
    }
    Ok(())
}

/// Random concurrent transfers. `FNB_TEST_SEED` repeats a run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_transfers_neither_create_nor_lose_money() {
    let seed: u64 = std::env::var("FNB_TEST_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("FNB_TEST_SEED={seed}");
    on_each(async |fresh| {
        let db = fresh.open().await;
        db.write::<_, DbError, _>(|tx| (0..ACCOUNTS).try_for_each(|name| open_account(tx, &name.to_string(), BALANCE)))
            .await
            .unwrap();
        let tellers: Vec<_> = (0..TELLERS)
            .map(|teller| {
                let (db, mut random) = (db.clone(), StdRng::seed_from_u64(seed ^ teller));
                tokio::spawn(async move {
                    for _ in 0..TRANSFERS_PER_TELLER {
                        let (from, to) = (random.random_range(0..ACCOUNTS), random.random_range(0..ACCOUNTS));
                        let amount = random.random_range(1..=BALANCE);
                        match db.write(move |tx| transfer(tx, from, to, amount)).await {
                            Ok(()) | Err(DbError::Inconsistent(_)) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            })
            .collect();
        for teller in tellers {
            teller.await.unwrap();
        }
        let sum = db.read::<i64, DbError, _>(|tx| {
            tx.query_one("SELECT CAST(SUM(balance) AS BIGINT) AS total FROM accounts", (), |row| row.get("total"))
        });
        assert_eq!(sum.await.unwrap(), ACCOUNTS * BALANCE);
    })
    .await;
}

/// A measurement, for a person: `cargo test -p db -- --ignored --nocapture how_many`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn how_many_rows_a_second_are_committed() {
    const ROWS: usize = 3200;
    on_each(async |fresh| {
        let db = fresh.open().await;
        for tasks in [1, 64] {
            let begun = std::time::Instant::now();
            let inserting: Vec<_> = (0..tasks)
                .map(|task| {
                    let db = db.clone();
                    tokio::spawn(async move {
                        for row in 0..ROWS / tasks {
                            let name = format!("{tasks} {task} {row}");
                            db.write::<_, DbError, _>(move |tx| open_account(tx, &name, 0)).await.unwrap();
                        }
                    })
                })
                .collect();
            for task in inserting {
                task.await.unwrap();
            }
            println!("{} with {tasks} tasks: {ROWS} rows in {:?}", fresh.url, begun.elapsed());
        }
    })
    .await;
}

#[tokio::test]
async fn a_deferred_job_is_committed_with_the_next_job() {
    on_each(async |fresh| {
        let db = fresh.open_with(DbOptions { deferred_max_wait: FOREVER, ..one_writer() }).await;
        let mut ann = Box::pin(db.write_deferred::<_, DbError, _>(|tx| open_account(tx, "ann", 1)));
        queue(&mut ann).await;
        // PostgreSQL groups commits by itself.
        if fresh.postgres.is_none() {
            for _ in 0..READS {
                assert_eq!(all_names(&db).await, [""; 0], "it is deferred");
            }
        }
        db.write::<_, DbError, _>(|tx| open_account(tx, "bob", 1)).await.unwrap();
        assert_eq!(ann.await, Ok(()));
        assert_eq!(all_names(&db).await, ["ann", "bob"]);
    })
    .await;
}

#[tokio::test]
async fn a_deferred_job_is_committed_alone_if_no_other_job_comes() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        db.write_deferred::<_, DbError, _>(|tx| open_account(tx, "ann", 1)).await.unwrap();
        assert_eq!(all_names(&db).await, ["ann"]);
    })
    .await;
}

#[tokio::test]
async fn closing_does_not_wait_for_a_job_to_defer_to() {
    on_each(async |fresh| {
        let db = fresh.open_with(DbOptions { deferred_max_wait: FOREVER, ..one_writer() }).await;
        let mut ann = Box::pin(db.write_deferred::<_, DbError, _>(|tx| open_account(tx, "ann", 1)));
        queue(&mut ann).await;
        db.close().await;
        assert_eq!(ann.await, Ok(()));
        let again = fresh.open().await;
        assert_eq!(all_names(&again).await, ["ann"]);
    })
    .await;
}
