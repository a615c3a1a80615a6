//! The collections and their indexes.

use mongo_engine::bson::{Document, doc};
use mongo_engine::{Index, Schema};

use crate::domain::user::User;

pub(in crate::store) const USERS: &str = "users";
pub(in crate::store) const SESSIONS: &str = "sessions";
pub(in crate::store) const SECURITY_EVENTS: &str = "security_events";
/// The index that a user's events are listed by.
pub(super) const EVENTS_BY_USER: &str = "by_user";
pub(in crate::store) const SIGNING_KEYS: &str = "signing_keys";

/// These collections are not sharded: they hold a kilobyte for each user and each session that lives, people sign in by
/// an address that is unique over all organizations, and sessions are found by their own ids (docs/adr/0008).
///
/// Sessions are removed by [`crate::store::AuthStore::sweep_sessions`] and not by an index that expires, so that every
/// store forgets by the same rule and the same clock.
pub(in crate::store) fn schema() -> Schema {
    let ended = doc! { "end.time": { "$exists": true } };
    Schema {
        name: "auth",
        // 2: signing keys have no state.
        version: 2,
        indexes: vec![
            Index::new(USERS, "by_email", doc! { "email_key": 1 }).unique(),
            Index::new(
                USERS,
                "by_security_version_time",
                doc! { "security_version_time": 1 },
            )
            .partial(changed_version()),
            Index::new(
                SESSIONS,
                "by_user",
                doc! { "user_id": 1, "end.time": 1, "_id": -1 },
            ),
            Index::new(SESSIONS, "by_expire_time", doc! { "expire_time": 1 }),
            Index::new(SESSIONS, "by_end_time", doc! { "end.time": 1 }).partial(ended),
            Index::new(SECURITY_EVENTS, EVENTS_BY_USER, doc! { "user_id": 1, "_id": -1 }),
            Index::new(SIGNING_KEYS, "by_sequence", doc! { "sequence": 1 }).unique(),
        ],
    }
}

/// Users whose earlier tokens were ended: few, so an index of their times is small.
pub(super) fn changed_version() -> Document {
    let first = User::FIRST_SECURITY_VERSION.cast_signed();
    doc! { "security_version": { "$gt": first } }
}
