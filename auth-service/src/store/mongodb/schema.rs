//! The collections and their indexes.

use mongo_engine::bson::doc;
use mongo_engine::{Index, Schema};

use crate::store::names;

pub(in crate::store) const USERS: &str = "users";
pub(in crate::store) const SESSIONS: &str = "sessions";
pub(in crate::store) const SIGNING_KEYS: &str = "signing_keys";

/// These collections are not sharded: they hold a kilobyte for each user and each session that lives, people sign in by
/// an address that is unique over all organizations, and sessions are found by their own ids (docs/adr/0008).
///
/// Sessions are removed by [`crate::store::AuthStore::sweep_sessions`] and not by an index that expires, so that every
/// store forgets by the same rule and the same clock.
pub(in crate::store) fn schema() -> Schema {
    let active = doc! { "state": names::ACTIVE };
    Schema {
        name: "auth",
        version: 1,
        indexes: vec![
            Index::new(USERS, "by_email", doc! { "email_key": 1 }).unique(),
            Index::new(SESSIONS, "by_expire_time", doc! { "expire_time": 1 }),
            Index::new(
                SIGNING_KEYS,
                "by_create_time",
                doc! { "create_time": 1, "_id": 1 },
            ),
            Index::new(SIGNING_KEYS, "one_active", doc! { "state": 1 })
                .unique()
                .partial(active),
        ],
    }
}
