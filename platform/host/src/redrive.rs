//! Consumes dead letters again, when a person requested it.

use std::{sync::Arc, time::Duration};

use bus::{ConsumeError, Consumer};
use contracts::event::{CloudEvent, Queue};
use db::{
    Db, DbError, DbResult,
    dead_letters::{self, DeadLetter},
};
use tokio_util::sync::CancellationToken;

use crate::{repeated_error::RepeatedError, retry, shutdown::sleep};

/// How soon after the request. The person watches the screen and expects an answer within a second or two.
const POLL_PAUSE: Duration = Duration::from_secs(2);
/// How many dead letters are redriven at once.
const REDRIVEN_EVENTS_MAX: u32 = 100;

/// Redrives the requested dead letters of one service until the shutdown.
pub(crate) async fn run(
    service: &'static str,
    db: Db,
    (queue, consumer): (Queue, Arc<dyn Consumer>),
    shutdown: CancellationToken,
) {
    let mut failure = RepeatedError::default();
    while sleep(&shutdown, POLL_PAUSE).await {
        let Err(error) = redrive_requested(service, &db, queue, &*consumer).await else {
            failure.resolved();
            continue;
        };
        if let Some(error) = failure.changed(&error) {
            tracing::warn!(service, error, "dead letters not redriven; it is retried");
        }
    }
}

/// Consumes each requested dead letter once. It is deleted if it was consumed. If it fails it waits for another request;
/// if the database is unavailable the request stays.
pub(crate) async fn redrive_requested(
    service: &'static str,
    db: &Db,
    queue: Queue,
    consumer: &dyn Consumer,
) -> Result<(), ConsumeError> {
    let requested = db.read::<_, DbError, _>(|tx| dead_letters::due_for_redrive(tx, REDRIVEN_EVENTS_MAX));
    for letter in requested.await.map_err(retry)? {
        let event = match &letter.event {
            Ok(event) => Arc::new(event.clone()),
            Err(error) => {
                tracing::error!(service, event = %letter.event_id, error = %errors::chain(error), "dead letter cannot be read");
                let error = errors::chain(error).to_string();
                refuse(db, letter, error).await.map_err(retry)?;
                continue;
            }
        };
        redrive(service, db, queue, consumer, letter, event).await?;
    }
    Ok(())
}

async fn redrive(
    service: &'static str,
    db: &Db,
    queue: Queue,
    consumer: &dyn Consumer,
    letter: DeadLetter,
    event: Arc<CloudEvent>,
) -> Result<(), ConsumeError> {
    let id = event.id;
    match bus::consume_once(queue, consumer, &event, letter.attempts.saturating_add(1)).await {
        Ok(()) => {
            let delete = move |tx: &mut db::Tx<'_>| dead_letters::delete(tx, &letter.consumer, id);
            db.write::<_, DbError, _>(delete).await.map_err(retry)?;
            tracing::info!(service, event = %id, "dead letter consumed");
        }
        Err(error @ ConsumeError::Unavailable(_)) => return Err(error),
        Err(error) => {
            let error = errors::chain(&error).to_string();
            tracing::warn!(service, event = %id, error, "dead letter failed again");
            consumer.dead_letter(event, error, 1).await?;
        }
    }
    Ok(())
}

async fn refuse(db: &Db, letter: DeadLetter, error: String) -> DbResult<()> {
    db.write(move |tx| dead_letters::refuse_redrive(tx, &letter.consumer, letter.event_id, &error)).await
}
