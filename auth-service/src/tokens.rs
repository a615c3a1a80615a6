//! The two tokens of a session.

use std::sync::Arc;

use authn::{AccessTokenClaims, TOKEN_TYPE};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, Header};
use ulid::Ulid;

use crate::domain::ids::{SessionId, TokenId, new_ulid};
use crate::domain::secret::Secret;
use crate::domain::session::Session;
use crate::domain::user::User;
use crate::keys::{KeyRing, KeysError};

/// For whom access tokens are meant: every service of the product (RFC 9068).
pub(crate) const AUDIENCE: &str = "invoiceapp";

/// A token and its end.
#[derive(Debug, Clone)]
pub(crate) struct Expiring {
    pub(crate) token: Secret,
    pub(crate) expire_time: Timestamp,
}

/// Why there is no access token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IssueError {
    /// There is nothing to sign with.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Signing failed.
    #[error(transparent)]
    Signing(#[from] jsonwebtoken::errors::Error),
}

/// Issues access tokens.
pub(crate) struct AccessTokens {
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) issuer: String,
    pub(crate) life: SignedDuration,
}

impl AccessTokens {
    /// A signed access token for a user's session, which never outlives the session.
    ///
    /// # Errors
    /// [`IssueError`]; both are defects.
    pub(crate) fn issue(
        &self,
        user: &User,
        session: &Session,
        now: Timestamp,
    ) -> Result<Expiring, IssueError> {
        let issued = now.as_second();
        let expires = issued
            .saturating_add(self.life.as_secs())
            .min(session.expire_time.as_second());
        let claims = AccessTokenClaims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: user.id.to_string(),
            iat: issued,
            nbf: issued,
            exp: expires,
            jti: TokenId::from_ulid(new_ulid(now)).to_string(),
            sid: session.id.to_string(),
            org: user.membership.organization_id.to_string(),
            role: user.membership.role,
            uv: user.security_version,
        };
        let token = self.keys.sign_with(now, |id, key| {
            let header = Header {
                typ: Some(TOKEN_TYPE.to_owned()),
                kid: Some(id.to_string()),
                ..Header::new(Algorithm::EdDSA)
            };
            jsonwebtoken::encode(&header, &claims, key)
        })??;
        Ok(Expiring {
            token: Secret::new(token),
            expire_time: Timestamp::from_second(expires).unwrap_or(now),
        })
    }
}

/// Makes and reads refresh tokens: `base64url(session ‖ generation ‖ HMAC-SHA-256 of both)`. They are derived from the
/// master key and the session document, so no store ever holds one.
pub(crate) struct RefreshTokens {
    key: hmac::Key,
}

const ULID_BYTES: usize = 16;
const GENERATION_BYTES: usize = 8;
const CODE_BYTES: usize = 32;
const TOKEN_BYTES: usize = ULID_BYTES + GENERATION_BYTES + CODE_BYTES;

impl RefreshTokens {
    pub(crate) fn new(key: hmac::Key) -> Self {
        Self { key }
    }

    /// The token of a session's generation.
    pub(crate) fn token(&self, session: &SessionId, generation: u64) -> Secret {
        let named = [session.ulid().to_bytes().as_slice(), &generation.to_be_bytes()].concat();
        let code = hmac::sign(&self.key, &named);
        Secret::new(URL_SAFE_NO_PAD.encode([&named, code.as_ref()].concat()))
    }

    /// The session and generation of a token that was made here, else `None`.
    pub(crate) fn read(&self, token: &str) -> Option<(SessionId, u64)> {
        let mut bytes = [0; TOKEN_BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).ok()?;
        if length != TOKEN_BYTES {
            return None;
        }
        let (named, code) = bytes.split_at(ULID_BYTES + GENERATION_BYTES);
        // In constant time.
        hmac::verify(&self.key, named, code).ok()?;
        let (ulid, generation) = named.split_first_chunk::<ULID_BYTES>()?;
        let generation = generation.first_chunk::<GENERATION_BYTES>()?;
        Some((
            SessionId::from_ulid(Ulid::from_bytes(*ulid)),
            u64::from_be_bytes(*generation),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(byte: u8) -> RefreshTokens {
        RefreshTokens::new(hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32]))
    }

    #[test]
    fn a_refresh_token_reads_back_and_is_always_the_same() {
        let session = SessionId::from_ulid(Ulid::from_parts(1_790_000_000_000, 7));
        let token = tokens(1).token(&session, 3);
        assert_eq!(tokens(1).read(token.expose()), Some((session.clone(), 3)));
        assert_eq!(tokens(1).token(&session, 3), token);
        assert_ne!(tokens(1).token(&session, 4), token);
        assert_eq!(tokens(2).read(token.expose()), None, "another key's");
    }

    #[test]
    fn any_change_to_a_refresh_token_is_noticed() {
        let session = SessionId::from_ulid(Ulid::from_parts(1_790_000_000_000, 7));
        let token = tokens(1).token(&session, 3).expose().to_owned();
        for position in 0..token.len() {
            for replacement in ["A", "B", "_", "=", ".", " "] {
                let mut changed = token.clone();
                changed.replace_range(position..=position, replacement);
                if changed != token {
                    assert_eq!(tokens(1).read(&changed), None, "{replacement} at {position}");
                }
            }
            assert_eq!(tokens(1).read(&token[..position]), None);
        }
        for text in [
            format!("{token}A"),
            format!("{token}="),
            format!(" {token}"),
            "x".repeat(4000),
        ] {
            assert_eq!(tokens(1).read(&text), None);
        }
    }
}
