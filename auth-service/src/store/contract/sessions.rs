//! What every store must do with sessions.

use std::sync::Arc;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::{Store, registered};
use crate::domain::client::Client;
use crate::domain::ids::SessionId;
use crate::domain::session::{EndReason, Session, SessionEnd};
use crate::domain::user::User;
use crate::store::sample::{advanced, logout, session_of, time, ulid, user};
use crate::store::{AuthStore, SessionQuery};

pub(in crate::store) async fn a_session_reads_back_as_it_was_written(store: Store) {
    let (ada, first) = registered(&*store, "ada@example.com").await;
    let second = session_of(&ada);
    store.insert_session(second.clone()).await.unwrap();
    assert_eq!(store.session(&first.id).await.unwrap(), Some(first));
    assert_eq!(store.session(&second.id).await.unwrap(), Some(second));
}

pub(in crate::store) async fn a_session_advances_only_from_the_expected_generation(store: Store) {
    let (_, session) = registered(&*store, "ada@example.com").await;
    let next = advanced(&session, 60);
    assert!(!store.advance_session(next.clone(), 2).await.unwrap());
    assert_eq!(store.session(&session.id).await.unwrap(), Some(session));
    assert!(store.advance_session(next.clone(), 1).await.unwrap());
    assert!(!store.advance_session(next.clone(), 1).await.unwrap());
    assert_eq!(store.session(&next.id).await.unwrap(), Some(next));
}

pub(in crate::store) async fn of_fifty_parallel_advances_one_succeeds(store: Store) {
    let (_, session) = registered(&*store, "ada@example.com").await;
    let attempts = (0..50).map(|second| {
        let (store, next) = (Arc::clone(&store), advanced(&session, second));
        tokio::spawn(async move { store.advance_session(next, 1).await })
    });
    let results: Vec<_> = join_all(attempts)
        .await
        .into_iter()
        .map(|result| result.unwrap().unwrap())
        .collect();
    assert_eq!(results.iter().filter(|advanced| **advanced).count(), 1);
    assert_eq!(store.session(&session.id).await.unwrap().unwrap().generation, 2);
}

pub(in crate::store) async fn an_advance_changes_nothing_but_what_a_refresh_changes(store: Store) {
    let (_, session) = registered(&*store, "ada@example.com").await;
    let next = advanced(&session, 60);
    let stranger = user("grace@example.com").id;
    let meddling = Session {
        user_id: stranger,
        client: Client::default(),
        create_time: time(-1_000_000),
        expire_time: time(1_000_000),
        ..next.clone()
    };
    assert!(store.advance_session(meddling, 1).await.unwrap());
    assert_eq!(store.session(&session.id).await.unwrap(), Some(next));
}

pub(in crate::store) async fn a_session_is_taken_along_to_another_security_version(store: Store) {
    let (_, session) = registered(&*store, "ada@example.com").await;
    let taken_along = Session {
        user_version: session.user_version + 1,
        first_generation: 2,
        ..advanced(&session, 60)
    };
    assert!(store.advance_session(taken_along.clone(), 1).await.unwrap());
    assert_eq!(store.session(&session.id).await.unwrap(), Some(taken_along));
}

pub(in crate::store) async fn an_ended_session_does_not_advance_and_keeps_its_first_end(store: Store) {
    let (_, session) = registered(&*store, "ada@example.com").await;
    let ended = Session {
        end: Some(logout(10)),
        ..session.clone()
    };
    let first = store.end_session(&session.id, logout(10)).await.unwrap();
    assert_eq!(first.as_ref(), Some(&ended), "as it is now");
    let reused = SessionEnd {
        reason: EndReason::RefreshTokenReused,
        time: time(20),
    };
    assert_eq!(store.end_session(&session.id, reused).await.unwrap(), None);
    assert!(!store.advance_session(advanced(&session, 30), 1).await.unwrap());
    assert_eq!(store.session(&session.id).await.unwrap(), Some(ended));
}

pub(in crate::store) async fn ending_an_unknown_session_changes_nothing(store: Store) {
    let id = SessionId::from_ulid(ulid());
    assert_eq!(store.end_session(&id, logout(1)).await.unwrap(), None);
    assert_eq!(store.session(&id).await.unwrap(), None);
}

pub(in crate::store) async fn every_session_of_a_user_but_one_is_ended_once(store: Store) {
    let (ada, current) = registered(&*store, "ada@example.com").await;
    let (_, of_another) = registered(&*store, "grace@example.com").await;
    let ended = session_of(&ada);
    store.insert_session(ended.clone()).await.unwrap();
    store.end_session(&ended.id, logout(1)).await.unwrap();
    let others = [session_of(&ada), session_of(&ada)];
    for session in others.clone() {
        store.insert_session(session).await.unwrap();
    }
    let end = SessionEnd {
        reason: EndReason::Revoked,
        time: time(2),
    };
    let end_others = || store.end_sessions_of(&ada.id, &current.id, end);
    assert_eq!(end_others().await.unwrap(), 2);
    assert_eq!(end_others().await.unwrap(), 0);
    for (session, end) in [
        (&current, None),
        (&of_another, None),
        (&ended, Some(logout(1))),
        (&others[0], Some(end)),
        (&others[1], Some(end)),
    ] {
        let stored = store.session(&session.id).await.unwrap().unwrap();
        assert_eq!(
            stored,
            Session {
                end,
                ..session.clone()
            }
        );
    }
}

