//! The checks of an access token, in their order.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use tokio::time::sleep;

use crate::base64url;
use crate::claims::{AccessTokenClaims, Times};
use crate::error::{Refusal, TokenError};
use crate::feed::RevocationFeed;
use crate::header::{self, MAX_TOKEN_BYTES, Parts, bearer_token};
use crate::key_source::KeySource;
use crate::principal::Principal;
use crate::verified_tokens::{TokenDigest, Verified, VerifiedTokens};

/// Clocks of our machines may differ by this much.
pub(crate) const LEEWAY: Duration = Duration::from_secs(5);
pub(crate) const LEEWAY_SECONDS: i64 = LEEWAY.as_secs().cast_signed();
/// Longer than any token of ours lives (10 minutes), so that a signer gone wrong is noticed.
pub(crate) const LONGEST_LIFETIME: Duration = Duration::from_mins(15);
pub(crate) const LONGEST_LIFETIME_SECONDS: i64 = LONGEST_LIFETIME.as_secs().cast_signed();
/// A clock that steps back must not make a waiting stream spin.
const SHORTEST_WAIT: Duration = Duration::from_millis(50);

/// Whose tokens are accepted, and for whom they must be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorConfig {
    /// The `iss` claim, byte for byte.
    pub issuer: String,
    /// The `aud` claim, byte for byte.
    pub audience: String,
}

