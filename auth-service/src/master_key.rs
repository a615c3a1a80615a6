//! The one secret that is not in the store: a file with 256 random bits, under which everything else is protected.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{hkdf, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustix::process::geteuid;
use zeroize::{Zeroize as _, Zeroizing};

use crate::new_file::write_new;

/// Bytes of the master key and of every key derived from it.
const KEY_BYTES: usize = 32;
/// What each derived key is for (RFC 5869, `info`). Changing one makes what it protected unreadable.
const SEALING: &[u8] = b"invoice-app/auth/signing-key-sealing/v1";
const REFRESH_TOKENS: &[u8] = b"invoice-app/auth/refresh-token/v1";
const DEVICE_TOKENS: &[u8] = b"invoice-app/auth/device-token/v1";

/// Why the master key cannot be used. Each text is a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// There is no file, but the store was written with one.
    #[error(
        "the key file {} is missing; restore it from your backup: the store was written with it",
        path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A directory, a device, or a link that leads to one or nowhere.
    #[error("the key file {} must be a regular file, or a link to one", path.display())]
    NotAFile {
        /// What stands there.
        path: PathBuf,
    },
    /// Others can read the file.
    #[error(
        "the key file {} can be read by other users (mode {mode:o}): run `chmod 600 {}`, and replace the key if \
         someone may have read it",
        path.display(),
        path.display()
    )]
    Readable {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file holds something else.
    #[error("the key file {} does not hold a key: it must be one line of 43 base64url characters", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or made.
    #[error("cannot read or make the key file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// No randomness, or a broken library.
    #[error("the cryptography library refused to work")]
    Crypto,
}

impl From<Unspecified> for MasterKeyError {
    fn from(_: Unspecified) -> Self {
        Self::Crypto
    }
}

/// The master key's offspring. The key itself is dropped as soon as they are derived.
pub(crate) struct MasterKey {
    sealing: RandomizedNonceKey,
    refresh_tokens: hmac::Key,
    device_tokens: hmac::Key,
}

impl MasterKey {
    /// Reads the file, or makes it with a new key (mode 0600) when it is absent. Only for a store that holds nothing
    /// sealed: beside any other a new key is a wrong one.
    ///
    /// # Errors
    /// [`MasterKeyError`], but not `Missing`.
    pub(crate) fn load_or_create(path: &Path) -> Result<Self, MasterKeyError> {
        match Self::load(path) {
            Err(MasterKeyError::Missing { .. }) => {
                create(path)?;
                Self::load(path)
            }
            loaded => loaded,
        }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`MasterKeyError`]
    pub(crate) fn load(path: &Path) -> Result<Self, MasterKeyError> {
        let failed = |source| MasterKeyError::File {
            path: path.to_owned(),
            source,
        };
        check(path)?;
        let text = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
        let malformed = || MasterKeyError::Malformed {
            path: path.to_owned(),
        };
        let mut bytes = [0; KEY_BYTES];
        let decoded = URL_SAFE_NO_PAD.decode_slice(text.trim_end(), &mut bytes);
        let key = Self::derive(&bytes);
        bytes.zeroize();
        if decoded.map_err(|_| malformed())? == KEY_BYTES {
            Ok(key?)
        } else {
            Err(malformed())
        }
    }

    fn derive(master: &[u8; KEY_BYTES]) -> Result<Self, Unspecified> {
        let root = hkdf::Salt::none(hkdf::HKDF_SHA256).extract(master);
        let derived = |info: &'static [u8]| -> Result<Zeroizing<[u8; KEY_BYTES]>, Unspecified> {
            let mut key = Zeroizing::new([0; KEY_BYTES]);
            root.expand(&[info], hkdf::HKDF_SHA256)?.fill(key.as_mut())?;
            Ok(key)
        };
        Ok(Self {
            sealing: RandomizedNonceKey::new(&AES_256_GCM, derived(SEALING)?.as_ref())?,
            refresh_tokens: hmac::Key::new(hmac::HMAC_SHA256, derived(REFRESH_TOKENS)?.as_ref()),
            device_tokens: hmac::Key::new(hmac::HMAC_SHA256, derived(DEVICE_TOKENS)?.as_ref()),
        })
    }

    /// Encrypts `secret` so that it opens only under the same `name`: nonce, ciphertext, tag.
    pub(crate) fn seal(&self, name: &str, secret: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut sealed = secret.to_vec();
        let nonce = self
            .sealing
            .seal_in_place_append_tag(Aad::from(name), &mut sealed)?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// Reverses [`MasterKey::seal`]; fails for another master key, another name, or any changed bit.
    pub(crate) fn open(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN).ok_or(Unspecified)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce)?;
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let length = self
            .sealing
            .open_in_place(nonce, Aad::from(name), &mut buffer)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }

    /// The key of the refresh tokens' codes.
    pub(crate) fn refresh_token_key(&self) -> hmac::Key {
        self.refresh_tokens.clone()
    }

    /// The key of the device tokens' codes.
    pub(crate) fn device_token_key(&self) -> hmac::Key {
        self.device_tokens.clone()
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Checks that there is a regular file that only we can read. Links are followed: orchestrators mount secrets as links.
fn check(path: &Path) -> Result<(), MasterKeyError> {
    let path_buf = || path.to_owned();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(if path.is_symlink() {
                MasterKeyError::NotAFile { path: path_buf() }
            } else {
                MasterKeyError::Missing { path: path_buf() }
            });
        }
        Err(source) => {
            return Err(MasterKeyError::File {
                path: path_buf(),
                source,
            });
        }
    };
    if !metadata.is_file() {
        return Err(MasterKeyError::NotAFile { path: path_buf() });
    }
    let mode = metadata.mode() & 0o777;
    let is_ours = metadata.uid() == geteuid().as_raw();
    if mode & exposed_bits(is_ours) != 0 {
        return Err(MasterKeyError::Readable {
            path: path_buf(),
            mode,
        });
    }
    Ok(())
}