/// A user's sessions by falling ids.
async fn sessions(store: &dyn AuthStore, user: &User, count: usize) -> Vec<Session> {
    let mut sessions: Vec<_> = (0..count).map(|_| session_of(user)).collect();
    for session in &sessions {
        store.insert_session(session.clone()).await.unwrap();
    }
    sessions.sort_by(|one, other| other.id.cmp(&one.id));
    sessions
}

fn all_of(user: &User) -> SessionQuery {
    SessionQuery {
        user_id: user.id.clone(),
        user_version: user.security_version,
        alive_at: time(0),
        before: None,
        limit: 100,
    }
}

pub(in crate::store) async fn sessions_are_listed_newest_first_page_by_page(store: Store) {
    let (ada, first) = registered(&*store, "ada@example.com").await;
    registered(&*store, "grace@example.com").await;
    store.end_session(&first.id, logout(1)).await.unwrap();
    let expected = sessions(&*store, &ada, 7).await;
    assert_eq!(store.sessions_of(all_of(&ada)).await.unwrap(), expected);
    let mut listed = Vec::new();
    loop {
        let page = SessionQuery {
            before: listed.last().map(|session: &Session| session.id.clone()),
            limit: 3,
            ..all_of(&ada)
        };
        let page = store.sessions_of(page).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 3);
        listed.extend(page);
    }
    assert_eq!(listed, expected);
}

pub(in crate::store) async fn only_sessions_that_still_work_are_listed(store: Store) {
    let (ada, first) = registered(&*store, "ada@example.com").await;
    store.end_session(&first.id, logout(1)).await.unwrap();
    let works = session_of(&ada);
    let idle = Session {
        idle_expire_time: time(10),
        ..session_of(&ada)
    };
    let expired = Session {
        expire_time: time(10),
        ..session_of(&ada)
    };
    let of_a_version_before = Session {
        user_version: ada.security_version - 1,
        ..session_of(&ada)
    };
    for session in [&works, &idle, &expired, &of_a_version_before] {
        store.insert_session(session.clone()).await.unwrap();
    }
    let at = |alive_at| SessionQuery {
        alive_at,
        ..all_of(&ada)
    };
    let listed = store.sessions_of(at(time(10))).await.unwrap();
    assert_eq!(listed, [works]);
    let earlier = time(10) - SignedDuration::from_millis(1);
    assert_eq!(store.sessions_of(at(earlier)).await.unwrap().len(), 3);
    let of_any_version = SessionQuery {
        user_version: User::FIRST_SECURITY_VERSION,
        ..all_of(&ada)
    };
    assert_eq!(store.sessions_of(of_any_version).await.unwrap().len(), 4);
}

/// Sessions of one user that expire one second after the other, the first at [`time`] 0.
async fn expiring(store: &dyn AuthStore, count: i64) -> Vec<SessionId> {
    let (ada, first) = registered(store, "ada@example.com").await;
    store.sweep_sessions(Timestamp::MAX, 1).await.unwrap();
    assert_eq!(store.session(&first.id).await.unwrap(), None);
    let mut ids = Vec::new();
    for second in 0..count {
        let session = Session {
            expire_time: time(second),
            ..session_of(&ada)
        };
        ids.push(session.id.clone());
        store.insert_session(session).await.unwrap();
    }
    ids
}

async fn left(store: &dyn AuthStore, ids: &[SessionId]) -> Vec<bool> {
    let sessions = ids.iter().map(|id| store.session(id));
    let sessions = join_all(sessions).await.into_iter();
    sessions.map(|session| session.unwrap().is_some()).collect()
}

pub(in crate::store) async fn sessions_are_swept_oldest_first_and_only_those_that_have_expired(store: Store) {
    let ids = expiring(&*store, 6).await;
    assert_eq!(store.sweep_sessions(time(0), 10).await.unwrap(), 0);
    assert_eq!(store.sweep_sessions(time(4), 3).await.unwrap(), 3);
    assert_eq!(left(&*store, &ids).await, [false, false, false, true, true, true]);
    assert_eq!(store.sweep_sessions(time(4), 3).await.unwrap(), 1);
    assert_eq!(store.sweep_sessions(time(4), 3).await.unwrap(), 0);
    assert_eq!(
        left(&*store, &ids).await,
        [false, false, false, false, true, true]
    );
}

pub(in crate::store) async fn replicas_that_sweep_together_remove_every_session_once(store: Store) {
    let ids = expiring(&*store, 30).await;
    let sweeps = (0..8).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.sweep_sessions(time(20), 10).await.unwrap() })
    });
    let removed: u64 = join_all(sweeps).await.into_iter().map(Result::unwrap).sum();
    let rest = store.sweep_sessions(time(20), 30).await.unwrap();
    assert_eq!(removed + rest, 20);
    let left = left(&*store, &ids).await;
    assert_eq!(left.iter().filter(|left| **left).count(), 10);
}
