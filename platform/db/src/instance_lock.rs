//! Databases that belong to one process at a time: whoever finds them claimed leaves them alone.
//!
//! A claim on a file is a lock on a file beside it; on a server it is a lock of a session. The system, or the server,
//! lets go of it whatever ends the process.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::Path,
};

use crate::{DbUrl, OpenError, postgres, url::Place};

/// Beside the database's file, while that is claimed.
const LOCK_FILE: &str = "running.lock";

/// A database, and those that belong with it, while they are ours.
#[derive(Debug)]
pub struct InstanceLock(On);

#[derive(Debug)]
enum On {
    /// Keeps the lock.
    Folder {
        _lock: File,
    },
    Server(postgres::InstanceLock),
}

/// A database cannot be claimed.
#[derive(Debug, thiserror::Error)]
pub enum InstanceLockError {
    /// Another process has claimed it.
    #[error("another process has claimed the database")]
    Taken,
    /// It cannot be made or reached.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl InstanceLock {
    /// Claims the database at `url`, and the folder of its file. A server's database is made if need be.
    ///
    /// # Errors
    /// [`InstanceLockError`] says whether it is another's or cannot be used.
    pub async fn acquire(url: &DbUrl) -> Result<Self, InstanceLockError> {
        match &url.0 {
            Place::Sqlite(path) => lock_beside(path).map(|lock| Self(On::Folder { _lock: lock })),
            Place::Postgres(server) => Ok(Self(On::Server(postgres::InstanceLock::acquire(server).await?))),
        }
    }

    /// Waits until the claim is another's, which happens on a server alone: see [`postgres::InstanceLock`].
    pub async fn lost(&mut self) {
        match &mut self.0 {
            On::Folder { .. } => std::future::pending().await,
            On::Server(claim) => claim.lost().await,
        }
    }
}

fn lock_beside(database: &Path) -> Result<File, InstanceLockError> {
    let path = database.with_file_name(LOCK_FILE);
    let unusable = |cause: io::Error| OpenError::File { path: path.display().to_string(), reason: cause.to_string() };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(unusable)?;
    }
    let lock = File::options().create(true).append(true).open(&path).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(InstanceLockError::Taken),
        Err(TryLockError::Error(cause)) => Err(unusable(cause).into()),
    }
}
