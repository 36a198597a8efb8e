//! Jobs: what is kept, what is not, and who is answered when.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;

/// Each takes longer than a commit that nobody holds back needs to begin.
const LOOKS: u32 = 100;
/// Longer than any test runs.
const FOREVER: Duration = Duration::from_secs(3600);

/// One writer, so that a test can hold it up on both databases.
fn one_writer() -> DbOptions {
    DbOptions { writers: 1, ..DbOptions::default() }
}

#[tokio::test]
async fn jobs_that_wait_together_are_all_answered_and_only_the_refused_ones_change_nothing() {
    on_each(async |fresh| {
        let db = fresh.open_with(one_writer()).await;
        let (release, held) = hold_writer(&db).await;

        let mut ann = Box::pin(db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)));
        let mut ann_again = Box::pin(db.write::<_, DbError, _>(|tx| {
            open_account(tx, "zoe", 1)?;
            open_account(tx, "ann", 2)
        }));
        let mut refused = Box::pin(db.write::<(), _, _>(|tx| {
            open_account(tx, "yan", 1)?;
            Err(DbError::Json("no".into()))
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
        held.await.unwrap().unwrap();

        assert_eq!(ann.await, Ok(()));
        assert!(matches!(ann_again.await, Err(DbError::Unique { .. })));
        assert_eq!(refused.await, Err(DbError::Json("no".into())));
        assert!(panics.await.unwrap_err().to_string().contains("in the middle"));
        assert_eq!(bob.await, Ok(()));
        assert_eq!(all_names(&db).await, ["ann", "bob"]);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_panics_alone_is_answered_and_the_next_one_is_kept() {
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
async fn a_reader_sees_what_is_committed_and_nothing_else() {
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
async fn what_is_found_on_the_callers_thread_is_what_a_reader_reads() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)).await.unwrap();
        assert_eq!(db.point_read(names).await, Ok(vec!["ann".to_owned()]), "what was just answered as kept");
        assert_eq!(db.point_read(|tx| open_account(tx, "bob", 1)).await, Err(DbError::ReadOnly));
        for _ in 0..5 {
            let panicked: Result<(), DbError> = db.point_read(|_| panic!("while finding")).await;
            assert!(panicked.unwrap_err().to_string().contains("while finding"));
        }
        assert_eq!(db.point_read(names).await, Ok(vec!["ann".to_owned()]), "nothing is lost by that");
        db.close().await;
        assert_eq!(db.point_read(names).await, Err(DbError::Closed));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_are_found_at_once_than_there_are_connections_for() {
    on_each(async |fresh| {
        let db = fresh.open_with(DbOptions { readers: 1, ..DbOptions::default() }).await;
        db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)).await.unwrap();
        // Each holds a connection until all have one: one on its caller's thread, one on the reader's.
        let all_read = Arc::new(Barrier::new(2));
        let find = || {
            let (db, all_read) = (db.clone(), Arc::clone(&all_read));
            let job = move |tx: &mut Tx<'_>| {
                all_read.wait();
                names(tx)
            };
            tokio::spawn(async move { db.point_read::<_, DbError, _>(job).await })
        };
        if fresh.postgres.is_none() {
            let (first, second) = (find(), find());
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
async fn a_job_that_shrugs_off_a_failed_statement_is_not_kept() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        let shrugged: Result<(), DbError> = db
            .write(|tx| {
                open_account(tx, "ann", 1)?;
                let _twice = open_account(tx, "ann", 2);
                Ok(())
            })
            .await;
        assert!(matches!(shrugged, Err(DbError::Unique { .. })), "{shrugged:?}");
        assert!(all_names(&db).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_row_that_must_be_unique_a_check_and_a_foreign_key_are_told_apart() {
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
async fn a_queue_that_is_full_refuses_at_once() {
    on_each(async |fresh| {
        let db = fresh.open_with(DbOptions { jobs_waiting_max: 1, ..one_writer() }).await;
        let (release, held) = hold_writer(&db).await;
        let mut waits = Box::pin(db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)));
        queue(&mut waits).await;
        assert_eq!(db.write(|tx| open_account(tx, "bob", 1)).await, Err(DbError::Overloaded));
        drop(release);
        held.await.unwrap().unwrap();
        assert_eq!(waits.await, Ok(()));
        assert_eq!(all_names(&db).await, ["ann"]);
    })
    .await;
}

#[tokio::test]
async fn closing_finishes_what_was_queued_and_refuses_what_comes_later() {
    on_each(async |fresh| {
        let db = fresh.open_with(one_writer()).await;
        let (release, held) = hold_writer(&db).await;
        let mut waits = Box::pin(db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)));
        queue(&mut waits).await;
        let closing = tokio::spawn({
            let db = db.clone();
            async move { db.close().await }
        });
        drop(release);
        closing.await.unwrap();
        held.await.unwrap().unwrap();
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
async fn a_file_that_was_closed_has_no_log_beside_it() {
    let fresh = Fresh::sqlite();
    let db = fresh.open().await;
    db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)).await.unwrap();
    assert!(fresh.folder.path().join("deep/er/bank.db-wal").exists());
    db.close().await;
    assert!(!fresh.folder.path().join("deep/er/bank.db-wal").exists());
}

#[tokio::test]
async fn when_the_disk_is_full_what_was_answered_as_kept_is_kept_and_nothing_else() {
    let fresh = Fresh::sqlite();
    let db = fresh.open().await;
    fill_the_disk(&db).await;
    let (release, held) = hold_writer(&db).await;
    let mut ann = Box::pin(db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)));
    let mut big = Box::pin(db.write(open_large_account));
    let mut bob = Box::pin(db.write::<_, DbError, _>(|tx| open_account(tx, "bob", 1)));
    queue(&mut ann).await;
    queue(&mut big).await;
    queue(&mut bob).await;
    drop(release);
    held.await.unwrap().unwrap_or(());

    let answers = [("ann", ann.await), ("big", big.await), ("bob", bob.await)];
    assert!(matches!(answers[1].1, Err(DbError::Unavailable(_))), "{answers:?}");
    let kept: Vec<_> = answers.iter().filter(|(_, answer)| answer.is_ok()).map(|(name, _)| *name).collect();
    assert_eq!(all_names(&db).await, kept);
    db.write::<_, DbError, _>(|tx| open_account(tx, "eve", 1)).await.unwrap();
}

/// Leaves room for two pages more.
async fn fill_the_disk(db: &Db) {
    db.write::<_, DbError, _>(|tx| {
        let pages = tx.query_one("PRAGMA page_count", (), |row| row.get::<i64>("page_count"))?;
        tx.query(&format!("PRAGMA max_page_count = {}", pages + 2), (), |_| Ok(()))
    })
    .await
    .unwrap();
}

fn open_large_account(tx: &mut Tx<'_>) -> DbResult<()> {
    let note = "much ".repeat(100_000);
    tx.execute("INSERT INTO accounts (name, balance, note) VALUES ($1, $2, $3)", ("big", 1, note)).map(|_| ())
}

#[tokio::test]
async fn a_job_that_goes_on_after_the_disk_was_full_keeps_nothing() {
    let fresh = Fresh::sqlite();
    let db = fresh.open().await;
    fill_the_disk(&db).await;
    let shrugged: Result<(), DbError> = db
        .write(|tx| {
            let _full = open_large_account(tx);
            open_account(tx, "bob", 1)
        })
        .await;
    assert!(matches!(shrugged, Err(DbError::Unavailable(_))), "{shrugged:?}");
    assert!(all_names(&db).await.is_empty());
}

#[tokio::test]
async fn whether_writes_are_kept_is_known_from_the_last_one_and_from_another_try() {
    let fresh = Fresh::sqlite();
    let db = fresh.open().await;
    assert_eq!(db.check_writable().await, Ok(()));
    fill_the_disk(&db).await;
    assert!(db.write(open_large_account).await.is_err());
    assert_eq!(db.check_writable().await, Ok(()), "a small write still fits");

    db.write::<_, DbError, _>(|tx| tx.execute("PRAGMA query_only = ON", ())).await.unwrap();
    assert_eq!(db.check_writable().await, Ok(()), "the last one was kept");
    for _ in 0..2 {
        let away = db.write(|tx| open_account(tx, "ann", 1)).await;
        assert!(matches!(away, Err(DbError::Unavailable(_))), "{away:?}");
        assert!(matches!(db.check_writable().await, Err(DbError::Unavailable(_))));
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_written_is_not_well_because_nothing_could_be_committed() {
    let Some(fresh) = Fresh::postgres() else { return };
    let db = fresh.open_with(one_writer()).await;
    db.write::<_, DbError, _>(|tx| tx.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", ()))
        .await
        .unwrap();
    let away = db.write(|tx| open_account(tx, "ann", 1)).await;
    assert!(matches!(away, Err(DbError::Unavailable(_))), "{away:?}");
    db.write::<_, DbError, _>(|_| Ok(())).await.unwrap();
    assert!(matches!(db.check_writable().await, Err(DbError::Unavailable(_))));
}

#[tokio::test]
async fn two_jobs_that_lock_each_other_out_are_both_kept() {
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
        let (db, both_hold_one, met) = (db.clone(), both_hold_one.clone(), AtomicBool::new(false));
        tokio::spawn(async move {
            db.write::<_, DbError, _>(move |tx| {
                const SQL: &str = "UPDATE accounts SET balance = balance + 1 WHERE name = $1";
                tx.execute(SQL, (first,))?;
                if !met.swap(true, Ordering::SeqCst) {
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
async fn a_connection_that_was_cut_is_made_again() {
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
        moved.ok_or(DbError::Json("not enough money".into()))?;
    }
    Ok(())
}

/// A random run of transfers beside each other. `FNB_TEST_SEED` repeats one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfers_beside_each_other_neither_make_nor_lose_money() {
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
                            Ok(()) | Err(DbError::Json(_)) => {}
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
async fn how_many_rows_a_second_are_kept_alone_and_beside_each_other() {
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
async fn what_nobody_waits_for_is_committed_with_what_somebody_does() {
    on_each(async |fresh| {
        let db = fresh.open_with(DbOptions { soon: FOREVER, ..one_writer() }).await;
        let mut ann = Box::pin(db.write_deferred::<_, DbError, _>(|tx| open_account(tx, "ann", 1)));
        queue(&mut ann).await;
        // PostgreSQL gathers commits by itself.
        if fresh.postgres.is_none() {
            for _ in 0..LOOKS {
                assert_eq!(all_names(&db).await, [""; 0], "it is held back");
            }
        }
        db.write::<_, DbError, _>(|tx| open_account(tx, "bob", 1)).await.unwrap();
        assert_eq!(ann.await, Ok(()));
        assert_eq!(all_names(&db).await, ["ann", "bob"]);
    })
    .await;
}

#[tokio::test]
async fn what_nobody_waits_for_is_committed_by_itself_where_nothing_else_comes() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        db.write_deferred::<_, DbError, _>(|tx| open_account(tx, "ann", 1)).await.unwrap();
        assert_eq!(all_names(&db).await, ["ann"]);
    })
    .await;
}

#[tokio::test]
async fn closing_waits_for_nobody() {
    on_each(async |fresh| {
        let db = fresh.open_with(DbOptions { soon: FOREVER, ..one_writer() }).await;
        let mut ann = Box::pin(db.write_deferred::<_, DbError, _>(|tx| open_account(tx, "ann", 1)));
        queue(&mut ann).await;
        db.close().await;
        assert_eq!(ann.await, Ok(()));
        let again = fresh.open().await;
        assert_eq!(all_names(&again).await, ["ann"]);
    })
    .await;
}
