//! Files and folders that only their owner can read and write, whatever the umask is.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// Read and write for the owner.
const FILE_MODE: u32 = 0o600;
/// Read, write and search for the owner.
const FOLDER_MODE: u32 = 0o700;
/// The permission bits.
const MODE_BITS: u32 = 0o777;
/// Everybody may create files in such a folder, and remove their own: `/tmp`.
const STICKY_BIT: u32 = 0o1000;

/// The files that SQLite keeps beside a database. It creates them with the mode of the database.
const COMPANION_SUFFIXES: [&str; 2] = ["-wal", "-shm"];

/// Takes all access to the database file at `path`, and to the files beside it, from others. The database is not opened
/// for that: closing it again would release the locks that SQLite holds on it in this process.
pub(crate) fn restrict_database(path: &Path) {
    restrict(path, FILE_MODE);
    for suffix in COMPANION_SUFFIXES {
        let mut companion = path.as_os_str().to_owned();
        companion.push(suffix);
        restrict(Path::new(&companion), FILE_MODE);
    }
}

/// Creates the folder of the file at `path` if it does not exist, and takes all access from others. A folder that is
/// shared, such as `/tmp`, is left as it is.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
    if fs::metadata(folder)?.mode() & STICKY_BIT == 0 {
        restrict(folder, FOLDER_MODE);
    }
    Ok(())
}

/// Opens the file at `path` to append to it, creates it if it does not exist, and takes all access from others.
pub(crate) fn open_private_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).append(true).mode(FILE_MODE).open(path)?;
    restrict(path, FILE_MODE);
    Ok(file)
}

/// A failure is logged and no reason to stop: the file system may have no modes, or the file another owner.
fn restrict(path: &Path, mode: u32) {
    let Ok(found) = fs::metadata(path) else { return };
    if found.mode() & MODE_BITS & !mode == 0 {
        return;
    }
    if let Err(error) = fs::set_permissions(path, Permissions::from_mode(mode)) {
        tracing::warn!(path = %path.display(), %error, "other users of this machine may have access to this");
    }
}
