//! Databases with the `etl_*` views of Order, Payment and Product, and nothing else.

use std::time::Duration;

use contracts::{
    ids::{CategoryId, OrderId, ProductId},
    time::Timestamp,
};
use db::{Db, DbError, DbResult, Schema, Tx};
use testkit::World;

const ORDERS: Schema = Schema {
    service: "order",
    migrations: &[(
        "V1__orders",
        "CREATE TABLE etl_orders (
            order_id TEXT NOT NULL PRIMARY KEY, order_number TEXT NOT NULL, status TEXT NOT NULL, channel TEXT NOT NULL,
            business_day TEXT NOT NULL, total BIGINT NOT NULL, discount BIGINT NOT NULL, service BIGINT NOT NULL,
            tax BIGINT NOT NULL, currency TEXT NOT NULL, placed_at BIGINT NOT NULL, paid_at BIGINT,
            payment_method TEXT, updated_at BIGINT NOT NULL, version BIGINT NOT NULL);
         CREATE TABLE etl_order_items (
            order_id TEXT NOT NULL, line BIGINT NOT NULL, product_id TEXT NOT NULL, product_name TEXT NOT NULL,
            quantity BIGINT NOT NULL, line_total BIGINT NOT NULL, discount BIGINT NOT NULL, service BIGINT NOT NULL,
            tax BIGINT NOT NULL, PRIMARY KEY (order_id, line));",
    )],
};

const PAYMENTS: Schema = Schema {
    service: "payment",
    migrations: &[(
        "V1__payments",
        "CREATE TABLE etl_payments (
            payment_id TEXT NOT NULL PRIMARY KEY, order_id TEXT NOT NULL, status TEXT NOT NULL,
            rounding BIGINT NOT NULL, paid_at BIGINT);",
    )],
};

const MENU: Schema = Schema {
    service: "product",
    migrations: &[(
        "V1__menu",
        "CREATE TABLE etl_products (product_id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, category_id TEXT NOT NULL);
         CREATE TABLE etl_categories (category_id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL);",
    )],
};

/// The databases of the other services.
pub(super) struct TestShop {
    orders: Db,
    payments: Db,
    menu: Db,
}

/// An order of Order, and its payment. Its price is the sum of its lines, tax included.
#[derive(Clone, Debug)]
pub(super) struct Sale {
    pub(super) number: u32,
    pub(super) status: &'static str,
    pub(super) business_day: &'static str,
    pub(super) method: Option<&'static str>,
    pub(super) rounding: i64,
    pub(super) currency: &'static str,
    pub(super) changed_at: Timestamp,
    pub(super) version: i64,
    /// Product, name, quantity and unit price.
    pub(super) lines: Vec<(u8, &'static str, i64, i64)>,
}

/// The business day on which every world begins.
pub(super) const TODAY: &str = "2026-11-22";

impl Sale {
    /// A paid order of today: two lattes and a croissant.
    pub(super) fn paid(number: u32, world: &World) -> Self {
        Self {
            number,
            status: "PROCESSING",
            business_day: TODAY,
            method: Some("CASH"),
            rounding: 0,
            currency: "IDR",
            changed_at: world.clock.now() - Duration::from_secs(60 * 60) + Duration::from_secs(number.into()),
            version: 2,
            lines: vec![(1, "Latte", 2, 25_000), (2, "Croissant", 1, 30_000)],
        }
    }

    pub(super) fn total(&self) -> i64 {
        self.lines.iter().map(|(_, _, quantity, price)| quantity * price).sum()
    }

    pub(super) fn order_id(&self) -> OrderId {
        format!("0192f0c1-0000-7000-8000-{:012}", self.number).parse().unwrap()
    }

    fn insert(&self, tx: &mut Tx<'_>) -> DbResult<()> {
        const DELETE: &str = "DELETE FROM etl_orders WHERE order_id = $1";
        const ORDER: &str =
            "INSERT INTO etl_orders VALUES ($1, $2, $3, 'POS', $4, $5, 0, 0, $6, $7, $8, $9, $10, $11, $12)";
        tx.execute(DELETE, (self.order_id(),))?;
        let placed_at = Timestamp(1_700_000_000_000_000 + i64::from(self.number));
        let paid_at = self.method.map(|_| Timestamp(placed_at.0 + 1));
        let number = format!("A-{:04}", self.number);
        let total = self.total();
        let identity = (self.order_id(), number, self.status, self.business_day, total, total / 11, self.currency);
        let (id, number, status, day, total, tax, currency) = identity;
        let (method, changed_at, version) = (self.method, self.changed_at, self.version);
        tx.execute(
            ORDER,
            (id, number, status, day, total, tax, currency, placed_at, paid_at, method, changed_at, version),
        )?;
        self.insert_lines(tx)
    }

    /// Its payment, and one that came late and is refunded.
    fn insert_payments(&self, tx: &mut Tx<'_>) -> DbResult<()> {
        const DELETE: &str = "DELETE FROM etl_payments WHERE order_id = $1";
        const PAYMENT: &str = "INSERT INTO etl_payments VALUES ($1, $2, $3, $4, 1)";
        tx.execute(DELETE, (self.order_id(),))?;
        if self.method.is_some() {
            tx.execute(PAYMENT, (format!("paid-{}", self.number), self.order_id(), "PAID", self.rounding))?;
            tx.execute(PAYMENT, (format!("late-{}", self.number), self.order_id(), "REFUND_DUE", 7_i64))?;
        }
        Ok(())
    }

