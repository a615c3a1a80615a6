//! Tokens that were verified before, so that their signature need not be computed again.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::sync::Cache;

use crate::claims::Times;
use crate::principal::Principal;

/// Tokens that are remembered. One takes 600 bytes, so all take 6 MB.
const CAPACITY: usize = 10_000;

/// A token's SHA-256, so that no token stays in memory and looking one up tells nothing of another by its timing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenDigest([u8; 32]);

impl TokenDigest {
    pub(crate) fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

/// What a good token said.
#[derive(Debug, Clone)]
pub(crate) struct Verified {
    pub(crate) principal: Principal,
    pub(crate) times: Times,
}

/// The tokens of whose signature and claims it is known that they are good. Nothing else ever enters, so a flood of bad
/// tokens evicts none. Whoever takes one from here still has to judge what changes with time: its times, its key, and
/// what was revoked.
pub(crate) struct VerifiedTokens(Cache<TokenDigest, Verified>);

impl VerifiedTokens {
    pub(crate) fn get(&self, token: &TokenDigest) -> Option<Verified> {
        self.0.get(token)
    }

    pub(crate) fn insert(&self, token: TokenDigest, verified: Verified) {
        self.0.insert(token, verified);
    }

    pub(crate) fn remove(&self, token: &TokenDigest) {
        self.0.remove(token);
    }
}

impl Default for VerifiedTokens {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

impl fmt::Debug for VerifiedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedTokens").finish_non_exhaustive()
    }
}
