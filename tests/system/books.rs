//! The books: checks in the databases that money, stock and drinks add up.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use contracts::event::{CloudEvent, EventKind};
use db::{Db, DbError, Row, dead_letters, outbox};
use host::Databases;

use crate::wait::wait_until;

/// Limit for all events to be consumed after the last request.
const IDLE_WITHIN: Duration = Duration::from_secs(60);
const SERVICES: [&str; 7] = ["order", "payment", "product", "inventory", "qr", "analytics", "gateway"];

/// The databases of a shop.
pub struct Books {
    databases: Databases,
    runtime: tokio::runtime::Runtime,
}

/// An order, as the order service stores it.
#[derive(Clone, Debug)]
pub struct Order {
    pub status: String,
    pub total: i64,
    pub payment_id: Option<String>,
    /// The number of cups that a machine pours.
    pub cups: i64,
    pub number: String,
    pub business_day: String,
    pub customer_name: Option<String>,
}

impl Books {
    pub fn of(databases: Databases) -> Self {
        Self { databases, runtime: tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap() }
    }

    fn rows<T: Send + 'static>(
        &self,
        service: &str,
        sql: &'static str,
        read: fn(&Row<'_>) -> Result<T, DbError>,
    ) -> Vec<T> {
        self.read(&self.open(service), sql, read)
    }

    fn open(&self, service: &str) -> Db {
        self.runtime.block_on(self.databases.open_read_only(service)).unwrap()
    }

    fn read<T: Send + 'static>(
        &self,
        database: &Db,
        sql: &'static str,
        read: fn(&Row<'_>) -> Result<T, DbError>,
    ) -> Vec<T> {
        self.runtime.block_on(database.read(move |tx| tx.query(sql, (), read))).unwrap()
    }

    /// Waits until every event of a running shop is consumed.
    pub fn wait_until_idle(&self) {
        const SQL: &str = "SELECT CAST(COALESCE(SUM(CASE WHEN published_at IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT)
                                  AS waiting, COUNT(*) AS appended
                             FROM outbox";
        let databases = SERVICES.map(|service| self.open(service));
        let mut appended_before = None;
        wait_until(IDLE_WITHIN, || {
            let counts = databases.iter().flat_map(|database| {
                self.read(database, SQL, |row| Ok((row.get::<i64>("waiting")?, row.get::<i64>("appended")?)))
            });
            let (waiting, appended) = counts.fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
            // A service that was read before may consume an event of a later one and append another: only two equal
            // readings show that all of them are idle.
            let is_idle = waiting == 0 && appended_before == Some(appended);
            appended_before = Some(appended);
            if is_idle { Ok(()) } else { Err(format!("{waiting} of {appended} events are not published yet")) }
        });
    }

    pub fn orders(&self) -> HashMap<String, Order> {
        let orders = self.rows(
            "order",
            "SELECT o.order_id, o.status, o.total, o.payment_id, o.order_number, o.business_day, o.customer_name,
                    (SELECT CAST(COALESCE(SUM(i.quantity), 0) AS BIGINT) FROM order_items i
                      WHERE i.order_id = o.order_id AND i.dispense_ml IS NOT NULL) AS cups
               FROM orders o",
            |row| {
                let order = Order {
                    status: row.get("status")?,
                    total: row.get("total")?,
                    payment_id: row.get("payment_id")?,
                    cups: row.get("cups")?,
                    number: row.get("order_number")?,
                    business_day: row.get("business_day")?,
                    customer_name: row.get("customer_name")?,
                };
                Ok((row.get::<String>("order_id")?, order))
            },
        );
        orders.into_iter().collect()
    }

    /// For each order, the number of codes in each status.
    pub fn codes(&self) -> HashMap<String, BTreeMap<String, i64>> {
        let mut codes: HashMap<String, BTreeMap<String, i64>> = HashMap::new();
        let rows = self.rows(
            "qr",
            "SELECT order_id, status, COUNT(*) AS count FROM qr_codes GROUP BY order_id, status",
            |row| Ok((row.get::<String>("order_id")?, row.get::<String>("status")?, row.get::<i64>("count")?)),
        );
        for (order_id, status, count) in rows {
            codes.entry(order_id).or_default().insert(status, count);
        }
        codes
    }

    /// Checks everything that must hold once all events are consumed.
    pub fn check(&self) {
        self.wait_until_idle();
        let orders = self.orders();
        self.check_numbers(&orders);
        self.check_money(&orders);
        self.check_stock(&orders);
        self.check_codes(&orders);
        self.check_cups();
        for service in SERVICES {
            let dead = self.rows(service, "SELECT event_id, error FROM dead_letters", |row| {
                Ok((row.get::<String>("event_id")?, row.get::<String>("error")?))
            });
            assert!(dead.is_empty(), "dead letters of {service}: {dead:?}");
        }
    }

