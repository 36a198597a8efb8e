//! Reads on the thread of the caller.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use rusqlite::Connection;

use super::{connect_to_read, read};
use crate::job::Job;

/// Connections for reads that are over in less time than it takes to wake another thread for them.
pub(crate) struct Near {
    path: PathBuf,
    /// How many connections are kept. There are never more than threads that ask.
    kept_max: usize,
    /// `None` once closed.
    idle: Mutex<Option<Vec<Connection>>>,
}

impl Near {
    pub(super) fn to(path: &Path, kept_max: usize) -> Self {
        Self { path: path.to_owned(), kept_max, idle: Mutex::new(Some(Vec::new())) }
    }

    /// Runs the job and answers it; gives it back where there is no connection to run it on.
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
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.pop();
        idle.or_else(|| connect_to_read(&self.path).ok())
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(idle) = idle.as_mut().filter(|idle| idle.len() < self.kept_max) {
            idle.push(connection);
        }
    }
}
