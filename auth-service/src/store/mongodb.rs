//! Users, sessions and keys in MongoDB: the store of production, for any number of replicas of the service.
//!
//! A user or session is read by an update that changes nothing ([`MongoAuthStore::find`]). MongoDB answers it from the
//! newest state of the primary, and like every write only when a majority has that state: so a read sees every write that
//! was answered, also right after an election, and nothing that it saw can be lost (docs/adr/0010).

pub(super) mod document;
mod events;
mod keys;
mod revocations;
pub(super) mod schema;
mod sessions;
mod watcher;

use async_trait::async_trait;
use mongo_engine::bson::{Bson, Document, doc};
use mongo_engine::mongodb::options::ReturnDocument;
use mongo_engine::mongodb::{Collection, Cursor};
use mongo_engine::{Engine, EngineError, Location, OPERATION_TIME, OpenError, is_duplicate};
use serde::de::DeserializeOwned;

use self::document::{EventDocument, KeyDocument, SessionDocument, UserDocument, date, signed};
use self::watcher::Watcher;
use super::{AuthStore, StoreError};
use crate::domain::email::EmailKey;
use crate::domain::ids::{OrganizationId, UserId};
use crate::domain::session::Session;
use crate::domain::user::{PasswordHash, ProfileChange, User};

/// Where the URL names no database.
pub(super) const DATABASE: &str = "invoiceapp_auth";

/// [`AuthStore`] on one MongoDB database.
pub(crate) struct MongoAuthStore {
    engine: Engine,
    users: Collection<UserDocument>,
    sessions: Collection<SessionDocument>,
    events: Collection<EventDocument>,
    signing_keys: Collection<KeyDocument>,
    watcher: Watcher,
}

impl MongoAuthStore {
    /// Connects, and makes the indexes.
    ///
    /// # Errors
    /// Those of [`Engine::open`]: unreachable, standalone, too old, too new a schema, an index in the way.
    pub(crate) async fn open(location: &Location) -> Result<Self, OpenError> {
        let engine = Engine::open(location, DATABASE, &schema::schema()).await?;
        Ok(Self {
            users: engine.collection(schema::USERS),
            sessions: engine.collection(schema::SESSIONS),
            events: engine.collection(schema::SECURITY_EVENTS),
            signing_keys: engine.collection(schema::SIGNING_KEYS),
            watcher: Watcher::default(),
            engine,
        })
    }

    /// The one document that `filter` matches by a unique index: as it is now, and as it stays whatever server is lost.
    async fn find<D, T>(&self, collection: &Collection<D>, filter: Document) -> Result<Option<T>, StoreError>
    where
        D: DeserializeOwned + Send + Sync + 'static,
        T: TryFrom<D, Error = StoreError>,
    {
        let collection = collection.clone();
        let nothing = doc! { "$set": {} };
        let find = async move {
            let find = collection.find_one_and_update(filter, nothing);
            find.max_time(OPERATION_TIME).await
        };
        self.engine.run(find).await?.map(T::try_from).transpose()
    }

    /// Changes the one document that `filter` matches by its id and more. Returns whether there was one.
    async fn update<D>(
        &self,
        collection: &Collection<D>,
        filter: Document,
        set: Document,
    ) -> Result<bool, StoreError>
    where
        D: Send + Sync + 'static,
    {
        let collection = collection.clone();
        let update = async move { collection.update_one(filter, doc! { "$set": set }).await };
        Ok(self.engine.run(update).await?.matched_count == 1)
    }
}

/// What a cursor has, for few documents.
async fn all<T: DeserializeOwned>(mut cursor: Cursor<T>) -> mongo_engine::mongodb::error::Result<Vec<T>> {
    let mut found = Vec::new();
    while cursor.advance().await? {
        found.push(cursor.deserialize_current()?);
    }
    Ok(found)
}

