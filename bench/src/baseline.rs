//! The baseline: how fast bare SQLite commits an order's rows on this disk, one order at a time.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use contracts::{ids::OrderId, time::Timestamp};
use rusqlite::Connection;

use crate::{
    failure::Failure,
    times::{self, Times},
};

/// Commits that are timed one by one, each after a pause: with a single client the disk has pauses too.
const PAUSED_COMMITS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(2);

/// The length of an OrderCreated event with three lines.
const EVENT_BYTES: usize = 1_000;

const TABLES: &str = "
    CREATE TABLE orders (
        order_id TEXT PRIMARY KEY, order_number TEXT NOT NULL, status TEXT NOT NULL, total BIGINT NOT NULL,
        currency TEXT NOT NULL, placed_at BIGINT NOT NULL, version BIGINT NOT NULL);
    CREATE TABLE order_items (
        order_id TEXT NOT NULL REFERENCES orders (order_id), line BIGINT NOT NULL, product_id TEXT NOT NULL,
        product_name TEXT NOT NULL, quantity BIGINT NOT NULL, unit_price BIGINT NOT NULL, line_total BIGINT NOT NULL,
        PRIMARY KEY (order_id, line));
    CREATE TABLE outbox (
        event_id TEXT PRIMARY KEY, event TEXT NOT NULL, appended_at BIGINT NOT NULL, published_at BIGINT);";

/// The speed of bare SQLite on this disk.
pub(crate) struct Baseline {
    /// Commits a second, one after the other.
    pub(crate) per_second: f64,
    /// The time of a commit after a pause.
    pub(crate) after_pause: Times,
}

/// Commits orders for `runs_for`, one after the other, and then some with pauses.
pub(crate) fn measure(folder: &Path, runs_for: Duration, flush_ms: u64) -> Result<Baseline, Failure> {
    fs::create_dir_all(folder)?;
    let mut connection = Connection::open(folder.join("bare.db"))?;
    // The program opens its files alike: a commit is on the disk before the response.
    connection.pragma_update(None, "page_size", 4096)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.execute_batch(TABLES)?;
    let event = "x".repeat(EVENT_BYTES);
    let started = Instant::now();
    let mut orders = 0_u32;
    while started.elapsed() < runs_for {
        commit_order(&mut connection, orders, &event)?;
        add_flush_time(flush_ms);
        orders += 1;
    }
    let per_second = f64::from(orders) / started.elapsed().as_secs_f64();
    let mut after_pause = Vec::new();
    for order in orders..orders + PAUSED_COMMITS {
        thread::sleep(PAUSE);
        let started = Instant::now();
        commit_order(&mut connection, order, &event)?;
        add_flush_time(flush_ms);
        after_pause.push(times::micros(started.elapsed()));
    }
    Ok(Baseline { per_second, after_pause: Times::of(after_pause) })
}

/// Simulates a slower disk, as the program does with the setting `bench_flush_ms`.
fn add_flush_time(flush_ms: u64) {
    if flush_ms > 0 {
        thread::sleep(Duration::from_millis(flush_ms));
    }
}

fn commit_order(connection: &mut Connection, number: u32, event: &str) -> Result<(), Failure> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
    let (order_id, event_id) = (OrderId::new(now).to_string(), OrderId::new(now).to_string());
    let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    tx.prepare_cached("INSERT INTO orders VALUES (?1, ?2, 'PENDING', 75000, 'IDR', ?3, 1)")?.execute((
        &order_id,
        format!("A-{number:04}"),
        now.0,
    ))?;
    for line in 1..=3 {
        tx.prepare_cached("INSERT INTO order_items VALUES (?1, ?2, ?3, 'Caffe latte', 1, 25000, 25000)")?
            .execute((&order_id, line, &event_id))?;
    }
    tx.prepare_cached("INSERT INTO outbox VALUES (?1, ?2, ?3, NULL)")?.execute((&event_id, event, now.0))?;
    Ok(tx.commit()?)
}
