//! Use cases around one session: its tokens, their refresh, its end.

use std::sync::Arc;

use authn::{Principal, TokenError};
use client_address::AddressPrefix;
use jiff::Timestamp;

use crate::domain::client::Client;
use crate::domain::clock::Clock;
use crate::domain::ids::{SessionId, new_ulid};
use crate::domain::security_event::{EventKind, SecurityEvent};
use crate::domain::session::{EndReason, Presentation, Session, SessionEnd, SessionLimits};
use crate::domain::user::User;
use crate::error::AuthError;
use crate::events::SecurityEvents;
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
    pub(crate) events: Arc<SecurityEvents>,
    pub(crate) clock: Clock,
}

/// Who calls: a user, in a session that works, from a network.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) user: User,
    pub(crate) session: Session,
    pub(crate) address_prefix: Option<AddressPrefix>,
}

impl Caller {
    /// What the caller did in the session, or tried.
    pub(crate) fn event(&self, kind: EventKind, now: Timestamp) -> SecurityEvent {
        let client = Client {
            address_prefix: self.address_prefix,
            ..self.session.client.clone()
        };
        let (user, session) = (self.user.id.clone(), self.session.id.clone());
        SecurityEvent::of_user(kind, user, Some(session), client, now)
    }
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
    pub(crate) async fn refresh(
        &self,
        token: &str,
        from: Option<AddressPrefix>,
    ) -> Result<Tokens, AuthError> {
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
                Presentation::Reused => return Err(self.end_reused(&id, from).await),
                Presentation::Refused => return Err(AuthError::RefreshTokenInvalid),
            };
            if !advances || self.store.advance_session(session.clone(), generation).await? {
                return self.tokens(&user, &session, now);
            }
        }
        Err(changed_too_fast())
    }

    /// Takes a session of `user` along to the user's newest security version. Its tokens of before work no more.
    ///
    /// # Errors
    /// `Token(Revoked)` when the session has ended meanwhile, and the store's.
    pub(crate) async fn take_along(
        &self,
        user: &User,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<Session, AuthError> {
        // A refresh that began with the earlier version may come in between; none begins with it any more.
        for _ in 0..TRIES {
            let session = self.store.session(id).await?;
            let session = session.filter(|session| session.is_alive(now));
            let session = session.ok_or(AuthError::Token(TokenError::Revoked))?;
            let next = session.taken_along(user.security_version, now, self.limits);
            if self
                .store
                .advance_session(next.clone(), session.generation)
                .await?
            {
                return Ok(next);
            }
        }
        Err(changed_too_fast())
    }

    /// Ends the session of a refresh token of any generation: who holds one may end what it belongs to.
    ///
    /// # Errors
    /// `RefreshTokenInvalid` when it was not made here, and the store's. Ending an ended session succeeds.
    pub(crate) async fn end_by_refresh_token(
        &self,
        token: &str,
        from: Option<AddressPrefix>,
    ) -> Result<(), AuthError> {
        let (id, _generation) = self
            .refresh_tokens
            .read(token)
            .ok_or(AuthError::RefreshTokenInvalid)?;
        self.end(&id, from).await
    }

    /// Ends a session on its owner's behalf. Nothing of it works here once this has returned.
    ///
    /// # Errors
    /// The store's. Ending an ended session succeeds.
    pub(crate) async fn end(&self, id: &SessionId, from: Option<AddressPrefix>) -> Result<(), AuthError> {
        self.end_for(EndReason::Logout, id, from).await
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

    /// Ends a session on its owner's behalf, who calls from it or from another one.
    ///
    /// # Errors
    /// `SessionNotFound` when it is another user's, as if it did not exist, and the store's. Ending an ended session
    /// succeeds.
    pub(crate) async fn revoke(&self, caller: &Caller, id: &SessionId) -> Result<(), AuthError> {
        let session = self.store.session(id).await?;
        if session.is_none_or(|session| session.user_id != caller.user.id) {
            return Err(AuthError::SessionNotFound(id.clone()));
        }
        let reason = if *id == caller.session.id {
            EndReason::Logout
        } else {
            EndReason::Revoked
        };
        self.end_for(reason, id, caller.address_prefix).await
    }

    /// Ends every session of a user but the one that asks for it.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn revoke_others(&self, caller: &Caller) -> Result<(), AuthError> {
        let end = SessionEnd {
            reason: EndReason::Revoked,
            time: self.clock.now(),
        };
        let ended = self
            .store
            .end_sessions_of(&caller.user.id, &caller.session.id, end);
        if ended.await? > 0 {
            let event = caller.event(EventKind::OtherSessionsRevoked, end.time);
            self.events.record(event).await;
        }
        Ok(())
    }

    /// Who calls with a verified token, provided that the token's session lives and its user version still holds.
    ///
    /// # Errors
    /// `Token(Revoked)`, and the store's.
    pub(crate) async fn caller(
        &self,
        principal: &Principal,
        address_prefix: Option<AddressPrefix>,
    ) -> Result<Caller, AuthError> {
        let (session, user) = tokio::try_join!(
            self.store.session(&principal.session_id),
            self.store.user(&principal.user_id)
        )?;
        match (session, user) {
            (Some(session), Some(user))
                if session.works_for(&user, self.clock.now())
                    && user.security_version == principal.user_version =>
            {
                Ok(Caller {
                    user,
                    session,
                    address_prefix,
                })
            }
            (Some(_) | None, Some(_) | None) => Err(AuthError::Token(TokenError::Revoked)),
        }
    }

    async fn end_reused(&self, id: &SessionId, from: Option<AddressPrefix>) -> AuthError {
        match self.end_for(EndReason::RefreshTokenReused, id, from).await {
            Ok(()) => AuthError::RefreshTokenReused,
            Err(error) => error,
        }
    }

    /// Ends a session unless it has ended, and records that it was this call that did.
    async fn end_for(
        &self,
        reason: EndReason,
        id: &SessionId,
        from: Option<AddressPrefix>,
    ) -> Result<(), AuthError> {
        let time = self.clock.now();
        let kind = match reason {
            EndReason::Logout => EventKind::SignedOut,
            EndReason::RefreshTokenReused => EventKind::RefreshTokenReused,
            EndReason::Revoked => EventKind::SessionRevoked,
            EndReason::PasswordChanged => EventKind::PasswordChanged,
        };
        if let Some(ended) = self.store.end_session(id, SessionEnd { reason, time }).await? {
            let client = Client {
                address_prefix: from,
                ..ended.client
            };
            let event = SecurityEvent::of_user(kind, ended.user_id, Some(ended.id), client, time);
            self.events.record(event).await;
        }
        Ok(())
    }
}

fn changed_too_fast() -> AuthError {
    AuthError::Defect("a session changed faster than it could be read".into())
}

#[cfg(test)]
mod tests;
