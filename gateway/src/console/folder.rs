use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

/// The page that loads everything else.
pub(super) const INDEX: &str = "index.html";
/// All of it stays in memory, compressed a second time. A console is a tenth of that.
const MOST: Most = Most {
    entries: 4096,
    bytes: 32 * 1024 * 1024,
};
/// What builds leave beside a file: the same, compressed.
const BROTLI: &str = ".br";
const GZIP: &str = ".gz";
/// Maps of the sources are for their authors: nobody downloads them by accident, and they are larger than all the rest.
const SOURCE_MAP: &str = ".map";

/// A file as it is stored and as the build has compressed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(super) plain: Bytes,
    pub(super) brotli: Option<Bytes>,
    pub(super) gzip: Option<Bytes>,
}

/// The files of a built frontend, read into memory.
///
/// Hidden files and source maps are left out. Whatever else could not be meant, such as a symbolic link, is an error.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(super) index: Contents,
    /// By their names below the folder, with `/` between the parts.
    pub(super) others: BTreeMap<String, Contents>,
}

/// How much a folder may hold.
#[derive(Debug, Clone, Copy)]
struct Most {
    /// Files and folders.
    entries: usize,
    bytes: u64,
}

/// Why a folder cannot be served. Each text is a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    #[error("{path} cannot be read: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error(
        "{0} has no index.html; it must be the result of a build, as `npm run build` puts into web/console/dist"
    )]
    NoIndex(PathBuf),
    #[error("{0} is neither a file nor a folder; copy what it points to")]
    NoFile(PathBuf),
    #[error("{0}: names are made of letters, digits, '-', '_' and '~', those of files also of '.'")]
    Name(PathBuf),
    #[error("{0} is too large: 32 MiB in 4,096 files is the most that is kept in memory")]
    TooLarge(PathBuf),
}

impl Folder {
    /// Reads the folder and those in it.
    ///
    /// # Errors
    /// [`FolderError`]
    pub(crate) fn read(folder: &Path) -> Result<Self, FolderError> {
        Self::read_within(MOST, folder)
    }

    fn read_within(most: Most, folder: &Path) -> Result<Self, FolderError> {
        let mut reading = Reading {
            left: most,
            files: BTreeMap::new(),
        };
        // Bounded: links are refused, so folders make a tree, and what is in it is counted.
        let mut folders = vec![(folder.to_owned(), String::new())];
        while let Some((path, name)) = folders.pop() {
            for entry in fs::read_dir(&path).map_err(unreadable(&path))? {
                let entry = entry.map_err(unreadable(&path))?;
                if !reading.has_room_for(&entry) {
                    return Err(FolderError::TooLarge(folder.to_owned()));
                }
                folders.extend(reading.take(&entry, &name)?);
            }
        }
        let mut files = together(reading.files);
        let index = files.remove(INDEX);
        let index = index.ok_or_else(|| FolderError::NoIndex(folder.to_owned()))?;
        Ok(Self { index, others: files })
    }
}

/// What was read so far.
struct Reading {
    left: Most,
    files: BTreeMap<String, Bytes>,
}

impl Reading {
    /// Reads a file, or returns a folder that is to be read.
    fn take(&mut self, entry: &fs::DirEntry, within: &str) -> Result<Option<(PathBuf, String)>, FolderError> {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_str().ok_or_else(|| FolderError::Name(path.clone()))?;
        if name.starts_with('.') || name.ends_with(SOURCE_MAP) {
            return Ok(None);
        }
        let kind = entry.file_type().map_err(unreadable(&path))?;
        if !is_a_name(name, !kind.is_dir()) {
            return Err(FolderError::Name(path));
        }
        let full = format!("{within}{name}");
        if kind.is_dir() {
            return Ok(Some((path, format!("{full}/"))));
        }
        if !kind.is_file() {
            return Err(FolderError::NoFile(path));
        }
        let content = fs::read(&path).map_err(unreadable(&path))?;
        self.files.insert(full, content.into());
        Ok(None)
    }

    /// Whether it may be read, which then counts. Links and what cannot be looked at are refused later.
    fn has_room_for(&mut self, entry: &fs::DirEntry) -> bool {
        let bytes = entry
            .metadata()
            .map_or(0, |found| if found.is_file() { found.len() } else { 0 });
        let left = (
            self.left.entries.checked_sub(1),
            self.left.bytes.checked_sub(bytes),
        );
        let (Some(entries), Some(bytes)) = left else {
            return false;
        };
        self.left = Most { entries, bytes };
        true
    }
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    |source| FolderError::Unreadable { path, source }
}

/// Names that stand in a URL as they are. A folder with a dot would look like the service of an rpc.
fn is_a_name(name: &str, is_file: bool) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) || (is_file && byte == b'.'))
}

/// Files with what the build has compressed; what is compressed of nothing is left out.
fn together(mut files: BTreeMap<String, Bytes>) -> BTreeMap<String, Contents> {
    let compressed = |name: &String| name.ends_with(BROTLI) || name.ends_with(GZIP);
    let plain: Vec<_> = files.keys().filter(|name| !compressed(name)).cloned().collect();
    let whole = plain.into_iter().filter_map(|name| {
        let contents = Contents {
            plain: files.remove(&name)?,
            brotli: files.remove(&format!("{name}{BROTLI}")),
            gzip: files.remove(&format!("{name}{GZIP}")),
        };
        Some((name, contents))
    });
    whole.collect()
}

#[cfg(test)]
mod tests;
