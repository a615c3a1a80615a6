//! The checks of an access token, in their order.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;
use jiff::Timestamp;

use crate::base64url;
use crate::claims::AccessTokenClaims;
use crate::error::{Refusal, TokenError};
use crate::header::{self, Parts, bearer_token};
use crate::key_source::KeySource;
use crate::principal::Principal;

/// Clocks of our machines may differ by this much.
const LEEWAY_SECONDS: i64 = 5;
/// Longer than any token of ours lives (10 minutes), so that a signer gone wrong is noticed.
const LONGEST_LIFETIME_SECONDS: i64 = 900;

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
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Validator {
    /// A validator with the machine's clock.
    pub fn new(config: ValidatorConfig, keys: Arc<dyn KeySource>) -> Self {
        Self {
            config,
            keys,
            clock: Box::new(Timestamp::now),
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

    /// Whether keys have been loaded, for readiness probes.
    pub fn is_ready(&self) -> bool {
        self.keys.is_ready()
    }

    /// Who sent a request with these headers: checks 1 to 10. A token that names an unknown key makes
    /// the key source look for new keys first, at most once in a while.
    ///
    /// # Errors
    /// [`Refusal::Token`], or [`Refusal::NoKeys`] while no key set was ever loaded.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Refusal> {
        let token = bearer_token(headers)?;
        if !self.keys.is_ready() {
            return Err(Refusal::NoKeys);
        }
        match self.verify(token, (self.clock)()) {
            Err(TokenError::UnknownKey) if self.keys.refetch().await => {
                Ok(self.verify(token, (self.clock)())?)
            }
            verified => Ok(verified?),
        }
    }

    /// Checks 2 to 10 of one token. Pure but for the keys in memory: nothing is fetched.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Principal, TokenError> {
        self.verify_for(token, &self.config.audience, now)
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
        // 2 length, alphabet, three parts
        let parts = Parts::split(token)?;
        // 3 JOSE header; 4 key id, looked up in memory only
        let key_id = header::parse(parts.header)?;
        let key = self.keys.find(&key_id).ok_or(TokenError::UnknownKey)?;
        // 5 signature; nothing of the claims is looked at before
        if !key.verifies(parts.signed, parts.signature) {
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
        check_times(&claims, now.as_second())?;
        // 10 ids
        Principal::try_from(claims)
        // 11 is the revocation feed's: it takes the principal's session, user version and key here.
    }
}

fn check_times(claims: &AccessTokenClaims, now: i64) -> Result<(), TokenError> {
    let latest = now.saturating_add(LEEWAY_SECONDS);
    if claims.iat > latest || claims.nbf > latest {
        return Err(TokenError::NotYetValid);
    }
    if !(1..=LONGEST_LIFETIME_SECONDS).contains(&claims.exp.saturating_sub(claims.iat)) {
        return Err(TokenError::Lifetime);
    }
    if now >= claims.exp.saturating_add(LEEWAY_SECONDS) {
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
