//! Deletes sessions, keys and attempts that nobody needs any more.

use std::time::Duration;

use contracts::time::Timestamp;
use db::DbError;

use super::Staff;
use crate::{model::LOCK_MAX, store};

/// The pause between two rounds.
pub(crate) const PRUNING_PAUSE: Duration = Duration::from_secs(10 * 60);
/// How many rows of a table one transaction deletes at most.
const PRUNED_ROWS_MAX: u32 = 5_000;
/// How long rows stay after their end: a clock that was set ahead can be set back.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How many attempts with ids that nobody has stay locked: more than a person guesses, and a bound for a program.
const UNKNOWN_IDS_MAX: u32 = 10_000;

impl Staff {
    /// Deletes what has ended.
    pub(crate) async fn prune_credentials(&self) -> Result<(), DbError> {
        let now = self.clock.now();
        self.db
            .write_deferred::<_, DbError, _>(move |tx| {
                store::sessions::prune_sessions(tx, now - KEPT, PRUNED_ROWS_MAX)?;
                store::token_keys::prune_token_keys(tx, now - KEPT, PRUNED_ROWS_MAX)?;
                Ok(())
            })
            .await?;
        self.prune_attempts(now).await
    }

    /// In as many rounds as it takes: a program that guesses ids adds rows faster than one round deletes them.
    async fn prune_attempts(&self, now: Timestamp) -> Result<(), DbError> {
        loop {
            let pruned = self.db.write_deferred(move |tx| {
                store::staff::prune_attempts(tx, now - LOCK_MAX, UNKNOWN_IDS_MAX, PRUNED_ROWS_MAX)
            });
            if pruned.await? < u64::from(PRUNED_ROWS_MAX) {
                return Ok(());
            }
        }
    }
}
