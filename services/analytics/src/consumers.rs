//! Analytics consumes every event, and takes from it only that something happened.
//!
//! The figures come from the other services' tables, not from events, so an event changes no row here: it needs no
//! inbox, and may come twice, in any order, or be lost with the process. The extraction at the start and the one every
//! hour find what it was about.

use std::sync::Arc;

use bus::Consumer;
use contracts::event::Queue;
use db::Db;
use host::EventConsumer;

use crate::{NAME, commands::Analytics};

/// Asks for an extraction soon after something happened.
pub(crate) fn consumer(db: &Db, analytics: Analytics) -> (Queue, Arc<dyn Consumer>) {
    EventConsumer::new(NAME, Queue::Analytics, db, analytics)
        .on_every(async |analytics: Analytics, _event| {
            analytics.note_change();
            Ok(())
        })
        .build()
}
