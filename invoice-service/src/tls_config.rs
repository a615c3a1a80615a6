//! The flags of TLS.

use std::path::PathBuf;

use tls::ServerFiles;

/// How the port of invoice-service is encrypted. Without a certificate it is not.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(skip)]
pub struct TlsConfig {
    /// PEM file with the certificate chain of the port, its own first. It is read again when it changes.
    #[arg(
        id = "invoice_tls_cert",
        long = "invoice-tls-cert",
        env = "INVOICE_TLS_CERT",
        value_name = "FILE"
    )]
    pub cert: Option<PathBuf>,

    /// PEM file with the private key of --invoice-tls-cert.
    #[arg(
        id = "invoice_tls_key",
        long = "invoice-tls-key",
        env = "INVOICE_TLS_KEY",
        value_name = "FILE"
    )]
    pub key: Option<PathBuf>,

    /// PEM file with the authorities of clients. Set: only clients with a certificate of one of them may connect.
    #[arg(
        id = "invoice_tls_client_ca",
        long = "invoice-tls-client-ca",
        env = "INVOICE_TLS_CLIENT_CA",
        value_name = "FILE"
    )]
    pub client_ca: Option<PathBuf>,

    /// Names of the clients that may connect, comma separated: exactly as a DNS or URI name of their certificates, such
    /// as `gateway` or `spiffe://example.org/gateway`. Unset: every certificate of --invoice-tls-client-ca.
    #[arg(
        id = "invoice_tls_peers",
        long = "invoice-tls-peers",
        env = "INVOICE_TLS_PEERS",
        value_name = "NAMES",
        value_delimiter = ','
    )]
    pub peers: Vec<String>,
}

impl TlsConfig {
    /// Whether a certificate is asked for.
    pub fn is_set(&self) -> bool {
        self.cert.is_some()
    }

    pub(crate) fn files(&self) -> ServerFiles {
        ServerFiles {
            certificate: self.cert.clone(),
            key: self.key.clone(),
            client_authorities: self.client_ca.clone(),
            peers: self.peers.iter().map(|name| name.trim().to_owned()).collect(),
            ..ServerFiles::none("invoice")
        }
    }
}