    fn insert_lines(&self, tx: &mut Tx<'_>) -> DbResult<()> {
        const DELETE: &str = "DELETE FROM etl_order_items WHERE order_id = $1";
        const LINE: &str = "INSERT INTO etl_order_items VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0)";
        tx.execute(DELETE, (self.order_id(),))?;
        for (line, (product, name, quantity, price)) in (1_i64..).zip(&self.lines) {
            tx.execute(LINE, (self.order_id(), line, product_id(*product), *name, *quantity, quantity * price))?;
        }
        Ok(())
    }
}

pub(super) fn product_id(product: u8) -> ProductId {
    format!("0192f0c1-1111-7000-8000-{product:012}").parse().unwrap()
}

impl TestShop {
    pub(super) async fn open(world: &World) -> Self {
        let databases = &world.context().databases;
        let shop = Self {
            orders: databases.open(&ORDERS).await.unwrap(),
            payments: databases.open(&PAYMENTS).await.unwrap(),
            menu: databases.open(&MENU).await.unwrap(),
        };
        shop.menu.write::<_, DbError, _>(menu_of_two).await.unwrap();
        shop
    }

    /// Inserts or replaces orders and their payments.
    pub(super) async fn put(&self, sales: &[Sale]) {
        let sales = sales.to_vec();
        let paid = sales.clone();
        let put = move |tx: &mut Tx<'_>| paid.iter().try_for_each(|sale| sale.insert_payments(tx));
        self.payments.write::<_, DbError, _>(put).await.unwrap();
        let put = move |tx: &mut Tx<'_>| sales.iter().try_for_each(|sale| sale.insert(tx));
        self.orders.write::<_, DbError, _>(put).await.unwrap();
    }
}

/// Lattes are coffee; the croissant is not on the menu.
fn menu_of_two(tx: &mut Tx<'_>) -> DbResult<()> {
    let coffee: CategoryId = "0192f0c1-2222-7000-8000-000000000001".parse().unwrap();
    tx.execute("INSERT INTO etl_categories VALUES ($1, 'Coffee')", (coffee,))?;
    tx.execute("INSERT INTO etl_products VALUES ($1, 'Latte', $2)", (product_id(1), coffee))?;
    Ok(())
}

/// Every row of the fact tables and every daily sum that is not 0, to compare two shops.
pub(super) async fn figures(analytics: &Db) -> Vec<String> {
    const TABLES: [&str; 4] = [
        "SELECT order_id || ' ' || status || ' ' || business_day || ' ' || CAST(total AS TEXT) || ' '
                || COALESCE(payment_method, '-') || ' ' || CAST(units AS TEXT) || ' ' || CAST(version AS TEXT) AS figure
           FROM orders_fact ORDER BY order_id",
        "SELECT order_id || ' ' || CAST(line AS TEXT) || ' ' || product_name || ' ' || COALESCE(category_name, '-') || ' '
                || CAST(quantity AS TEXT) || ' ' || CAST(line_total AS TEXT) AS figure
           FROM sales_fact ORDER BY order_id, line",
        "SELECT business_day || ' ' || product_id || ' ' || product_name || ' ' || CAST(units AS TEXT) || ' '
                || CAST(sales AS TEXT) AS figure
           FROM product_performance WHERE units <> 0 OR sales <> 0 ORDER BY business_day, product_id, currency",
        "SELECT business_day || ' ' || currency || ' ' || payment_method || ' ' || CAST(orders AS TEXT) || ' '
                || CAST(units AS TEXT) || ' ' || CAST(sales AS TEXT) || ' ' || CAST(tax AS TEXT) || ' '
                || CAST(rounding AS TEXT) AS figure
           FROM daily_sales WHERE orders <> 0 OR sales <> 0 ORDER BY business_day, currency, payment_method",
    ];
    let read = |tx: &mut Tx<'_>| {
        let tables = TABLES.iter().map(|sql| tx.query(sql, (), |row| row.get("figure")));
        Ok(tables.collect::<DbResult<Vec<Vec<String>>>>()?.concat())
    };
    analytics.read::<_, DbError, _>(read).await.unwrap()
}

/// The number of daily sums that differ from the sum of the facts.
pub(super) async fn wrong_sums(analytics: &Db) -> i64 {
    const DAYS: &str = "
        SELECT COUNT(*) AS wrong FROM daily_sales d
         WHERE (d.orders, d.sales, d.units, d.rounding) <>
               (SELECT COUNT(*), COALESCE(SUM(f.total), 0), COALESCE(SUM(f.units), 0), COALESCE(SUM(f.rounding), 0)
                  FROM orders_fact f
                 WHERE f.business_day = d.business_day AND f.currency = d.currency AND f.payment_method = d.payment_method
                   AND f.is_paid = 1 AND f.status <> 'CANCELLED')";
    const PRODUCTS: &str = "
        SELECT COUNT(*) AS wrong FROM product_performance p
         WHERE (p.units, p.sales) <>
               (SELECT COALESCE(SUM(s.quantity), 0), COALESCE(SUM(s.line_total - s.discount), 0)
                  FROM sales_fact s JOIN orders_fact f ON f.order_id = s.order_id
                 WHERE s.business_day = p.business_day AND s.product_id = p.product_id AND s.currency = p.currency
                   AND f.is_paid = 1 AND f.status <> 'CANCELLED')";
    let count = |tx: &mut Tx<'_>| {
        let days: i64 = tx.query_one(DAYS, (), |row| row.get("wrong"))?;
        let products: i64 = tx.query_one(PRODUCTS, (), |row| row.get("wrong"))?;
        Ok(days + products)
    };
    analytics.read::<_, DbError, _>(count).await.unwrap()
}
