//! Use cases around one session: its tokens, their refresh, its end.

use std::sync::Arc;

use authn::{Principal, TokenError};
use jiff::Timestamp;

use crate::domain::clock::Clock;
use crate::domain::ids::{SessionId, new_ulid};
use crate::domain::session::{EndReason, Presentation, Session, SessionEnd, SessionLimits};
use crate::domain::text::ClientLabel;
use crate::domain::user::User;
use crate::error::AuthError;
use crate::store::AuthStore;
use crate::tokens::{AccessTokens, Expiring, RefreshTokens};

/// The first try may lose to another refresh; the second sees its result and is never an advance of the same token.
/// One more, for a store that shows it late.
const TRIES: u32 = 3;

/// What a sign-in or refresh hands out.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) access: Expiring,
    pub(crate) refresh: Expiring,
    pub(crate) session_id: SessionId,
}

/// See the module.
pub(crate) struct Sessions {
    pub(crate) store: Arc<dyn AuthStore>,
    pub(crate) access_tokens: AccessTokens,
    pub(crate) refresh_tokens: RefreshTokens,
    pub(crate) limits: SessionLimits,
    pub(crate) clock: Clock,
}

impl Sessions {
    /// A new session of a user; not stored yet.
    pub(crate) fn begin(&self, user: &User, label: ClientLabel, now: Timestamp) -> Session {
        Session::begin(
            SessionId::from_ulid(new_ulid(now)),
            user.id.clone(),
            label,
            now,
            self.limits,
        )
    }

    /// The tokens of a session as it is.
    pub(crate) fn tokens(&self, user: &User, session: &Session, now: Timestamp) -> Result<Tokens, AuthError> {
        let refresh = self.refresh_tokens.token(&session.id, session.generation);
        Ok(Tokens {
            access: self.access_tokens.issue(user, session, now)?,
            refresh: Expiring {
                token: refresh,
                expire_time: session.idle_expire_time,
            },
            session_id: session.id.clone(),
        })
    }

    /// Exchanges a refresh token. See [`crate::domain::session`].
    ///
    /// # Errors
    /// `RefreshTokenInvalid`, `RefreshTokenReused`, and the store's.
    pub(crate) async fn refresh(&self, token: &str) -> Result<Tokens, AuthError> {
        let (id, generation) = self
            .refresh_tokens
            .read(token)
            .ok_or(AuthError::RefreshTokenInvalid)?;
        for _ in 0..TRIES {
            let session = self
                .store
                .session(&id)
                .await?
                .ok_or(AuthError::RefreshTokenInvalid)?;
            let now = self.clock.now();
            let (session, advances) = match session.present(generation, now, self.limits) {
                Presentation::Advance(next) => (*next, true),
                Presentation::Repeat => (session, false),
                Presentation::Reused => return Err(self.end_reused(&id, now).await),
                Presentation::Refused => return Err(AuthError::RefreshTokenInvalid),
            };
            let user = self
                .store
                .user(&session.user_id)
                .await?
                .ok_or(AuthError::RefreshTokenInvalid)?;
            if !advances || self.store.advance_session(session.clone(), generation).await? {
                return self.tokens(&user, &session, now);
            }
        }
        Err(AuthError::Defect(
            "a session changed faster than it could be read".into(),
        ))
    }

    /// Ends the session of a refresh token of any generation: who holds one may end what it belongs to.
    ///
    /// # Errors
    /// `RefreshTokenInvalid` when it was not made here, and the store's. Ending an ended session succeeds.
    pub(crate) async fn end_by_refresh_token(&self, token: &str) -> Result<(), AuthError> {
        let (id, _generation) = self
            .refresh_tokens
            .read(token)
            .ok_or(AuthError::RefreshTokenInvalid)?;
        self.end(&id).await
    }

    /// Ends a session on its owner's behalf. Nothing of it works here once this has returned.
    ///
    /// # Errors
    /// The store's. Ending an ended session succeeds.
    pub(crate) async fn end(&self, id: &SessionId) -> Result<(), AuthError> {
        let end = SessionEnd {
            reason: EndReason::Logout,
            time: self.clock.now(),
        };
        Ok(self.store.end_session(id, end).await?)
    }

    /// The user of a verified token, provided that the token's session lives and its user version still holds.
    ///
    /// # Errors
    /// `Token(Revoked)`, and the store's.
    pub(crate) async fn user_of(&self, principal: &Principal) -> Result<User, AuthError> {
        let revoked = AuthError::Token(TokenError::Revoked);
        let (session, user) = tokio::try_join!(
            self.store.session(&principal.session_id),
            self.store.user(&principal.user_id)
        )?;
        match (session, user) {
            (Some(session), Some(user))
                if session.user_id == user.id
                    && session.is_alive(self.clock.now())
                    && user.security_version == principal.user_version =>
            {
                Ok(user)
            }
            (Some(_) | None, Some(_) | None) => Err(revoked),
        }
    }

    async fn end_reused(&self, id: &SessionId, now: Timestamp) -> AuthError {
        tracing::warn!(session = %id, "an old refresh token was presented; its session is ended");
        let end = SessionEnd {
            reason: EndReason::RefreshTokenReused,
            time: now,
        };
        match self.store.end_session(id, end).await {
            Ok(()) => AuthError::RefreshTokenReused,
            Err(error) => error.into(),
        }
    }
}
