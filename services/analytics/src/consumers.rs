//! Analytics hears everything, and of everything only that something happened.
//!
//! The figures come from the other services' tables, not from events, so an event changes no row here: it needs no
//! inbox, and may come twice, in any order, or be lost with the process. The run at the start and the one every hour
//! find what it told.

use std::sync::Arc;

use bus::Consumer;
use db::Db;

use crate::commands::Analytics;

/// Asks for an extraction soon after something happened.
pub(crate) fn consumer(db: &Db, analytics: Analytics) -> Arc<dyn Consumer> {
    host::consumer(db, "analytics", move |_event| {
        analytics.note_change();
        std::future::ready(Ok(()))
    })
}
