//! A private file that appears whole and replaces nothing.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// Writes a file with `content` by way of `temporary`, unless there is one at `path`: that one counts then. The file
/// (mode 0600) and what is missing of its directory (0700) are private; nobody ever sees half of it.
///
/// # Errors
/// The operating system's; `temporary` is gone again.
pub(crate) fn write_new(path: &Path, temporary: &Path, content: &[u8]) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(temporary)?;
    let moved = file
        .write_all(content)
        .and_then(|()| file.sync_all())
        .and_then(|()| move_without_replacing(temporary, path));
    if moved.is_err() {
        // The failure that counts is the first one.
        let _ = fs::remove_file(temporary);
    }
    moved?;
    fs::File::open(directory)?.sync_all()
}

/// Gives `temporary` the name `path`, or removes it when somebody has that name already.
fn move_without_replacing(temporary: &Path, path: &Path) -> io::Result<()> {
    match renameat_with(CWD, temporary, CWD, path, RenameFlags::NOREPLACE) {
        Ok(()) => return Ok(()),
        Err(Errno::EXIST) => {}
        // Not every file system can do this; a hard link replaces nothing either.
        Err(_) => link_unless_there(temporary, path)?,
    }
    fs::remove_file(temporary)
}

fn link_unless_there(temporary: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(temporary, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let [path, temporary] = ["master.key", "temporary"].map(|name| directory.path().join(name));
        for way in [write_by_rename, write_by_link] {
            fs::write(&path, "first").unwrap();
            way(&path, &temporary);
            assert_eq!(fs::read(&path).unwrap(), b"first");
            assert!(!temporary.exists());
            fs::remove_file(&path).unwrap();
            way(&path, &temporary);
            assert_eq!(fs::read(&path).unwrap(), b"second");
            assert!(!temporary.exists());
        }
    }

    fn write_by_rename(path: &Path, temporary: &Path) {
        write_new(path, temporary, b"second").unwrap();
    }

    fn write_by_link(path: &Path, temporary: &Path) {
        fs::write(temporary, "second").unwrap();
        link_unless_there(temporary, path).unwrap();
        fs::remove_file(temporary).unwrap();
    }
}
