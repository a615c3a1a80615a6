//! Certificate authorities and certificates, made on the spot and written as the PEM files that flags name.
//!
//! It is for tests only, so it panics where a test would.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test's set-up fails by panicking"
)]

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

pub use rcgen::DnType;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};

/// A certificate authority.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its private key.
pub struct Identity {
    /// PEM: the certificate.
    pub certificate: String,
    /// PEM: the private key.
    pub key: String,
}

/// The files of an [`Identity`].
#[derive(Debug, Clone)]
pub struct IdentityFiles {
    /// The certificate.
    pub certificate: PathBuf,
    /// The private key, readable by its owner only.
    pub key: PathBuf,
}

impl Authority {
    /// A new one.
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key can be made");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority can be made");
        Self { issuer }
    }

    /// PEM: its certificate.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Writes its certificate to `name.pem` in `folder`.
    pub fn write(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(format!("{name}.pem"));
        replace(&path, &self.pem());
        path
    }

    /// A certificate for a server or a client with these names: IP addresses, URIs, else DNS names.
    pub fn issue(&self, names: &[&str]) -> Identity {
        self.issue_with(names, |_| {})
    }

    /// A certificate that expired in 2020.
    pub fn issue_expired(&self, names: &[&str]) -> Identity {
        self.issue_with(names, |params| {
            params.not_before = date_time_ymd(2019, 1, 1);
            params.not_after = date_time_ymd(2020, 1, 1);
        })
    }

    /// A certificate that `change` changes before it is signed.
    pub fn issue_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names.iter().copied().map(name).collect();
        params.distinguished_name.push(DnType::CommonName, "test");
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        change(&mut params);
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("a certificate can be made");
        Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Identity {
    /// Writes it to `name.crt` and `name.key` in `folder`.
    pub fn write(&self, folder: &Path, name: &str) -> IdentityFiles {
        let files = IdentityFiles {
            certificate: folder.join(format!("{name}.crt")),
            key: folder.join(format!("{name}.key")),
        };
        self.replace(&files);
        files
    }

    /// Writes it over `files`.
    pub fn replace(&self, files: &IdentityFiles) {
        replace(&files.certificate, &self.certificate);
        replace(&files.key, &self.key);
        fs::set_permissions(&files.key, fs::Permissions::from_mode(0o600)).expect("the file is there");
    }
}

/// In one step, so that nobody reads half a file.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).expect("a file can be written");
    fs::rename(&new, path).expect("a file can be replaced");
}

fn name(name: &str) -> SanType {
    let ascii = || name.try_into().expect("names of certificates are ASCII");
    match name.parse::<IpAddr>() {
        Ok(address) => SanType::IpAddress(address),
        Err(_) if name.contains("://") => SanType::URI(ascii()),
        Err(_) => SanType::DnsName(ascii()),
    }
}
