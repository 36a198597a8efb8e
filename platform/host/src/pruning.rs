//! What is old enough is forgotten: published events, events acted on, and answers kept for repeated requests.

use std::time::Duration;

use clock::Clock;
use contracts::time::Timestamp;
use db::{Db, DbError, DbResult, Tx, idempotency, inbox, outbox};

use tokio_util::sync::CancellationToken;

use crate::shutdown::sleep;

/// How long published events are kept as an audit trail, and requests may be repeated.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);
/// The pause between two rounds.
const PAUSE: Duration = Duration::from_secs(3_600);
/// How many rows go in one write: few enough that a cashier does not feel it.
const FORGOTTEN_ROWS_MAX: u32 = 500;
/// The pause between two such writes.
const BATCH_PAUSE: Duration = Duration::from_millis(20);

/// Forgets at most so many rows that are older; answers how many it were.
type Prune = fn(&mut Tx<'_>, Timestamp, u32) -> DbResult<u64>;

const TABLES: [(&str, Prune); 3] =
    [("outbox", outbox::prune), ("inbox", inbox::prune), ("idempotency keys", idempotency::prune)];

/// Forgets what is old, every hour until the stop.
pub(crate) async fn run(service: &'static str, db: Db, clock: Clock, shutdown: CancellationToken) {
    while sleep(&shutdown, PAUSE).await {
        let before = clock.now() - KEPT;
        for (table, prune) in TABLES {
            match forget(&db, prune, before, &shutdown).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(service, table, rows, "old rows forgotten"),
                Err(error) => {
                    tracing::warn!(service, table, %error, "old rows could not be forgotten; trying again later");
                }
            }
        }
    }
}

/// Forgets all that is older than `before`, a bounded batch at a time.
pub(crate) async fn forget(db: &Db, prune: Prune, before: Timestamp, shutdown: &CancellationToken) -> DbResult<u64> {
    let mut forgotten = 0;
    loop {
        let rows = db.write::<u64, DbError, _>(move |tx| prune(tx, before, FORGOTTEN_ROWS_MAX)).await?;
        forgotten += rows;
        if rows < u64::from(FORGOTTEN_ROWS_MAX) || !sleep(&shutdown, BATCH_PAUSE).await {
            return Ok(forgotten);
        }
    }
}
