//! Rows as domain types. A value that its constructor refuses is a defect of the file, never a panic.

use std::str::FromStr;

use jiff::Timestamp;
use sqlite_engine::rusqlite::types::{FromSql, Type};
use sqlite_engine::rusqlite::{Error, Result, Row};

use crate::domain::email::Email;
use crate::domain::session::{EndReason, Session, SessionEnd};
use crate::domain::signing_key::{KeyState, SigningKey};
use crate::domain::text::Text;
use crate::domain::user::{Membership, PasswordHash, User};

pub(super) fn user(row: &Row<'_>) -> Result<User> {
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
    })
}

pub(super) fn session(row: &Row<'_>) -> Result<Session> {
    let reason = get::<Option<String>>(row, 8)?;
    let end = match reason {
        Some(name) => Some(SessionEnd {
            reason: end_reason(&name)?,
            time: time(row, 9)?,
        }),
        None => None,
    };
    Ok(Session {
        id: parsed(row, 0)?,
        user_id: parsed(row, 1)?,
        generation: natural(row, 2)?,
        client_label: text(row, 3)?,
        create_time: time(row, 4)?,
        last_use_time: time(row, 5)?,
        idle_expire_time: time(row, 6)?,
        expire_time: time(row, 7)?,
        end,
    })
}

pub(super) fn signing_key(row: &Row<'_>) -> Result<SigningKey> {
    Ok(SigningKey {
        id: parsed(row, 0)?,
        state: key_state(&get::<String>(row, 1)?)?,
        public_key: get(row, 2)?,
        sealed_private_key: get(row, 3)?,
        create_time: time(row, 4)?,
    })
}

pub(super) fn end_reason_name(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Logout => "LOGOUT",
        EndReason::RefreshTokenReused => "REFRESH_TOKEN_REUSED",
    }
}

fn end_reason(name: &str) -> Result<EndReason> {
    match name {
        "LOGOUT" => Ok(EndReason::Logout),
        "REFRESH_TOKEN_REUSED" => Ok(EndReason::RefreshTokenReused),
        _ => Err(unknown(8, "an unknown reason for the end of a session")),
    }
}

pub(super) fn key_state_name(state: KeyState) -> &'static str {
    match state {
        KeyState::Next => "NEXT",
        KeyState::Active => "ACTIVE",
        KeyState::Retired => "RETIRED",
    }
}

fn key_state(name: &str) -> Result<KeyState> {
    match name {
        "NEXT" => Ok(KeyState::Next),
        "ACTIVE" => Ok(KeyState::Active),
        "RETIRED" => Ok(KeyState::Retired),
        _ => Err(unknown(1, "an unknown state of a signing key")),
    }
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

fn unknown(column: usize, what: &'static str) -> Error {
    Error::FromSqlConversionFailure(column, Type::Text, what.into())
}
