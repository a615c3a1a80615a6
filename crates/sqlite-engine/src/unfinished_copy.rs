//! The mark of a database that a copy is being written into.
//!
//! While the mark is there the database holds some of the records of another store, and [`crate::Engine::open`] refuses
//! it. The mark is a table of its own and not a migration: a database that nobody copied into has no trace of it.

use rusqlite::{Connection, OptionalExtension as _};

/// A copy that has begun and has not been verified. Its methods run in a job of [`crate::Engine::read`] or
/// [`crate::Engine::write`], so that a position is stored with the records that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedCopy {
    /// Tells the source from every other.
    pub source: String,
    /// How far the copy is, in the words of whoever copies.
    pub position: String,
}

impl UnfinishedCopy {
    /// The mark of this database, if it has one.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn find(connection: &Connection) -> rusqlite::Result<Option<Self>> {
        if !is_there(connection)? {
            return Ok(None);
        }
        let mut statement = connection.prepare("SELECT source, position FROM unfinished_copy")?;
        let mark = statement.query_row([], |row| {
            Ok(Self {
                source: row.get(0)?,
                position: row.get(1)?,
            })
        });
        mark.optional()
    }

    /// Marks the database, which has no mark.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute(
            "CREATE TABLE unfinished_copy (source TEXT NOT NULL, position TEXT NOT NULL) STRICT",
            [],
        )?;
        connection.execute(
            "INSERT INTO unfinished_copy (source, position) VALUES (?1, ?2)",
            [&self.source, &self.position],
        )?;
        Ok(())
    }

    /// Notes how far the copy is.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn advance(connection: &Connection, position: &str) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached("UPDATE unfinished_copy SET position = ?1")?;
        statement.execute([position]).map(drop)
    }

    /// Removes the mark: the copy is whole.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn remove(connection: &Connection) -> rusqlite::Result<()> {
        connection
            .execute("DROP TABLE IF EXISTS unfinished_copy", [])
            .map(drop)
    }
}

/// Whether the database is marked.
pub(crate) fn is_there(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'unfinished_copy'";
    connection.query_row(sql, [], |row| Ok(row.get::<_, i64>(0)? > 0))
}
