//! Timer ("Background: Analytic ETL"): copies changed orders into the fact tables and the daily sums.
//!
//! A run reads the orders that changed since the last run, and a little before it, in batches. Each batch is one
//! transaction that moves the watermark, replaces facts and adds the differences to the sums. So a run that is
//! repeated, or interrupted anywhere, ends with the same figures.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, atomic::Ordering},
};

use contracts::{
    ids::{OrderId, ProductId},
    time::Timestamp,
};
use db::{Db, DbError, Tx};

use super::{Analytics, get, metrics, set};
use crate::{
    error::ExtractError,
    model::{LineFact, OrderFact, Progress, is_due, sum_changes},
    store::{self, sources::Position, watermark::Watermark},
};

/// The most orders in one transaction, which then takes a few hundredths of a second and lists them in one statement.
pub(crate) const ORDERS_PER_BATCH_MAX: u32 = 500;

impl Analytics {
    /// Extracts if a run is due. The timer calls it often.
    pub(crate) async fn extract_orders_if_due(&self) -> Result<(), ExtractError> {
        let is_requested = self.extraction.is_requested.load(Ordering::SeqCst);
        if is_due(&self.settings, get(&self.extraction.last_run), is_requested, self.clock.now()) {
            self.extract_orders().await?;
        }
        let finished = self.db.read::<_, DbError, _>(store::watermark::find_watermark).await?.run_at;
        metrics::record_lag(finished.map(|run_at| self.clock.now().since(run_at)).unwrap_or_default());
        Ok(())
    }

    /// Extracts now, after the current run if there is one, and returns how many orders were new or changed.
    ///
    /// # Errors
    /// [`ExtractError`]. What was extracted until then stays, and the next run continues.
    #[tracing::instrument(level = "debug", skip_all)]
    pub(crate) async fn extract_orders(&self) -> Result<usize, ExtractError> {
        let _running = self.extraction.running.lock().await;
        // Before the time is taken: a change from here on is read by this run, or requests another one.
        self.extraction.is_requested.store(false, Ordering::SeqCst);
        let started = self.clock.now();
        set(&self.extraction.last_run, started);
        let extracted = self.run(started).await;
        if extracted.is_err() {
            self.request_extraction();
        }
        extracted
    }

    async fn run(&self, started: Timestamp) -> Result<usize, ExtractError> {
        let mut watermark = self.db.read::<_, DbError, _>(store::watermark::find_watermark).await?;
        let last_long_run = get(&self.extraction.last_long_run);
        let progress = Progress { watermark: watermark.at, last_run: watermark.run_at, last_long_run };
        let is_long_run = progress.is_long_run_due(started);
        let mut position = Position { at: progress.start(started, is_long_run), order_id: None };
        let mut extracted = 0;
        let source = self.extraction.sources.order().await?;
        loop {
            let page = read_page(source, position).await?;
            let Some(last) = page.last() else { break };
            position = Position { at: last.updated_at, order_id: Some(last.order_id) };
            let is_last_page = page.len() < ORDERS_PER_BATCH_MAX as usize;
            let orders = self.complete(source, self.only_changed(page).await?).await?;
            if !orders.is_empty() || position.at > watermark.at {
                extracted += orders.len();
                watermark = self.load(watermark, position.at, orders).await?;
            }
            if is_last_page {
                break;
            }
        }
        self.finish(watermark, started).await?;
        if is_long_run {
            set(&self.extraction.last_long_run, started);
        }
        metrics::record_run(self.clock.now().since(started), extracted);
        if extracted > 0 {
            tracing::debug!(orders = extracted, "orders extracted");
        }
        Ok(extracted)
    }

    /// The orders of a page that are not in the facts in this version. Every run reads some orders again.
    async fn only_changed(&self, page: Vec<OrderFact>) -> Result<Vec<OrderFact>, ExtractError> {
        let ids = ids_of(&page);
        let known = self.db.read::<_, DbError, _>(move |tx| store::facts::list_versions(tx, &ids)).await?;
        let is_new = |order: &OrderFact| known.get(&order.order_id).is_none_or(|version| *version < order.version);
        Ok(page.into_iter().filter(is_new).collect())
    }

    /// Adds the orders' lines with their categories, and the cash rounding.
    async fn complete(&self, source: &Db, mut orders: Vec<OrderFact>) -> Result<Vec<OrderFact>, ExtractError> {
        if orders.is_empty() {
            return Ok(orders);
        }
        let mut lines = self.read_lines(source, &orders).await?;
        let roundings = self.read_roundings(&orders).await?;
        for order in &mut orders {
            order.lines = lines.remove(&order.order_id).unwrap_or_default();
            order.rounding = roundings.get(&order.order_id).copied().unwrap_or_default();
        }
        Ok(orders)
    }

