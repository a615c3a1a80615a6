//! Who a verified token speaks for.

use jiff::Timestamp;
use rpc_error::RpcError;

use crate::claims::{AccessTokenClaims, Role};
use crate::error::TokenError;
use crate::ids::{OrganizationId, SessionId, TokenId, UserId};
use crate::jwk::KeyId;

/// The caller, proven by an access token. The organization of every store query comes from here and
/// from nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The user.
    pub user_id: UserId,
    /// The organization the token speaks for.
    pub organization_id: OrganizationId,
    /// The session the token belongs to.
    pub session_id: SessionId,
    /// The user's role in the organization.
    pub role: Role,
    /// The user's security version when the token was issued; it grows when all tokens of the user
    /// are to end.
    pub user_version: u64,
    /// The token itself.
    pub token_id: TokenId,
    /// The key that signed it.
    pub key_id: KeyId,
    /// When the token was issued.
    pub issue_time: Timestamp,
    /// When it ends.
    pub expire_time: Timestamp,
}

impl Principal {
    /// The caller of a request that came through [`Authenticated`](crate::Authenticated).
    ///
    /// # Errors
    /// `INTERNAL` when it did not: the service was wired without it, or the method is listed as
    /// anonymous.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<&Self, RpcError> {
        request.extensions().get().ok_or_else(|| {
            tracing::error!("a handler asked for the principal of an unauthenticated call");
            RpcError::internal()
        })
    }

    /// Check 10: what these claims, signed by this key, say.
    pub(crate) fn new(claims: &AccessTokenClaims, key_id: KeyId) -> Result<Self, TokenError> {
        let time = |seconds| Timestamp::from_second(seconds).map_err(|_| TokenError::Lifetime);
        let malformed = |_| TokenError::Identifier;
        Ok(Self {
            user_id: claims.sub.parse().map_err(malformed)?,
            organization_id: claims.org.parse().map_err(malformed)?,
            session_id: claims.sid.parse().map_err(malformed)?,
            role: claims.role,
            user_version: claims.uv,
            token_id: claims.jti.parse().map_err(malformed)?,
            key_id,
            issue_time: time(claims.iat)?,
            expire_time: time(claims.exp)?,
        })
    }
}
