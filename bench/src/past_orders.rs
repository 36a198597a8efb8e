//! Past orders: writes paid orders by the million straight into a shop's files.
//!
//! Copies the rows of a few real paid orders with other ids and earlier times, up to a year back. Rows that a shop
//! deletes after 30 days (outboxes, inboxes, idempotency keys) are left out.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use contracts::{
    shop::{ShopRules, ShopSettings},
    time::Timestamp,
};
use rusqlite::{Connection, types::Value};

use crate::failure::Failure;

/// Between two past orders: a million orders are a year.
const INTERVAL: Duration = Duration::from_secs(30);
/// The age of the newest past order: older than the rows that a shop deletes after 30 days.
const NEWEST_AGE: Duration = Duration::from_secs(31 * 24 * 60 * 60);
/// Orders in one transaction.
const ORDERS_PER_COMMIT: u64 = 5_000;
/// Real orders that are copied: with cups and without.
const TEMPLATES: usize = 3;

/// Copies a stopped shop's files.
pub(crate) fn copy_files(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Writes `orders` past orders into the files of a stopped shop.
pub(crate) fn fill(data: &Path, orders: u64) -> Result<(), Failure> {
    let templates = template_orders(data)?;
    let past = PastTimes::of(orders)?;
    for entry in fs::read_dir(data)? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "db") {
            fill_file(&file, &templates, &past, orders)?;
        }
    }
    Ok(())
}

/// One order with a cup, and others without.
fn template_orders(data: &Path) -> Result<Vec<String>, Failure> {
    let connection = Connection::open(data.join("orders.db"))?;
    let ids = |having: &str, limit: usize| -> Result<Vec<String>, Failure> {
        let sql = format!(
            "SELECT order_id FROM orders WHERE paid_at IS NOT NULL AND order_id {having} IN
                    (SELECT order_id FROM order_items WHERE dispense_ml IS NOT NULL) LIMIT {limit}"
        );
        let mut statement = connection.prepare(&sql)?;
        let ids = statement.query_map((), |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    };
    let mut templates = ids("", 1)?;
    templates.extend(ids("NOT", TEMPLATES - 1)?);
    if templates.len() < TEMPLATES {
        return Err(Failure("the shop has too few paid orders to copy".into()));
    }
    Ok(templates)
}

/// The time of each past order.
struct PastTimes {
    shop: ShopRules,
    first: i64,
}

impl PastTimes {
    fn of(orders: u64) -> Result<Self, Failure> {
        let shop = ShopRules::new(ShopSettings::default()).map_err(|error| Failure(error.to_string()))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let newest = micros(now) - micros(NEWEST_AGE);
        Ok(Self { shop, first: newest - micros(INTERVAL) * i64::try_from(orders).unwrap_or(i64::MAX) })
    }

    fn at(&self, order: u64) -> i64 {
        self.first + micros(INTERVAL) * i64::try_from(order).unwrap_or(0)
    }
}

/// The rows of one copied order in one table.
struct TableRows {
    insert: String,
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

fn fill_file(file: &Path, templates: &[String], past: &PastTimes, orders: u64) -> Result<(), Failure> {
    let mut connection = Connection::open(file)?;
    // Nothing here needs to survive a crash, and children may be written before their parents.
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "foreign_keys", "OFF")?;
    let templates: Vec<Vec<TableRows>> =
        templates.iter().map(|order_id| read_templates(&connection, order_id)).collect::<Result<_, _>>()?;
    if templates.iter().all(Vec::is_empty) {
        return Ok(());
    }
    let mut next = 0;
    while next < orders {
        let tx = connection.transaction()?;
        for order in next..(next + ORDERS_PER_COMMIT).min(orders) {
            let tables = &templates[usize::try_from(order).unwrap_or(0) % templates.len()];
            for table in tables {
                let mut insert = tx.prepare_cached(&table.insert)?;
                for row in &table.rows {
                    let values =
                        table.columns.iter().zip(row).map(|(column, value)| past_value(column, value, order, past));
                    insert.execute(rusqlite::params_from_iter(values))?;
                }
            }
        }
        tx.commit()?;
        next += ORDERS_PER_COMMIT;
    }
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))?;
    Ok(())
}

