//! Failures as clients see them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rpc_error::{RpcError, reason};
use telemetry::chain;
use tonic::Status;

use crate::error::AuthError;
use crate::store::{StoreError, WatchEnded};

/// When the hashing queue may have room again, at the earliest and at the latest.
const RETRY_BUSY: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
/// When the store's queue has room again.
const RETRY_OVERLOAD: Duration = Duration::from_millis(200);
/// When a store that is down may be back.
const RETRY_UNAVAILABLE: Duration = Duration::from_secs(1);
/// An id is shorter; a longer text is no id, and is not sent back.
const LONGEST_ID: usize = 64;

/// When a feed of revocations can begin again.
const RETRY_FEED: Duration = Duration::from_millis(100);

/// Reasons of this package; each stands in `ErrorReason` of the contract.
mod own_reason {
    pub(super) const EMAIL_TAKEN: &str = "EMAIL_TAKEN";
    pub(super) const CREDENTIALS_INVALID: &str = "CREDENTIALS_INVALID";
    pub(super) const REFRESH_TOKEN_INVALID: &str = "REFRESH_TOKEN_INVALID";
    pub(super) const REFRESH_TOKEN_REUSED: &str = "REFRESH_TOKEN_REUSED";
    pub(super) const SIGN_IN_THROTTLED: &str = "SIGN_IN_THROTTLED";
    pub(super) const SESSION_NOT_FOUND: &str = "SESSION_NOT_FOUND";
    pub(super) const ROLE_INSUFFICIENT: &str = "ROLE_INSUFFICIENT";
}

/// A time of this range, another one for each caller: those who are refused together would come back together, and be
/// refused together again. Multiples of the golden ratio, without their integers, are spread evenly however many there are
/// (Knuth, The Art of Computer Programming, volume 3, 6.4).
fn spread([earliest, latest]: [Duration; 2]) -> Duration {
    const GOLDEN_RATIO_OF_64_BITS: u64 = 0x9E37_79B9_7F4A_7C15;
    static REFUSED: AtomicU64 = AtomicU64::new(0);
    let turn = REFUSED.fetch_add(1, Ordering::Relaxed);
    let place = u32::try_from(turn.wrapping_mul(GOLDEN_RATIO_OF_64_BITS) >> 48).unwrap_or_default();
    earliest + latest.saturating_sub(earliest) / (1 << 16) * place
}

/// The answer for an error of a use case.
pub(super) fn status(error: AuthError) -> Status {
    let error = match error {
        AuthError::EmailTaken => RpcError::already_exists(
            own_reason::EMAIL_TAKEN,
            "somebody has registered with this e-mail address; sign in instead",
        ),
        AuthError::CredentialsInvalid => RpcError::unauthenticated(
            own_reason::CREDENTIALS_INVALID,
            "e-mail address and password do not belong together",
        ),
        AuthError::Busy => RpcError::resource_exhausted(
            own_reason::SIGN_IN_THROTTLED,
            "too many sign-ins at once; try again",
            spread(RETRY_BUSY),
        ),
        AuthError::Throttled(wait) => RpcError::resource_exhausted(
            own_reason::SIGN_IN_THROTTLED,
            "too many sign-ins from your network, or failures with this e-mail address; try again later",
            wait.0,
        ),
        AuthError::RefreshTokenInvalid => RpcError::unauthenticated(
            own_reason::REFRESH_TOKEN_INVALID,
            "the refresh token is not valid, or its session has ended; sign in again",
        ),
        AuthError::RefreshTokenReused => RpcError::unauthenticated(
            own_reason::REFRESH_TOKEN_REUSED,
            "an old refresh token was used again, so its session was ended; sign in again",
        ),
        AuthError::SessionNotFound(id) => return session_not_found(id.as_str()),
        AuthError::RoleInsufficient => RpcError::permission_denied(
            own_reason::ROLE_INSUFFICIENT,
            "only an owner of the organization can do this",
        ),
        AuthError::Token(error) => error.into(),
        AuthError::Store(error) => store(&error),
        AuthError::Defect(error) => {
            tracing::error!(error = chain(&*error), "a call failed by a defect");
            RpcError::internal()
        }
    };
    error.into()
}

/// The answer for an id that names no session of the caller, whatever the cause.
pub(super) fn session_not_found(id: &str) -> Status {
    let name = if id.len() <= LONGEST_ID { id } else { "" };
    RpcError::not_found(own_reason::SESSION_NOT_FOUND, "session", name).into()
}

/// How a feed of revocations ends when the server does not go down.
pub(super) fn feed_ended(ended: WatchEnded) -> Status {
    tracing::warn!(reason = %ended, "a feed of revocations ends; its reader begins another one");
    let text = "revocations may have been missed; open the stream again";
    RpcError::unavailable(reason::BACKEND_UNAVAILABLE, text, RETRY_FEED).into()
}

fn store(error: &StoreError) -> RpcError {
    match error {
        StoreError::Overloaded => RpcError::unavailable(
            reason::OVERLOADED,
            "too much work is waiting; try again",
            RETRY_OVERLOAD,
        ),
        StoreError::Unavailable(_) => {
            tracing::error!(error = chain(error), "the store is unavailable");
            let text = "users and sessions cannot be reached; try again";
            RpcError::unavailable(reason::BACKEND_UNAVAILABLE, text, RETRY_UNAVAILABLE)
        }
        StoreError::EmailTaken | StoreError::KeySequenceTaken | StoreError::Broken(_) => {
            tracing::error!(error = chain(error), "the store is broken");
            RpcError::internal()
        }
    }
}

#[cfg(test)]
mod tests {
    use proto::auth::v1::ErrorReason;

    use super::own_reason::{
        CREDENTIALS_INVALID, EMAIL_TAKEN, REFRESH_TOKEN_INVALID, REFRESH_TOKEN_REUSED, ROLE_INSUFFICIENT,
        SESSION_NOT_FOUND, SIGN_IN_THROTTLED,
    };

    #[test]
    fn every_reason_stands_in_the_contract() {
        for reason in [
            EMAIL_TAKEN,
            CREDENTIALS_INVALID,
            REFRESH_TOKEN_INVALID,
            REFRESH_TOKEN_REUSED,
            SIGN_IN_THROTTLED,
            SESSION_NOT_FOUND,
            ROLE_INSUFFICIENT,
        ] {
            assert!(
                ErrorReason::from_str_name(&format!("ERROR_REASON_{reason}")).is_some(),
                "{reason}"
            );
        }
    }
}
