//! What ends access tokens before their time.

use jiff::{SignedDuration, Timestamp};

use super::ids::{SessionId, UserId};

/// Nothing that was issued before a revocation can be valid so much later: 15 minutes, the longest life of an access token
/// that can be set and that services accept, and a minute for clocks that differ, of which services grant 5 s.
pub(crate) const REACH: SignedDuration = SignedDuration::from_mins(16);

/// A session that was ended before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndedSession {
    pub(crate) id: SessionId,
    pub(crate) end_time: Timestamp,
}

/// A user whose earlier tokens were ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RaisedVersion {
    pub(crate) user_id: UserId,
    /// The lowest security version whose tokens are good.
    pub(crate) security_version: u64,
    pub(crate) time: Timestamp,
}

/// A revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Revocation {
    Session(EndedSession),
    User(RaisedVersion),
}
