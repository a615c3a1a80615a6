use mongo_engine::Schema;
use mongo_engine::bson::{RawDocument, RawDocumentBuf};
use sqlite_engine::Migration;
use sqlite_engine::rusqlite::{self, Connection, Row};

/// What one service stores, in both kinds of database.
#[derive(Debug, Clone)]
pub struct Contents {
    /// The service, for people.
    pub service: &'static str,
    /// The schema in SQLite.
    pub migrations: &'static [Migration],
    /// The schema in MongoDB.
    pub schema: Schema,
    /// The MongoDB database when the URL names none.
    pub default_database: &'static str,
    /// Everything, in an order in which a record comes after those that it refers to.
    pub collections: &'static [Collection],
}

/// Records of one kind: a collection of MongoDB and a table of SQLite.
///
/// The key is text in both, compared by its bytes in both, and unique. It has an index in both.
#[derive(Debug, Clone, Copy)]
pub struct Collection {
    /// The collection in MongoDB, a plural noun.
    pub name: &'static str,
    /// The fields of the key in MongoDB.
    pub key: &'static [&'static str],
    /// The index in MongoDB that is on exactly the key.
    pub index: &'static str,
    /// The table in SQLite.
    pub table: &'static str,
    /// The columns of the key in SQLite, in the same order.
    pub key_columns: &'static [&'static str],
    /// The columns that `from_row` reads, those of the key among them.
    pub columns: &'static str,
    /// The canonical document of a row.
    pub from_row: fn(&Row<'_>) -> Result<RawDocumentBuf, RecordError>,
    /// Adds the row of a canonical document.
    pub insert: fn(&Connection, &RawDocument) -> Result<(), RecordError>,
    /// The canonical form of a document that MongoDB holds: read, checked and written again.
    pub canonical: fn(&RawDocument) -> Result<RawDocumentBuf, RecordError>,
}

/// Why a record cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// SQLite refuses.
    #[error("SQLite refuses it")]
    Sqlite(#[from] rusqlite::Error),
    /// The database holds what this program did not write.
    #[error("it is not what this program writes")]
    Invalid(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A newer release has added something to it.
    #[error("this program does not know its member {0}: use the newest release that has written it")]
    UnknownMember(String),
}

impl RecordError {
    /// Of a record that cannot be read.
    pub fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Invalid(error.into())
    }
}
