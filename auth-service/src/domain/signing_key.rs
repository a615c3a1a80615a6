//! Keys that sign access tokens, as they are stored.

use authn::KeyId;
use jiff::Timestamp;

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyState {
    /// Published, so that every service knows it before it signs.
    Next,
    /// Signs. A store holds one at most.
    Active,
    /// Signs no more, but tokens it signed may still be valid.
    Retired,
}

/// A stored key. The private half is sealed under the master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SigningKey {
    pub(crate) id: KeyId,
    pub(crate) state: KeyState,
    pub(crate) public_key: [u8; 32],
    pub(crate) sealed_private_key: Vec<u8>,
    pub(crate) create_time: Timestamp,
}
