//! "Background: Analytic ETL": what changed at the other services comes into the fact tables and the daily sums.
//!
//! A run walks over the orders that changed since the watermark, less an overlap, in batches. Each batch is one
//! transaction that moves the watermark, replaces facts and adds to the sums what that changed; so a run that is
//! repeated, or broken off anywhere, ends in the same figures as one that was not.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, atomic::Ordering},
};

use contracts::{
    ids::{OrderId, ProductId},
    time::Timestamp,
};
use db::{Db, DbError, Tx};

use super::Analytics;
use crate::{
    error::ExtractError,
    model::{OrderFact, goes_far, is_due, read_until, restart_at, restart_far_at, sum_changes},
    store::{self, sources::Position, watermark::Watermark},
};

/// How many orders are extracted in one transaction: enough to be fast, few enough to be over in a few hundredths of a
/// second and to be listed in one statement.
pub(crate) const ORDERS_PER_BATCH_MAX: u32 = 500;

impl Analytics {
    /// Extracts, if it is time to. The timer asks again and again.
    pub(crate) async fn extract_if_due(&self) -> Result<(), ExtractError> {
        let has_changed = self.extraction.has_changed.load(Ordering::SeqCst);
        if is_due(&self.settings, self.last_run(), has_changed, self.clock.now()) {
            self.extract().await?;
        }
        Ok(())
    }

    /// Extracts now, after a run that is going on, and answers how many orders were new or had changed. From time to
    /// time a run goes far back, for what appeared late.
    ///
    /// # Errors
    /// Where a source cannot be read. What was extracted until then stays; the next run goes on from there.
    pub(crate) async fn extract(&self) -> Result<usize, ExtractError> {
        let _turn = self.extraction.turn.lock().await;
        // Before the time is taken: what happens from here on is read by this run, or asks for another one.
        self.extraction.has_changed.store(false, Ordering::SeqCst);
        let started = self.clock.now();
        self.note_run(started);
        let last_far = self.last_far_run();
        let is_far = goes_far(last_far, started);
        let restart = |watermark| match is_far {
            true => restart_far_at(watermark, started, last_far),
            false => restart_at(watermark, started),
        };
        let outcome = self.run(started, restart).await;
        match &outcome {
            Ok(_) if is_far => self.note_far_run(started),
            Ok(_) => {}
            Err(_) => self.note_change(),
        }
        outcome
    }

    /// Reads what changed since where `restart` says for the watermark.
    async fn run(&self, started: Timestamp, restart: impl Fn(Timestamp) -> Timestamp) -> Result<usize, ExtractError> {
        let mut watermark = self.db.read::<_, DbError, _>(store::watermark::find).await?;
        let mut position = Position { at: restart(watermark.at), order_id: None };
        let until = read_until(started);
        let mut extracted = 0;
        let source = self.extraction.sources.order().await?;
        loop {
            let page = changed_orders(source, position, until).await?;
            let Some(last) = page.last() else { break };
            position = Position { at: last.updated_at, order_id: Some(last.order_id) };
            let is_last_page = page.len() < usize::try_from(ORDERS_PER_BATCH_MAX).unwrap_or(usize::MAX);
            let orders = self.with_lines(source, self.changed(page).await?).await?;
            if !orders.is_empty() || position.at > watermark.at {
                extracted += orders.len();
                watermark = self.load(watermark, position.at, orders).await?;
            }
            if is_last_page {
                break;
            }
        }
        self.finish(watermark, started).await?;
        if extracted > 0 {
            tracing::debug!(orders = extracted, "orders came into the reports");
        }
        Ok(extracted)
    }

    /// Of a page, the orders that are not yet in the facts as they are now: the overlap is read again each time.
    async fn changed(&self, page: Vec<OrderFact>) -> Result<Vec<OrderFact>, ExtractError> {
        let ids: Vec<OrderId> = page.iter().map(|order| order.order_id).collect();
        let known = self.db.read::<_, DbError, _>(move |tx| store::facts::versions(tx, &ids)).await?;
        let is_new = |order: &OrderFact| known.get(&order.order_id).is_none_or(|version| *version < order.version);
        Ok(page.into_iter().filter(is_new).collect())
    }

    /// The orders with their lines, and the categories that their products have on the menu.
    async fn with_lines(&self, source: &Db, mut orders: Vec<OrderFact>) -> Result<Vec<OrderFact>, ExtractError> {
        if orders.is_empty() {
            return Ok(orders);
        }
        let ids: Vec<OrderId> = orders.iter().map(|order| order.order_id).collect();
        let lines =
            source.read(move |tx| store::sources::lines(tx, &ids)).await.map_err(|error| away("order", &error))?;
        let products: BTreeSet<ProductId> = lines.iter().map(|line| line.product_id).collect();
        let products: Vec<ProductId> = products.into_iter().collect();
        let menu = self.extraction.sources.product().await?;
        let found = menu.read(move |tx| store::sources::categories(tx, &products)).await;
        let categories = found.map_err(|error| away("product", &error))?;

        let mut by_order: HashMap<OrderId, &mut OrderFact> =
            orders.iter_mut().map(|order| (order.order_id, order)).collect();
        for mut line in lines {
            if let Some((category_id, category_name)) = categories.get(&line.product_id) {
                line.category_id = Some(*category_id);
                line.category_name.clone_from(category_name);
            }
            if let Some(order) = by_order.get_mut(&line.order_id) {
                order.lines.push(line);
            }
        }
        Ok(orders)
    }

    /// Loads a batch, and moves the watermark to `at` with it.
    async fn load(
        &self,
        watermark: Watermark,
        at: Timestamp,
        orders: Vec<OrderFact>,
    ) -> Result<Watermark, ExtractError> {
        let orders = Arc::new(orders);
        let version = self
            .db
            .write(move |tx| {
                // First, so that two processes cannot add the same change to the sums: the later one waits, then stops.
                let version = store::watermark::advance(tx, watermark.version, at)?.ok_or(ExtractError::Overtaken)?;
                replace_facts(tx, &orders)?;
                Ok::<_, ExtractError>(version)
            })
            .await?;
        Ok(Watermark { at, version, ..watermark })
    }

    async fn finish(&self, watermark: Watermark, started: Timestamp) -> Result<(), ExtractError> {
        let finish = move |tx: &mut Tx<'_>| store::watermark::finish(tx, watermark.version, started);
        match self.db.write::<_, DbError, _>(finish).await? {
            true => Ok(()),
            false => Err(ExtractError::Overtaken),
        }
    }
}

fn replace_facts(tx: &mut Tx<'_>, orders: &[OrderFact]) -> Result<(), DbError> {
    let ids: Vec<OrderId> = orders.iter().map(|order| order.order_id).collect();
    let before = store::facts::find(tx, &ids)?;
    for order in &before {
        store::facts::forget_lines(tx, order.order_id)?;
    }
    for order in orders {
        store::facts::put_order(tx, order)?;
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

async fn changed_orders(source: &Db, after: Position, until: Timestamp) -> Result<Vec<OrderFact>, ExtractError> {
    let page = move |tx: &mut Tx<'_>| store::sources::changed_orders(tx, after, until, ORDERS_PER_BATCH_MAX);
    source.read(page).await.map_err(|error| away("order", &error))
}

fn away(service: &'static str, error: &DbError) -> ExtractError {
    ExtractError::SourceAway { service, why: error.to_string() }
}
