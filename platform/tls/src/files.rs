//! Files that only the user who runs the program may read.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use crate::TlsError;

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// A certificate with its chain and a key have a few kilobytes.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// The text of a file. `None`: there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<String>, TlsError> {
    let failed = |cause| TlsError::File { what: "read", path: path.to_owned(), cause };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    Ok(Some(text))
}

/// Writes a secret so that after a power cut it is there whole or not at all, and nobody else can read it.
pub(crate) fn write_secret(path: &Path, text: &str) -> Result<(), TlsError> {
    let failed = |what| move |cause| TlsError::File { what, path: path.to_owned(), cause };
    let folder = path.parent().unwrap_or(Path::new("."));
    create_folder(folder).map_err(failed("create the folder of"))?;
    let unfinished = path.with_extension("new");
    write_synced(&unfinished, text)
        .and_then(|()| fs::rename(&unfinished, path))
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(failed("write"))
}

/// Takes rights from others that a copy or a restored backup may have given them.
pub(crate) fn restrict(path: &Path) -> Result<(), TlsError> {
    let failed = |cause| TlsError::File { what: "restrict the rights of", path: path.to_owned(), cause };
    if let Some(folder) = path.parent() {
        fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE)).map_err(failed)?;
    }
    fs::set_permissions(path, Permissions::from_mode(FILE_MODE)).map_err(failed)
}

fn create_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)
}

fn write_synced(path: &Path, text: &str) -> io::Result<()> {
    // What an interrupted start left may have other rights, which opening would keep.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
