//! Why a call is not authenticated.

use std::time::Duration;

use rpc_error::RpcError;

/// Reasons in `ErrorInfo`, as in `ErrorReason` of `invoiceapp.auth.v1`.
pub mod reason {
    /// The call carries no access token.
    pub const TOKEN_MISSING: &str = "TOKEN_MISSING";
    /// What the call carries is not an access token of ours.
    pub const TOKEN_INVALID: &str = "TOKEN_INVALID";
    /// The access token has ended.
    pub const TOKEN_EXPIRED: &str = "TOKEN_EXPIRED";
    /// The access token's session was ended.
    pub const TOKEN_REVOKED: &str = "TOKEN_REVOKED";
}

/// Why a token was refused: the first check it failed. For logs and tests; a client learns only the
/// [`TokenError::reason`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// No `authorization` value.
    #[error("no authorization value")]
    Missing,
    /// Several `authorization` values, or one that is no bearer token.
    #[error("not exactly one bearer token")]
    Authorization,
    /// Too short, too long, a foreign character, or not three parts.
    #[error("not three base64url parts of permitted length")]
    Malformed,
    /// Not exactly `alg`, `typ` and `kid` with the permitted values.
    #[error("JOSE header not permitted")]
    Header,
    /// Well formed, but the key is not in the set.
    #[error("unknown key")]
    UnknownKey,
    /// The signature is not the key's over these bytes.
    #[error("wrong signature")]
    Signature,
    /// Claims missing, mistyped or repeated.
    #[error("claims malformed")]
    Claims,
    /// Another issuer's.
    #[error("wrong issuer")]
    Issuer,
    /// For another audience.
    #[error("wrong audience")]
    Audience,
    /// Issued or valid only in the future.
    #[error("not yet valid")]
    NotYetValid,
    /// Ends before it begins, or lives longer than any token of ours.
    #[error("lifetime not permitted")]
    Lifetime,
    /// Its time is over.
    #[error("expired")]
    Expired,
    /// A user, organization, session or token id that is none.
    #[error("id malformed")]
    Identifier,
    /// Its session or its user's tokens were ended.
    #[error("revoked")]
    Revoked,
}

impl TokenError {
    /// The public reason.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Missing => reason::TOKEN_MISSING,
            Self::Expired => reason::TOKEN_EXPIRED,
            Self::Revoked => reason::TOKEN_REVOKED,
            Self::Authorization
            | Self::Malformed
            | Self::Header
            | Self::UnknownKey
            | Self::Signature
            | Self::Claims
            | Self::Issuer
            | Self::Audience
            | Self::NotYetValid
            | Self::Lifetime
            | Self::Identifier => reason::TOKEN_INVALID,
        }
    }
}

/// Says no more than the reason does: which check failed would help only an attacker.
impl From<TokenError> for RpcError {
    fn from(error: TokenError) -> Self {
        let reason = error.reason();
        let message = match reason {
            reason::TOKEN_MISSING => "send `authorization: Bearer <access token>`",
            reason::TOKEN_EXPIRED => "the access token has expired; refresh it",
            reason::TOKEN_REVOKED => "the session was ended; sign in again",
            _ => "the access token is not valid",
        };
        Self::unauthenticated(reason, message)
    }
}

/// Why a request does not reach its handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The caller's token is at fault.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// No key has been loaded yet: whether the token is good cannot be said.
    #[error("no keys to verify tokens with have been loaded yet")]
    NoKeys,
    /// Nothing was heard of the revocation feed yet: whether the token still counts cannot be said.
    #[error("what was revoked is not known yet")]
    NoRevocations,
    /// The revocation feed is silent, and the method must not be called with a token that may have been revoked.
    #[error("the revocation feed is stale")]
    StaleRevocations,
}

/// A service that has just started knows keys and revocations after this time, or auth-service is down.
const RETRY_SOON: Duration = Duration::from_secs(1);

impl From<Refusal> for RpcError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Token(error) => error.into(),
            Refusal::NoKeys | Refusal::NoRevocations => Self::unavailable(
                rpc_error::reason::BACKEND_UNAVAILABLE,
                "access tokens cannot be verified yet",
                RETRY_SOON,
            ),
            Refusal::StaleRevocations => Self::unavailable(
                rpc_error::reason::BACKEND_UNAVAILABLE,
                "nothing can be changed while it is unknown which sessions were ended",
                RETRY_SOON,
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use proto::auth::v1::ErrorReason;

    use super::*;

    #[test]
    fn every_reason_stands_in_the_contract() {
        for reason in [
            reason::TOKEN_MISSING,
            reason::TOKEN_INVALID,
            reason::TOKEN_EXPIRED,
            reason::TOKEN_REVOKED,
        ] {
            assert!(
                ErrorReason::from_str_name(&format!("ERROR_REASON_{reason}")).is_some(),
                "{reason}"
            );
        }
    }
}
