//! What every store must tell of revocations.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Store, registered};
use crate::domain::revocation::{EndedSession, RaisedVersion, Revocation};
use crate::domain::session::Session;
use crate::domain::user::User;
use crate::store::revocations::BACKLOG;
use crate::store::sample::{logout, session_of, time, user};
use crate::store::{RevocationWatch, WatchEnded};

fn ended(session: &Session, seconds: i64) -> Revocation {
    Revocation::Session(EndedSession {
        id: session.id.clone(),
        end_time: time(seconds),
    })
}

async fn next(watch: &mut RevocationWatch) -> Revocation {
    let next = tokio::time::timeout(Duration::from_secs(10), watch.next());
    next.await.unwrap().unwrap()
}

pub(in crate::store) async fn what_was_ended_since_a_time_is_listed_and_nothing_else(store: Store) {
    let (ada, lives) = registered(&*store, "ada@example.com").await;
    let [early, on_time, late] = [(); 3].map(|()| session_of(&ada));
    for (session, seconds) in [(&early, 99), (&on_time, 100), (&late, 500)] {
        store.insert_session(session.clone()).await.unwrap();
        store.end_session(&session.id, logout(seconds)).await.unwrap();
    }
    // The sample's users have had their version since second 3.
    let listed = store.revoked_since(time(100)).await.unwrap();
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert!(listed.contains(&ended(&on_time, 100)) && listed.contains(&ended(&late, 500)));
    store.end_session(&lives.id, logout(501)).await.unwrap();
    assert_eq!(
        store.revoked_since(time(501)).await.unwrap(),
        [ended(&lives, 501)]
    );
    assert_eq!(store.revoked_since(time(502)).await.unwrap(), []);
}

pub(in crate::store) async fn users_whose_version_was_raised_are_listed_from_then_on(store: Store) {
    let (ada, _) = registered(&*store, "ada@example.com").await;
    let mut grace = user("grace@example.com");
    grace.security_version = 1;
    store
        .insert_user(grace.clone(), session_of(&grace))
        .await
        .unwrap();
    let raised = Revocation::User(RaisedVersion {
        user_id: ada.id,
        security_version: ada.security_version,
        time: ada.security_version_time,
    });
    assert_eq!(store.revoked_since(time(3)).await.unwrap(), [raised]);
    assert_eq!(store.revoked_since(time(4)).await.unwrap(), []);
}

pub(in crate::store) async fn a_watch_tells_of_every_session_that_is_ended_once_it_is(store: Store) {
    let (ada, first) = registered(&*store, "ada@example.com").await;
    let others = [session_of(&ada), session_of(&ada)];
    for session in &others {
        store.insert_session(session.clone()).await.unwrap();
    }
    let mut one = store.watch_revocations().await.unwrap();
    let mut other = store.watch_revocations().await.unwrap();
    assert!(one.is_alive());
    store.end_session(&first.id, logout(1)).await.unwrap();
    // Ended already: nothing happens.
    store.end_session(&first.id, logout(2)).await.unwrap();
    store
        .end_sessions_of(&ada.id, &first.id, logout(3))
        .await
        .unwrap();
    for watch in [&mut one, &mut other] {
        assert_eq!(next(watch).await, ended(&first, 1));
        let rest = [next(watch).await, next(watch).await];
        assert!(
            others.iter().all(|session| rest.contains(&ended(session, 3))),
            "{rest:?}"
        );
    }
}

pub(in crate::store) async fn a_watch_tells_of_a_changed_password_and_the_list_has_it(store: Store) {
    let (ada, _) = registered(&*store, "ada@example.com").await;
    let mut watch = store.watch_revocations().await.unwrap();
    let changed = User {
        security_version: ada.security_version + 1,
        security_version_time: time(50),
        ..ada
    };
    assert!(store.change_password(&changed).await.unwrap());
    assert!(!store.change_password(&changed).await.unwrap());
    let raised = Revocation::User(RaisedVersion {
        user_id: changed.id,
        security_version: changed.security_version,
        time: time(50),
    });
    assert_eq!(next(&mut watch).await, raised);
    assert_eq!(store.revoked_since(time(50)).await.unwrap(), [raised]);
}

/// Sessions that are ended while somebody watches and then lists.
pub(in crate::store) async fn nothing_falls_between_a_watch_and_the_list_that_follows(store: Store) {
    let (ada, _) = registered(&*store, "ada@example.com").await;
    let sessions: Vec<_> = (0..100).map(|_| session_of(&ada)).collect();
    for session in &sessions {
        store.insert_session(session.clone()).await.unwrap();
    }
    let ending = {
        let (store, sessions) = (Arc::clone(&store), sessions.clone());
        tokio::spawn(async move {
            for session in sessions {
                store.end_session(&session.id, logout(1)).await.unwrap();
            }
        })
    };
    let mut looks = Vec::new();
    while !ending.is_finished() {
        let watch = store.watch_revocations().await.unwrap();
        looks.push((watch, store.revoked_since(time(1)).await.unwrap()));
    }
    ending.await.unwrap();
    assert!(looks.len() > 3, "{}", looks.len());
    for (mut watch, listed) in looks {
        let mut seen: BTreeSet<_> = listed.into_iter().map(|revoked| format!("{revoked:?}")).collect();
        while seen.len() < sessions.len() {
            seen.insert(format!("{:?}", next(&mut watch).await));
        }
    }
}

pub(in crate::store) async fn who_does_not_read_a_watch_is_told_what_was_missed(store: Store) {
    let (ada, _) = registered(&*store, "ada@example.com").await;
    let count = BACKLOG + 2;
    let sessions: Vec<_> = (0..count).map(|_| session_of(&ada)).collect();
    for batch in sessions.chunks(256) {
        let inserted = batch.iter().map(|session| store.insert_session(session.clone()));
        for inserted in futures::future::join_all(inserted).await {
            inserted.unwrap();
        }
    }
    let mut watch = store.watch_revocations().await.unwrap();
    for batch in sessions.chunks(256) {
        let mut reader = store.watch_revocations().await.unwrap();
        let ended = batch
            .iter()
            .map(|session| store.end_session(&session.id, logout(1)));
        for ended in futures::future::join_all(ended).await {
            ended.unwrap();
        }
        for _ in batch {
            next(&mut reader).await;
        }
    }
    assert_eq!(watch.next().await, Err(WatchEnded::Behind));
}
