//! Every event only requests an extraction.
//!
//! The figures come from the other services' tables, not from events, so an event changes no row here. It needs no
//! inbox, and may come twice, in any order, or be lost with the process: the runs at the start and every hour read its
//! change.

use std::sync::Arc;

use bus::Consumer;
use contracts::event::Queue;
use db::Db;
use host::EventConsumer;

use crate::{NAME, commands::Analytics};

/// The consumer of `analytics_events`.
pub(crate) fn consumer(db: &Db, analytics: Analytics) -> (Queue, Arc<dyn Consumer>) {
    EventConsumer::new(NAME, Queue::Analytics, db, analytics)
        .on_every(async |analytics: Analytics, _event| {
            analytics.request_extraction();
            Ok(())
        })
        .build()
}
