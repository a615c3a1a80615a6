//! Which database a store URL names: SQLite or MongoDB.

use std::path::PathBuf;
use std::str::FromStr;

/// A parsed store URL; the scheme chooses the database. Its Debug shows no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// `sqlite:PATH` or `sqlite::memory:`.
    Sqlite(sqlite_engine::Location),
    /// `mongodb://…` or `mongodb+srv://…`.
    MongoDb(mongo_engine::Location),
}

impl StoreUrl {
    /// SQLite in this file.
    pub fn file(path: PathBuf) -> Self {
        Self::Sqlite(sqlite_engine::Location::File(path))
    }

    /// The database's `db.system.name` in metrics and traces (OpenTelemetry).
    pub fn system(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::MongoDb(_) => "mongodb",
        }
    }
}

/// Text that is no store URL. No variant repeats text that may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreUrlError {
    /// Another scheme.
    #[error("a store URL is sqlite:PATH, sqlite::memory:, mongodb://… or mongodb+srv://…")]
    Scheme,
    /// `sqlite:` and something that is no location.
    #[error(transparent)]
    Sqlite(#[from] sqlite_engine::LocationError),
    /// `mongodb:` and something that the driver cannot read.
    #[error(transparent)]
    MongoDb(#[from] mongo_engine::LocationError),
}

impl FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(url: &str) -> Result<Self, StoreUrlError> {
        if url.starts_with("sqlite:") {
            Ok(Self::Sqlite(url.parse()?))
        } else if mongo_engine::Location::SCHEMES
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            Ok(Self::MongoDb(url.parse()?))
        } else {
            Err(StoreUrlError::Scheme)
        }
    }
}

/// Why the database that a URL names cannot be opened. Each text is a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite.
    #[error(transparent)]
    Sqlite(#[from] sqlite_engine::OpenError),
    /// MongoDB.
    #[error(transparent)]
    MongoDb(#[from] mongo_engine::OpenError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_chooses_the_database() {
        assert_eq!("sqlite:a.db".parse(), Ok(StoreUrl::file("a.db".into())));
        let in_memory = StoreUrl::Sqlite(sqlite_engine::Location::Memory);
        assert_eq!("sqlite::memory:".parse(), Ok(in_memory));
        for url in ["mongodb://host/books", "mongodb+srv://cluster.example.com"] {
            assert!(matches!(url.parse(), Ok(StoreUrl::MongoDb(_))), "{url}");
        }
    }

    #[test]
    fn what_is_no_store_url_is_refused_and_not_repeated() {
        for wrong in [
            "postgres://ada:s3cret@host",
            "ada:s3cret",
            "",
            "mongodb://ada:s3:cret@host",
            "sqlite:",
        ] {
            let error = wrong.parse::<StoreUrl>().unwrap_err();
            assert!(!error.to_string().contains("s3"), "{error}");
        }
    }
}
