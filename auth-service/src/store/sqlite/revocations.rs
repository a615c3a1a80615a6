//! Revocations in SQLite: the one process that writes to the database tells of them as soon as they are committed.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{SqliteAuthStore, row, schema};
use crate::domain::revocation::Revocation;
use crate::store::{RevocationStore, RevocationWatch, StoreError};

#[async_trait]
impl RevocationStore for SqliteAuthStore {
    async fn revoked_since(&self, since: Timestamp) -> Result<Vec<Revocation>, StoreError> {
        let since = since.as_millisecond();
        self.engine
            .read(move |connection| {
                let mut statement = connection.prepare_cached(schema::ENDED_SINCE)?;
                let sessions = statement.query_map([since], row::ended_session)?;
                let mut revoked: Vec<_> = sessions.collect::<Result<_, _>>()?;
                let mut statement = connection.prepare_cached(schema::RAISED_SINCE)?;
                for user in statement.query_map([since], row::raised_version)? {
                    revoked.push(user?);
                }
                Ok(revoked)
            })
            .await
    }

    async fn watch_revocations(&self) -> Result<RevocationWatch, StoreError> {
        Ok(RevocationWatch::new(self.revocations.subscribe(), None))
    }
}
