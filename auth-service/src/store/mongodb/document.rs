//! Documents and their domain types. Fields that a newer release adds are ignored here and survive every update, which
//! sets single fields. A value that its constructor refuses is a defect of the data, never a panic.

mod revocation;

use std::str::FromStr;

use jiff::Timestamp;
use mongo_engine::bson::spec::BinarySubtype;
use mongo_engine::bson::{Binary, DateTime, Document, doc};
use serde::{Deserialize, Serialize};

use crate::domain::client::Client;
use crate::domain::email::Email;
use crate::domain::security_event::SecurityEvent;
use crate::domain::session::{Session, SessionEnd};
use crate::domain::signing_key::SigningKey;
use crate::domain::text::Text;
use crate::domain::user::{Membership, PasswordHash, User};
use crate::store::{StoreError, names};

pub(super) use self::revocation::{ChangeDocument, EndedSessionDocument, RaisedVersionDocument};

#[derive(Serialize, Deserialize)]
pub(in crate::store) struct UserDocument {
    #[serde(rename = "_id")]
    id: String,
    email: String,
    email_key: String,
    display_name: String,
    password_hash: String,
    security_version: i64,
    /// Absent in what releases before it have written: then the version is that of the registration.
    security_version_time: Option<DateTime>,
    membership: MembershipDocument,
    create_time: DateTime,
}

#[derive(Serialize, Deserialize)]
struct MembershipDocument {
    organization_id: String,
    organization_name: String,
    role: String,
}

#[derive(Serialize, Deserialize)]
pub(in crate::store) struct SessionDocument {
    #[serde(rename = "_id")]
    id: String,
    user_id: String,
    /// Absent in what older releases have written: then it is the first.
    user_version: Option<i64>,
    generation: i64,
    /// Absent in what older releases have written: then it is 1.
    first_generation: Option<i64>,
    client_label: String,
    /// Absent when it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    address_prefix: Option<String>,
    create_time: DateTime,
    last_use_time: DateTime,
    idle_expire_time: DateTime,
    expire_time: DateTime,
    /// Absent while the session lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<EndDocument>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct EndDocument {
    reason: String,
    time: DateTime,
}

#[derive(Serialize, Deserialize)]
pub(in crate::store) struct EventDocument {
    #[serde(rename = "_id")]
    id: String,
    kind: String,
    time: DateTime,
    /// Absent when it is everybody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    client_label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    address_prefix: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(in crate::store) struct KeyDocument {
    #[serde(rename = "_id")]
    id: String,
    /// Absent in what releases before it have written, as is the time: they made one key, which was active from then on.
    sequence: Option<i64>,
    activate_time: Option<DateTime>,
    /// Absent while the key is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoke_time: Option<DateTime>,
    public_key: Binary,
    sealed_private_key: Binary,
    create_time: DateTime,
}

impl UserDocument {
    pub(in crate::store) fn of(user: &User) -> Result<Self, StoreError> {
        Ok(Self {
            id: user.id.to_string(),
            email: user.email.as_str().to_owned(),
            email_key: user.email.key().as_str().to_owned(),
            display_name: user.display_name.as_str().to_owned(),
            password_hash: user.password_hash.as_str().to_owned(),
            security_version: signed(user.security_version)?,
            security_version_time: Some(date(user.security_version_time)),
            membership: MembershipDocument {
                organization_id: user.membership.organization_id.to_string(),
                organization_name: user.membership.organization_name.as_str().to_owned(),
                role: user.membership.role.as_str().to_owned(),
            },
            create_time: date(user.create_time),
        })
    }
}

impl TryFrom<UserDocument> for User {
    type Error = StoreError;

    fn try_from(document: UserDocument) -> Result<Self, StoreError> {
        let membership = document.membership;
        Ok(Self {
            id: document.id.parse().map_err(broken)?,
            email: Email::parse(&document.email).map_err(broken)?,
            display_name: text(&document.display_name)?,
            password_hash: PasswordHash::new(document.password_hash),
            security_version: natural(document.security_version)?,
            security_version_time: time(document.security_version_time.unwrap_or(document.create_time))?,
            membership: Membership {
                organization_id: membership.organization_id.parse().map_err(broken)?,
                organization_name: text(&membership.organization_name)?,
                role: membership.role.parse().map_err(broken)?,
            },
            create_time: time(document.create_time)?,
        })
    }
}

impl SessionDocument {
    pub(in crate::store) fn of(session: &Session) -> Result<Self, StoreError> {
        Ok(Self {
            id: session.id.to_string(),
            user_id: session.user_id.to_string(),
            user_version: Some(signed(session.user_version)?),
            generation: signed(session.generation)?,
            first_generation: Some(signed(session.first_generation)?),
            client_label: session.client.label.as_str().to_owned(),
            address_prefix: session.client.address_prefix.map(|prefix| prefix.to_string()),
            create_time: date(session.create_time),
            last_use_time: date(session.last_use_time),
            idle_expire_time: date(session.idle_expire_time),
            expire_time: date(session.expire_time),
            end: session.end.map(EndDocument::of),
        })
    }
}

