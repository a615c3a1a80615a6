//! Where profiles are kept.

use async_trait::async_trait;

use super::StoreError;
use super::document::Origin;
use crate::domain::ids::{OrganizationId, Version};
use crate::domain::profile::Profile;
use crate::idempotency::AppliedRequests;

/// Keeps the profile of every organization that has changed it: one document each, written whole and conditionally. The
/// promises of [`InvoiceStore`](super::InvoiceStore) hold here, too.
#[async_trait]
pub(crate) trait ProfileStore: Send + Sync + 'static {
    /// The profile of an organization as it is now; `None` when it never changed it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Overloaded`], [`StoreError::Broken`].
    async fn profile(&self, organization: &OrganizationId) -> Result<Option<StoredProfile>, StoreError>;

    /// As [`ProfileStore::profile`], never behind. It may cost as much as a write.
    ///
    /// # Errors
    /// Those of [`ProfileStore::profile`].
    async fn profile_settled(
        &self,
        organization: &OrganizationId,
    ) -> Result<Option<StoredProfile>, StoreError>;

    /// Puts `stored` in the place of the version `expected` of the same profile; version 0 is that of a profile that was
    /// never written.
    ///
    /// # Errors
    /// [`StoreError::VersionConflict`] when it is at another version, with nothing changed; those of
    /// [`ProfileStore::profile`].
    async fn put_profile(&self, stored: StoredProfile, expected: Version) -> Result<(), StoreError>;
}

/// A profile and what else its document holds.
#[derive(Debug, Clone)]
pub(crate) struct StoredProfile {
    /// Whose it is.
    pub(crate) organization: OrganizationId,
    /// The profile.
    pub(crate) profile: Profile,
    /// The requests that changed it.
    pub(crate) applied: AppliedRequests,
    /// The document that it was read from: what a newer release has added to it stays in the next version.
    pub(crate) origin: Origin,
}

impl StoredProfile {
    /// The profile of an organization that never changed it.
    pub(crate) fn unchanged(organization: OrganizationId) -> Self {
        Self {
            organization,
            profile: Profile::default(),
            applied: AppliedRequests::default(),
            origin: Origin::default(),
        }
    }
}
