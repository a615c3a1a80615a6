//! The embedded store: one SQLite file.

mod events;
mod keys;
mod revocations;
pub(super) mod row;
pub(super) mod schema;
mod sessions;

use async_trait::async_trait;
use sqlite_engine::rusqlite::{self, Connection, ErrorCode, OptionalExtension as _, named_params, params};
use sqlite_engine::{Engine, EngineError, Location, OpenError};
use tokio::sync::broadcast;

pub(super) use self::events::insert_event;
pub(super) use self::keys::insert_signing_key;
pub(super) use self::sessions::insert_session;
use super::{AuthStore, StoreError};
use crate::domain::email::EmailKey;
use crate::domain::ids::{OrganizationId, UserId};
use crate::domain::revocation::{RaisedVersion, Revocation};
use crate::domain::session::Session;
use crate::domain::text::{DisplayName, OrganizationName};
use crate::domain::user::{PasswordHash, ProfileChange, User};
use crate::store::revocations::BACKLOG;

/// Users, sessions and keys in one SQLite database.
#[derive(Debug)]
pub(crate) struct SqliteAuthStore {
    engine: Engine,
    /// Told of every revocation that was committed.
    revocations: broadcast::Sender<Revocation>,
}

impl SqliteAuthStore {
    /// Opens or makes the database. Blocking; for start-up.
    ///
    /// # Errors
    /// Those of [`Engine::open`]: in use, too new, not to be read or written.
    pub(crate) fn open(location: &Location) -> Result<Self, OpenError> {
        Ok(Self::on(Engine::open(location, schema::MIGRATIONS)?))
    }

    /// Opens the database of a service, which may be running. Blocking.
    ///
    /// # Errors
    /// Those of [`Engine::open_beside`]: absent, of another release.
    pub(crate) fn open_beside(location: &Location) -> Result<Self, OpenError> {
        Ok(Self::on(Engine::open_beside(location, schema::MIGRATIONS)?))
    }

    fn on(engine: Engine) -> Self {
        let (revocations, _) = broadcast::channel(BACKLOG);
        Self { engine, revocations }
    }

    /// Writes as [`Engine::write`] does, and tells those who watch what the job revoked, as soon as it is committed.
    async fn revoke<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        revoked: impl Fn(&T) -> Vec<Revocation> + Send + 'static,
    ) -> Result<T, StoreError> {
        let told = self.revocations.clone();
        let tell = move |result: &T| {
            for revocation in revoked(result) {
                // Nobody may be watching now.
                let _ = told.send(revocation);
            }
        };
        self.engine.write_and_tell(job, tell).await
    }
}

#[async_trait]
impl AuthStore for SqliteAuthStore {
    async fn insert_user(&self, user: User, session: Session) -> Result<(), StoreError> {
        self.engine
            .write(move |connection| {
                insert_user(connection, &user).or_else(|error| when_taken(error, StoreError::EmailTaken))?;
                Ok(insert_session(connection, &session)?)
            })
            .await
    }

    async fn user_by_email(&self, email: &EmailKey) -> Result<Option<User>, StoreError> {
        let email = email.as_str().to_owned();
        self.engine
            .read(move |connection| find_user(connection, schema::USER_BY_EMAIL, &email))
            .await
    }

    async fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let id = id.to_string();
        self.engine
            .read(move |connection| find_user(connection, schema::USER, &id))
            .await
    }

    async fn replace_password_hash(
        &self,
        id: &UserId,
        expected: &PasswordHash,
        hash: PasswordHash,
    ) -> Result<bool, StoreError> {
        let (id, expected) = (id.to_string(), expected.clone());
        self.engine
            .write(move |connection| {
                let mut statement = connection.prepare_cached(schema::REPLACE_PASSWORD_HASH)?;
                Ok(statement.execute(params![id, expected.as_str(), hash.as_str()])? > 0)
            })
            .await
    }

    async fn change_password(&self, changed: &User) -> Result<bool, StoreError> {
        let raised = Revocation::User(RaisedVersion {
            user_id: changed.id.clone(),
            security_version: changed.security_version,
            time: changed.security_version_time,
        });
        let changed = changed.clone();
        let job = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(schema::CHANGE_PASSWORD)?;
            let rows = statement.execute(named_params! {
                ":id": changed.id.as_str(),
                ":password_hash": changed.password_hash.as_str(),
                ":security_version": row::integer(changed.security_version)?,
                ":security_version_time": changed.security_version_time.as_millisecond(),
            })?;
            Ok(rows > 0)
        };
        let revoked = move |changed: &bool| changed.then(|| raised.clone()).into_iter().collect();
        self.revoke(job, revoked).await
    }

    async fn update_profile(&self, id: &UserId, change: ProfileChange) -> Result<Option<User>, StoreError> {
        let id = id.to_string();
        self.engine
            .write(move |connection| {
                let mut statement = connection.prepare_cached(schema::UPDATE_PROFILE)?;
                let change = named_params! {
                    ":id": id,
                    ":display_name": change.display_name.as_ref().map(DisplayName::as_str),
                    ":organization_name": change.organization_name.as_ref().map(OrganizationName::as_str),
                };
                Ok(statement.query_row(change, row::user).optional()?)
            })
            .await
    }

    async fn members(
        &self,
        organization: Option<&OrganizationId>,
        limit: usize,
    ) -> Result<Vec<User>, StoreError> {
        let (organization, limit) = (
            organization.map(ToString::to_string),
            i64::try_from(limit).unwrap_or(i64::MAX),
        );
        let read = self.engine.read(move |connection| {
            let mut statement = connection.prepare_cached(schema::MEMBERS)?;
            let users = statement.query_map(params![organization, limit], row::user)?;
            Ok::<_, StoreError>(users.collect::<Result<_, _>>()?)
        });
        read.await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.engine.ping().await?)
    }

    async fn close(&self) {
        self.engine.close().await;
    }
}

