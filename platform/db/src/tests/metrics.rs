//! The metrics of a database.

use std::collections::BTreeMap;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use super::{
    full_disk::{fill_the_disk, open_large_account},
    *,
};

/// A service of its own: other tests in this process are recorded too.
const MEASURED: Schema = Schema { service: "measured", ..SCHEMA };

/// The metrics of [`MEASURED`] by name and queue. Of a histogram, how many values it got since the last call.
fn values(snapshotter: &Snapshotter) -> BTreeMap<String, f64> {
    let mut values = BTreeMap::new();
    for (key, _unit, _description, value) in snapshotter.snapshot().into_vec() {
        let labels: BTreeMap<&str, &str> = key.key().labels().map(|label| (label.key(), label.value())).collect();
        if labels.get("database") != Some(&MEASURED.service) {
            continue;
        }
        let name = match labels.get("queue") {
            Some(queue) => format!("{} {queue}", key.key().name()),
            None => key.key().name().to_owned(),
        };
        values.insert(
            name,
            match value {
                DebugValue::Counter(count) => f64::from(u32::try_from(count).unwrap()),
                DebugValue::Gauge(value) => value.0,
                DebugValue::Histogram(samples) => f64::from(u32::try_from(samples.len()).unwrap()),
            },
        );
    }
    values
}

#[tokio::test]
async fn commits_queues_the_wal_and_a_full_disk_are_measured() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    recorder.install().unwrap();
    let fresh = Fresh::sqlite();
    let db = Db::open(&fresh.url, &MEASURED, DbOptions::default()).await.unwrap();
    for name in ["ann", "bob", "eve"] {
        db.write::<_, DbError, _>(move |tx| open_account(tx, name, 1)).await.unwrap();
    }
    db.write_deferred::<_, DbError, _>(|tx| open_account(tx, "joe", 1)).await.unwrap();
    all_names(&db).await;

    let measured = values(&snapshotter);
    let expected = [
        ("db_commit_duration_seconds", 4.0),
        ("db_commit_group_jobs", 4.0),
        ("db_disk_full", 0.0),
        ("db_pool_wait_duration_seconds deferred", 1.0),
        ("db_pool_wait_duration_seconds read", 1.0),
        ("db_pool_wait_duration_seconds write", 3.0),
        ("db_queue_jobs deferred", 0.0),
        ("db_queue_jobs read", 0.0),
        ("db_queue_jobs write", 0.0),
    ];
    for (name, value) in expected {
        assert_eq!(measured.get(name), Some(&value), "{name} in {measured:?}");
    }
    assert!(measured["db_wal_size_bytes"] > 4096.0, "{measured:?}");

    fill_the_disk(&db).await;
    db.write(open_large_account).await.unwrap_err();
    assert_eq!(values(&snapshotter)["db_disk_full"], 1.0);
}
