use std::path::PathBuf;

use jiff::Timestamp;
use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A certificate that is in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateInfo {
    /// The file it was read from.
    pub file: PathBuf,
    /// Its names: the DNS and URI entries of its subject alternative name, in their order.
    pub names: Vec<String>,
    /// When it expires.
    pub not_after: Timestamp,
}

/// What a certificate says of itself.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) names: Vec<String>,
    pub(crate) not_after: Timestamp,
}

impl Contents {
    /// Reads a certificate.
    ///
    /// # Errors
    /// What is wrong with it, for operators.
    pub(crate) fn read(certificate: &CertificateDer<'_>) -> Result<Self, String> {
        let (_, certificate) = X509Certificate::from_der(certificate).map_err(|error| error.to_string())?;
        let not_after = certificate.validity().not_after.timestamp();
        Ok(Self {
            names: names(&certificate)?,
            not_after: Timestamp::from_second(not_after).map_err(|error| error.to_string())?,
        })
    }
}

/// The DNS and URI entries of the subject alternative name (RFC 5280, 4.2.1.6). The common name is no name of a peer
/// (RFC 9525, 6.3).
fn names(certificate: &X509Certificate<'_>) -> Result<Vec<String>, String> {
    let extension = certificate
        .subject_alternative_name()
        .map_err(|error| error.to_string())?;
    let entries = extension.map_or(&[][..], |extension| &extension.value.general_names);
    let name = |entry: &GeneralName<'_>| {
        if let GeneralName::DNSName(name) | GeneralName::URI(name) = entry {
            Some((*name).to_owned())
        } else {
            None
        }
    };
    Ok(entries.iter().filter_map(name).collect())
}