/// The rows of this order in every table.
fn read_templates(connection: &Connection, order_id: &str) -> Result<Vec<TableRows>, Failure> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let tables: Vec<String> = connection.prepare(sql)?.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut templates = Vec::new();
    for table in tables {
        let condition = match table.as_str() {
            "transactions" => "payment_id IN (SELECT payment_id FROM payments WHERE order_id = ?1)",
            _ if connection.column_exists(None, table.as_str(), "order_id")? => "order_id = ?1",
            _ => continue,
        };
        let table_rows = read_table(connection, &table, condition, order_id)?;
        if !table_rows.rows.is_empty() {
            templates.push(table_rows);
        }
    }
    Ok(templates)
}

fn read_table(connection: &Connection, table: &str, condition: &str, order_id: &str) -> Result<TableRows, Failure> {
    let mut statement = connection.prepare(&format!("SELECT * FROM {table} WHERE {condition}"))?;
    let columns: Vec<String> = statement.column_names().map(String::from).collect();
    let read_row = |row: &rusqlite::Row<'_>| (0..columns.len()).map(|at| row.get(at)).collect();
    let rows = statement.query_map((order_id,), read_row)?.collect::<Result<_, _>>()?;
    let places = (1..=columns.len()).map(|place| format!("?{place}")).collect::<Vec<_>>().join(", ");
    Ok(TableRows { insert: format!("INSERT INTO {table} VALUES ({places})"), columns, rows })
}

/// The value of a past order in this column, from the value of the copied order.
fn past_value(column: &str, value: &Value, order: u64, past: &PastTimes) -> Value {
    let at = past.at(order);
    match (column, value) {
        (
            "order_id" | "payment_id" | "paid_payment_id" | "move_id" | "transaction_id" | "dispense_id",
            Value::Text(id),
        ) => Value::Text(past_id(id, order, at)),
        ("code" | "replaces", Value::Text(code)) => Value::Text(format!("QR-PAST-{:016X}", hash(code, order))),
        ("order_number", Value::Text(_)) => Value::Text(format!("P-{order:07}")),
        ("business_day", Value::Text(_)) => Value::Text(past.shop.business_day(Timestamp(at)).to_string()),
        // Handed over long ago, so that no timer acts on it.
        ("status", Value::Text(status)) if status == "PROCESSING" => Value::Text("COMPLETED".into()),
        ("status", Value::Text(status)) if status == "ACTIVE" => Value::Text("USED".into()),
        ("is_open" | "open", Value::Integer(_)) => Value::Integer(0),
        (_, Value::Integer(_)) if column.ends_with("_at") => Value::Integer(at),
        _ => value.clone(),
    }
}

/// The id that replaces `original` in this past order: ordered by time, and the same in every file.
fn past_id(original: &str, order: u64, at_micros: i64) -> String {
    let millis = u64::try_from(at_micros / 1000).unwrap_or(0) & 0xffff_ffff_ffff;
    let rest = hash(original, order);
    let (a, b, c) = (rest >> 52, (rest >> 40) & 0xfff, rest & 0xff_ffff_ffff);
    format!("{:08x}-{:04x}-7{a:03x}-8{b:03x}-{c:012x}", millis >> 16, millis & 0xffff)
}

/// A hash of the text and the order: FNV-1a, then the finaliser of SplitMix64.
fn hash(text: &str, order: u64) -> u64 {
    let hashed = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut mixed = hashed ^ order.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_ids_differ_by_order_and_original_and_grow_with_time() {
        let id =
            |original: &str, order: u64| past_id(original, order, 1_700_000_000_000_000 + order as i64 * 30_000_000);
        assert!(id("a", 1).parse::<contracts::ids::OrderId>().is_ok(), "{}", id("a", 1));
        assert_ne!(id("a", 1), id("b", 1));
        assert!((1..1000).all(|order| id("a", order) < id("a", order + 1)));
    }

    #[test]
    fn a_past_order_is_completed_and_keeps_its_products() {
        let past = PastTimes::of(10).unwrap();
        let text = |text: &str| Value::Text(text.into());
        assert_eq!(past_value("status", &text("PROCESSING"), 3, &past), text("COMPLETED"));
        assert_eq!(past_value("product_name", &text("Latte"), 3, &past), text("Latte"));
        assert_eq!(past_value("paid_at", &Value::Integer(5), 3, &past), Value::Integer(past.at(3)));
        assert_eq!(past_value("expires_at", &Value::Null, 3, &past), Value::Null);
    }
}
