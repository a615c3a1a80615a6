//! Use cases around one session: its tokens, their refresh, its end.

use std::sync::Arc;

use authn::{Principal, TokenError};
use jiff::Timestamp;

use crate::domain::client::Client;
use crate::domain::clock::Clock;
use crate::domain::ids::{SessionId, new_ulid};
use crate::domain::session::{EndReason, Presentation, Session, SessionEnd, SessionLimits};
use crate::domain::user::User;
use crate::error::AuthError;
use crate::store::{AuthStore, SessionQuery};
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
    pub(crate) fn begin(&self, user: &User, client: Client, now: Timestamp) -> Session {
        Session::begin(
            SessionId::from_ulid(new_ulid(now)),
            user,
            client,
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
            // Read after the session, so that it is not older: a session can be of no version that its user has not reached.
            let user = self.store.user(&session.user_id).await?;
            let now = self.clock.now();
            let user = user
                .filter(|user| session.works_for(user, now))
                .ok_or(AuthError::RefreshTokenInvalid)?;
            let (session, advances) = match session.present(generation, now, self.limits) {
                Presentation::Advance(next) => (*next, true),
                Presentation::Repeat => (session, false),
                Presentation::Reused => return Err(self.end_reused(&id, now).await),
                Presentation::Refused => return Err(AuthError::RefreshTokenInvalid),
            };
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
        self.store.end_session(id, end).await?;
        Ok(())
    }

    /// The sessions of a user that have not ended in any way, the newest first, below the id `before`.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn list(
        &self,
        user: &User,
        before: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<Session>, AuthError> {
        let query = SessionQuery {
            user_id: user.id.clone(),
            user_version: user.security_version,
            alive_at: self.clock.now(),
            before,
            limit,
        };
        Ok(self.store.sessions_of(query).await?)
    }

    /// Ends a session on its owner's behalf, from the session `from`, which may be the same one.
    ///
    /// # Errors
    /// `SessionNotFound` when it is another user's, as if it did not exist, and the store's. Ending an ended session
    /// succeeds.
    pub(crate) async fn revoke(
        &self,
        user: &User,
        from: &SessionId,
        id: &SessionId,
    ) -> Result<(), AuthError> {
        let session = self.store.session(id).await?;
        if session.is_none_or(|session| session.user_id != user.id) {
            return Err(AuthError::SessionNotFound(id.clone()));
        }
        let reason = if id == from {
            EndReason::Logout
        } else {
            EndReason::Revoked
        };
        let time = self.clock.now();
        self.store.end_session(id, SessionEnd { reason, time }).await?;
        Ok(())
    }

    /// Ends every session of a user but the one that asks for it.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn revoke_others(&self, user: &User, from: &SessionId) -> Result<(), AuthError> {
        let end = SessionEnd {
            reason: EndReason::Revoked,
            time: self.clock.now(),
        };
        self.store.end_sessions_of(&user.id, from, end).await?;
        Ok(())
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
                if session.works_for(&user, self.clock.now())
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
            Ok(Some(_) | None) => AuthError::RefreshTokenReused,
            Err(error) => error.into(),
        }
    }
}
