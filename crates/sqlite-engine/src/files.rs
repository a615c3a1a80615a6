//! The database's files: private to their owner, and one process at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::OpenError;

/// Read and write for the owner, nothing for anyone else.
const FILE_MODE: u32 = 0o600;
/// The same for a directory, which needs the search bit.
const DIRECTORY_MODE: u32 = 0o700;

/// Holds the database for this process; the operating system lets go of it when the process dies.
#[derive(Debug)]
pub(crate) struct LockFile {
    // Locked as long as it is open.
    _file: File,
}

/// Makes the directory and the file when absent, closes the file to other users, and takes the lock.
///
/// `SQLite` gives its `-wal` and `-shm` files the mode of the database file.
pub(crate) fn prepare(database: &Path) -> Result<LockFile, OpenError> {
    let directory = match database.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| OpenError::File { path, source }
    };
    // An existing directory keeps its mode: it may be shared with other things.
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(directory)
        .map_err(failed(directory))?;
    let lock = lock(database)?;
    open_private(database).map_err(failed(database))?;
    // Makes the new directory entry as durable as the commits that follow.
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(failed(directory))?;
    Ok(lock)
}

fn lock(database: &Path) -> Result<LockFile, OpenError> {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let file = match open_private(&path) {
        Ok(file) => file,
        Err(source) => return Err(OpenError::File { path, source }),
    };
    match file.try_lock() {
        Ok(()) => Ok(LockFile { _file: file }),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
            database: database.to_owned(),
            lock: path,
        }),
        Err(TryLockError::Error(source)) => Err(OpenError::File { path, source }),
    }
}

fn open_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)?;
    fs::set_permissions(path, Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}
