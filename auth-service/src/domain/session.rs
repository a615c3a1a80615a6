//! One sign-in and the refreshes that follow it.
//!
//! A session counts its refresh tokens: the token of generation n is good once and gives that of n + 1. All the truth
//! about it is in one document, and every step is one compare-and-set on the generation, so that any number of
//! parallel refreshes on any number of replicas take one step (RFC 9700, section 4.14.2).

use jiff::{SignedDuration, Timestamp};

use super::after;
use super::client::Client;
use super::ids::{SessionId, UserId};
use super::user::User;

/// How long the previous refresh token still gives the same successor: for an answer that was lost, and for a second
/// tab that asked at the same time.
const GRACE: SignedDuration = SignedDuration::from_secs(10);

/// How long sessions live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionLimits {
    /// Without a refresh.
    pub(crate) idle: SignedDuration,
    /// At all.
    pub(crate) absolute: SignedDuration,
}

/// A session document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) user_id: UserId,
    /// The user's security version at the sign-in, or when a change of the password took this session along. When the
    /// user's is higher, nothing of the session works any more.
    pub(crate) user_version: u64,
    /// The number of the refresh token that is good now.
    pub(crate) generation: u64,
    /// The number of the first refresh token of `user_version`. Those before it were given up with the old password.
    pub(crate) first_generation: u64,
    /// Who signed in.
    pub(crate) client: Client,
    pub(crate) create_time: Timestamp,
    /// When the generation was reached: the sign-in or the last refresh.
    pub(crate) last_use_time: Timestamp,
    /// When the session ends if it is not refreshed.
    pub(crate) idle_expire_time: Timestamp,
    /// When it ends in any case.
    pub(crate) expire_time: Timestamp,
    pub(crate) end: Option<SessionEnd>,
}

/// That and why a session was ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionEnd {
    pub(crate) reason: EndReason,
    pub(crate) time: Timestamp,
}

/// Why a session was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndReason {
    /// Its owner signed out.
    Logout,
    /// An old refresh token was presented: somebody has a copy.
    RefreshTokenReused,
    /// Its owner ended it from another session.
    Revoked,
    /// Its owner changed the password in another session.
    PasswordChanged,
}

/// What the presentation of a refresh token means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presentation {
    /// The current token: the session becomes this, provided that it still is at the presented generation.
    Advance(Box<Session>),
    /// The one before it, only just: its successor, the current one, is given out once more.
    Repeat,
    /// An old one: the session must end.
    Reused,
    /// Of a session that has ended, never given out, or given up with an old password.
    Refused,
}

impl Session {
    /// A session that begins now.
    pub(crate) fn begin(
        id: SessionId,
        user: &User,
        client: Client,
        now: Timestamp,
        limits: SessionLimits,
    ) -> Self {
        let expire_time = after(now, limits.absolute);
        Self {
            id,
            user_id: user.id.clone(),
            user_version: user.security_version,
            generation: 1,
            first_generation: 1,
            client,
            create_time: now,
            last_use_time: now,
            idle_expire_time: after(now, limits.idle).min(expire_time),
            expire_time,
            end: None,
        }
    }

    /// Whether the session has neither ended nor expired. Whether it still works depends on its user too:
    /// [`Session::works_for`].
    pub(crate) fn is_alive(&self, now: Timestamp) -> bool {
        self.end.is_none() && now < self.idle_expire_time && now < self.expire_time
    }

    /// Whether this is a session of `user` that has not ended in any way.
    pub(crate) fn works_for(&self, user: &User, now: Timestamp) -> bool {
        self.user_id == user.id && self.user_version >= user.security_version && self.is_alive(now)
    }

    /// What it means that the refresh token of `generation` is presented now.
    pub(crate) fn present(&self, generation: u64, now: Timestamp, limits: SessionLimits) -> Presentation {
        let given_out = self.first_generation..=self.generation;
        if !self.is_alive(now) || !given_out.contains(&generation) {
            return Presentation::Refused;
        }
        if generation == self.generation {
            return Presentation::Advance(Box::new(self.advanced(now, limits)));
        }
        let previous = generation.checked_add(1) == Some(self.generation);
        if previous && now <= after(self.last_use_time, GRACE) {
            Presentation::Repeat
        } else {
            Presentation::Reused
        }
    }

    /// The session as it goes on after its user's password was changed in it: with tokens of their own, and no others.
    pub(crate) fn taken_along(&self, user_version: u64, now: Timestamp, limits: SessionLimits) -> Self {
        let next = self.advanced(now, limits);
        Self {
            user_version,
            first_generation: next.generation,
            ..next
        }
    }

