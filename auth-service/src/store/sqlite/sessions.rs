//! Sessions in SQLite.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlite_engine::rusqlite::{self, Connection, OptionalExtension as _, named_params, params};

use super::{SqliteAuthStore, row, schema};
use crate::domain::ids::{SessionId, UserId};
use crate::domain::revocation::{EndedSession, Revocation};
use crate::domain::session::{Session, SessionEnd};
use crate::store::{SessionQuery, SessionStore, StoreError, names};

#[async_trait]
impl SessionStore for SqliteAuthStore {
    async fn insert_session(&self, session: Session) -> Result<(), StoreError> {
        self.engine
            .write(move |connection| Ok(insert_session(connection, &session)?))
            .await
    }

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        let id = id.to_string();
        self.engine
            .read(move |connection| {
                let mut statement = connection.prepare_cached(schema::SESSION)?;
                Ok(statement.query_row([&id], row::session).optional()?)
            })
            .await
    }

    async fn sessions_of(&self, query: SessionQuery) -> Result<Vec<Session>, StoreError> {
        self.engine
            .read(move |connection| {
                let mut statement = connection.prepare_cached(schema::SESSIONS_OF)?;
                let sessions = statement.query_map(
                    named_params! {
                        ":user_id": query.user_id.as_str(),
                        ":user_version": row::integer(query.user_version)?,
                        ":alive_at": query.alive_at.as_millisecond(),
                        ":before": query.before.as_ref().map(SessionId::as_str),
                        ":limit": i64::try_from(query.limit).unwrap_or(i64::MAX),
                    },
                    row::session,
                )?;
                Ok(sessions.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn advance_session(&self, session: Session, from: u64) -> Result<bool, StoreError> {
        self.engine
            .write(move |connection| {
                let mut statement = connection.prepare_cached(schema::ADVANCE_SESSION)?;
                let changed = statement.execute(named_params! {
                    ":id": session.id.as_str(),
                    ":from": row::integer(from)?,
                    ":generation": row::integer(session.generation)?,
                    ":first_generation": row::integer(session.first_generation)?,
                    ":user_version": row::integer(session.user_version)?,
                    ":last_use": session.last_use_time.as_millisecond(),
                    ":idle_expire": session.idle_expire_time.as_millisecond(),
                })?;
                Ok(changed > 0)
            })
            .await
    }

    async fn end_session(&self, id: &SessionId, end: SessionEnd) -> Result<Option<Session>, StoreError> {
        let id = id.to_string();
        let job = move |connection: &Connection| {
            let reason = names::end_reason_name(end.reason);
            let mut statement = connection.prepare_cached(schema::END_SESSION)?;
            let ended = params![id, reason, end.time.as_millisecond()];
            Ok(statement.query_row(ended, row::session).optional()?)
        };
        let revoked = move |ended: &Option<Session>| {
            let ended = ended.iter().map(|session| revocation(&session.id, end));
            ended.collect()
        };
        self.revoke(job, revoked).await
    }

    async fn end_sessions_of(
        &self,
        user: &UserId,
        except: &SessionId,
        end: SessionEnd,
    ) -> Result<u64, StoreError> {
        let (user, except) = (user.to_string(), except.to_string());
        let job = move |connection: &Connection| {
            let reason = names::end_reason_name(end.reason);
            let mut statement = connection.prepare_cached(schema::END_SESSIONS_OF)?;
            let ended = params![user, except, reason, end.time.as_millisecond()];
            let ended = statement.query_map(ended, row::session_id)?;
            Ok(ended.collect::<Result<Vec<_>, _>>()?)
        };
        let revoked = move |ended: &Vec<SessionId>| {
            let ended = ended.iter().map(|id| revocation(id, end));
            ended.collect()
        };
        Ok(super::count(self.revoke(job, revoked).await?.len()))
    }

    async fn sweep_sessions(&self, expired_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.engine
            .write(move |connection| {
                let mut statement = connection.prepare_cached(schema::SWEEP_SESSIONS)?;
                let removed = statement.execute(params![expired_before.as_millisecond(), limit])?;
                Ok(super::count(removed))
            })
            .await
    }
}

fn revocation(id: &SessionId, end: SessionEnd) -> Revocation {
    Revocation::Session(EndedSession {
        id: id.clone(),
        end_time: end.time,
    })
}

pub(in crate::store) fn insert_session(connection: &Connection, session: &Session) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(schema::INSERT_SESSION)?;
    statement.execute(named_params! {
        ":id": session.id.as_str(),
        ":user_id": session.user_id.as_str(),
        ":user_version": row::integer(session.user_version)?,
        ":generation": row::integer(session.generation)?,
        ":first_generation": row::integer(session.first_generation)?,
        ":client_label": session.client.label.as_str(),
        ":address_prefix": session.client.address_prefix.map(|prefix| prefix.to_string()),
        ":create_time": session.create_time.as_millisecond(),
        ":last_use": session.last_use_time.as_millisecond(),
        ":idle_expire": session.idle_expire_time.as_millisecond(),
        ":expire": session.expire_time.as_millisecond(),
        ":end_reason": session.end.map(|end| names::end_reason_name(end.reason)),
        ":end_time": session.end.map(|end| end.time.as_millisecond()),
    })?;
    Ok(())
}