    async fn read_lines(
        &self,
        source: &Db,
        orders: &[OrderFact],
    ) -> Result<HashMap<OrderId, Vec<LineFact>>, ExtractError> {
        let ids = ids_of(orders);
        let lines = source.read(move |tx| store::sources::list_lines(tx, &ids)).await;
        let lines = lines.map_err(|source| ExtractError::SourceUnavailable { service: "order", source })?;
        let products: BTreeSet<ProductId> = lines.iter().map(|line| line.product_id).collect();
        let products: Vec<ProductId> = products.into_iter().collect();
        let menu = self.extraction.sources.product().await?;
        let categories = menu.read(move |tx| store::sources::list_categories(tx, &products)).await;
        let categories = categories.map_err(|source| ExtractError::SourceUnavailable { service: "product", source })?;

        let mut by_order: HashMap<OrderId, Vec<LineFact>> = HashMap::new();
        for mut line in lines {
            if let Some((category_id, category_name)) = categories.get(&line.product_id) {
                line.category_id = Some(*category_id);
                line.category_name.clone_from(category_name);
            }
            by_order.entry(line.order_id).or_default().push(line);
        }
        Ok(by_order)
    }

    /// Payment commits before Order records it, so the payment of a paid order can be read here.
    async fn read_roundings(&self, orders: &[OrderFact]) -> Result<HashMap<OrderId, i64>, ExtractError> {
        let paid: Vec<OrderId> =
            orders.iter().filter(|order| order.paid_at.is_some()).map(|order| order.order_id).collect();
        if paid.is_empty() {
            return Ok(HashMap::new());
        }
        let payments = self.extraction.sources.payment().await?;
        let roundings = payments.read(move |tx| store::sources::list_roundings(tx, &paid)).await;
        roundings.map_err(|source| ExtractError::SourceUnavailable { service: "payment", source })
    }

    /// Loads a batch and moves the watermark to `at`.
    async fn load(
        &self,
        watermark: Watermark,
        at: Timestamp,
        orders: Vec<OrderFact>,
    ) -> Result<Watermark, ExtractError> {
        let orders = Arc::new(orders);
        let load = move |tx: &mut Tx<'_>| {
            // First, so that two processes cannot add the same difference twice: the second one waits, then stops.
            let moved = store::watermark::move_watermark(tx, watermark.version, at)?;
            let version = moved.ok_or(ExtractError::Conflict)?;
            replace_facts(tx, &orders)?;
            Ok::<_, ExtractError>(version)
        };
        let version = self.db.write(load).await?;
        Ok(Watermark { at, version, ..watermark })
    }

    async fn finish(&self, watermark: Watermark, started: Timestamp) -> Result<(), ExtractError> {
        let finish = move |tx: &mut Tx<'_>| store::watermark::finish_run(tx, watermark.version, started);
        match self.db.write::<_, DbError, _>(finish).await? {
            true => Ok(()),
            false => Err(ExtractError::Conflict),
        }
    }
}

fn ids_of(orders: &[OrderFact]) -> Vec<OrderId> {
    orders.iter().map(|order| order.order_id).collect()
}

fn replace_facts(tx: &mut Tx<'_>, orders: &[OrderFact]) -> Result<(), DbError> {
    let before = store::facts::list_orders(tx, &ids_of(orders))?;
    for order in &before {
        store::facts::delete_lines(tx, order.order_id)?;
    }
    for order in orders {
        store::facts::upsert_order(tx, order)?;
        for line in &order.lines {
            store::facts::insert_line(tx, order, line)?;
        }
    }
    let changes = sum_changes(&before, orders);
    for (key, sums) in &changes.days {
        store::sums::add_to_day(tx, key, sums)?;
    }
    for (key, sums) in &changes.products {
        store::sums::add_to_product(tx, key, sums)?;
    }
    Ok(())
}

async fn read_page(source: &Db, after: Position) -> Result<Vec<OrderFact>, ExtractError> {
    let page = move |tx: &mut Tx<'_>| store::sources::list_changed_orders(tx, after, ORDERS_PER_BATCH_MAX);
    source.read(page).await.map_err(|source| ExtractError::SourceUnavailable { service: "order", source })
}
