//! Dead letters are tried again when a person asks for it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use bus::{ConsumeError, Consumer};
use contracts::event::CloudEvent;
use db::{
    Db, DbError,
    dead_letters::{self, DeadLetter},
};
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{retry, shutdown::sleep};

/// How soon after a person asked. They watch the screen, and a second or two is what they expect.
const PAUSE: Duration = Duration::from_secs(2);
/// How many are tried in one go.
const REDRIVEN_EVENTS_MAX: u32 = 100;

/// Hands what a person wants tried again to the service's consumer, until the stop.
pub(crate) async fn redrive(service: &'static str, db: Db, consumer: Arc<dyn Consumer>, shutdown: CancellationToken) {
    while sleep(&shutdown, PAUSE).await {
        if let Err(error) = redrive_due(service, &db, &*consumer).await {
            tracing::warn!(service, %error, "dead letters could not be tried again");
        }
    }
}

/// Tries each of those once: what is acted on is no dead letter any more, the others wait for a person again.
pub(crate) async fn redrive_due(service: &'static str, db: &Db, consumer: &dyn Consumer) -> Result<(), ConsumeError> {
    let due = db.read::<_, DbError, _>(|tx| dead_letters::due_for_redrive(tx, REDRIVEN_EVENTS_MAX));
    for DeadLetter { consumer: buried_by, event_id, event, .. } in due.await.map_err(retry)? {
        let event = match event {
            Ok(event) => Arc::new(event),
            Err(error) => {
                tracing::error!(service, event = %event_id, %error, "dead letter cannot be read");
                let refuse = move |tx: &mut db::Tx<'_>| {
                    dead_letters::refuse_redrive(tx, &buried_by, event_id, &error.to_string())
                };
                db.write::<_, DbError, _>(refuse).await.map_err(retry)?;
                continue;
            }
        };
        match act(consumer, &event).await {
            Ok(()) => {
                let id = event.id;
                let remove = move |tx: &mut db::Tx<'_>| dead_letters::delete(tx, &buried_by, id);
                db.write::<_, DbError, _>(remove).await.map_err(retry)?;
                tracing::info!(service, event = %id, "dead letter acted on");
            }
            Err(error) => {
                tracing::warn!(service, event = %event.id, %error, "dead letter tried again in vain");
                consumer.dead_letter(event, error.to_string(), 1).await?;
            }
        }
    }
    Ok(())
}

async fn act(consumer: &dyn Consumer, event: &Arc<CloudEvent>) -> Result<(), ConsumeError> {
    let act = AssertUnwindSafe(async { consumer.consume(Arc::clone(event)).await });
    act.catch_unwind().await.unwrap_or_else(|_| Err(ConsumeError::retry("the consumer panicked")))
}
