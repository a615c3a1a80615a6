//! Why a use case failed, by what the caller can do about it.

use authn::TokenError;

use crate::domain::ids::SessionId;
use crate::hashing::HashingError;
use crate::keys::KeysError;
use crate::store::StoreError;
use crate::throttle::Wait;
use crate::tokens::IssueError;

/// What the use cases answer instead.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    /// Somebody has registered with the address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// Unknown address or wrong password: nobody is told which.
    #[error("e-mail address and password do not belong together")]
    CredentialsInvalid,
    /// Too many passwords are being hashed.
    #[error("too many sign-ins at once")]
    Busy,
    /// Too many sign-ins from the caller's address, or failures with this e-mail address just now.
    #[error("too many sign-ins from this address or with this e-mail address")]
    Throttled(Wait),
    /// Not a refresh token, or one of a session that has ended.
    #[error("not a refresh token of a living session")]
    RefreshTokenInvalid,
    /// An old refresh token; its session was ended.
    #[error("an old refresh token was presented")]
    RefreshTokenReused,
    /// The caller has no such session.
    #[error("the caller has no such session")]
    SessionNotFound(SessionId),
    /// The caller's role does not allow it.
    #[error("the caller's role does not allow this")]
    RoleInsufficient,
    /// The access token is at fault.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
    /// Our fault.
    #[error("a defect: {0}")]
    Defect(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl AuthError {
    /// Whether the tokens or credentials that were presented are at fault: presented again, they will be again.
    pub(crate) fn is_unauthenticated(&self) -> bool {
        match self {
            Self::CredentialsInvalid
            | Self::RefreshTokenInvalid
            | Self::RefreshTokenReused
            | Self::Token(_) => true,
            Self::EmailTaken
            | Self::Busy
            | Self::Throttled(_)
            | Self::SessionNotFound(_)
            | Self::RoleInsufficient
            | Self::Store(_)
            | Self::Defect(_) => false,
        }
    }
}

impl From<StoreError> for AuthError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::EmailTaken => Self::EmailTaken,
            StoreError::KeySequenceTaken => Self::Defect(Box::new(error)),
            StoreError::Overloaded | StoreError::Unavailable(_) | StoreError::Broken(_) => Self::Store(error),
        }
    }
}

impl From<Wait> for AuthError {
    fn from(wait: Wait) -> Self {
        Self::Throttled(wait)
    }
}

impl From<HashingError> for AuthError {
    fn from(error: HashingError) -> Self {
        match error {
            HashingError::Busy => Self::Busy,
            HashingError::Hash(_) => Self::Defect(Box::new(error)),
        }
    }
}

impl From<KeysError> for AuthError {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Store(_) => Self::Store(StoreError::Unavailable(Box::new(error))),
            KeysError::Sealed { .. }
            | KeysError::Damaged { .. }
            | KeysError::Unknown { .. }
            | KeysError::NoneActive
            | KeysError::Crypto => Self::Defect(Box::new(error)),
        }
    }
}

impl From<IssueError> for AuthError {
    fn from(error: IssueError) -> Self {
        Self::Defect(Box::new(error))
    }
}
