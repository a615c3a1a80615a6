//! Changing the password.
//!
//! One write of the user document makes the new password valid and every earlier token and session dead, since they are
//! of a lower security version (docs/adr/0014). What follows only takes the session of the call along, and tidies up:
//! where it breaks off, the user is signed out everywhere and signs in with the new password.

use std::sync::Arc;

use authn::TokenError;
use client_address::ClientAddress;
use telemetry::chain;

use crate::domain::clock::Clock;
use crate::domain::ids::SessionId;
use crate::domain::password::Password;
use crate::domain::security_event::EventKind;
use crate::domain::session::{EndReason, SessionEnd};
use crate::domain::user::User;
use crate::error::AuthError;
use crate::events::SecurityEvents;
use crate::hashing::{HashingPool, Place, Verdict};
use crate::sessions::{Caller, Sessions, Tokens};
use crate::store::AuthStore;
use crate::throttle::{LaneKey, Throttle};

/// The password so far, and the one from now on.
#[derive(Debug)]
pub(crate) struct PasswordChange {
    pub(crate) current: Password,
    pub(crate) new: Password,
}

/// For the hashes that a change costs, both at once, so that nobody is refused in the middle.
pub(crate) struct Places {
    for_current: Place,
    for_new: Place,
}

/// See the module.
pub(crate) struct Passwords {
    pub(crate) store: Arc<dyn AuthStore>,
    pub(crate) hashing: Arc<HashingPool>,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) events: Arc<SecurityEvents>,
    pub(crate) clock: Clock,
}

impl Passwords {
    /// Places, before anything else is done; see [`crate::accounts::Accounts::admit`].
    ///
    /// # Errors
    /// `Throttled`, `Busy`.
    pub(crate) fn admit(&self, client: Option<ClientAddress>) -> Result<Places, AuthError> {
        self.throttle.count(client)?;
        Ok(Places {
            for_current: self.hashing.admit()?,
            for_new: self.hashing.admit()?,
        })
    }

    /// Reads the message where passwords are hashed; see [`crate::accounts::Accounts::read`].
    ///
    /// # Errors
    /// `Busy`.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        places: Places,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<(Places, T), AuthError> {
        let (for_new, done) = self.hashing.prepare(places.for_new, read).await?;
        Ok((Places { for_new, ..places }, done))
    }

    /// Changes the password of a caller. Returns the new tokens of the caller's session, the only ones of the user that
    /// still work.
    ///
    /// # Errors
    /// `CredentialsInvalid` when the current password is another one; `Token(Revoked)` when the password was changed, or the
    /// session ended, at the same time; `Throttled`, `Busy`; and the store's. After `Unavailable` the new password may be valid.
    pub(crate) async fn change(
        &self,
        places: Places,
        caller: &Caller,
        change: PasswordChange,
    ) -> Result<Tokens, AuthError> {
        let Places { for_current, for_new } = places;
        // Of the session: failed sign-ins elsewhere do not hold up its owner, nor a thief of its token.
        let attempt = self
            .throttle
            .attempt(LaneKey::session(&caller.session.id))
            .await?;
        let stored = caller.user.password_hash.clone();
        let verdict = self
            .hashing
            .compare(for_current, change.current, Some(stored))
            .await?;
        match verdict {
            Verdict::Right { stronger: _ } => attempt.succeeded(),
            Verdict::Wrong | Verdict::Unusable(_) => {
                attempt.failed();
                let failed = caller.event(EventKind::PasswordChangeFailed, self.clock.now());
                self.events.record(failed).await;
                return Err(AuthError::CredentialsInvalid);
            }
        }
        let password_hash = self.hashing.hash(for_new, change.new).await?;
        let now = self.clock.now();
        let user = User {
            password_hash,
            security_version: caller.user.security_version + 1,
            security_version_time: now,
            ..caller.user.clone()
        };
        if !self.store.change_password(&user).await? {
            return Err(AuthError::Token(TokenError::Revoked));
        }
        let session = self.sessions.take_along(&user, &caller.session.id, now).await;
        self.end_others(&user, &caller.session.id).await;
        self.events
            .record(caller.event(EventKind::PasswordChanged, now))
            .await;
        self.sessions.tokens(&user, &session?, now)
    }

    /// Marks sessions as ended that work no more, so that their rows say why. A failure changes nothing for anybody.
    async fn end_others(&self, user: &User, from: &SessionId) {
        let end = SessionEnd {
            reason: EndReason::PasswordChanged,
            time: user.security_version_time,
        };
        if let Err(error) = self.store.end_sessions_of(&user.id, from, end).await {
            tracing::warn!(
                error = chain(&error),
                "sessions of an earlier password are not marked as ended"
            );
        }
    }
}
