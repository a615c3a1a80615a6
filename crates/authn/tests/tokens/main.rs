//! Tokens at the door of a service: the good are admitted, the hostile are not.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod admission;
mod claims;
mod door;
mod feed;
mod header;
mod issuer;
mod key_sets;
mod remembered;
mod remote_keys;
mod shape;
mod signature;
mod stale;
mod streams;
mod support;
mod vectors;
