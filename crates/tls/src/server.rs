use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use settings::Mistakes;
use telemetry::Metrics;
use tokio::net::TcpStream;
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio_rustls::rustls::sign::SingleCertAndKey;
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsStream};

use crate::certificate::CertificateInfo;
use crate::error::{HandshakeError, LoadError, Part};
use crate::material::{Files, IdentityFiles, Material};
use crate::peers::{AllowList, ListedClients};
use crate::provider::{H2, HTTP1, VERSIONS, provider};
use crate::reload::{RELOAD_INTERVAL, Reloading};
use crate::stream::Stream;

/// What a server speaks inside of TLS; it is said by ALPN, and a client that speaks something else is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocols {
    /// HTTP/2: native gRPC.
    Grpc,
    /// HTTP/2 and HTTP/1.1: browsers too.
    Web,
}

/// What an operator set about the TLS of one server: the flags `--NAME-tls-cert`, `--NAME-tls-key`,
/// `--NAME-tls-client-ca` and `--NAME-tls-peers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFiles {
    /// `NAME` in the flags, and the role in logs and metrics.
    pub name: &'static str,
    /// PEM: the certificate chain, the server's own first.
    pub certificate: Option<PathBuf>,
    /// PEM: its private key.
    pub key: Option<PathBuf>,
    /// PEM: the authorities of clients. Set: every client must have a certificate of one of them.
    pub client_authorities: Option<PathBuf>,
    /// The names that clients may have, compared byte by byte with the DNS and URI names of their certificates. None:
    /// every certificate of the authorities will do.
    pub peers: Vec<String>,
    /// How often the files are looked at.
    pub reload_every: Duration,
}

impl ServerFiles {
    /// Nothing set: no TLS.
    pub fn none(name: &'static str) -> Self {
        Self {
            name,
            certificate: None,
            key: None,
            client_authorities: None,
            peers: Vec::new(),
            reload_every: RELOAD_INTERVAL,
        }
    }

    /// The flag of one of the settings.
    fn flag(&self, setting: &str) -> String {
        format!("--{}-tls-{setting}", self.name)
    }

    /// Loads the files. `None` when TLS is not asked for, or after everything that is wrong was noted.
    pub fn load(&self, protocols: Protocols, mistakes: &mut Mistakes) -> Option<Server> {
        if self.certificate.is_none() && self.key.is_none() {
            for (setting, is_set) in [
                ("client-ca", self.client_authorities.is_some()),
                ("peers", !self.peers.is_empty()),
            ] {
                if is_set {
                    let cert = self.flag("cert");
                    mistakes.push(
                        &self.flag(setting),
                        format_args!("needs {cert}: without it nothing is encrypted"),
                    );
                }
            }
            return None;
        }
        self.check_peers(mistakes);
        let (Some(certificate), Some(key)) = (&self.certificate, &self.key) else {
            let (set, missing) = if self.key.is_none() {
                ("cert", "key")
            } else {
                ("key", "cert")
            };
            mistakes.push(&self.flag(set), format_args!("needs {}", self.flag(missing)));
            return None;
        };
        let identity = IdentityFiles {
            certificate: certificate.clone(),
            key: key.clone(),
        };
        let files = Files {
            identity: Some(identity),
            authorities: self.client_authorities.clone(),
        };
        Server::load(self.name, files, protocols, &self.peers, self.reload_every)
            .map_err(|errors| self.note(errors, mistakes))
            .ok()
    }

    fn check_peers(&self, mistakes: &mut Mistakes) {
        let flag = self.flag("peers");
        if !self.peers.is_empty() && self.client_authorities.is_none() {
            let client_ca = self.flag("client-ca");
            mistakes.push(
                &flag,
                format_args!("needs {client_ca}, whose certificates carry the names"),
            );
        }
        for name in &self.peers {
            if name.is_empty() || name.contains(['*', ' ']) {
                let what = "is not a name: write each as its certificate does, without wildcards";
                mistakes.push(&flag, format_args!("{name:?} {what}"));
            }
        }
    }

