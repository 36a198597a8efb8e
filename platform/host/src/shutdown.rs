//! Pauses that a shutdown ends.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Sleeps for `pause`. `false` if `shutdown` was cancelled meanwhile.
pub(crate) async fn sleep(shutdown: &CancellationToken, pause: Duration) -> bool {
    shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_some()
}
