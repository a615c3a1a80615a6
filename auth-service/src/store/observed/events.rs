//! The operations on security events.

use async_trait::async_trait;
use telemetry::{Database, Operation};

use super::Observed;
use crate::domain::ids::EventId;
use crate::domain::security_event::SecurityEvent;
use crate::store::{EventQuery, EventStore, StoreError};

pub(super) struct EventOperations {
    insert_event: Operation,
    events_of: Operation,
    sweep_events: Operation,
}

impl EventOperations {
    pub(super) fn of(database: &Database) -> Self {
        Self {
            insert_event: database.operation("insert_event"),
            events_of: database.operation("events_of"),
            sweep_events: database.operation("sweep_events"),
        }
    }
}

#[async_trait]
impl EventStore for Observed {
    async fn insert_event(&self, event: SecurityEvent) -> Result<(), StoreError> {
        let inserted = self.store.insert_event(event);
        self.events.insert_event.observe(inserted).await
    }

    async fn events_of(&self, query: EventQuery) -> Result<Vec<SecurityEvent>, StoreError> {
        let found = self.store.events_of(query);
        self.events.events_of.observe(found).await
    }

    async fn sweep_events(&self, before: &EventId, limit: u32) -> Result<u64, StoreError> {
        let swept = self.store.sweep_events(before, limit);
        self.events.sweep_events.observe(swept).await
    }
}
