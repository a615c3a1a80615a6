//! The product as others meet it: the real binary, real sockets, real clients.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod backup;
mod binary;
mod canaries;
mod collector;
mod copy_store;
mod crash;
mod credits;
mod failover;
mod foreign_access;
mod frames;
mod grpcurl;
mod hostile_tokens;
mod newer_clients;
mod numbers;
mod process;
mod published;
mod real_input;
mod replicas;
mod revocation;
mod rotate_keys;
mod security_log;
mod telemetry;
mod tls;
mod transfer;
mod watch;
mod wire;
mod writers;
