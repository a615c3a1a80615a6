//! The invoices collection: a gRPC service that owns every invoice of every organization.
//!
//! The layers point one way: `rpc → invoices (use cases) → domain ← store`. docs/ARCHITECTURE.md has the map.

mod app;
mod config;
mod customers;
pub mod domain;
mod idempotency;
mod invoices;
mod methods_that_write;
mod profiles;
mod remembered;
mod rpc;
mod search;
mod store;
mod tls_config;
pub mod transfer;

pub use app::{App, BuildError};
pub use config::{Command, Config, TrustConfig, WhenStale};
pub use store::contents;
pub use tls_config::TlsConfig;
