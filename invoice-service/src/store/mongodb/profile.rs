//! Profiles: one document each, under the id of its organization.

use async_trait::async_trait;
use mongo_engine::bson::{Document, RawDocumentBuf, deserialize_from_slice, doc};
use mongo_engine::mongodb::options::Hint;
use mongo_engine::{EngineError, OPERATION_TIME};

use super::{MongoInvoiceStore, schema, versioned};
use crate::domain::ids::{OrganizationId, Version};
use crate::store::document::{Origin, ProfileDocument, bson_of};
use crate::store::indexed::signed;
use crate::store::{ProfileStore, StoreError, StoredProfile, broken};

#[async_trait]
impl ProfileStore for MongoInvoiceStore {
    async fn profile(&self, organization: &OrganizationId) -> Result<Option<StoredProfile>, StoreError> {
        let (profiles, filter) = (self.profiles.clone(), of(organization));
        let find = async move {
            let find = profiles.find_one(filter).hint(by_organization());
            find.max_time(OPERATION_TIME).await
        };
        self.engine
            .run(find)
            .await?
            .map(|entry| decode(&entry))
            .transpose()
    }

    async fn profile_settled(
        &self,
        organization: &OrganizationId,
    ) -> Result<Option<StoredProfile>, StoreError> {
        let (profiles, filter) = (self.profiles.clone(), of(organization));
        // A change of nothing waits for the majority (docs/adr/0010).
        let find = async move {
            let find = profiles.find_one_and_update(filter, doc! { "$set": {} });
            find.hint(by_organization()).max_time(OPERATION_TIME).await
        };
        self.engine
            .run(find)
            .await?
            .map(|entry| decode(&entry))
            .transpose()
    }

    async fn put_profile(&self, stored: StoredProfile, expected: Version) -> Result<(), StoreError> {
        let document = bson_of(&ProfileDocument::from(&stored), &stored.origin)?;
        let document = Document::try_from(document).map_err(broken)?;
        let mut entry = doc! { "version": signed(stored.profile.version)?, "document": document };
        let profiles = self.profiles.clone();
        let is_put = if expected == Version::new(0) {
            entry.insert("_id", stored.organization.as_str());
            entry.insert("org_id", stored.organization.as_str());
            let entry = RawDocumentBuf::try_from(&entry).map_err(broken)?;
            let inserted = self.engine.run(async move { profiles.insert_one(entry).await });
            match inserted.await {
                Ok(_) => true,
                Err(EngineError::Duplicate) => false,
                Err(error) => return Err(error.into()),
            }
        } else {
            let filter = versioned(of(&stored.organization), expected)?;
            // Fields that a newer release has beside ours stay.
            let update = doc! { "$set": entry };
            let replaced = self
                .engine
                .run(async move { profiles.update_one(filter, update).await })
                .await?;
            replaced.matched_count == 1
        };
        if is_put {
            return Ok(());
        }
        let current = self.profile_settled(&stored.organization).await?;
        let current = current.map_or(Version::new(0), |current| current.profile.version);
        Err(StoreError::VersionConflict { current })
    }
}

/// The filter of an organization's profile.
fn of(organization: &OrganizationId) -> Document {
    doc! { "org_id": organization.as_str() }
}

fn by_organization() -> Hint {
    Hint::Name(schema::BY_ORGANIZATION.to_owned())
}

fn decode(entry: &RawDocumentBuf) -> Result<StoredProfile, StoreError> {
    let document = entry.get_document("document").map_err(broken)?;
    let known: ProfileDocument = deserialize_from_slice(document.as_bytes()).map_err(broken)?;
    let mut stored = StoredProfile::try_from(known).map_err(broken)?;
    stored.origin = Origin::bson(document.to_owned());
    Ok(stored)
}
