//! auth-service through a real server on port 0.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cookies;
mod failover;
mod feed;
mod keys;
mod operation;
mod password_change;
mod profile;
mod replicas;
mod security_events;
mod session_list;
mod sessions;
mod sign_in;
mod story;
mod support;
mod throttle;
mod token_required;
