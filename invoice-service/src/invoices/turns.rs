//! One at a time per organization, in this process.

use std::hash::{BuildHasher as _, RandomState};

use tokio::sync::{Mutex, MutexGuard};

use crate::domain::ids::OrganizationId;

/// Organizations share this many queues; two that share one wait for each other, which is right but slower.
const QUEUES: u64 = 256;

/// Who issues next. Correctness does not depend on it.
pub(super) struct Turns {
    queues: Vec<Mutex<()>>,
    hasher: RandomState,
}

impl Turns {
    /// Waits for the organization's turn, which lasts as long as the guard.
    pub(super) async fn take(&self, organization: &OrganizationId) -> MutexGuard<'_, ()> {
        let hash = self.hasher.hash_one(organization);
        let queue = usize::try_from(hash % QUEUES).unwrap_or_default();
        self.queues[queue].lock().await
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            queues: (0..QUEUES).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}