    /// The numbers of each day have no gaps and no duplicates.
    fn check_numbers(&self, orders: &HashMap<String, Order>) {
        let given = self.rows("order", "SELECT letter, business_day, last FROM order_numbers", |row| {
            Ok((row.get::<String>("letter")?, row.get::<String>("business_day")?, row.get::<i64>("last")?))
        });
        for (letter, day, last) in given {
            let of_day = orders.values().filter(|order| order.number.starts_with(&letter) && order.business_day == day);
            assert_eq!(i64::try_from(of_day.count()).unwrap(), last, "orders of {letter} on {day}");
        }
    }

    /// A paid order has exactly one payment of its total, and the transactions of each payment sum to the amount due.
    fn check_money(&self, orders: &HashMap<String, Order>) {
        let payments = self.rows(
            "payment",
            "SELECT payment_id, order_id, status, amount FROM payments WHERE status = 'PAID'",
            |row| Ok((row.get::<String>("order_id")?, (row.get::<String>("payment_id")?, row.get::<i64>("amount")?))),
        );
        let paid_count = payments.len();
        let payments: HashMap<String, (String, i64)> = payments.into_iter().collect();
        assert_eq!(payments.len(), paid_count, "an order was paid twice");
        for (order_id, order) in orders {
            match payments.get(order_id) {
                Some((payment_id, amount)) => {
                    assert_eq!(order.payment_id.as_ref(), Some(payment_id), "{order_id} {order:?}");
                    assert_eq!(order.total, *amount, "{order_id} {order:?}");
                    assert!(is_paid(order), "{order_id} {order:?} has money");
                }
                None => assert!(!is_paid(order), "{order_id} {order:?} has no money"),
            }
        }
        assert!(payments.keys().all(|order_id| orders.contains_key(order_id)), "a payment without an order");

        let off = self.rows(
            "payment",
            "SELECT p.payment_id FROM payments p
              WHERE p.status IN ('PAID', 'REFUND_DUE')
                AND p.due <> (SELECT CAST(COALESCE(SUM(t.amount), 0) AS BIGINT) FROM transactions t
                               WHERE t.payment_id = p.payment_id)",
            |row| row.get::<String>("payment_id"),
        );
        assert!(off.is_empty(), "the ledger of these payments does not add up: {off:?}");
    }

    /// Stock on hand is the sum of its movements, reserved stock is that of open orders, and each sale moved exactly once.
    fn check_stock(&self, orders: &HashMap<String, Order>) {
        let off = self.rows(
            "inventory",
            "SELECT i.name FROM inventories i
              WHERE i.on_hand <> (SELECT CAST(COALESCE(SUM(m.quantity), 0) AS BIGINT) FROM stock_moves m
                                   WHERE m.inventory_id = i.inventory_id)",
            |row| row.get::<String>("name"),
        );
        assert!(off.is_empty(), "on hand is not the sum of the movements: {off:?}");

        let mut held: HashMap<String, i64> = HashMap::new();
        let mut sold: HashMap<(String, String), i64> = HashMap::new();
        let reservations = self.rows("inventory", "SELECT order_id, effect, quantities FROM reservations", |row| {
            Ok((
                row.get::<String>("order_id")?,
                row.get::<String>("effect")?,
                row.json::<HashMap<String, i64>>("quantities")?,
            ))
        });
        for (order_id, effect, quantities) in reservations {
            // A reservation without an order is held until it expires.
            if let Some(order) = orders.get(&order_id) {
                let expected = match order.status.as_str() {
                    "PENDING" => "HELD",
                    "CANCELLED" | "EXPIRED" => "NONE",
                    _ => "CONSUMED",
                };
                assert_eq!(effect, expected, "the stock of {order_id} {order:?}");
            }
            for (inventory_id, quantity) in quantities {
                match effect.as_str() {
                    "HELD" => *held.entry(inventory_id).or_default() += quantity,
                    "CONSUMED" => *sold.entry((order_id.clone(), inventory_id)).or_default() += quantity,
                    _ => {}
                }
            }
        }
        let reserved = self.rows("inventory", "SELECT inventory_id, reserved FROM inventories", |row| {
            Ok((row.get::<String>("inventory_id")?, row.get::<i64>("reserved")?))
        });
        for (inventory_id, reserved) in reserved {
            assert_eq!(reserved, held.get(&inventory_id).copied().unwrap_or(0), "reserved stock of {inventory_id}");
        }
        let moved = self.rows(
            "inventory",
            "SELECT order_id, inventory_id, CAST(SUM(quantity) AS BIGINT) AS quantity FROM stock_moves
              WHERE order_id IS NOT NULL GROUP BY order_id, inventory_id",
            |row| {
                Ok(((row.get::<String>("order_id")?, row.get::<String>("inventory_id")?), row.get::<i64>("quantity")?))
            },
        );
        let moved: HashMap<(String, String), i64> = moved.into_iter().filter(|(_, quantity)| *quantity != 0).collect();
        let sold: HashMap<(String, String), i64> = sold.into_iter().map(|(key, quantity)| (key, -quantity)).collect();
        assert_eq!(moved, sold, "the stock that orders took, and the movements");
    }

