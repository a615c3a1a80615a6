//! The operations on revocations.

use async_trait::async_trait;
use jiff::Timestamp;

use super::Observed;
use crate::domain::revocation::Revocation;
use crate::store::{RevocationStore, RevocationWatch, StoreError};

#[async_trait]
impl RevocationStore for Observed {
    async fn revoked_since(&self, since: Timestamp) -> Result<Vec<Revocation>, StoreError> {
        let revoked = self.store.revoked_since(since);
        self.revoked_since.observe(revoked).await
    }

    /// Not measured: a watch is as long as its caller likes.
    async fn watch_revocations(&self) -> Result<RevocationWatch, StoreError> {
        self.store.watch_revocations().await
    }
}
