//! Counts the writes that mark events as published, so that tests notice an event that moves while they count.

use std::sync::atomic::{AtomicU64, Ordering};

/// Shared by the outboxes of a host.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    marks_started: AtomicU64,
}

impl Progress {
    /// How many writes that mark events as published were started.
    pub(crate) fn marks_started(&self) -> u64 {
        self.marks_started.load(Ordering::SeqCst)
    }

    /// Call it before events are marked as published.
    pub(super) fn start_mark(&self) {
        self.marks_started.fetch_add(1, Ordering::SeqCst);
    }
}