/// Permission bits that let somebody else read or change the file. A file that belongs to another user reaches us through
/// its group: so do orchestrators grant secrets to a process that is not root (Kubernetes' `fsGroup`).
fn exposed_bits(is_ours: bool) -> u32 {
    if is_ours { 0o077 } else { 0o037 }
}

/// Makes the file in one step: nobody ever sees half a key, and of two processes that start together one makes it.
fn create(path: &Path) -> Result<(), MasterKeyError> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    rand::fill(bytes.as_mut())?;
    let line = Zeroizing::new(format!("{}\n", URL_SAFE_NO_PAD.encode(bytes.as_ref())));
    // Random, not the process id: that is the same at every start in a container, and a killed start leaves its file.
    let mut suffix = [0; 12];
    rand::fill(&mut suffix)?;
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".new-{}", URL_SAFE_NO_PAD.encode(suffix)));
    write_new(path, Path::new(&temporary), line.as_bytes()).map_err(|source| MasterKeyError::File {
        path: path.to_owned(),
        source,
    })?;
    tracing::info!(path = %path.display(), "made a new key file; keep a copy of it with your backups");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_new_file_is_private_and_gives_the_same_key_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys/master.key");
        let sealed = MasterKey::load_or_create(&path)
            .unwrap()
            .seal("name", b"secret")
            .unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let again = MasterKey::load_or_create(&path).unwrap();
        assert_eq!(again.open("name", &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(
            fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "no temporary file stays"
        );
    }

    #[test]
    fn a_missing_file_is_not_made_by_loading_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys/master.key");
        let error = MasterKey::load(&path).unwrap_err();
        assert!(
            error.to_string().contains("restore it from your backup"),
            "{error}"
        );
        assert!(!path.parent().unwrap().exists());
    }

    #[test]
    fn what_a_killed_start_left_does_not_hinder_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let left = directory
            .path()
            .join(format!("master.key.new-{}", std::process::id()));
        fs::write(left, "half a k").unwrap();
        MasterKey::load_or_create(&path).unwrap();
    }

    #[test]
    fn what_is_no_regular_file_is_refused_as_such() {
        let directory = tempfile::tempdir().unwrap();
        let [folder, link, dangling] = ["folder", "link", "dangling"].map(|name| directory.path().join(name));
        fs::create_dir(&folder).unwrap();
        symlink(&folder, &link).unwrap();
        symlink("nowhere", &dangling).unwrap();
        for path in [&folder, &link, &dangling] {
            let error = MasterKey::load_or_create(path).unwrap_err();
            assert!(error.to_string().contains("must be a regular file"), "{error}");
        }
        let file = directory.path().join("master.key");
        MasterKey::load_or_create(&file).unwrap();
        fs::remove_file(&link).unwrap();
        symlink(&file, &link).unwrap();
        MasterKey::load_or_create(&link).unwrap();
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_a_sentence() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        MasterKey::load_or_create(&path).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = MasterKey::load_or_create(&path).unwrap_err();
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn a_secret_that_an_orchestrator_grants_to_our_group_is_read_but_nobody_else_may() {
        let refused = |mode: u32| mode & exposed_bits(false) != 0;
        assert!(!refused(0o440) && !refused(0o400) && !refused(0o640));
        for mode in [0o660, 0o444, 0o644, 0o404, 0o450] {
            assert!(refused(mode), "{mode:o}");
        }
    }

    #[test]
    fn a_file_with_something_else_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        for content in ["", "short\n", &"A".repeat(44), &"!".repeat(43), &"A".repeat(4000)] {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let error = MasterKey::load_or_create(&path).unwrap_err();
            assert!(
                matches!(error, MasterKeyError::Malformed { .. }),
                "{content:?}: {error}"
            );
        }
    }

    #[test]
    fn what_is_sealed_opens_only_whole_and_under_its_name_and_key() {
        let key = MasterKey::derive(&[1; KEY_BYTES]).unwrap();
        let sealed = key.seal("name", b"secret").unwrap();
        assert_ne!(
            sealed,
            key.seal("name", b"secret").unwrap(),
            "a new nonce each time"
        );
        assert!(key.open("other", &sealed).is_err());
        assert!(
            MasterKey::derive(&[2; KEY_BYTES])
                .unwrap()
                .open("name", &sealed)
                .is_err()
        );
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert!(key.open("name", &changed).is_err(), "byte {position}");
            assert!(
                key.open("name", &sealed[..position]).is_err(),
                "cut at {position}"
            );
        }
    }
}
