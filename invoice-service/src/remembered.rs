//! The profiles that were read a moment ago.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::ids::OrganizationId;
use crate::domain::profile::Profile;

/// So long a profile is taken to be as it was read: what another process changes is seen here that much later.
const FRESH: Duration = Duration::from_secs(1);
/// Organizations of which one is remembered. A profile is a few hundred bytes; one with the longest note is 20 KiB.
const MOST: usize = 10_000;

/// See the module.
#[derive(Default)]
pub(crate) struct Remembered(Mutex<HashMap<OrganizationId, (Arc<Profile>, Instant)>>);

impl Remembered {
    /// The organization's profile, when it was read a moment ago.
    pub(crate) fn fresh(&self, organization: &OrganizationId) -> Option<Arc<Profile>> {
        let profiles = self.lock();
        let (profile, read) = profiles.get(organization)?;
        (read.elapsed() < FRESH).then(|| Arc::clone(profile))
    }

    /// The organization's profile as it was read last, however long ago: for guesses.
    pub(crate) fn latest(&self, organization: &OrganizationId) -> Option<Arc<Profile>> {
        self.lock()
            .get(organization)
            .map(|(profile, _)| Arc::clone(profile))
    }

    /// Remembers what was read or written, and gives the newest that is known: a read that began before a write of this
    /// process may end after it.
    pub(crate) fn learn(&self, organization: &OrganizationId, profile: Profile) -> Arc<Profile> {
        let mut profiles = self.lock();
        if let Some((known, read)) = profiles.get(organization)
            && known.version > profile.version
            && read.elapsed() < FRESH
        {
            return Arc::clone(known);
        }
        if profiles.len() >= MOST && !profiles.contains_key(organization) {
            // Every one of them is read again once, which is no more than they would be a second later.
            profiles.clear();
        }
        let profile = Arc::new(profile);
        profiles.insert(organization.clone(), (Arc::clone(&profile), Instant::now()));
        profile
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrganizationId, (Arc<Profile>, Instant)>> {
        // Nothing in here is half done when a thread panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Version;

    fn organization(number: usize) -> OrganizationId {
        OrganizationId::parse(&format!("org_{number}")).unwrap()
    }

    fn version(number: u64) -> Profile {
        Profile {
            version: Version::new(number),
            ..Profile::default()
        }
    }

    #[test]
    fn a_read_from_before_a_write_does_not_hide_it() {
        let remembered = Remembered::default();
        let one = organization(1);
        remembered.learn(&one, version(2));
        assert_eq!(remembered.learn(&one, version(1)).version, Version::new(2));
        assert_eq!(remembered.fresh(&one).unwrap().version, Version::new(2));
        assert_eq!(remembered.learn(&one, version(3)).version, Version::new(3));
        assert_eq!(remembered.latest(&organization(2)), None);
    }

    #[test]
    fn no_more_than_ten_thousand_are_remembered() {
        let remembered = Remembered::default();
        for number in 0..=MOST {
            remembered.learn(&organization(number), version(1));
        }
        assert!(remembered.lock().len() <= MOST);
        assert!(remembered.latest(&organization(MOST)).is_some());
    }
}
