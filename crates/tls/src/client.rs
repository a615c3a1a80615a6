use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use settings::{Mistakes, ServiceUrl};
use telemetry::Metrics;
use tokio::net::TcpStream;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::sign::SingleCertAndKey;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use tokio_rustls::{TlsConnector, TlsStream};

use crate::certificate::CertificateInfo;
use crate::error::{LoadError, Part};
use crate::material::{Files, IdentityFiles, Material};
use crate::provider::{H2, VERSIONS, provider};
use crate::reload::{RELOAD_INTERVAL, Reloading};
use crate::stream::Stream;

/// How a process speaks to services at `https://` URLs, and whether it may to others. Flatten it into the command
/// line of a binary.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[group(skip)]
pub struct ClientFlags {
    /// PEM file with the authorities that certificates of https:// services must come from, and no others. Unset: the
    /// public ones.
    #[arg(long, env = "INVOICE_APP_TLS_CA", value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,

    /// PEM file with the certificate chain that this process shows to https:// services.
    #[arg(long, env = "INVOICE_APP_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// PEM file with the private key of --tls-cert.
    #[arg(long, env = "INVOICE_APP_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Speak to http:// services beyond loopback although nothing is encrypted: tokens and invoices cross the network
    /// as they are.
    #[arg(long, env = "INVOICE_APP_PLAINTEXT_UPSTREAMS")]
    pub plaintext_upstreams: bool,

    /// How often the files are looked at.
    #[arg(skip = RELOAD_INTERVAL)]
    pub tls_reload_every: Duration,
}

impl Default for ClientFlags {
    /// What an empty command line means.
    fn default() -> Self {
        Self {
            tls_ca: None,
            tls_cert: None,
            tls_key: None,
            plaintext_upstreams: false,
            tls_reload_every: RELOAD_INTERVAL,
        }
    }
}

impl ClientFlags {
    /// Loads the files. `None` after everything that is wrong was noted.
    pub fn load(&self, mistakes: &mut Mistakes) -> Option<Client> {
        let identity = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Some(IdentityFiles {
                certificate: certificate.clone(),
                key: key.clone(),
            }),
            (None, None) => None,
            (Some(_), None) => {
                mistakes.push("--tls-cert", "needs --tls-key");
                return None;
            }
            (None, Some(_)) => {
                mistakes.push("--tls-key", "needs --tls-cert");
                return None;
            }
        };
        let files = Files {
            identity,
            authorities: self.tls_ca.clone(),
        };
        let loaded = Reloading::load("client", files, self.tls_reload_every, Box::new(config));
        match loaded {
            Ok(reloading) => Some(Client(Arc::new(reloading))),
            Err(errors) => {
                note(errors, mistakes);
                None
            }
        }
    }

    /// Where the replicas of a service are found, after `flag`: URLs with commas between them, each as in
    /// [`ClientFlags::service_url`].
    pub fn service_urls(&self, flag: &str, text: &str, mistakes: &mut Mistakes) -> Option<Vec<ServiceUrl>> {
        let urls = text
            .split(',')
            .map(|url| self.service_url(flag, url.trim(), mistakes));
        // Each is read, so that each mistake is noted.
        let urls: Vec<Option<ServiceUrl>> = urls.collect();
        urls.into_iter().collect()
    }

    /// Where a service is found, after `flag`. An `http://` URL beyond loopback needs `--plaintext-upstreams`.
    pub fn service_url(&self, flag: &str, text: &str, mistakes: &mut Mistakes) -> Option<ServiceUrl> {
        let url: ServiceUrl = mistakes.note(flag, text.parse())?;
        if !url.is_encrypted() && !url.is_loopback() && !self.plaintext_upstreams {
            mistakes.push(
                flag,
                format_args!(
                    "{text} is not on this machine, and tokens would cross the network unencrypted; write https://, \
                     or add --plaintext-upstreams when something below encrypts"
                ),
            );
        }
        Some(url)
    }
}

fn note(errors: Vec<LoadError>, mistakes: &mut Mistakes) {
    for error in errors {
        let flag = match error.part {
            Part::Certificate => "--tls-cert",
            Part::Key => "--tls-key",
            Part::Authorities => "--tls-ca",
        };
        mistakes.push(flag, error);
    }
}

/// The TLS of a process as a client of services that speak HTTP/2. Clones are the same client.
#[derive(Debug, Clone)]
pub struct Client(Arc<Reloading<ClientConfig>>);

impl Client {
    /// Logs the certificate, and reads the files again when they change, until the last clone is dropped. Must be
    /// called within a tokio runtime; once is enough.
    pub fn keep_fresh(&self) {
        self.0.start();
    }

    /// The certificate that the next handshake presents, when it has one.
    pub fn certificate(&self) -> Option<CertificateInfo> {
        self.0.certificate()
    }

    /// Lets `metrics` tell when the certificate expires and whether reloading fails.
    pub fn measure(&self, metrics: &Metrics) {
        self.0.measure(metrics);
    }

    /// Why what the files hold now is not in use, after a change that could not be used.
    pub fn trouble(&self) -> Option<String> {
        self.0.trouble()
    }

    /// Does the client's part of a handshake with the server that must be called `host`: a DNS name or an IP address,
    /// an IPv6 one also in brackets. It has no deadline of its own.
    ///
    /// # Errors
    /// What rustls says: a certificate of another authority, for another name, expired; an alert of the server.
    pub async fn connect(&self, host: &str, stream: TcpStream) -> std::io::Result<Stream> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
        let stream = TlsConnector::from(self.0.config()).connect(name, stream).await?;
        if stream.get_ref().1.alpn_protocol() == Some(H2) {
            Ok(Stream::Tls(Box::new(TlsStream::Client(stream))))
        } else {
            Err(std::io::Error::other("the server does not speak HTTP/2 (ALPN)"))
        }
    }
}

fn config(material: &Material) -> Result<ClientConfig, rustls::Error> {
    let authorities = material.authorities.clone().unwrap_or_else(|| {
        let roots = webpki_roots::TLS_SERVER_ROOTS.to_vec();
        Arc::new(RootCertStore { roots })
    });
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&VERSIONS)?
        .with_root_certificates(authorities);
    let mut config = match &material.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let key = SingleCertAndKey::from(Arc::clone(&identity.key));
            builder.with_client_cert_resolver(Arc::new(key))
        }
    };
    config.alpn_protocols = vec![H2.to_vec()];
    // A resumed session would skip the verification of the server; our connections live long and are few.
    config.resumption = Resumption::disabled();
    Ok(config)
}
