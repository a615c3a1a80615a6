//! Which clients may connect: those with a certificate of our authority and, with an allow-list, one of its names.

use std::sync::Arc;

use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
};

use crate::certificate::Contents;
use crate::error::PeerNotAllowed;

/// Names of a refused certificate that are kept for the log.
const NAMES_TOLD: usize = 4;
/// Bytes of each of them.
const NAME_TOLD: usize = 128;

/// The names that may connect; none listed: every certificate of the authority.
#[derive(Debug, Clone)]
pub(crate) struct AllowList(Arc<[Arc<str>]>);

impl AllowList {
    pub(crate) fn new(names: &[String]) -> Self {
        Self(names.iter().map(|name| Arc::from(name.as_str())).collect())
    }

    /// The name by which the owner of a verified certificate is known: the listed one that it carries, compared byte
    /// by byte, or, when none are listed, its first.
    ///
    /// # Errors
    /// [`PeerNotAllowed`] when it carries no listed one.
    pub(crate) fn admit(&self, certificate: &CertificateDer<'_>) -> Result<Option<Arc<str>>, PeerNotAllowed> {
        let names = Contents::read(certificate).map_or_else(|_| Vec::new(), |contents| contents.names);
        if self.0.is_empty() {
            return Ok(names.first().map(|name| Arc::from(name.as_str())));
        }
        let listed = self
            .0
            .iter()
            .find(|listed| names.iter().any(|name| **name == ***listed));
        match listed {
            Some(name) => Ok(Some(Arc::clone(name))),
            None => Err(PeerNotAllowed {
                presented: told(names),
            }),
        }
    }
}

/// As much of the names as a log line should hold.
fn told(mut names: Vec<String>) -> Vec<String> {
    names.truncate(NAMES_TOLD);
    for name in &mut names {
        name.truncate(name.floor_char_boundary(NAME_TOLD));
    }
    names
}

/// Verifies as `inner` does, and then asks the list, still within the handshake: a refused peer gets an alert.
#[derive(Debug)]
pub(crate) struct ListedClients {
    pub(crate) inner: Arc<dyn ClientCertVerifier>,
    pub(crate) list: AllowList,
}

impl ClientCertVerifier for ListedClients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.inner.verify_client_cert(end_entity, intermediates, now)?;
        match self.list.admit(end_entity) {
            Ok(_name) => Ok(verified),
            // The alert is certificate_unknown; rustls has one kind of error that lets the names through.
            Err(refused) => Err(CertificateError::Other(OtherError(Arc::new(refused))).into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
