//! The part of the port that keeps security events.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::ids::{EventId, UserId};
use crate::domain::security_event::SecurityEvent;

/// Which events to list.
#[derive(Debug, Clone)]
pub(crate) struct EventQuery {
    /// Those of this user, and those of everybody.
    pub(crate) user_id: UserId,
    /// Only those with this id or a higher one.
    pub(crate) since: EventId,
    /// Only those with a lower id.
    pub(crate) before: Option<EventId>,
    /// At most this many, from the highest id on.
    pub(crate) limit: usize,
}

/// Keeps security events. What [`super::AuthStore`] says of every method holds here too.
#[async_trait]
pub(crate) trait EventStore: Send + Sync + 'static {
    /// Adds an event.
    async fn insert_event(&self, event: SecurityEvent) -> Result<(), StoreError>;

    /// The events that `query` asks for, the highest id first: as they were at some time during the call. Right after
    /// the loss of a server they can be those of a moment before.
    async fn events_of(&self, query: EventQuery) -> Result<Vec<SecurityEvent>, StoreError>;

    /// Removes events with a lower id than `before`, the lowest first and at most `limit` of them, and returns how many;
    /// 0 means that none is left. Any number of replicas may do this at the same time.
    async fn sweep_events(&self, before: &EventId, limit: u32) -> Result<u64, StoreError>;
}