/// Rows that a statement changed.
fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

fn find_user(connection: &Connection, sql: &str, key: &str) -> Result<Option<User>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([key], row::user).optional()?)
}

pub(super) fn insert_user(connection: &Connection, user: &User) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(schema::INSERT_USER)?;
    statement.execute(named_params! {
        ":id": user.id.as_str(),
        ":email": user.email.as_str(),
        ":email_key": user.email.key().as_str(),
        ":display_name": user.display_name.as_str(),
        ":password_hash": user.password_hash.as_str(),
        ":security_version": row::integer(user.security_version)?,
        ":organization_id": user.membership.organization_id.as_str(),
        ":organization_name": user.membership.organization_name.as_str(),
        ":role": user.membership.role.as_str(),
        ":create_time": user.create_time.as_millisecond(),
        ":security_version_time": user.security_version_time.as_millisecond(),
    })?;
    Ok(())
}

/// `taken` for a violated unique index, else the error.
fn when_taken(error: rusqlite::Error, taken: StoreError) -> Result<(), StoreError> {
    if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) {
        Err(taken)
    } else {
        Err(error.into())
    }
}

impl From<EngineError> for StoreError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Overloaded => Self::Overloaded,
            EngineError::Unavailable(_) | EngineError::Closed => Self::Unavailable(Box::new(error)),
            EngineError::JobPanicked | EngineError::Statement(_) => Self::Broken(Box::new(error)),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::from(EngineError::from(error))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::signing_key::SigningKey;
    use crate::store::contract::{self, Store};
    use crate::store::sample;

    fn open(location: &Location) -> Store {
        Arc::new(SqliteAuthStore::open(location).unwrap())
    }

    contract::stamp!(in_memory, async { (open(&Location::Memory), ()) });

    contract::stamp!(in_a_file, async {
        let directory = tempfile::tempdir().unwrap();
        let store = open(&Location::File(directory.path().join("auth.db")));
        (store, directory)
    });

    #[tokio::test]
    async fn everything_is_there_again_after_reopening() {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::File(directory.path().join("auth.db"));
        let store = SqliteAuthStore::open(&location).unwrap();
        let written = contract::fill(&store).await;
        store.close().await;
        contract::check(&SqliteAuthStore::open(&location).unwrap(), &written).await;
    }

    /// A file as the release before security versions had times left it.
    #[tokio::test]
    async fn in_an_older_file_a_security_version_is_as_old_as_its_user() {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::File(directory.path().join("auth.db"));
        let older = Engine::open(&location, &schema::MIGRATIONS[..2]).unwrap();
        let ada = sample::user("ada@example.com");
        let sql = "INSERT INTO user VALUES (?1, ?2, ?2, 'Ada Lovelace', ?3, 7, ?4, 'Analytical Engines', 'OWNER', ?5)";
        let values = (
            ada.id.to_string(),
            ada.email.as_str().to_owned(),
            ada.password_hash.as_str().to_owned(),
            ada.membership.organization_id.to_string(),
            ada.create_time.as_millisecond(),
        );
        let insert = |connection: &Connection| Ok::<_, EngineError>(connection.execute(sql, values)?);
        older.write(insert).await.unwrap();
        older.close().await;

        let found = open(&location).user(&ada.id).await.unwrap().unwrap();
        assert_eq!(
            found,
            User {
                security_version_time: ada.create_time,
                ..ada
            }
        );
    }

    /// A file as the release before keys had a sequence left it, with the one key that it made.
    #[tokio::test]
    async fn in_an_older_file_the_one_key_is_the_first_of_the_sequence() {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::File(directory.path().join("auth.db"));
        let older = Engine::open(&location, &schema::MIGRATIONS[..5]).unwrap();
        let key = sample::key(5);
        let values = (
            key.id.to_string(),
            key.public_key,
            key.sealed_private_key.clone(),
            key.create_time.as_millisecond(),
        );
        let sql = "INSERT INTO signing_key VALUES (?1, 'ACTIVE', ?2, ?3, ?4)";
        let insert = |connection: &Connection| Ok::<_, EngineError>(connection.execute(sql, values)?);
        older.write(insert).await.unwrap();
        older.close().await;

        let expected = SigningKey {
            sequence: 1,
            activate_time: key.create_time,
            ..key
        };
        assert_eq!(open(&location).signing_keys().await.unwrap(), [expected]);
    }
}
