//! Opening: what is created, what is migrated, what is refused.

use super::*;
use crate::OpenError;

#[tokio::test]
async fn committed_rows_are_there_after_reopening_and_migrations_run_once() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)).await.unwrap();
        db.close().await;
        let again = fresh.open().await;
        assert_eq!(all_names(&again).await, ["ann"]);
    })
    .await;
}

#[tokio::test]
async fn a_migration_that_changed_after_it_was_applied_is_refused_by_name() {
    const CHANGED: Schema =
        Schema { service: "bank", migrations: &[("V1__accounts", "CREATE TABLE accounts (name TEXT)")] };
    const OLDER: Schema = Schema { service: "bank", migrations: &[] };
    on_each(async |fresh| {
        fresh.open().await.close().await;
        let changed = Db::open(&fresh.url, &CHANGED, DbOptions::default()).await.err().unwrap();
        assert!(matches!(changed, OpenError::ChangedMigration { .. }), "{changed}");
        assert!(changed.to_string().contains("V1__accounts"), "{changed}");
        let older = Db::open(&fresh.url, &OLDER, DbOptions::default()).await.err().unwrap();
        assert!(matches!(older, OpenError::MissingMigration { .. }), "{older}");
    })
    .await;
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    const BROKEN: Schema = Schema {
        service: "bank",
        migrations: &[("V1__good", "CREATE TABLE good (name TEXT)"), ("V2__bad", "CREATE TABLE bad (nonsense")],
    };
    const CORRECTED: Schema = Schema {
        service: "bank",
        migrations: &[("V1__good", "CREATE TABLE good (name TEXT)"), ("V2__bad", "CREATE TABLE bad (name TEXT)")],
    };
    on_each(async |fresh| {
        let broken = Db::open(&fresh.url, &BROKEN, DbOptions::default()).await.err().unwrap();
        assert!(matches!(broken, OpenError::Migration { .. }), "{broken}");
        Db::open(&fresh.url, &CORRECTED, DbOptions::default()).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_together_migrate_once() {
    on_each(async |fresh| {
        let starting: Vec<_> = (0..4)
            .map(|_| {
                let url = fresh.url.clone();
                tokio::spawn(async move { Db::open(&url, &SCHEMA, DbOptions::default()).await })
            })
            .collect();
        for started in starting {
            let db = started.await.unwrap().unwrap();
            assert!(all_names(&db).await.is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn another_service_reads_while_the_owner_runs_and_after_it_stopped() {
    on_each(async |fresh| {
        assert!(Db::open_read_only(&fresh.url).await.is_err(), "there is nothing to read yet");
        let owner = fresh.open().await;
        let reader = Db::open_read_only(&fresh.url).await.unwrap();
        owner.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)).await.unwrap();
        assert_eq!(all_names(&reader).await, ["ann"]);
        assert_eq!(reader.write(|tx| open_account(tx, "bob", 1)).await, Err(DbError::ReadOnly));
        owner.close().await;
        assert_eq!(all_names(&reader).await, ["ann"]);
        reader.close().await;
        assert_eq!(all_names(&Db::open_read_only(&fresh.url).await.unwrap()).await, ["ann"]);
    })
    .await;
}

#[tokio::test]
async fn writing_beside_the_owner_changes_only_rows() {
    const OF_A_NEWER_PROGRAM: Schema =
        Schema { service: "bank", migrations: &[SCHEMA.migrations[0], ("V2__more", "CREATE TABLE more (name TEXT)")] };
    on_each(async |fresh| {
        assert!(Db::open_existing(&fresh.url).await.is_err(), "there is nothing to write beside yet");
        let owner = Db::open(&fresh.url, &OF_A_NEWER_PROGRAM, DbOptions::default()).await.unwrap();
        owner.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)).await.unwrap();
        let beside = Db::open_existing(&fresh.url).await.unwrap();
        beside.write::<_, DbError, _>(|tx| open_account(tx, "bob", 1)).await.unwrap();
        beside.close().await;
        if fresh.postgres.is_none() {
            let wal = std::fs::metadata(fresh.folder.path().join("deep/er/bank.db-wal")).unwrap();
            assert!(wal.len() > 0, "only the owner checkpoints it");
        }
        owner.write::<_, DbError, _>(|tx| open_account(tx, "eve", 1)).await.unwrap();
        assert_eq!(all_names(&owner).await, ["ann", "bob", "eve"]);
    })
    .await;
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("taken"), "not a folder").unwrap();
    let url = DbUrl::sqlite(folder.path().join("taken/bank.db"));
    let error = Db::open(&url, &SCHEMA, DbOptions::default()).await.err().unwrap().to_string();
    assert!(error.contains("taken/bank.db") && error.contains("may write there"), "{error}");

    let not_a_database = folder.path().join("taken");
    let error =
        Db::open(&DbUrl::sqlite(not_a_database), &SCHEMA, DbOptions::default()).await.err().unwrap().to_string();
    assert!(error.contains("taken"), "{error}");
}

fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn only_the_owner_may_read_the_files_of_a_database() {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};
    let fresh = Fresh::sqlite();
    let folder = fresh.folder.path().join("deep/er");
    let files = ["bank.db", "bank.db-wal", "bank.db-shm", "running.lock"].map(|name| folder.join(name));
    let open = async || {
        let lock = crate::InstanceLock::acquire(&fresh.url).await.unwrap();
        let db = fresh.open().await;
        db.write::<_, DbError, _>(|tx| tx.execute("UPDATE accounts SET balance = 2", ())).await.unwrap();
        (lock, db)
    };
    let opened = open().await;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(files.each_ref().map(|file| mode(file)), [0o600; 4]);

    // An earlier version created them for everyone.
    std::fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    files.iter().for_each(|file| std::fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap());
    drop(opened.0);
    let _opened_again = open().await;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(files.each_ref().map(|file| mode(file)), [0o600; 4]);
}

#[tokio::test]
async fn a_folder_that_everyone_shares_stays_shared() {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).unwrap();
    Db::open(&DbUrl::sqlite(folder.path().join("bank.db")), &SCHEMA, DbOptions::default()).await.unwrap();
    assert_eq!(mode(folder.path()), 0o777);
    assert_eq!(mode(&folder.path().join("bank.db")), 0o600);
}

#[tokio::test]
async fn a_file_has_pages_of_the_size_that_disks_write() {
    let page_size =
        |tx: &mut Tx<'_>| tx.query_one("SELECT page_size FROM pragma_page_size", (), |row| row.get("page_size"));
    assert_eq!(Fresh::sqlite().open().await.read::<i64, DbError, _>(page_size).await.unwrap(), 4096);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_named() {
    // A port that nobody listens on, because we listened on it a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server: ServerUrl = format!("postgres://fnb:secret@127.0.0.1:{port}").parse().unwrap();
    let error = Db::open(&server.database("bank"), &SCHEMA, DbOptions::default()).await.err().unwrap().to_string();
    assert!(error.contains(&format!("127.0.0.1:{port}")) && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn a_commit_is_flushed_whatever_the_servers_default_is() {
    let Some(fresh) = Fresh::postgres() else { return };
    let (_, name) = fresh.postgres.clone().unwrap();
    let turn_flushes_off = move |tx: &mut Tx<'_>| {
        tx.execute(&format!("ALTER DATABASE \"{name}\" SET synchronous_commit = off"), ()).map(drop)
    };
    let db = fresh.open().await;
    db.write::<_, DbError, _>(turn_flushes_off).await.unwrap();
    db.close().await;
    let show = |tx: &mut Tx<'_>| tx.query_one("SHOW synchronous_commit", (), |row| row.get("synchronous_commit"));
    assert_eq!(fresh.open().await.write::<String, DbError, _>(show).await.unwrap(), "on");
}

/// A measurement, for a person.
#[tokio::test]
#[ignore = "a measurement"]
async fn how_long_opening_takes() {
    on_each(async |fresh| {
        for _ in 0..3 {
            let begun = std::time::Instant::now();
            let db = fresh.open().await;
            println!("{} opened in {:?}", fresh.url, begun.elapsed());
            db.close().await;
        }
    })
    .await;
}
