//! The shop's folder belongs to one program at a time.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Held by the program that runs the shop; the system lets go of it whatever ends the program.
const LOCK_FILE: &str = "running.lock";

/// The shop's folder, while it is ours.
#[derive(Debug)]
pub(crate) struct Folder {
    /// Keeps the lock.
    _lock: File,
}

/// The folder cannot be ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    /// Another program runs this shop.
    #[error("another fnb runs the shop in {}. Stop it first, or choose another folder with --data", .0.display())]
    Taken(PathBuf),
    /// It cannot be made or written.
    #[error("the shop's folder {} cannot be used: {cause}. Choose one that can be written with --data", folder.display())]
    Unusable {
        /// Which.
        folder: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

impl Folder {
    /// Takes the folder, made if need be.
    pub(crate) fn take(folder: &Path) -> Result<Self, FolderError> {
        let unusable = |cause| FolderError::Unusable { folder: folder.to_owned(), cause };
        fs::create_dir_all(folder).map_err(unusable)?;
        let lock = File::options().create(true).append(true).open(folder.join(LOCK_FILE)).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::Taken(folder.to_owned())),
            Err(TryLockError::Error(cause)) => Err(unusable(cause)),
        }
    }
}
