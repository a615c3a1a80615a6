//! TLS and mutual TLS of the product's servers and clients (docs/adr/0007-tls-from-files-peers-by-name.md).
//!
//! Everything comes from PEM files, which are read again when they change: [`Server`] and [`Client`] each hold the
//! configuration that the next handshake uses. Flags are checked, and files loaded, by [`ServerFiles::load`] and
//! [`ClientFlags::load`], which note every mistake under its flag.
//!
//! TLS 1.3 and 1.2 of rustls with aws-lc-rs, named explicitly: no process-wide default is set or needed.

mod certificate;
mod client;
mod connector;
mod error;
mod expiry;
mod material;
mod peers;
mod provider;
mod reload;
mod server;
mod stream;

pub use certificate::CertificateInfo;
pub use client::{Client, ClientFlags};
pub use connector::Connector;
pub use error::{HandshakeError, LoadError, Part};
pub use reload::RELOAD_INTERVAL;
pub use server::{Protocols, Server, ServerFiles};
pub use stream::Stream;