    fn advanced(&self, now: Timestamp, limits: SessionLimits) -> Self {
        Self {
            generation: self.generation + 1,
            last_use_time: now,
            idle_expire_time: after(now, limits.idle).min(self.expire_time),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::new_ulid;
    use crate::store::sample::user;

    const LIMITS: SessionLimits = SessionLimits {
        idle: SignedDuration::from_hours(7 * 24),
        absolute: SignedDuration::from_hours(30 * 24),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn begun() -> Session {
        let ulid = new_ulid(at(0));
        Session::begin(
            SessionId::from_ulid(ulid),
            &user("ada@example.com"),
            Client::default(),
            at(0),
            LIMITS,
        )
    }

    fn advanced(session: &Session, now: Timestamp) -> Session {
        match session.present(session.generation, now, LIMITS) {
            Presentation::Advance(next) => *next,
            other @ (Presentation::Repeat | Presentation::Reused | Presentation::Refused) => {
                panic!("{other:?}")
            }
        }
    }

    #[test]
    fn the_current_token_advances_and_extends_the_idle_time() {
        let next = advanced(&begun(), at(3600));
        assert_eq!((next.generation, next.last_use_time), (2, at(3600)));
        assert_eq!(next.idle_expire_time, at(3600 + 7 * 86_400));
        assert_eq!(next.expire_time, begun().expire_time);
    }

    #[test]
    fn the_previous_token_repeats_its_successor_for_ten_seconds() {
        let second = advanced(&begun(), at(100));
        assert_eq!(second.present(1, at(100), LIMITS), Presentation::Repeat);
        assert_eq!(second.present(1, at(110), LIMITS), Presentation::Repeat);
        assert_eq!(second.present(1, at(111), LIMITS), Presentation::Reused);
    }

    #[test]
    fn an_older_token_is_reuse_even_at_once() {
        let third = advanced(&advanced(&begun(), at(1)), at(1));
        assert_eq!(third.present(2, at(1), LIMITS), Presentation::Repeat);
        assert_eq!(third.present(1, at(1), LIMITS), Presentation::Reused);
    }

    #[test]
    fn tokens_of_before_a_password_change_are_refused_and_do_not_end_the_session() {
        let second = advanced(&begun(), at(1));
        let taken_along = second.taken_along(8, at(2), LIMITS);
        assert_eq!((taken_along.generation, taken_along.user_version), (3, 8));
        for old in 0..=2 {
            assert_eq!(taken_along.present(old, at(2), LIMITS), Presentation::Refused);
        }
        let next = advanced(&taken_along, at(3));
        assert_eq!(next.present(3, at(4), LIMITS), Presentation::Repeat);
        assert_eq!(next.present(2, at(4), LIMITS), Presentation::Refused);
        let later = advanced(&next, at(5));
        assert_eq!(later.present(3, at(5), LIMITS), Presentation::Reused);
    }

    #[test]
    fn a_session_works_for_its_user_until_the_security_version_grows() {
        let mut ada = user("ada@example.com");
        let session = Session::begin(begun().id, &ada, Client::default(), at(0), LIMITS);
        assert!(session.works_for(&ada, at(0)));
        assert!(!session.works_for(&ada, session.expire_time));
        assert!(
            !session.works_for(&user("ada@example.com"), at(0)),
            "another user"
        );
        ada.security_version += 1;
        assert!(!session.works_for(&ada, at(0)));
        let taken_along = session.taken_along(ada.security_version, at(0), LIMITS);
        assert!(taken_along.works_for(&ada, at(0)));
    }

    #[test]
    fn a_token_of_the_future_is_refused() {
        assert_eq!(begun().present(2, at(0), LIMITS), Presentation::Refused);
        assert_eq!(begun().present(u64::MAX, at(0), LIMITS), Presentation::Refused);
    }

    #[test]
    fn nothing_works_after_the_end_or_the_idle_or_the_absolute_time() {
        let mut ended = begun();
        ended.end = Some(SessionEnd {
            reason: EndReason::Logout,
            time: at(1),
        });
        for generation in 0..=2 {
            assert_eq!(ended.present(generation, at(1), LIMITS), Presentation::Refused);
            assert_eq!(
                begun().present(generation, at(7 * 86_400), LIMITS),
                Presentation::Refused
            );
        }
        let mut session = begun();
        for day in 1..30 {
            session = advanced(&session, at(day * 86_400));
        }
        assert_eq!(
            session.idle_expire_time, session.expire_time,
            "never later than the absolute end"
        );
        assert_eq!(
            session.present(session.generation, at(30 * 86_400), LIMITS),
            Presentation::Refused
        );
    }
}