/// Verifies access tokens. One per process, shared.
pub struct Validator {
    config: ValidatorConfig,
    keys: Arc<dyn KeySource>,
    feed: Option<RevocationFeed>,
    verified: VerifiedTokens,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Validator {
    /// A validator with the machine's clock.
    pub fn new(config: ValidatorConfig, keys: Arc<dyn KeySource>) -> Self {
        Self {
            config,
            keys,
            feed: None,
            verified: VerifiedTokens::default(),
            clock: Box::new(Timestamp::now),
        }
    }

    /// The same with check 11: what `feed` revokes is refused. Its keys should be those of `feed`.
    #[must_use]
    pub fn with_revocations(self, feed: RevocationFeed) -> Self {
        Self {
            feed: Some(feed),
            ..self
        }
    }

    /// The same with another clock for [`Validator::authenticate`], for tests.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self {
            clock: Box::new(clock),
            ..self
        }
    }

    /// Whether tokens can be judged: keys have been loaded, and what was revoked before the start is known. For
    /// readiness probes; it does not become false again.
    pub fn is_ready(&self) -> bool {
        self.readiness().is_ok()
    }

    fn readiness(&self) -> Result<(), Refusal> {
        if !self.keys.is_ready() {
            return Err(Refusal::NoKeys);
        }
        match &self.feed {
            Some(feed) if !feed.is_ready() => Err(Refusal::NoRevocations),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether tokens may be accepted that were revoked lately, because the revocation feed is silent.
    pub fn is_stale(&self) -> bool {
        self.feed.as_ref().is_some_and(RevocationFeed::is_stale)
    }

    /// Who sent a request with these headers: checks 1 to 11. A token that names an unknown key makes
    /// the key source look for new keys first, at most once in a while.
    ///
    /// # Errors
    /// [`Refusal::Token`]; [`Refusal::NoKeys`] while no key set was ever loaded, [`Refusal::NoRevocations`] while
    /// nothing was heard of the revocation feed.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Refusal> {
        let token = bearer_token(headers)?;
        self.readiness()?;
        match self.verify(token, (self.clock)()) {
            Err(TokenError::UnknownKey) if self.keys.refetch().await => {
                Ok(self.verify(token, (self.clock)())?)
            }
            verified => Ok(verified?),
        }
    }

    /// Checks 2 to 11 of one token. Pure but for what is in memory: nothing is fetched.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Principal, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let digest = TokenDigest::of(token);
        if let Some(Verified { principal, times }) = self.verified.get(&digest) {
            let judged = self.judge(&principal, times, now);
            if judged.is_err() {
                self.verified.remove(&digest);
            }
            return judged.map(|()| principal);
        }
        let verified = self.verify_anew(token, &self.config.audience, now)?;
        self.verified.insert(digest, verified.clone());
        Ok(verified.principal)
    }

    /// [`Validator::verify`] at the validator's own time.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn verify_now(&self, token: &str) -> Result<Principal, TokenError> {
        self.verify(token, (self.clock)())
    }

    /// [`Validator::verify_for`] at the validator's own time.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn verify_now_for(&self, token: &str, audience: &str) -> Result<Principal, TokenError> {
        self.verify_for(token, audience, (self.clock)())
    }

    /// [`Validator::verify`] with another audience.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn verify_for(&self, token: &str, audience: &str, now: Timestamp) -> Result<Principal, TokenError> {
        // What is remembered was verified for our own audience.
        if audience == self.config.audience {
            return self.verify(token, now);
        }
        Ok(self.verify_anew(token, audience, now)?.principal)
    }

    /// The checks from the first to the last, without what is remembered.
    fn verify_anew(&self, token: &str, audience: &str, now: Timestamp) -> Result<Verified, TokenError> {
        // 2 length, alphabet, three parts
        let parts = Parts::split(token)?;
        // 3 JOSE header; 4 key id, looked up in memory only
        let key_id = header::parse(parts.header)?;
        let key = self.keys.find(&key_id).ok_or(TokenError::UnknownKey)?;
        // 5 signature; nothing of the claims is looked at before
        if !key.verifies(parts.signed.as_bytes(), parts.signature) {
            return Err(TokenError::Signature);
        }
        // 6 claims: types, no repetition
        let claims = base64url::decode(parts.claims).ok_or(TokenError::Claims)?;
        let claims = AccessTokenClaims::parse(&claims)?;
        // 7 issuer
        if claims.iss != self.config.issuer {
            return Err(TokenError::Issuer);
        }
        // 8 audience
        if claims.aud != audience {
            return Err(TokenError::Audience);
        }
        // 9 times
        let times = claims.times();
        check_times(times, now.as_second())?;
        // 10 ids
        let principal = Principal::new(&claims, key_id)?;
        // 11 revocations
        self.check_revocation(&principal)?;
        Ok(Verified { principal, times })
    }

    /// What changes with time of a token whose every other check has passed: its key (4), its times (9), and what was
    /// revoked (11).
    fn judge(&self, principal: &Principal, times: Times, now: Timestamp) -> Result<(), TokenError> {
        if !self.keys.contains(&principal.key_id) {
            return Err(TokenError::UnknownKey);
        }
        check_times(times, now.as_second())?;
        self.check_revocation(principal)
    }

    /// 11: the session and the user against the revocation feed. A withdrawn key is out of the key set.
    fn check_revocation(&self, principal: &Principal) -> Result<(), TokenError> {
        match &self.feed {
            Some(feed) if feed.is_revoked(principal) => Err(TokenError::Revoked),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether a token that was admitted is still good. One whose key is gone was revoked with it.
    pub(crate) fn stands(&self, principal: &Principal) -> Result<(), TokenError> {
        if self.left(principal).is_zero() {
            return Err(TokenError::Expired);
        }
        if !self.keys.contains(&principal.key_id) {
            return Err(TokenError::Revoked);
        }
        self.check_revocation(principal)
    }

    /// Waits until a token that was admitted is good no more, and says why.
    pub(crate) async fn ended(&self, principal: &Principal) -> TokenError {
        let mut changes = self.feed.as_ref().map(RevocationFeed::changes);
        loop {
            if let Err(error) = self.stands(principal) {
                return error;
            }
            let expiry = sleep(self.left(principal).max(SHORTEST_WAIT));
            match &mut changes {
                Some(changes) => tokio::select! {
                    () = expiry => {}
                    // The sender lives as long as the feed, which is ours.
                    _ = changes.changed() => {}
                },
                None => expiry.await,
            }
        }
    }

    /// For how long the token will be accepted, unless it is revoked.
    fn left(&self, principal: &Principal) -> Duration {
        let left = (self.clock)().duration_until(principal.expire_time);
        Duration::try_from(left.saturating_add(LEEWAY.try_into().unwrap_or_default())).unwrap_or_default()
    }
}

fn check_times(times: Times, now: i64) -> Result<(), TokenError> {
    let latest = now.saturating_add(LEEWAY_SECONDS);
    if times.issued > latest || times.not_before > latest {
        return Err(TokenError::NotYetValid);
    }
    if !(1..=LONGEST_LIFETIME_SECONDS).contains(&times.expires.saturating_sub(times.issued)) {
        return Err(TokenError::Lifetime);
    }
    if now >= times.expires.saturating_add(LEEWAY_SECONDS) {
        return Err(TokenError::Expired);
    }
    Ok(())
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
