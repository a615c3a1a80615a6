//! What this store holds, for the copy from one database to another. Records pass through the domain, so what no release
//! of this program can have written is not carried on.

use mongo_engine::bson::{
    RawDocument, RawDocumentBuf, deserialize_from_slice, serialize_to_raw_document_buf,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlite_engine::rusqlite::{self, Connection, Row};
use store_copy::{Collection, Contents, RecordError};

use super::StoreError;
use super::mongodb::document::{EventDocument, KeyDocument, SessionDocument, UserDocument};
use super::mongodb::{DATABASE, schema};
use super::sqlite::schema::{EVENT_COLUMNS, MIGRATIONS, SESSION_COLUMNS, SIGNING_KEY_COLUMNS, USER_COLUMNS};
use super::sqlite::{self, row};
use crate::domain::security_event::SecurityEvent;
use crate::domain::session::Session;
use crate::domain::signing_key::SigningKey;
use crate::domain::user::User;

/// What auth-service stores. The master key is not among it.
pub fn contents() -> Contents {
    Contents {
        service: "auth-service",
        migrations: MIGRATIONS,
        schema: schema::schema(),
        default_database: DATABASE,
        // Users first: sessions and events refer to them.
        collections: const {
            &[
                collection::<User>(schema::USERS, "user", USER_COLUMNS),
                collection::<Session>(schema::SESSIONS, "session", SESSION_COLUMNS),
                collection::<SecurityEvent>(schema::SECURITY_EVENTS, "security_event", EVENT_COLUMNS),
                collection::<SigningKey>(schema::SIGNING_KEYS, "signing_key", SIGNING_KEY_COLUMNS),
            ]
        },
    }
}

const fn collection<T: Stored>(name: &'static str, table: &'static str, columns: &'static str) -> Collection {
    Collection {
        name,
        key: &["_id"],
        index: "_id_",
        table,
        key_columns: &["id"],
        columns,
        from_row: from_row::<T>,
        insert: insert::<T>,
        canonical: canonical::<T>,
    }
}

/// A domain type as both databases keep it.
trait Stored: Sized + TryFrom<Self::Document, Error = StoreError> {
    type Document: Serialize + DeserializeOwned;

    fn document(&self) -> Result<Self::Document, StoreError>;
    fn of_row(row: &Row<'_>) -> rusqlite::Result<Self>;
    fn insert(&self, connection: &Connection) -> rusqlite::Result<()>;
}

impl Stored for User {
    type Document = UserDocument;

    fn document(&self) -> Result<UserDocument, StoreError> {
        UserDocument::of(self)
    }

    fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        row::user(row)
    }

    fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        sqlite::insert_user(connection, self)
    }
}

impl Stored for Session {
    type Document = SessionDocument;

    fn document(&self) -> Result<SessionDocument, StoreError> {
        SessionDocument::of(self)
    }

    fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        row::session(row)
    }

    fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        sqlite::insert_session(connection, self)
    }
}

impl Stored for SecurityEvent {
    type Document = EventDocument;

    fn document(&self) -> Result<EventDocument, StoreError> {
        Ok(EventDocument::of(self))
    }

    fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        row::event(row)
    }

    fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        sqlite::insert_event(connection, self)
    }
}

impl Stored for SigningKey {
    type Document = KeyDocument;

    fn document(&self) -> Result<KeyDocument, StoreError> {
        KeyDocument::of(self)
    }

    fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        row::signing_key(row)
    }

    fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        sqlite::insert_signing_key(connection, self)
    }
}

fn read<T: Stored>(document: &RawDocument) -> Result<T, RecordError> {
    let document: T::Document = deserialize_from_slice(document.as_bytes()).map_err(RecordError::invalid)?;
    T::try_from(document).map_err(RecordError::invalid)
}

fn write<T: Stored>(value: &T) -> Result<RawDocumentBuf, RecordError> {
    let document = value.document().map_err(RecordError::invalid)?;
    serialize_to_raw_document_buf(&document).map_err(RecordError::invalid)
}

fn from_row<T: Stored>(row: &Row<'_>) -> Result<RawDocumentBuf, RecordError> {
    write(&T::of_row(row).map_err(RecordError::invalid)?)
}

fn insert<T: Stored>(connection: &Connection, document: &RawDocument) -> Result<(), RecordError> {
    Ok(read::<T>(document)?.insert(connection)?)
}

fn canonical<T: Stored>(document: &RawDocument) -> Result<RawDocumentBuf, RecordError> {
    write(&read::<T>(document)?)
}