/// Removes documents by the ids that a sweep has found, and returns how many were still there.
async fn remove(
    collection: &Collection<Document>,
    found: Vec<Document>,
) -> mongo_engine::mongodb::error::Result<u64> {
    let ids = found.into_iter().filter_map(|mut found| found.remove("_id"));
    let ids: Vec<Bson> = ids.collect();
    if ids.is_empty() {
        return Ok(0);
    }
    let removed = collection.delete_many(doc! { "_id": { "$in": ids } }).await?;
    Ok(removed.deleted_count)
}

#[async_trait]
impl AuthStore for MongoAuthStore {
    async fn insert_user(&self, user: User, session: Session) -> Result<(), StoreError> {
        let (user, session) = (UserDocument::of(&user)?, SessionDocument::of(&session)?);
        let (users, sessions) = (self.users.clone(), self.sessions.clone());
        // One operation: a caller that gives up does not come between the two.
        let insert = async move {
            match users.insert_one(user).await {
                Ok(_) => sessions.insert_one(session).await.map(|_| true),
                // The id is random, so it is the address that somebody has.
                Err(error) if is_duplicate(&error) => Ok(false),
                Err(error) => Err(error),
            }
        };
        if self.engine.run(insert).await? {
            Ok(())
        } else {
            Err(StoreError::EmailTaken)
        }
    }

    async fn user_by_email(&self, email: &EmailKey) -> Result<Option<User>, StoreError> {
        self.find(&self.users, doc! { "email_key": email.as_str() }).await
    }

    async fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.find(&self.users, doc! { "_id": id.as_str() }).await
    }

    async fn replace_password_hash(
        &self,
        id: &UserId,
        expected: &PasswordHash,
        hash: PasswordHash,
    ) -> Result<bool, StoreError> {
        let filter = doc! { "_id": id.as_str(), "password_hash": expected.as_str() };
        self.update(&self.users, filter, doc! { "password_hash": hash.as_str() })
            .await
    }

    async fn change_password(&self, changed: &User) -> Result<bool, StoreError> {
        let version = signed(changed.security_version)?;
        let filter = doc! { "_id": changed.id.as_str(), "security_version": version - 1 };
        let set = doc! {
            "password_hash": changed.password_hash.as_str(),
            "security_version": version,
            "security_version_time": date(changed.security_version_time),
        };
        self.update(&self.users, filter, set).await
    }

    async fn update_profile(&self, id: &UserId, change: ProfileChange) -> Result<Option<User>, StoreError> {
        let mut set = Document::new();
        if let Some(name) = change.display_name {
            set.insert("display_name", name.as_str());
        }
        if let Some(name) = change.organization_name {
            set.insert("membership.organization_name", name.as_str());
        }
        let (users, filter) = (self.users.clone(), doc! { "_id": id.as_str() });
        let update = async move {
            let update = users.find_one_and_update(filter, doc! { "$set": set });
            update.return_document(ReturnDocument::After).await
        };
        self.engine.run(update).await?.map(User::try_from).transpose()
    }

    async fn members(
        &self,
        organization: Option<&OrganizationId>,
        limit: usize,
    ) -> Result<Vec<User>, StoreError> {
        let filter = organization.map_or_else(Document::new, |organization| {
            doc! { "membership.organization_id": organization.as_str() }
        });
        let (users, limit) = (self.users.clone(), i64::try_from(limit).unwrap_or(i64::MAX));
        let find = async move {
            let found = users.find(filter).sort(doc! { "_id": 1 }).limit(limit);
            all(found.max_time(OPERATION_TIME).await?).await
        };
        let found = self.engine.run(find).await?;
        found.into_iter().map(User::try_from).collect()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.engine.ping().await?)
    }

    async fn close(&self) {
        self.watcher.close();
        self.engine.close().await;
    }
}

impl From<EngineError> for StoreError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Overloaded => Self::Overloaded,
            EngineError::Unavailable(_) | EngineError::Closed => Self::Unavailable(Box::new(error)),
            EngineError::Duplicate | EngineError::Panicked | EngineError::Refused(_) => {
                Self::Broken(Box::new(error))
            }
        }
    }
}

#[cfg(test)]
mod tests;
