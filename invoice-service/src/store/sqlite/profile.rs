//! Profiles: one row each.

use async_trait::async_trait;
use sqlite_engine::rusqlite::{Connection, OptionalExtension as _, params};

use super::SqliteInvoiceStore;
use crate::domain::ids::{OrganizationId, Version};
use crate::store::document::{Origin, ProfileDocument, json_of};
use crate::store::indexed::signed;
use crate::store::{ProfileStore, StoreError, StoredProfile, broken};

/// Adds a row.
pub(in crate::store) const INSERT: &str =
    "INSERT INTO profile (org_id, version, document) VALUES (:org_id, :version, :document)";

#[async_trait]
impl ProfileStore for SqliteInvoiceStore {
    async fn profile(&self, organization: &OrganizationId) -> Result<Option<StoredProfile>, StoreError> {
        let organization = organization.clone();
        let read = self.engine.read(move |connection| {
            let document: Option<Vec<u8>> = connection
                .prepare_cached("SELECT document FROM profile WHERE org_id = ?1")?
                .query_row([organization.as_str()], |row| row.get(0))
                .optional()?;
            Ok::<_, StoreError>(document)
        });
        read.await?.map(decode).transpose()
    }

    async fn profile_settled(
        &self,
        organization: &OrganizationId,
    ) -> Result<Option<StoredProfile>, StoreError> {
        // One file is never behind itself.
        self.profile(organization).await
    }

    async fn put_profile(&self, stored: StoredProfile, expected: Version) -> Result<(), StoreError> {
        let document = json_of(&ProfileDocument::from(&stored), &stored.origin)?;
        let version = signed(stored.profile.version)?;
        let write = self.engine.write(move |connection| {
            let organization = stored.organization.as_str();
            let current = version_of(connection, organization)?;
            if current != signed(expected)? {
                let current = Version::new(u64::try_from(current).map_err(broken)?);
                return Err(StoreError::VersionConflict { current });
            }
            let put = "INSERT INTO profile (org_id, version, document) VALUES (?1, ?2, ?3)
                 ON CONFLICT (org_id) DO UPDATE SET version = excluded.version, document = excluded.document";
            let mut put = connection.prepare_cached(put)?;
            put.execute(params![organization, version, document])?;
            Ok(())
        });
        write.await
    }
}

/// 0 when there is none.
fn version_of(connection: &Connection, organization: &str) -> Result<i64, StoreError> {
    let mut statement = connection.prepare_cached("SELECT version FROM profile WHERE org_id = ?1")?;
    let version = statement.query_row([organization], |row| row.get(0)).optional()?;
    Ok(version.unwrap_or(0))
}

fn decode(document: Vec<u8>) -> Result<StoredProfile, StoreError> {
    let known: ProfileDocument = serde_json::from_slice(&document).map_err(broken)?;
    let mut stored = StoredProfile::try_from(known).map_err(broken)?;
    stored.origin = Origin::json(document);
    Ok(stored)
}
