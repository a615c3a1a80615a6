//! Files are read again while a process runs.
//!
//! What they hold is compared, not their times: that sees a file written in place, a file replaced, and the links that
//! Kubernetes swaps. A change counts when two looks in a row see the same, so that a certificate is not paired with the
//! key before it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use telemetry::{Metrics, TlsStanding};
use tokio::time::{Instant, sleep};
use tokio_rustls::rustls;

use crate::certificate::CertificateInfo;
use crate::error::{LoadError, Part, Problem};
use crate::expiry;
use crate::material::{Bytes, Files, Fingerprint, Material};

/// 10 s: how often files are looked at.
pub const RELOAD_INTERVAL: Duration = Duration::from_secs(10);
/// Between two looks that must agree.
const SETTLE: Duration = Duration::from_secs(1);
/// A certificate that expires soon is mentioned this often.
const REMIND_EVERY: Duration = Duration::from_hours(24);

/// Makes a configuration of rustls from what the files hold.
type Make<C> = Box<dyn Fn(&Material) -> Result<C, rustls::Error> + Send + Sync>;

/// A configuration made from files, replaced when they change.
pub(crate) struct Reloading<C> {
    role: &'static str,
    files: Files,
    make: Make<C>,
    every: Duration,
    current: ArcSwap<Loaded<C>>,
    seen: Mutex<Seen>,
    started: AtomicBool,
}

struct Loaded<C> {
    config: Arc<C>,
    certificate: Option<CertificateInfo>,
}

/// What the files held, or why they could not be read.
type Look = Result<Fingerprint, String>;

struct Seen {
    /// What was last judged, whether it could be used or not.
    judged: Look,
    /// Something else, seen once.
    changing: Option<Look>,
    /// Why it could not be used.
    trouble: Option<String>,
}

impl<C: Send + Sync + 'static> Reloading<C> {
    /// Reads and judges the files.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn load(
        role: &'static str,
        files: Files,
        every: Duration,
        make: Make<C>,
    ) -> Result<Self, Vec<LoadError>> {
        let bytes = files.read()?;
        let loaded = Loaded::make(&files, &bytes, &make)?;
        Ok(Self {
            role,
            files,
            make,
            every,
            current: ArcSwap::from_pointee(loaded),
            seen: Mutex::new(Seen {
                judged: Ok(bytes.fingerprint()),
                changing: None,
                trouble: None,
            }),
            started: AtomicBool::new(false),
        })
    }

    /// What the next handshake uses.
    pub(crate) fn config(&self) -> Arc<C> {
        Arc::clone(&self.current.load().config)
    }

    /// The certificate that the next handshake presents.
    pub(crate) fn certificate(&self) -> Option<CertificateInfo> {
        self.current.load().certificate.clone()
    }

    /// Lets `metrics` tell how this stands, as long as it is there.
    pub(crate) fn measure(self: &Arc<Self>, metrics: &Metrics) {
        let this = Arc::downgrade(self);
        metrics.tls(self.role, move || this.upgrade().map(|this| this.standing()));
    }

    fn standing(&self) -> TlsStanding {
        let certificate = self.certificate().map(|certificate| {
            let file = certificate.file.display().to_string();
            (file, certificate.not_after.as_second())
        });
        TlsStanding {
            certificate,
            reload_fails: self.trouble().is_some(),
        }
    }

    /// Why what the files hold now is not in use.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.seen().trouble.clone()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what was loaded, and looks at the files from now on, until the last owner drops this. Once is enough. Must
    /// be called within a tokio runtime.
    pub(crate) fn start(self: &Arc<Self>) {
        if self.started.swap(true, Ordering::Relaxed) || self.files.is_empty() {
            return;
        }
        if let Some((key, mode)) = self.files.exposed_key() {
            tracing::warn!(
                role = self.role,
                file = %key.display(),
                mode = format_args!("{mode:o}"),
                "every user of this machine can read the private key: take away their permissions"
            );
        }
        if let Some(certificate) = self.certificate() {
            expiry::log_loaded(self.role, &certificate);
        }
        tokio::spawn(keep_looking(Arc::downgrade(self), self.every));
    }

    /// Looks at the files once. Returns whether they should be looked at again soon.
    fn look(&self) -> bool {
        let read = self.files.read();
        let look = match &read {
            Ok(bytes) => Ok(bytes.fingerprint()),
            Err(errors) => Err(sentence(errors)),
        };
        let mut seen = self.seen();
        if look == seen.judged {
            seen.changing = None;
            return false;
        }
        if seen.changing.as_ref() != Some(&look) {
            seen.changing = Some(look);
            return true;
        }
        *seen = Seen {
            judged: look,
            changing: None,
            trouble: self.apply(read),
        };
        false
    }

    /// Uses what was read, or says why not.
    fn apply(&self, read: Result<Bytes, Vec<LoadError>>) -> Option<String> {
        let loaded = read.and_then(|bytes| Loaded::make(&self.files, &bytes, &self.make));
        let role = self.role;
        match loaded {
            Ok(loaded) => {
                if let Some(certificate) = &loaded.certificate {
                    expiry::log_loaded(role, certificate);
                } else {
                    tracing::info!(role, "authorities loaded");
                }
                self.current.store(Arc::new(loaded));
                None
            }
            Err(errors) => {
                let error = sentence(&errors);
                tracing::error!(
                    role,
                    error,
                    "changed TLS files cannot be used; what they held before stays in use"
                );
                Some(error)
            }
        }
    }

    fn remind(&self) {
        if let Some(certificate) = self.certificate() {
            expiry::log_if_needed(self.role, &certificate);
        }
    }
}

