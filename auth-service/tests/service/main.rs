//! auth-service through a real server on port 0.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cookies;
mod failover;
mod operation;
mod replicas;
mod session_list;
mod sessions;
mod sign_in;
mod story;
mod support;
