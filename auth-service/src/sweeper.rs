//! Forgets sessions that ended long ago, and security events that are no longer shown.

use std::sync::Arc;
use std::time::Duration;

use grpc_server::Shutdown;
use jiff::SignedDuration;
use telemetry::chain;

use crate::domain::clock::Clock;
use crate::domain::ids::EventId;
use crate::domain::security_event;
use crate::store::{AuthStore, StoreError};

/// Between two sweeps.
const PERIOD: Duration = Duration::from_hours(1);
/// How long a session is kept beyond its absolute end: more than the clocks of two replicas ever differ.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// Sessions or events that are removed at a time: a few milliseconds of the store.
const BATCH: u32 = 500;
/// After each batch, so that calls come first.
const PAUSE: Duration = Duration::from_millis(100);

/// Sweeps at once and then every hour until the shutdown. Every replica does: they do not disturb each other.
pub(crate) async fn sweep_until(shutdown: Shutdown, store: Arc<dyn AuthStore>, clock: Clock) {
    let hourly = async {
        loop {
            report("sessions", sweep_sessions(&*store, &clock).await);
            report("security events", sweep_events(&*store, &clock).await);
            tokio::time::sleep(PERIOD).await;
        }
    };
    tokio::select! {
        _pace = shutdown.begun() => {}
        () = hourly => {}
    }
}

fn report(of: &'static str, swept: Result<u64, StoreError>) {
    match swept {
        Ok(0) => {}
        Ok(forgotten) => tracing::info!(of, forgotten, "forgot what was over long ago"),
        Err(error) => tracing::warn!(of, error = chain(&error), "what is over stays for another hour"),
    }
}

/// Removes every session that ended long ago and returns how many.
async fn sweep_sessions(store: &dyn AuthStore, clock: &Clock) -> Result<u64, StoreError> {
    let before = clock.now().saturating_sub(KEPT).unwrap_or_default();
    let mut removed = 0;
    loop {
        let batch = store.sweep_sessions(before, BATCH).await?;
        removed += batch;
        // Fewer than the batch can mean that another replica removed the others.
        if batch == 0 {
            return Ok(removed);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Removes every event that is not shown any more and returns how many.
async fn sweep_events(store: &dyn AuthStore, clock: &Clock) -> Result<u64, StoreError> {
    let before = clock
        .now()
        .saturating_sub(security_event::KEPT)
        .unwrap_or_default();
    let before = EventId::first_of(before);
    let mut removed = 0;
    loop {
        let batch = store.sweep_events(&before, BATCH).await?;
        removed += batch;
        if batch == 0 {
            return Ok(removed);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use jiff::Timestamp;

    use super::*;
    use crate::domain::client::Client;
    use crate::domain::ids::{SessionId, new_ulid};
    use crate::domain::security_event::{EventKind, SecurityEvent};
    use crate::domain::session::{Session, SessionLimits};
    use crate::store;
    use crate::store::sample::user;

    const DAY: i64 = 86_400;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    /// A store with sessions of 30 days that began on day 0 (1,200 of them) and on day 20 (one, which is returned).
    async fn filled() -> (Arc<dyn AuthStore>, Session) {
        let store = store::open(&"sqlite::memory:".parse().unwrap()).await.unwrap();
        let ada = user("ada@example.com");
        let limits = SessionLimits {
            idle: SignedDuration::from_hours(24 * 7),
            absolute: SignedDuration::from_hours(24 * 30),
        };
        let session = |now| {
            let id = SessionId::from_ulid(new_ulid(now));
            Session::begin(id, &ada, Client::default(), now, limits)
        };
        store.insert_user(ada.clone(), session(at(0))).await.unwrap();
        for _ in 1..1_200 {
            store.insert_session(session(at(0))).await.unwrap();
        }
        let later = session(at(20 * DAY));
        store.insert_session(later.clone()).await.unwrap();
        (store, later)
    }

    #[tokio::test]
    async fn sessions_are_forgotten_a_day_after_their_end_however_many_they_are() {
        let (store, later) = filled().await;
        let now = Arc::new(AtomicI64::new(31 * DAY));
        let read = Arc::clone(&now);
        let clock = Clock::new(move || at(read.load(Ordering::SeqCst)));
        assert_eq!(sweep_sessions(&*store, &clock).await.unwrap(), 0);
        now.store(31 * DAY + 1, Ordering::SeqCst);
        assert_eq!(sweep_sessions(&*store, &clock).await.unwrap(), 1_200);
        assert_eq!(store.session(&later.id).await.unwrap(), Some(later));
    }

    #[tokio::test]
    async fn events_are_forgotten_after_180_days() {
        let (store, session) = filled().await;
        for day in [0, 1] {
            let (user, client) = (session.user_id.clone(), Client::default());
            let event = SecurityEvent::of_user(EventKind::SignedIn, user, None, client, at(day * DAY));
            store.insert_event(event).await.unwrap();
        }
        let swept = |seconds| {
            let (store, clock) = (Arc::clone(&store), Clock::new(move || at(seconds)));
            async move { sweep_events(&*store, &clock).await.unwrap() }
        };
        assert_eq!(swept(180 * DAY).await, 0);
        assert_eq!(swept(180 * DAY + 1).await, 1);
        assert_eq!(swept(182 * DAY).await, 1);
    }

    #[tokio::test]
    async fn the_sweeper_begins_at_once_and_ends_with_the_process() {
        let (store, later) = filled().await;
        let shutdown = Shutdown::manual();
        let clock = Clock::new(|| at(60 * DAY));
        let sweeper = tokio::spawn(sweep_until(shutdown.clone(), Arc::clone(&store), clock));
        while store.session(&later.id).await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
        shutdown.begin(grpc_server::DrainPace::INTERACTIVE);
        sweeper.await.unwrap();
    }
}
