//! New ids: time-ordered, and unguessable in their last 80 bits.

pub(crate) use authn::{OrganizationId, SessionId, TokenId, UserId};
use jiff::Timestamp;
use ulid::Ulid;

/// A ULID of this moment.
pub(crate) fn new_ulid(now: Timestamp) -> Ulid {
    Ulid::from_datetime(now.into())
}
