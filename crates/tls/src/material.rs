//! Reads and judges the files of a server or client.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, RootCertStore};
use zeroize::Zeroizing;

use crate::certificate::{CertificateInfo, Contents};
use crate::error::{LoadError, Part, Problem};
use crate::provider::provider;

/// 1 MiB: the bundle of every public authority is a quarter of that.
const MAX_BYTES: u64 = 1024 * 1024;
/// Permission bits of everybody who is neither owner nor group. A group is how orchestrators grant access.
const OTHERS: u32 = 0o007;

/// Where a server's or client's files are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Files {
    pub(crate) identity: Option<IdentityFiles>,
    pub(crate) authorities: Option<PathBuf>,
}

/// A certificate chain, its own first, and the private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdentityFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// What the files hold, ready to be used.
#[derive(Debug)]
pub(crate) struct Material {
    pub(crate) identity: Option<Identity>,
    pub(crate) authorities: Option<Arc<RootCertStore>>,
}

/// Who we are.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) key: Arc<CertifiedKey>,
    pub(crate) info: CertificateInfo,
}

/// Tells whether files changed: SHA-256 over all of them.
pub(crate) type Fingerprint = Vec<u8>;

/// The bytes of the files, unjudged.
pub(crate) struct Bytes {
    certificate: Option<Zeroizing<Vec<u8>>>,
    key: Option<Zeroizing<Vec<u8>>>,
    authorities: Option<Zeroizing<Vec<u8>>>,
}

impl Files {
    /// Whether there is nothing to read.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reads every file.
    ///
    /// # Errors
    /// One for each file that cannot be read.
    pub(crate) fn read(&self) -> Result<Bytes, Vec<LoadError>> {
        let identity = self.identity.as_ref();
        let mut errors = Vec::new();
        let mut read = |part, path: Option<&PathBuf>| {
            let read = path.map(|path| read(path).map_err(|problem| problem.of(part, path)));
            read.and_then(|read| noted(read, &mut errors))
        };
        let bytes = Bytes {
            certificate: read(Part::Certificate, identity.map(|files| &files.certificate)),
            key: read(Part::Key, identity.map(|files| &files.key)),
            authorities: read(Part::Authorities, self.authorities.as_ref()),
        };
        if errors.is_empty() { Ok(bytes) } else { Err(errors) }
    }

    /// Judges what was read.
    ///
    /// # Errors
    /// One for each file that holds something else.
    pub(crate) fn judge(&self, bytes: &Bytes) -> Result<Material, Vec<LoadError>> {
        let mut errors = Vec::new();
        let identity = match (&self.identity, &bytes.certificate, &bytes.key) {
            (Some(files), Some(certificate), Some(key)) => files.judge(certificate, key, &mut errors),
            _ => None,
        };
        let authorities = self.authorities.as_ref().zip(bytes.authorities.as_ref());
        let authorities =
            authorities.and_then(|(path, bytes)| noted(authorities_in(path, bytes), &mut errors));
        if errors.is_empty() {
            Ok(Material {
                identity,
                authorities,
            })
        } else {
            Err(errors)
        }
    }

    /// The key file, when others than its owner and group can read it.
    pub(crate) fn exposed_key(&self) -> Option<(&Path, u32)> {
        let key = self.identity.as_ref().map(|files| files.key.as_path())?;
        let mode = fs::metadata(key).ok()?.permissions().mode();
        (mode & OTHERS != 0).then_some((key, mode & 0o7777))
    }
}

impl Bytes {
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let mut context = digest::Context::new(&digest::SHA256);
        for file in [&self.certificate, &self.key, &self.authorities] {
            let file = file.as_ref().map_or(&[][..], |bytes| bytes.as_slice());
            context.update(&file.len().to_be_bytes());
            context.update(file);
        }
        context.finish().as_ref().to_vec()
    }
}

impl IdentityFiles {
    fn judge(&self, certificate: &[u8], key: &[u8], errors: &mut Vec<LoadError>) -> Option<Identity> {
        let chain = noted(
            chain_in(Part::Certificate, &self.certificate, certificate),
            errors,
        );
        let key = noted(key_in(&self.key, key), errors);
        let (chain, key) = chain.zip(key)?;
        noted(self.pair(chain, key), errors)
    }

    fn pair(
        &self,
        chain: Vec<CertificateDer<'static>>,
        key: Arc<dyn rustls::sign::SigningKey>,
    ) -> Result<Identity, LoadError> {
        let unusable =
            |what: String| Problem::Certificate(what).of(Part::Certificate, self.certificate.clone());
        // `chain_in` gives at least one.
        let leaf = chain
            .first()
            .ok_or_else(|| unusable("no certificate".to_owned()))?;
        let contents = Contents::read(leaf).map_err(unusable)?;
        let pair = CertifiedKey::new(chain, key);
        match pair.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
            Err(rustls::Error::InconsistentKeys(_)) => {
                return Err(Problem::OtherKey(self.certificate.clone()).of(Part::Key, self.key.clone()));
            }
            Err(error) => return Err(unusable(error.to_string())),
        }
        let info = CertificateInfo {
            file: self.certificate.clone(),
            names: contents.names,
            not_after: contents.not_after,
        };
        Ok(Identity {
            key: Arc::new(pair),
            info,
        })
    }
}

/// The value, or nothing after its error was noted.
fn noted<T>(result: Result<T, LoadError>, errors: &mut Vec<LoadError>) -> Option<T> {
    result.map_err(|error| errors.push(error)).ok()
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Problem> {
    // Asked before it is opened: opening a pipe waits for somebody to write.
    if !fs::metadata(path).map_err(Problem::Read)?.is_file() {
        return Err(Problem::NotAFile);
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let mut file = File::open(path).map_err(Problem::Read)?.take(MAX_BYTES + 1);
    let length = file.read_to_end(&mut bytes).map_err(Problem::Read)?;
    if u64::try_from(length).is_ok_and(|length| length <= MAX_BYTES) {
        Ok(bytes)
    } else {
        Err(Problem::TooLarge)
    }
}

fn chain_in(part: Part, path: &Path, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, LoadError> {
    let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(bytes).collect();
    let chain = chain.map_err(|error| Problem::NotPem(error.to_string()).of(part, path))?;
    if chain.is_empty() {
        return Err(Problem::NoCertificate.of(part, path));
    }
    Ok(chain)
}

fn key_in(path: &Path, bytes: &[u8]) -> Result<Arc<dyn rustls::sign::SigningKey>, LoadError> {
    let key = PrivateKeyDer::from_pem_slice(bytes).map_err(|error| {
        let problem = if matches!(error, pem::Error::NoItemsFound) {
            Problem::NoKey
        } else {
            Problem::NotPem(error.to_string())
        };
        problem.of(Part::Key, path)
    })?;
    let loaded = provider().key_provider.load_private_key(key);
    loaded.map_err(|error| Problem::Key(error.to_string()).of(Part::Key, path))
}

fn authorities_in(path: &Path, bytes: &[u8]) -> Result<Arc<RootCertStore>, LoadError> {
    let mut store = RootCertStore::empty();
    for authority in chain_in(Part::Authorities, path, bytes)? {
        let added = store.add(authority);
        added.map_err(|error| Problem::Certificate(error.to_string()).of(Part::Authorities, path))?;
    }
    Ok(Arc::new(store))
}
