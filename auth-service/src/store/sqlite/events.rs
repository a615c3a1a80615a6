//! Security events in SQLite.

use async_trait::async_trait;
use sqlite_engine::rusqlite::{self, Connection, named_params, params};

use super::{SqliteAuthStore, row, schema};
use crate::domain::ids::{EventId, SessionId, UserId};
use crate::domain::security_event::SecurityEvent;
use crate::store::{EventQuery, EventStore, StoreError};

#[async_trait]
impl EventStore for SqliteAuthStore {
    async fn insert_event(&self, event: SecurityEvent) -> Result<(), StoreError> {
        self.engine
            .write(move |connection| Ok(insert_event(connection, &event)?))
            .await
    }

    async fn events_of(&self, query: EventQuery) -> Result<Vec<SecurityEvent>, StoreError> {
        self.engine
            .read(move |connection| {
                let mut statement = connection.prepare_cached(schema::EVENTS_OF)?;
                let events = statement.query_map(
                    named_params! {
                        ":user_id": query.user_id.as_str(),
                        ":since": query.since.as_str(),
                        ":before": query.before.as_ref().map(EventId::as_str),
                        ":limit": i64::try_from(query.limit).unwrap_or(i64::MAX),
                    },
                    row::event,
                )?;
                Ok(events.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn sweep_events(&self, before: &EventId, limit: u32) -> Result<u64, StoreError> {
        let before = before.to_string();
        self.engine
            .write(move |connection| {
                let mut statement = connection.prepare_cached(schema::SWEEP_EVENTS)?;
                Ok(super::count(statement.execute(params![before, limit])?))
            })
            .await
    }
}

pub(in crate::store) fn insert_event(connection: &Connection, event: &SecurityEvent) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(schema::INSERT_EVENT)?;
    statement.execute(named_params! {
        ":id": event.id.as_str(),
        ":kind": event.kind.name(),
        ":time": event.time.as_millisecond(),
        ":user_id": event.user_id.as_ref().map(UserId::as_str),
        ":session_id": event.session_id.as_ref().map(SessionId::as_str),
        ":client_label": event.client.label.as_str(),
        ":address_prefix": event.client.address_prefix.map(|prefix| prefix.to_string()),
    })?;
    Ok(())
}