    fn note(&self, errors: Vec<LoadError>, mistakes: &mut Mistakes) {
        for error in errors {
            let setting = match error.part {
                Part::Certificate => "cert",
                Part::Key => "key",
                Part::Authorities => "client-ca",
            };
            mistakes.push(&self.flag(setting), error);
        }
    }
}

/// The TLS of one server. Clones are the same server.
#[derive(Debug, Clone)]
pub struct Server {
    reloading: Arc<Reloading<ServerConfig>>,
    protocols: Protocols,
    peers: AllowList,
}

impl Server {
    fn load(
        role: &'static str,
        files: Files,
        protocols: Protocols,
        peers: &[String],
        every: Duration,
    ) -> Result<Self, Vec<LoadError>> {
        let peers = AllowList::new(peers);
        let list = peers.clone();
        let make = Box::new(move |material: &Material| config(material, protocols, &list));
        Ok(Self {
            reloading: Arc::new(Reloading::load(role, files, every, make)?),
            protocols,
            peers,
        })
    }

    /// Logs the certificate, and reads the files again when they change, until the last clone is dropped. Must be
    /// called within a tokio runtime; once is enough.
    pub fn keep_fresh(&self) {
        self.reloading.start();
    }

    /// The certificate that the next handshake presents.
    pub fn certificate(&self) -> Option<CertificateInfo> {
        self.reloading.certificate()
    }

    /// What is spoken inside.
    pub fn protocols(&self) -> Protocols {
        self.protocols
    }

    /// Lets `metrics` tell when the certificate expires and whether reloading fails.
    pub fn measure(&self, metrics: &Metrics) {
        self.reloading.measure(metrics);
    }

    /// Why what the files hold now is not in use, after a change that could not be used.
    pub fn trouble(&self) -> Option<String> {
        self.reloading.trouble()
    }

    /// Does the server's part of a handshake. It has no deadline of its own.
    ///
    /// Returns the connection, and the verified name of the client: the listed one, or the first of its certificate
    /// when none are listed; `None` without a client's certificate, and for one that has no name.
    ///
    /// # Errors
    /// [`HandshakeError`]. The client was told by an alert when it speaks TLS at all.
    pub async fn accept(&self, stream: TcpStream) -> Result<(Stream, Option<Arc<str>>), HandshakeError> {
        let stream = TlsAcceptor::from(self.reloading.config()).accept(stream).await?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let name = certificate.map(|certificate| self.peers.admit(certificate));
        let name = name.transpose().map_err(HandshakeError::PeerNotAllowed)?;
        Ok((Stream::Tls(Box::new(TlsStream::Server(stream))), name.flatten()))
    }
}

fn config(
    material: &Material,
    protocols: Protocols,
    list: &AllowList,
) -> Result<ServerConfig, rustls::Error> {
    let identity = material.identity.as_ref();
    let identity = identity.ok_or(rustls::Error::NoCertificatesPresented)?;
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&VERSIONS)?;
    let builder = match &material.authorities {
        None => builder.with_no_client_auth(),
        Some(authorities) => {
            let inner = WebPkiClientVerifier::builder_with_provider(Arc::clone(authorities), provider())
                .build()
                .map_err(|error| rustls::Error::General(error.to_string()))?;
            let list = list.clone();
            builder.with_client_cert_verifier(Arc::new(ListedClients { inner, list }))
        }
    };
    let key = SingleCertAndKey::from(Arc::clone(&identity.key));
    let mut config = builder.with_cert_resolver(Arc::new(key));
    config.alpn_protocols = match protocols {
        Protocols::Grpc => vec![H2.to_vec()],
        Protocols::Web => vec![H2.to_vec(), HTTP1.to_vec()],
    };
    if material.authorities.is_some() {
        // A resumed session would skip the verification of the client under what is loaded now.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(config)
}
