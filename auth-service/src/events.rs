//! The log of what happens around accounts.
//!
//! Every event becomes one line of the service's log, which names no person, and one document that the account's owner
//! can list. It is written after what it tells of, and before that is answered; when the store refuses it, what happened
//! stands, and the log has the event.
//!
//! A failed sign-in is the exception: it is answered as fast for an address that somebody has as for one that nobody has,
//! so both go the same way through a bounded queue to a [`EventWriter`], which drops what has no account, or too many
//! failures.

mod failed_sign_ins;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use telemetry::{CallContext, chain};
use tokio::sync::{mpsc, oneshot};

use self::failed_sign_ins::FailedSignIns;
use crate::domain::client::Client;
use crate::domain::clock::Clock;
use crate::domain::ids::{EventId, UserId};
use crate::domain::security_event::{EventKind, KEPT, SecurityEvent};
use crate::domain::user::User;
use crate::error::AuthError;
use crate::store::{AuthStore, EventQuery};

/// Failed sign-ins that wait to be written: a second's worth of a busy hashing pool.
const QUEUE: usize = 1024;
/// How long what waits is still written when the service goes down.
const DRAIN: Duration = Duration::from_secs(1);

/// A sign-in that failed.
struct FailedSignIn {
    /// Whose; nobody's, when nobody has the address.
    user_id: Option<UserId>,
    client: Client,
    time: jiff::Timestamp,
    call: CallContext,
}

/// See the module.
pub(crate) struct SecurityEvents {
    store: Arc<dyn AuthStore>,
    clock: Clock,
    failed: mpsc::Sender<FailedSignIn>,
    dropped: Arc<AtomicU64>,
}

/// Writes what was queued.
pub(crate) struct EventWriter {
    store: Arc<dyn AuthStore>,
    failed: mpsc::Receiver<FailedSignIn>,
    dropped: Arc<AtomicU64>,
    limit: FailedSignIns,
}

/// The log, and the writer that has to run for failed sign-ins.
pub(crate) fn security_events(store: &Arc<dyn AuthStore>, clock: &Clock) -> (SecurityEvents, EventWriter) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let dropped = Arc::new(AtomicU64::new(0));
    let events = SecurityEvents {
        store: Arc::clone(store),
        clock: clock.clone(),
        failed: sender,
        dropped: Arc::clone(&dropped),
    };
    let writer = EventWriter {
        store: Arc::clone(store),
        failed: receiver,
        dropped,
        limit: FailedSignIns::default(),
    };
    (events, writer)
}

impl SecurityEvents {
    /// Writes an event. Returns when that is done or has failed, which changes nothing for the caller.
    pub(crate) async fn record(&self, event: SecurityEvent) {
        write(&*self.store, event).await;
    }

    /// Writes an event that concerns every account.
    pub(crate) async fn record_for_everyone(&self, kind: EventKind) {
        self.record(SecurityEvent::of_everyone(kind, self.clock.now()))
            .await;
    }

    /// Takes note of a failed sign-in with the address of `user`, or with nobody's. Never waits.
    pub(crate) fn sign_in_failed(&self, user: Option<&User>, client: Client) {
        let failed = FailedSignIn {
            user_id: user.map(|user| user.id.clone()),
            client,
            time: self.clock.now(),
            call: CallContext::current(),
        };
        if self.failed.try_send(failed).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What happened around a user's account, the newest first, below the id `before`.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn list(
        &self,
        user: &User,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<SecurityEvent>, AuthError> {
        let oldest = self.clock.now().saturating_sub(KEPT).unwrap_or_default();
        // What concerned everybody before the account was made did not concern it.
        let since = EventId::first_of(oldest.max(user.create_time));
        let query = EventQuery {
            user_id: user.id.clone(),
            since,
            before,
            limit,
        };
        Ok(self.store.events_of(query).await?)
    }
}

impl EventWriter {
    /// Writes until `drain`, and then what waits, for a second at most.
    pub(crate) async fn run(mut self, drain: oneshot::Receiver<()>) {
        tokio::select! {
            _ = drain => {}
            () = self.write_all() => {}
        }
        self.failed.close();
        if tokio::time::timeout(DRAIN, self.write_all()).await.is_err() {
            tracing::warn!(
                events = self.failed.len(),
                "security events were not written in time"
            );
        }
    }

    /// Until the queue is closed and empty.
    async fn write_all(&mut self) {
        while let Some(failed) = self.failed.recv().await {
            let call = failed.call.clone();
            call.wrap(self.write_one(failed)).await;
        }
    }

    async fn write_one(&mut self, failed: FailedSignIn) {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(
                events = dropped,
                "failed sign-ins were not recorded: too many at once"
            );
        }
        let Some(user_id) = failed.user_id else { return };
        if self.limit.admits(&user_id, failed.time) {
            let kind = EventKind::SignInFailed;
            write(
                &*self.store,
                SecurityEvent::of_user(kind, user_id, None, failed.client, failed.time),
            )
            .await;
        }
    }
}

/// Writes an event to the log and to the store.
async fn write(store: &dyn AuthStore, event: SecurityEvent) {
    let kind = event.kind.name();
    let session = event.session_id.clone();
    let session = session.as_ref().map(tracing::field::display);
    let network = event.client.address_prefix.map(tracing::field::display);
    tracing::info!(event = kind, session, network, "security event");
    if let Err(error) = store.insert_event(event).await {
        let error = chain(&error);
        tracing::error!(
            event = kind,
            session,
            network,
            error,
            "a security event was not stored"
        );
    }
}

#[cfg(test)]
mod tests;
