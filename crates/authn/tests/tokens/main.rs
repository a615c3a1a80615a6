//! Tokens at the door of a service: the good are admitted, the hostile are not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admission;
mod claims;
mod door;
mod header;
mod remote_keys;
mod shape;
mod signature;
mod support;