impl<C> Loaded<C> {
    fn make(files: &Files, bytes: &Bytes, make: &Make<C>) -> Result<Self, Vec<LoadError>> {
        let material = files.judge(bytes)?;
        let config = make(&material).map_err(|error| {
            let path = files.authorities.clone().unwrap_or_default();
            vec![Problem::Certificate(error.to_string()).of(Part::Authorities, path)]
        })?;
        Ok(Self {
            config: Arc::new(config),
            certificate: material.identity.map(|identity| identity.info),
        })
    }
}

impl<C> fmt::Debug for Reloading<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloading")
            .field("role", &self.role)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

async fn keep_looking<C: Send + Sync + 'static>(reloading: Weak<Reloading<C>>, every: Duration) {
    let mut pause = every;
    let mut reminded = Instant::now();
    loop {
        sleep(pause).await;
        let Some(reloading) = reloading.upgrade() else {
            return;
        };
        if reminded.elapsed() >= REMIND_EVERY {
            reminded = Instant::now();
            reloading.remind();
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "one at a time, and a file system that hangs must not hold up a thread of the runtime"
        )]
        let look = tokio::task::spawn_blocking(move || reloading.look()).await;
        pause = if look.unwrap_or(false) {
            every.min(SETTLE)
        } else {
            every
        };
    }
}

/// All errors in one line.
fn sentence(errors: &[LoadError]) -> String {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use certificates::Authority;

    use super::{Material, RELOAD_INTERVAL, Reloading};
    use crate::material::{Files, IdentityFiles};

    #[test]
    fn a_change_counts_when_two_looks_agree() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        let files = authority.issue(&["old"]).write(folder.path(), "tls");
        let identity = IdentityFiles {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
        };
        let used = Files {
            identity: Some(identity),
            authorities: None,
        };
        let make = Box::new(|_: &Material| Ok(()));
        let reloading = Reloading::load("test", used, RELOAD_INTERVAL, make).unwrap();
        let name = || reloading.certificate().unwrap().names.concat();
        assert!(!reloading.look(), "nothing has changed");

        // Two files take two steps; what is between them is never judged.
        let new = authority.issue(&["new"]);
        fs::write(&files.certificate, &new.certificate).unwrap();
        assert!(reloading.look());
        fs::write(&files.key, &new.key).unwrap();
        assert!(reloading.look());
        assert_eq!((name().as_str(), reloading.trouble()), ("old", None));
        assert!(!reloading.look());
        assert_eq!((name().as_str(), reloading.trouble()), ("new", None));
    }
}
