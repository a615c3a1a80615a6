//! One sign-in and the refreshes that follow it.
//!
//! A session counts its refresh tokens: the token of generation n is good once and gives that of n + 1. All the truth
//! about it is in one document, and every step is one compare-and-set on the generation, so that any number of
//! parallel refreshes on any number of replicas take one step (RFC 9700, section 4.14.2).

use jiff::{SignedDuration, Timestamp};

use super::ids::{SessionId, UserId};
use super::text::ClientLabel;

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
    /// The number of the refresh token that is good now.
    pub(crate) generation: u64,
    pub(crate) client_label: ClientLabel,
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
    /// Of a session that has ended, or never given out.
    Refused,
}

impl Session {
    /// A session that begins now.
    pub(crate) fn begin(
        id: SessionId,
        user_id: UserId,
        client_label: ClientLabel,
        now: Timestamp,
        limits: SessionLimits,
    ) -> Self {
        let expire_time = after(now, limits.absolute);
        Self {
            id,
            user_id,
            generation: 1,
            client_label,
            create_time: now,
            last_use_time: now,
            idle_expire_time: after(now, limits.idle).min(expire_time),
            expire_time,
            end: None,
        }
    }

    /// Whether the session has not ended in any way.
    pub(crate) fn is_alive(&self, now: Timestamp) -> bool {
        self.end.is_none() && now < self.idle_expire_time && now < self.expire_time
    }

    /// What it means that the refresh token of `generation` is presented now.
    pub(crate) fn present(&self, generation: u64, now: Timestamp, limits: SessionLimits) -> Presentation {
        if !self.is_alive(now) || generation > self.generation {
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

    fn advanced(&self, now: Timestamp, limits: SessionLimits) -> Self {
        Self {
            generation: self.generation + 1,
            last_use_time: now,
            idle_expire_time: after(now, limits.idle).min(self.expire_time),
            ..self.clone()
        }
    }
}

/// `time` plus `duration`, at most the end of all times.
fn after(time: Timestamp, duration: SignedDuration) -> Timestamp {
    time.saturating_add(duration).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::new_ulid;

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
            UserId::from_ulid(ulid),
            ClientLabel::default(),
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
        assert_eq!(third.present(0, at(1), LIMITS), Presentation::Reused);
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
