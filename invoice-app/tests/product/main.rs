//! The product as others meet it: the real binary, real sockets, real clients.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod binary;
mod crash;
mod failover;
mod foreign_access;
mod frames;
mod grpcurl;
mod process;
mod published;
mod real_input;
mod tls;
mod tls;
mod wire;
mod writers;
