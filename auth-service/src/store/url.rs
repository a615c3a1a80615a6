//! Which store a URL names.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use sqlite_engine::{Location, LocationError, OpenError};

use super::{AuthStore, SqliteAuthStore};

/// A parsed store URL; the scheme chooses the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoreUrl(Location);

impl StoreUrl {
    /// SQLite in this file.
    pub(crate) fn file(path: PathBuf) -> Self {
        Self(Location::File(path))
    }

    /// Opens the store. Blocking; for start-up.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(crate) fn open(&self) -> Result<Arc<dyn AuthStore>, OpenError> {
        Ok(Arc::new(SqliteAuthStore::open(&self.0)?))
    }
}

impl FromStr for StoreUrl {
    type Err = LocationError;

    fn from_str(url: &str) -> Result<Self, LocationError> {
        url.parse().map(Self)
    }
}
