//! What users, passwords and sessions are. Pure: no tonic, no drivers, no clock but the one that is handed in.

pub(crate) mod client;
pub(crate) mod clock;
pub(crate) mod email;
pub(crate) mod ids;
pub(crate) mod password;
pub(crate) mod revocation;
pub(crate) mod secret;
pub(crate) mod security_event;
pub(crate) mod session;
pub(crate) mod signing_key;
pub(crate) mod text;
pub(crate) mod user;

use jiff::{SignedDuration, Timestamp};

/// `time` plus `duration`, at most the end of all times.
pub(crate) fn after(time: Timestamp, duration: SignedDuration) -> Timestamp {
    time.saturating_add(duration).unwrap_or(Timestamp::MAX)
}
