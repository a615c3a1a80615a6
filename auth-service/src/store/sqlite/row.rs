//! Rows as domain types. A value that its constructor refuses is a defect of the file, never a panic.

use std::str::FromStr;

use jiff::Timestamp;
use sqlite_engine::rusqlite::types::{FromSql, Type};
use sqlite_engine::rusqlite::{Error, Result, Row};

use crate::domain::client::Client;
use crate::domain::email::Email;
use crate::domain::ids::SessionId;
use crate::domain::revocation::{EndedSession, RaisedVersion, Revocation};
use crate::domain::security_event::SecurityEvent;
use crate::domain::session::{Session, SessionEnd};
use crate::domain::signing_key::SigningKey;
use crate::domain::text::Text;
use crate::domain::user::{Membership, PasswordHash, User};
use crate::store::names;

pub(in crate::store) fn user(row: &Row<'_>) -> Result<User> {
    Ok(User {
        id: parsed(row, 0)?,
        email: checked(1, Email::parse(&get::<String>(row, 1)?))?,
        display_name: text(row, 2)?,
        password_hash: PasswordHash::new(get(row, 3)?),
        security_version: natural(row, 4)?,
        membership: Membership {
            organization_id: parsed(row, 5)?,
            organization_name: text(row, 6)?,
            role: parsed(row, 7)?,
        },
        create_time: time(row, 8)?,
        security_version_time: time(row, 9)?,
    })
}

pub(in crate::store) fn session(row: &Row<'_>) -> Result<Session> {
    let reason = get::<Option<String>>(row, 8)?;
    let end = match reason {
        Some(name) => Some(SessionEnd {
            reason: checked(8, names::end_reason(&name))?,
            time: time(row, 9)?,
        }),
        None => None,
    };
    Ok(Session {
        id: parsed(row, 0)?,
        user_id: parsed(row, 1)?,
        user_version: natural(row, 10)?,
        generation: natural(row, 2)?,
        first_generation: natural(row, 11)?,
        client: Client {
            label: text(row, 3)?,
            address_prefix: optional(row, 12)?,
        },
        create_time: time(row, 4)?,
        last_use_time: time(row, 5)?,
        idle_expire_time: time(row, 6)?,
        expire_time: time(row, 7)?,
        end,
    })
}

pub(in crate::store) fn event(row: &Row<'_>) -> Result<SecurityEvent> {
    Ok(SecurityEvent {
        id: parsed(row, 0)?,
        kind: checked(1, names::event_kind(&get::<String>(row, 1)?))?,
        time: time(row, 2)?,
        user_id: optional(row, 3)?,
        session_id: optional(row, 4)?,
        client: Client {
            label: text(row, 5)?,
            address_prefix: optional(row, 6)?,
        },
    })
}

pub(super) fn session_id(row: &Row<'_>) -> Result<SessionId> {
    parsed(row, 0)
}

pub(super) fn ended_session(row: &Row<'_>) -> Result<Revocation> {
    Ok(Revocation::Session(EndedSession {
        id: parsed(row, 0)?,
        end_time: time(row, 1)?,
    }))
}

pub(super) fn raised_version(row: &Row<'_>) -> Result<Revocation> {
    Ok(Revocation::User(RaisedVersion {
        user_id: parsed(row, 0)?,
        security_version: natural(row, 1)?,
        time: time(row, 2)?,
    }))
}

pub(in crate::store) fn signing_key(row: &Row<'_>) -> Result<SigningKey> {
    Ok(SigningKey {
        id: parsed(row, 0)?,
        sequence: natural(row, 1)?,
        activate_time: time(row, 2)?,
        revoke_time: match get::<Option<i64>>(row, 3)? {
            Some(_) => Some(time(row, 3)?),
            None => None,
        },
        public_key: get(row, 4)?,
        sealed_private_key: get(row, 5)?,
        create_time: time(row, 6)?,
    })
}

/// A number as SQLite keeps it.
pub(super) fn integer(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))
}

fn get<T: FromSql>(row: &Row<'_>, column: usize) -> Result<T> {
    row.get(column)
}

fn natural(row: &Row<'_>, column: usize) -> Result<u64> {
    checked(column, u64::try_from(get::<i64>(row, column)?))
}

fn time(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    checked(column, Timestamp::from_millisecond(get(row, column)?))
}

fn text<const MAX: usize>(row: &Row<'_>, column: usize) -> Result<Text<MAX>> {
    checked(column, Text::parse(&get::<String>(row, column)?))
}

fn optional<T>(row: &Row<'_>, column: usize) -> Result<Option<T>>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text = get::<Option<String>>(row, column)?;
    text.map(|text| checked(column, text.parse())).transpose()
}

fn parsed<T>(row: &Row<'_>, column: usize) -> Result<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    checked(column, get::<String>(row, column)?.parse())
}

fn checked<T, E>(column: usize, value: std::result::Result<T, E>) -> Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    value.map_err(|error| Error::FromSqlConversionFailure(column, Type::Null, Box::new(error)))
}
