//! One process at a time: a lock on the databases of a shop.
//!
//! For SQLite it is a lock on a file beside the database; for PostgreSQL an advisory lock of a session. The system, or
//! the server, releases it however the process ends.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
};

use crate::{
    Cause, DbUrl, InstanceLockError, OpenError, postgres,
    private_files::{create_private_folder, open_private_file},
    url::Location,
};

/// The file that is locked, beside the database's.
const LOCK_FILE: &str = "running.lock";

/// The databases of a shop, locked for this process until this is dropped.
#[derive(Debug)]
pub struct InstanceLock(Lock);

#[derive(Debug)]
enum Lock {
    /// The lock goes with the open file.
    File {
        _file: File,
    },
    Session(postgres::SessionLock),
}

impl InstanceLock {
    /// Locks the database at `url`; for SQLite, also the other databases in its folder. On a server, the database is
    /// created if it does not exist.
    ///
    /// # Errors
    /// [`InstanceLockError::Taken`] if another process has locked it.
    pub async fn acquire(url: &DbUrl) -> Result<Self, InstanceLockError> {
        match &url.0 {
            Location::Sqlite(path) => lock_beside(path).map(|file| Self(Lock::File { _file: file })),
            Location::Postgres(server) => Ok(Self(Lock::Session(postgres::SessionLock::acquire(server).await?))),
        }
    }

    /// Waits until another process has taken the lock. That can only happen on a server, after its connection was lost.
    pub async fn lost(&mut self) {
        match &mut self.0 {
            Lock::File { .. } => std::future::pending().await,
            Lock::Session(lock) => lock.lost().await,
        }
    }
}

fn lock_beside(database: &Path) -> Result<File, InstanceLockError> {
    let path = database.with_file_name(LOCK_FILE);
    let unusable = |error: io::Error| OpenError::File { path: path.display().to_string(), source: Cause::new(error) };
    create_private_folder(&path).map_err(unusable)?;
    let file = open_private_file(&path).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(InstanceLockError::Taken),
        Err(TryLockError::Error(error)) => Err(unusable(error).into()),
    }
}
