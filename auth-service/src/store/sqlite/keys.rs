//! Signing keys in SQLite.

use async_trait::async_trait;
use authn::KeyId;
use jiff::Timestamp;
use sqlite_engine::rusqlite::{self, Connection, params};

use super::{SqliteAuthStore, row, schema, when_taken};
use crate::domain::signing_key::SigningKey;
use crate::store::{KeyStore, StoreError};

#[async_trait]
impl KeyStore for SqliteAuthStore {
    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        self.engine
            .read(|connection| {
                let mut statement = connection.prepare_cached(schema::SIGNING_KEYS)?;
                let keys = statement.query_map([], row::signing_key)?;
                Ok(keys.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn insert_signing_key(&self, key: SigningKey) -> Result<(), StoreError> {
        self.engine
            .write(move |connection| {
                insert_signing_key(connection, &key)
                    .or_else(|error| when_taken(error, StoreError::KeySequenceTaken))
            })
            .await
    }

    async fn activate_signing_key(
        &self,
        id: &KeyId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<bool, StoreError> {
        let id = id.to_string();
        self.engine
            .write(move |connection| {
                let mut statement = connection.prepare_cached(schema::ACTIVATE_SIGNING_KEY)?;
                let times = (from.as_millisecond(), to.as_millisecond());
                Ok(statement.execute(params![id, times.0, times.1])? > 0)
            })
            .await
    }

    async fn revoke_signing_key(&self, id: &KeyId, time: Timestamp) -> Result<bool, StoreError> {
        let id = id.to_string();
        self.engine
            .write(move |connection| {
                let mut statement = connection.prepare_cached(schema::REVOKE_SIGNING_KEY)?;
                Ok(statement.execute(params![id, time.as_millisecond()])? > 0)
            })
            .await
    }

    async fn remove_signing_key(&self, id: &KeyId) -> Result<(), StoreError> {
        let id = id.to_string();
        self.engine
            .write(move |connection| {
                let mut statement = connection.prepare_cached(schema::REMOVE_SIGNING_KEY)?;
                statement.execute([id])?;
                Ok(())
            })
            .await
    }
}

pub(in crate::store) fn insert_signing_key(
    connection: &Connection,
    key: &SigningKey,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(schema::INSERT_SIGNING_KEY)?;
    statement.execute(params![
        key.id.as_str(),
        row::integer(key.sequence)?,
        key.activate_time.as_millisecond(),
        key.revoke_time.map(Timestamp::as_millisecond),
        key.public_key.as_slice(),
        key.sealed_private_key,
        key.create_time.as_millisecond(),
    ])?;
    Ok(())
}
