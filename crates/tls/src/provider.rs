//! The one cryptographic library and the versions of the protocol that we speak.

use std::sync::{Arc, LazyLock};

use tokio_rustls::rustls::SupportedProtocolVersion;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::version::{TLS12, TLS13};

/// Newest first. RFC 8996 ended TLS 1.1.
pub(crate) const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// HTTP/2, as ALPN writes it (RFC 9113, 3.2).
pub(crate) const H2: &[u8] = b"h2";
/// HTTP/1.1, as ALPN writes it (RFC 7301, 6).
pub(crate) const HTTP1: &[u8] = b"http/1.1";

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::clone(&PROVIDER)
}
