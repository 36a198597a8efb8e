//! The bare loop: what the disk and SQLite allow to one who commits an order's rows one order at a time.

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
    load::{self, Times},
};

/// How many commits are timed one by one, and the pause before each: a counter with one guest gives the disk pauses, too.
const ALONE_COMMITS: u32 = 300;
const ALONE_PAUSE: Duration = Duration::from_millis(2);

/// As long as an OrderCreated with three lines.
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

/// What the disk allows.
pub(crate) struct Bare {
    /// Commits a second, one after the other.
    pub(crate) per_second: f64,
    /// What a commit takes when it comes after a pause.
    pub(crate) alone: Times,
}

/// Commits orders for a while, one after the other, and then some with pauses.
pub(crate) fn measure(folder: &Path, runs_for: Duration, flush_ms: u64) -> Result<Bare, Failure> {
    fs::create_dir_all(folder)?;
    let mut connection = Connection::open(folder.join("bare.db"))?;
    // As the program opens its files: a commit is on the disk before it is answered.
    connection.pragma_update(None, "page_size", 4096)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.execute_batch(TABLES)?;
    let event = "x".repeat(EVENT_BYTES);
    let begun = Instant::now();
    let mut orders = 0_u32;
    while begun.elapsed() < runs_for {
        commit_order(&mut connection, orders, &event)?;
        imagine_slower(flush_ms);
        orders += 1;
    }
    let per_second = f64::from(orders) / begun.elapsed().as_secs_f64();
    let mut alone = Vec::new();
    for order in orders..orders + ALONE_COMMITS {
        thread::sleep(ALONE_PAUSE);
        let begun = Instant::now();
        commit_order(&mut connection, order, &event)?;
        imagine_slower(flush_ms);
        alone.push(load::micros(begun.elapsed()));
    }
    Ok(Bare { per_second, alone: Times::of(alone) })
}

/// A slower disk, as the program is told to imagine it.
fn imagine_slower(flush_ms: u64) {
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
