//! What each message of the stream means.

use std::str::FromStr;
use std::sync::atomic::Ordering;

use proto::auth::v1 as pb;
use proto::auth::v1::watch_revocations_response::Event;

use super::Shared;
use crate::jwk::Jwk;
use crate::key_source::KeySet;
use crate::validator::LONGEST_LIFETIME_SECONDS;

/// What a message was, for the stream it came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    /// The end of the snapshot.
    SnapshotComplete,
    /// Anything else.
    Other,
}

impl Shared {
    /// Takes in one message. What it revokes is revoked when this returns, also while the snapshot is not whole.
    pub(super) fn apply(&self, message: pb::WatchRevocationsResponse) -> Message {
        let now = self.now();
        match message.event {
            Some(Event::Snapshot(part)) => return self.apply_snapshot(part, now),
            Some(Event::SessionRevoked(session)) => self.revoke(&[session], &[], now),
            Some(Event::UserRevoked(user)) => self.revoke(&[], &[user], now),
            Some(Event::KeysChanged(changed)) => self.replace_keys(changed.keys),
            Some(Event::Heartbeat(_)) => {
                self.write(|revocations| revocations.forget(now));
                return Message::Other;
            }
            // A kind of a later version.
            None => return Message::Other,
        }
        self.tell_of_change();
        Message::Other
    }

    fn apply_snapshot(&self, part: pb::RevocationSnapshot, now: i64) -> Message {
        self.revoke(&part.sessions, &part.users, now);
        if part.complete {
            self.replace_keys(part.keys);
        }
        self.tell_of_change();
        if !part.complete {
            return Message::Other;
        }
        self.has_snapshot.store(true, Ordering::Release);
        Message::SnapshotComplete
    }

    fn revoke(&self, sessions: &[pb::SessionRevoked], users: &[pb::UserRevoked], now: i64) {
        // Without a time an entry is kept as long as any token can live.
        let drop_time = |time: &Option<prost_types::Timestamp>| {
            let seconds = time.as_ref().map(|time| time.seconds.saturating_add(1));
            seconds.unwrap_or(now.saturating_add(LONGEST_LIFETIME_SECONDS))
        };
        self.write(|revocations| {
            for session in sessions {
                if let Some(id) = known_id(&session.session_id) {
                    revocations.end_session(&id, drop_time(&session.drop_time), now);
                }
            }
            for user in users {
                if let Some(id) = known_id(&user.user_id) {
                    revocations.raise_floor(&id, user.minimum_version, drop_time(&user.drop_time), now);
                }
            }
        });
    }

    /// A set without a usable key would lock everybody out, and auth-service always has one that signs.
    fn replace_keys(&self, keys: Vec<pb::Jwk>) {
        let keys = KeySet::from_jwks(keys.into_iter().map(Jwk::from));
        if keys.is_empty() {
            tracing::error!("auth-service announced no usable key; the old ones stay");
        } else {
            self.keys.announce(keys);
        }
    }

    fn tell_of_change(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}

fn known_id<T: FromStr>(text: &str) -> Option<T> {
    let id = text.parse().ok();
    if id.is_none() {
        tracing::warn!("a revocation names something that is no id of ours; it is ignored");
    }
    id
}
