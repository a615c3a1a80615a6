//! Where the database lives.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a database lives, parsed from a store URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// `sqlite:PATH`: a file, made with its directory when absent.
    File(PathBuf),
    /// `sqlite::memory:`: gone when the engine is closed. Every open is its own database.
    Memory,
}

/// A store URL that names no `SQLite` database. The text says what is accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{url}` is not a SQLite location: write `sqlite:PATH` (for example `sqlite:data/auth.db` or \
     `sqlite:/var/lib/auth.db`) or `sqlite::memory:`"
)]
pub struct LocationError {
    url: String,
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let error = || LocationError { url: url.to_owned() };
        let path = url.strip_prefix("sqlite:").ok_or_else(error)?;
        if path == ":memory:" {
            return Ok(Self::Memory);
        }
        // `sqlite://auth.db` would mean a file in the root directory: nobody wants that.
        if path.is_empty() || path.starts_with("//") || path.contains('\0') {
            return Err(error());
        }
        Ok(Self::File(PathBuf::from(path)))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "sqlite:{}", path.display()),
            Self::Memory => f.write_str("sqlite::memory:"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_memory_are_accepted_and_print_as_they_were_written() {
        for url in [
            "sqlite:data/auth.db",
            "sqlite:/var/lib/auth.db",
            "sqlite::memory:",
        ] {
            assert_eq!(url.parse::<Location>().unwrap().to_string(), url);
        }
    }

    #[test]
    fn anything_else_is_refused_with_a_sentence() {
        for url in [
            "",
            "sqlite:",
            "sqlite://auth.db",
            "sqlite:///auth.db",
            "mongodb://host",
            "auth.db",
        ] {
            let error = url.parse::<Location>().unwrap_err().to_string();
            assert!(error.contains("write `sqlite:PATH`"), "{url}: {error}");
        }
    }
}