    /// A paid order has exactly one code for each cup; a cancelled or expired order has none that is valid.
    fn check_codes(&self, orders: &HashMap<String, Order>) {
        let codes = self.codes();
        for (order_id, order) in orders {
            let of_order = codes.get(order_id).cloned().unwrap_or_default();
            let count = |statuses: &[&str]| -> i64 { statuses.iter().filter_map(|status| of_order.get(*status)).sum() };
            let not_void = count(&["PENDING", "ACTIVE", "LEASED", "USED", "REVIEW", "EXPIRED"]);
            match order.status.as_str() {
                "CANCELLED" | "EXPIRED" => assert_eq!(not_void, 0, "{order_id} {order:?} {of_order:?}"),
                "PENDING" => {
                    assert_eq!(count(&["PENDING", "EXPIRED"]), order.cups, "{order_id} {order:?} {of_order:?}");
                }
                "PROCESSING" | "READY" => {
                    assert_eq!(not_void, order.cups, "{order_id} {order:?} {of_order:?}");
                    assert_eq!(count(&["PENDING"]), 0, "{order_id} {order:?} {of_order:?}");
                }
                _ => assert!(not_void <= order.cups, "{order_id} {order:?} {of_order:?}"),
            }
        }
        assert!(codes.keys().all(|order_id| orders.contains_key(order_id)), "codes without an order");
    }

    /// The cups that Order counts as poured are the codes that QR counts as used.
    fn check_cups(&self) {
        let poured =
            self.rows("order", "SELECT code FROM order_cups WHERE status = 'USED'", |row| row.get::<String>("code"));
        let used = self.rows("qr", "SELECT code FROM qr_codes WHERE status = 'USED'", |row| row.get::<String>("code"));
        let sorted = |mut codes: Vec<String>| {
            codes.sort();
            codes
        };
        assert_eq!(sorted(poured), sorted(used));
    }
}

fn is_paid(order: &Order) -> bool {
    matches!(order.status.as_str(), "PROCESSING" | "READY" | "COMPLETED")
}

/// Published events, and dead letters made by the test.
impl Books {
    /// The ids of the events of this kind that a service published for an order.
    pub fn published_for(&self, service: &str, order_id: &str, kind: EventKind) -> Vec<String> {
        let published = self.rows(service, "SELECT event FROM outbox", |row| row.json::<CloudEvent>("event"));
        let of_order = published.into_iter().filter(|event| event.subject == order_id && event.kind == kind);
        of_order.map(|event| event.id.to_string()).collect()
    }

    /// Checks that refused requests left nothing: no order, no payment, no code, no reserved stock.
    pub fn check_untouched(&self) {
        for (service, sql) in [
            ("order", "SELECT order_id AS id FROM orders"),
            ("payment", "SELECT payment_id AS id FROM payments"),
            ("qr", "SELECT code AS id FROM qr_codes"),
            ("inventory", "SELECT inventory_id AS id FROM inventories WHERE reserved <> 0"),
        ] {
            let written = self.rows(service, sql, |row| row.get::<String>("id"));
            assert!(written.is_empty(), "{service} has {written:?}");
        }
    }

    /// Makes an order's event a dead letter of Inventory, as if its attempts had failed.
    pub fn dead_letter(&self, event_id: &str) {
        let event_id: contracts::ids::EventId = event_id.parse().unwrap();
        self.runtime.block_on(async {
            let orders = self.databases.open_read_only("order").await.unwrap();
            let row = orders.read(move |tx| outbox::find(tx, event_id)).await.unwrap().unwrap();
            let stock = self.databases.open(&inventory::SCHEMA).await.unwrap();
            let at = row.appended_at;
            stock.write(move |tx| dead_letters::insert(tx, "inventory", &row.event, "by hand", 8, at)).await.unwrap();
            stock.close().await;
        });
    }

    /// Waits until a running shop has consumed every dead letter that was redriven.
    pub fn wait_until_no_dead_letters(&self) {
        let inventory = self.open("inventory");
        wait_until(IDLE_WITHIN, || {
            let dead = self.read(&inventory, "SELECT event_id FROM dead_letters", |row| row.get::<String>("event_id"));
            if dead.is_empty() { Ok(()) } else { Err(format!("dead letters {dead:?}")) }
        });
    }
}