impl TryFrom<SessionDocument> for Session {
    type Error = StoreError;

    fn try_from(document: SessionDocument) -> Result<Self, StoreError> {
        Ok(Self {
            id: document.id.parse().map_err(broken)?,
            user_id: document.user_id.parse().map_err(broken)?,
            user_version: match document.user_version {
                Some(version) => natural(version)?,
                None => User::FIRST_SECURITY_VERSION,
            },
            generation: natural(document.generation)?,
            first_generation: document.first_generation.map_or(Ok(1), natural)?,
            client: Client {
                label: text(&document.client_label)?,
                address_prefix: optional(document.address_prefix.as_deref())?,
            },
            create_time: time(document.create_time)?,
            last_use_time: time(document.last_use_time)?,
            idle_expire_time: time(document.idle_expire_time)?,
            expire_time: time(document.expire_time)?,
            end: document.end.map(SessionEnd::try_from).transpose()?,
        })
    }
}

impl EndDocument {
    pub(super) fn of(end: SessionEnd) -> Self {
        Self {
            reason: names::end_reason_name(end.reason).to_owned(),
            time: date(end.time),
        }
    }

    /// For an update.
    pub(super) fn into_document(self) -> Document {
        doc! { "reason": self.reason, "time": self.time }
    }
}

impl TryFrom<EndDocument> for SessionEnd {
    type Error = StoreError;

    fn try_from(document: EndDocument) -> Result<Self, StoreError> {
        Ok(Self {
            reason: names::end_reason(&document.reason).map_err(broken)?,
            time: time(document.time)?,
        })
    }
}

impl EventDocument {
    pub(in crate::store) fn of(event: &SecurityEvent) -> Self {
        Self {
            id: event.id.to_string(),
            kind: event.kind.name().to_owned(),
            time: date(event.time),
            user_id: event.user_id.as_ref().map(ToString::to_string),
            session_id: event.session_id.as_ref().map(ToString::to_string),
            client_label: event.client.label.as_str().to_owned(),
            address_prefix: event.client.address_prefix.map(|prefix| prefix.to_string()),
        }
    }
}

impl TryFrom<EventDocument> for SecurityEvent {
    type Error = StoreError;

    fn try_from(document: EventDocument) -> Result<Self, StoreError> {
        Ok(Self {
            id: document.id.parse().map_err(broken)?,
            kind: names::event_kind(&document.kind).map_err(broken)?,
            time: time(document.time)?,
            user_id: optional(document.user_id.as_deref())?,
            session_id: optional(document.session_id.as_deref())?,
            client: Client {
                label: text(&document.client_label)?,
                address_prefix: optional(document.address_prefix.as_deref())?,
            },
        })
    }
}

impl KeyDocument {
    pub(in crate::store) fn of(key: &SigningKey) -> Result<Self, StoreError> {
        Ok(Self {
            id: key.id.to_string(),
            sequence: Some(signed(key.sequence)?),
            activate_time: Some(date(key.activate_time)),
            revoke_time: key.revoke_time.map(date),
            public_key: binary(&key.public_key),
            sealed_private_key: binary(&key.sealed_private_key),
            create_time: date(key.create_time),
        })
    }
}

impl TryFrom<KeyDocument> for SigningKey {
    type Error = StoreError;

    fn try_from(document: KeyDocument) -> Result<Self, StoreError> {
        let public_key = document.public_key.bytes.as_slice();
        Ok(Self {
            id: document.id.parse().map_err(broken)?,
            sequence: natural(document.sequence.unwrap_or(1))?,
            activate_time: time(document.activate_time.unwrap_or(document.create_time))?,
            revoke_time: document.revoke_time.map(time).transpose()?,
            public_key: public_key.try_into().map_err(broken)?,
            sealed_private_key: document.sealed_private_key.bytes,
            create_time: time(document.create_time)?,
        })
    }
}

/// A number as BSON keeps it.
pub(super) fn signed(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(broken)
}

/// A time as BSON keeps it, in whole milliseconds.
pub(super) fn date(time: Timestamp) -> DateTime {
    DateTime::from_millis(time.as_millisecond())
}

fn natural(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(broken)
}

fn time(date: DateTime) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(date.timestamp_millis()).map_err(broken)
}

/// A member that can be absent.
fn optional<T>(text: Option<&str>) -> Result<Option<T>, StoreError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    text.map(|text| text.parse().map_err(broken)).transpose()
}

fn text<const MAX: usize>(text: &str) -> Result<Text<MAX>, StoreError> {
    Text::parse(text).map_err(broken)
}

pub(super) fn binary(bytes: &[u8]) -> Binary {
    Binary {
        subtype: BinarySubtype::Generic,
        bytes: bytes.to_vec(),
    }
}

fn broken(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Broken(Box::new(error))
}
