//! What happens around an account, for its owner to look through.

use jiff::{SignedDuration, Timestamp};

use super::client::Client;
use super::ids::{EventId, SessionId, UserId, new_ulid};

/// How long events are kept: 180 days.
pub(crate) const KEPT: SignedDuration = SignedDuration::from_hours(24 * 180);

/// Something that happened. It never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecurityEvent {
    /// Time-ordered.
    pub(crate) id: EventId,
    pub(crate) kind: EventKind,
    pub(crate) time: Timestamp,
    /// Whose account it concerns; `None`: everybody's.
    pub(crate) user_id: Option<UserId>,
    /// The session that it happened to or in.
    pub(crate) session_id: Option<SessionId>,
    /// Where the call came from, and what the program calls itself, or called itself when the session began.
    pub(crate) client: Client,
}

/// What happens to accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum EventKind {
    /// The account was made.
    Registered,
    /// A session began.
    SignedIn,
    /// A wrong password was given at a sign-in.
    SignInFailed,
    /// The user ended the session of the call.
    SignedOut,
    /// An old refresh token was presented. The session was ended.
    RefreshTokenReused,
    /// The password was changed; every other session ended.
    PasswordChanged,
    /// A wrong current password was given when the password was to be changed.
    PasswordChangeFailed,
    /// The user ended a session from another one.
    SessionRevoked,
    /// The user ended every session but that of the call.
    OtherSessionsRevoked,
    /// An operator replaced the keys that sign access tokens.
    SigningKeysRotated,
    /// An operator withdrew a key that signs access tokens.
    SigningKeyRevoked,
}

impl SecurityEvent {
    /// What happens now to a user's account.
    pub(crate) fn of_user(
        kind: EventKind,
        user_id: UserId,
        session_id: Option<SessionId>,
        client: Client,
        now: Timestamp,
    ) -> Self {
        Self {
            id: EventId::from_ulid(new_ulid(now)),
            kind,
            time: now,
            user_id: Some(user_id),
            session_id,
            client,
        }
    }

    /// What happens now to every account.
    pub(crate) fn of_everyone(kind: EventKind, now: Timestamp) -> Self {
        Self {
            id: EventId::from_ulid(new_ulid(now)),
            kind,
            time: now,
            user_id: None,
            session_id: None,
            client: Client::default(),
        }
    }
}

impl EventKind {
    /// Every kind.
    pub(crate) const ALL: [Self; 11] = [
        Self::Registered,
        Self::SignedIn,
        Self::SignInFailed,
        Self::SignedOut,
        Self::RefreshTokenReused,
        Self::PasswordChanged,
        Self::PasswordChangeFailed,
        Self::SessionRevoked,
        Self::OtherSessionsRevoked,
        Self::SigningKeysRotated,
        Self::SigningKeyRevoked,
    ];

    /// What it is called in stores and logs; in the contract with `TYPE_` before it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Registered => "REGISTERED",
            Self::SignedIn => "SIGNED_IN",
            Self::SignInFailed => "SIGN_IN_FAILED",
            Self::SignedOut => "SIGNED_OUT",
            Self::RefreshTokenReused => "REFRESH_TOKEN_REUSED",
            Self::PasswordChanged => "PASSWORD_CHANGED",
            Self::PasswordChangeFailed => "PASSWORD_CHANGE_FAILED",
            Self::SessionRevoked => "SESSION_REVOKED",
            Self::OtherSessionsRevoked => "OTHER_SESSIONS_REVOKED",
            Self::SigningKeysRotated => "SIGNING_KEYS_ROTATED",
            Self::SigningKeyRevoked => "SIGNING_KEY_REVOKED",
        }
    }
}

#[cfg(test)]
mod tests {
    use proto::auth::v1::security_event::Type;

    use super::EventKind;

    #[test]
    fn every_kind_has_the_name_of_its_type_in_the_contract() {
        let mut types: Vec<_> = EventKind::ALL
            .iter()
            .map(|kind| Type::from_str_name(&format!("TYPE_{}", kind.name())).unwrap() as i32)
            .collect();
        types.sort_unstable();
        assert_eq!(types, (1..=11).collect::<Vec<_>>());
    }
}
