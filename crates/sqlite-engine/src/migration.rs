//! Schema versions: `PRAGMA user_version` counts the migrations applied.

use rusqlite::{Connection, TransactionBehavior};

use crate::error::OpenError;
use crate::location::Location;

/// One step of a schema's history. A list of migrations only ever grows at its end; a released
/// migration is never edited.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// What the step brings, for error messages.
    pub name: &'static str,
    /// One or more SQL statements.
    pub sql: &'static str,
}

/// Applies the migrations the file does not have yet, each in its own transaction together with its
/// new version number, so that a crash leaves a whole version.
pub(crate) fn migrate(
    connection: &mut Connection,
    location: &Location,
    migrations: &[Migration],
) -> Result<(), OpenError> {
    let found = found_version(connection, location, migrations)?;
    for (version, migration) in (1u32..).zip(migrations).skip(found as usize) {
        apply(connection, migration, version).map_err(|source| OpenError::Migration {
            location: location.to_string(),
            name: migration.name,
            source,
        })?;
    }
    Ok(())
}

/// Refuses a file that lacks migrations, for whoever must not apply them.
pub(crate) fn require_current(
    connection: &Connection,
    location: &Location,
    migrations: &[Migration],
) -> Result<(), OpenError> {
    let found = found_version(connection, location, migrations)?;
    let known = known_version(migrations);
    if found < known {
        let location = location.to_string();
        return Err(OpenError::TooOld {
            location,
            found,
            known,
        });
    }
    Ok(())
}

/// The version of a file, which is not newer than ours.
fn found_version(
    connection: &Connection,
    location: &Location,
    migrations: &[Migration],
) -> Result<u32, OpenError> {
    let found: u32 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|source| OpenError::Sqlite {
            location: location.to_string(),
            source,
        })?;
    let known = known_version(migrations);
    if found > known {
        let location = location.to_string();
        return Err(OpenError::TooNew {
            location,
            found,
            known,
        });
    }
    Ok(found)
}

fn known_version(migrations: &[Migration]) -> u32 {
    u32::try_from(migrations.len()).unwrap_or(u32::MAX)
}

fn apply(connection: &mut Connection, migration: &Migration, version: u32) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(migration.sql)?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}
