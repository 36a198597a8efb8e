//! Reads on the thread of the caller.

use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::read;
use crate::job::Job;

/// Connections for reads that are over in less time than it takes to wake another thread for them.
pub(crate) struct InlineReaders {
    /// `None` once closed.
    idle: Mutex<Option<Vec<Connection>>>,
}

impl InlineReaders {
    pub(super) fn of(connections: Vec<Connection>) -> Self {
        Self { idle: Mutex::new(Some(connections)) }
    }

    /// Runs the job and answers it; gives it back where every connection is in use, or closed.
    pub(crate) fn run(&self, job: Box<dyn Job>) -> Result<(), Box<dyn Job>> {
        let Some(connection) = self.take() else { return Err(job) };
        read(&connection, job);
        self.give_back(connection);
        Ok(())
    }

    pub(crate) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn take(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.pop()
    }

    fn give_back(&self, connection: Connection) {
        if let Some(idle) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            idle.push(connection);
        }
    }
}
