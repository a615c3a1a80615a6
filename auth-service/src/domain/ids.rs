//! New ids: time-ordered, and unguessable in their last 80 bits.

use authn::prefixed_id;
pub(crate) use authn::{OrganizationId, SessionId, TokenId, UserId};
use jiff::Timestamp;
use ulid::Ulid;

prefixed_id!(
    /// Something that happened around an account: `evt_…`.
    EventId,
    "evt_"
);

impl EventId {
    /// The lowest id that an event of this time can have.
    pub(crate) fn first_of(time: Timestamp) -> Self {
        let milliseconds = u64::try_from(time.as_millisecond()).unwrap_or_default();
        Self::from_ulid(Ulid::from_parts(milliseconds, 0))
    }
}

/// A device that somebody signed in on. It is named only in that device's own token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeviceId(Ulid);

impl DeviceId {
    pub(crate) fn from_ulid(ulid: Ulid) -> Self {
        Self(ulid)
    }

    pub(crate) fn ulid(self) -> Ulid {
        self.0
    }
}

/// A ULID of this moment.
pub(crate) fn new_ulid(now: Timestamp) -> Ulid {
    Ulid::from_datetime(now.into())
}
