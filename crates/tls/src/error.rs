use std::fmt;
use std::io;
use std::path::PathBuf;

use tokio_rustls::rustls::{self, CertificateError};

/// Which of the files of a server or client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The certificate chain.
    Certificate,
    /// Its private key.
    Key,
    /// The authorities that the other side's certificate must come from.
    Authorities,
}

/// A file that cannot be used. Its text is a sentence for the operator that names the file.
#[derive(Debug, thiserror::Error)]
#[error("{} {problem}", path.display())]
pub struct LoadError {
    /// Which file it is.
    pub part: Part,
    /// Where it is.
    pub path: PathBuf,
    pub(crate) problem: Problem,
}

/// What is wrong with a file; each text goes on from the file's name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("cannot be read: {0}")]
    Read(io::Error),
    #[error("is not a regular file, nor a link to one")]
    NotAFile,
    #[error("is larger than 1 MiB")]
    TooLarge,
    #[error("is not PEM: {0}")]
    NotPem(String),
    #[error("holds no certificate: it must have a PEM block `BEGIN CERTIFICATE`")]
    NoCertificate,
    #[error("holds a certificate that cannot be used: {0}")]
    Certificate(String),
    #[error(
        "holds no private key: it must have a PEM block `BEGIN PRIVATE KEY`, `BEGIN EC PRIVATE KEY` or \
         `BEGIN RSA PRIVATE KEY`, not encrypted"
    )]
    NoKey,
    #[error("holds a private key that cannot be used: {0}")]
    Key(String),
    #[error("is not the key of the certificate in {}", .0.display())]
    OtherKey(PathBuf),
}

impl Problem {
    pub(crate) fn of(self, part: Part, path: impl Into<PathBuf>) -> LoadError {
        LoadError {
            part,
            path: path.into(),
            problem: self,
        }
    }
}

/// A handshake that came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The peer's certificate is valid, but none of its names is on the allow-list. The peer was told so by an alert.
    #[error("{0}")]
    PeerNotAllowed(PeerNotAllowed),
    /// Everything else: no TLS at all, no common version, a certificate of another authority, a connection that ended.
    #[error(transparent)]
    Failed(io::Error),
}

/// The names of a valid certificate that nobody listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerNotAllowed {
    /// The DNS and URI names of the certificate; only the first few.
    pub presented: Vec<String>,
}

impl fmt::Display for PeerNotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no name of the peer's certificate is allowed: {:?}",
            self.presented
        )
    }
}

impl std::error::Error for PeerNotAllowed {}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        match not_allowed(&error) {
            Some(refused) => Self::PeerNotAllowed(refused.clone()),
            None => Self::Failed(error),
        }
    }
}

/// What our verifier said, inside of what rustls made of it.
fn not_allowed(error: &io::Error) -> Option<&PeerNotAllowed> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    if let rustls::Error::InvalidCertificate(CertificateError::Other(other)) = error {
        other.0.downcast_ref()
    } else {
        None
    }
}
