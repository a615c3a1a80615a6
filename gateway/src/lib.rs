//! The edge: gRPC-Web for browsers and native gRPC on one port, HTTP/1.1 and HTTP/2, in front of the
//! services.
//!
//! It forwards bytes and knows no messages; only [`jwks`], which publishes the token keys as JSON, decodes
//! one. A request goes through these, from the outside in:
//!
//! 1. [`web`]: plain pages and the [`console`], else CORS and the [`wall`] that keeps foreign pages out;
//!    [`security_headers`] for all;
//! 2. tonic-web turns gRPC-Web into gRPC, and answers back;
//! 3. `grpc_server::call_stack`: request id, log line, deadline, overload. Its errors are made *inside* of 2, so a
//!    browser can read them;
//! 4. health and reflection are answered here, what is in the [`routes`] is [`forward`]ed, the rest is `UNIMPLEMENTED`.
//!
//! What crosses it is listed: [`headers`], and of a browser's cookies those of [`cookies`].

mod app;
mod config;
mod console;
mod cookies;
mod forward;
mod forwarded_body;
mod headers;
mod jwks;
mod origin;
mod retry_budget;
mod routes;
mod security_headers;
mod start_page;
mod upstream;
mod upstream_channel;
mod wall;
mod web;

pub use app::{App, BuildError};
pub use config::{Config, EdgeConfig, UpstreamConfig};
