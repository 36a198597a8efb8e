//! Deletes old rows: published events, inbox rows, and the responses kept for repeated requests.

use std::time::Duration;

use clock::Clock;
use contracts::time::Timestamp;
use db::{Db, DbError, DbResult, Tx, idempotency, inbox, outbox};
use tokio_util::sync::CancellationToken;

use crate::shutdown::sleep;

/// How long published events are kept as an audit trail, and requests may be repeated.
const TTL: Duration = Duration::from_secs(30 * 24 * 3_600);
/// The pause between two rounds.
const ROUND_PAUSE: Duration = Duration::from_secs(3_600);
/// A clock that advanced by this much more than the pause was set ahead.
const CLOCK_DRIFT_MAX: Duration = Duration::from_secs(600);
/// How many rows one write deletes: few enough that a cashier's request is not delayed.
const PRUNED_ROWS_MAX: u32 = 500;
/// The pause between two such writes.
const BATCH_PAUSE: Duration = Duration::from_millis(20);

/// Deletes at most so many rows that are older. Returns how many it deleted.
type Prune = fn(&mut Tx<'_>, Timestamp, u32) -> DbResult<u64>;

const TABLES: [(&str, Prune); 3] =
    [("outbox", outbox::prune), ("inbox", inbox::prune), ("idempotency_keys", idempotency::prune)];

/// Prunes every hour until the shutdown.
pub(crate) async fn run(service: &'static str, db: Db, clock: Clock, shutdown: CancellationToken) {
    let mut last_round = clock.now();
    while sleep(&shutdown, ROUND_PAUSE).await {
        let now = clock.now();
        // With a wrong clock the inbox rows of events that are still in flight look old. A person has an hour to set it
        // back.
        let is_suspect = was_set_ahead(last_round, now);
        last_round = now;
        if is_suspect {
            tracing::warn!(service, %now, "the clock was set ahead; nothing is pruned in this round");
            continue;
        }
        prune_tables(service, &db, now - TTL, &shutdown).await;
    }
}

fn was_set_ahead(last_round: Timestamp, now: Timestamp) -> bool {
    now > last_round + ROUND_PAUSE + CLOCK_DRIFT_MAX
}

async fn prune_tables(service: &str, db: &Db, before: Timestamp, shutdown: &CancellationToken) {
    for (table, prune) in TABLES {
        match prune_table(db, prune, before, shutdown).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(service, table, rows, "old rows pruned"),
            Err(error) => {
                tracing::warn!(service, table, error = %errors::chain(&error), "old rows not pruned; it is retried");
            }
        }
    }
}

/// Deletes everything older than `before`, a bounded batch at a time. Returns the number of rows.
pub(crate) async fn prune_table(
    db: &Db,
    prune: Prune,
    before: Timestamp,
    shutdown: &CancellationToken,
) -> DbResult<u64> {
    let mut pruned = 0;
    loop {
        let rows = db.write::<u64, DbError, _>(move |tx| prune(tx, before, PRUNED_ROWS_MAX)).await?;
        pruned += rows;
        if rows < u64::from(PRUNED_ROWS_MAX) || !sleep(shutdown, BATCH_PAUSE).await {
            return Ok(pruned);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_after_the_clock_was_set_ahead_is_suspect() {
        let last_round = Timestamp(1_795_312_800_000_000);
        assert!(!was_set_ahead(last_round, last_round + ROUND_PAUSE));
        assert!(!was_set_ahead(last_round, last_round - ROUND_PAUSE), "it was set back: everything looks younger");
        assert!(was_set_ahead(last_round, last_round + 31 * 24 * ROUND_PAUSE));
    }
}
