//! What every store must do. Cases are plain functions; [`stamp`] makes them tests of a store. No case looks at which
//! store it runs on.

use std::sync::Arc;

use authn::{KeyId, Role};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use ulid::Ulid;

use super::{AuthStore, StoreError};
use crate::domain::email::{Email, EmailKey};
use crate::domain::ids::{OrganizationId, SessionId, UserId};
use crate::domain::session::{EndReason, Session, SessionEnd, SessionLimits};
use crate::domain::signing_key::{KeyState, SigningKey};
use crate::domain::text::Text;
use crate::domain::user::{Membership, PasswordHash, User};

/// Makes every case a test of its own, in a module of its own, of the stores that `$open` (`async fn(&Path) -> Store`)
/// opens in a fresh directory.
macro_rules! stamp {
    ($module:ident, $open:path) => {
        mod $module {
            use super::*;

            $crate::store::contract::cases! { $open;
                a_user_is_found_by_id_and_by_any_spelling_of_the_address
                what_was_never_stored_is_not_found
                an_address_is_taken_once_in_whatever_case
                of_fifty_parallel_registrations_of_one_address_one_succeeds
                a_failed_registration_leaves_no_session
                a_password_hash_is_replaced_only_if_it_is_the_expected_one
                a_session_reads_back_as_it_was_written
                a_session_advances_only_from_the_expected_generation
                of_fifty_parallel_advances_one_succeeds
                an_advance_changes_nothing_but_what_a_refresh_changes
                an_ended_session_does_not_advance_and_keeps_its_first_end
                ending_an_unknown_session_changes_nothing
                signing_keys_read_back_oldest_first
                there_is_one_active_signing_key_at_most
                text_that_looks_like_an_operator_is_text
                a_closed_store_is_unavailable
            }
        }
    };
}
pub(super) use stamp;

macro_rules! cases {
    ($open:path; $($case:ident)*) => {
        $(#[tokio::test]
        async fn $case() {
            let directory = tempfile::tempdir().unwrap();
            $crate::store::contract::$case($open(directory.path()).await).await;
        })*
    };
}
pub(super) use cases;

/// A store to try.
pub(super) type Store = Arc<dyn AuthStore>;

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_millisecond((1_790_000_000 + seconds) * 1000 + 123).unwrap()
}

fn ulid() -> Ulid {
    Ulid::generate()
}

fn user(email: &str) -> User {
    User {
        id: UserId::from_ulid(ulid()),
        email: Email::parse(email).unwrap(),
        display_name: Text::parse("Ada Lovelace").unwrap(),
        password_hash: PasswordHash::new("$argon2id$first".to_owned()),
        security_version: 7,
        membership: Membership {
            organization_id: OrganizationId::from_ulid(ulid()),
            organization_name: Text::parse("Analytical Engines").unwrap(),
            role: Role::Owner,
        },
        create_time: time(0),
    }
}

fn session_of(user: &User) -> Session {
    let limits = SessionLimits {
        idle: SignedDuration::from_hours(1),
        absolute: SignedDuration::from_hours(2),
    };
    let label = Text::parse("Firefox on Linux").unwrap();
    Session::begin(
        SessionId::from_ulid(ulid()),
        user.id.clone(),
        label,
        time(0),
        limits,
    )
}

fn advanced(session: &Session, seconds: i64) -> Session {
    Session {
        generation: session.generation + 1,
        last_use_time: time(seconds),
        idle_expire_time: time(seconds + 3600),
        ..session.clone()
    }
}

fn logout(seconds: i64) -> SessionEnd {
    SessionEnd {
        reason: EndReason::Logout,
        time: time(seconds),
    }
}

fn key(byte: u8, state: KeyState) -> SigningKey {
    SigningKey {
        id: KeyId::of(&[byte; 32]),
        state,
        public_key: [byte; 32],
        sealed_private_key: vec![0, byte, 255],
        create_time: time(i64::from(byte)),
    }
}

async fn registered(store: &dyn AuthStore, email: &str) -> (User, Session) {
    let user = user(email);
    let session = session_of(&user);
    store.insert_user(user.clone(), session.clone()).await.unwrap();
    (user, session)
}

pub(super) async fn a_user_is_found_by_id_and_by_any_spelling_of_the_address(store: Store) {
    let (ada, _) = registered(&*store, "Ada@Example.com").await;
    registered(&*store, "grace@example.com").await;
    assert_eq!(store.user(&ada.id).await.unwrap().as_ref(), Some(&ada));
    for spelling in ["Ada@Example.com", "ada@example.com", "ADA@EXAMPLE.COM"] {
        let found = store
            .user_by_email(&EmailKey::of_sign_in(spelling).unwrap())
            .await
            .unwrap();
        assert_eq!(found.as_ref(), Some(&ada), "{spelling}");
    }
}

pub(super) async fn what_was_never_stored_is_not_found(store: Store) {
    assert_eq!(store.user(&UserId::from_ulid(ulid())).await.unwrap(), None);
    assert_eq!(
        store
            .user_by_email(&EmailKey::of_sign_in("ada@example.com").unwrap())
            .await
            .unwrap(),
        None
    );
    assert_eq!(store.session(&SessionId::from_ulid(ulid())).await.unwrap(), None);
    assert_eq!(store.signing_keys().await.unwrap(), []);
    store.ping().await.unwrap();
}

pub(super) async fn an_address_is_taken_once_in_whatever_case(store: Store) {
    let (ada, _) = registered(&*store, "ada@example.com").await;
    let other = user("ADA@example.com");
    let refused = store.insert_user(other.clone(), session_of(&other)).await;
    assert!(matches!(refused, Err(StoreError::EmailTaken)), "{refused:?}");
    assert_eq!(store.user_by_email(&ada.email.key()).await.unwrap(), Some(ada));
    assert_eq!(store.user(&other.id).await.unwrap(), None);
}

pub(super) async fn of_fifty_parallel_registrations_of_one_address_one_succeeds(store: Store) {
    let attempts = (0..50).map(|_| {
        let (store, user) = (Arc::clone(&store), user("ada@example.com"));
        tokio::spawn(async move { store.insert_user(user.clone(), session_of(&user)).await })
    });
    let results: Vec<_> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(
        results
            .iter()
            .filter(|result| matches!(result, Err(StoreError::EmailTaken)))
            .count(),
        49
    );
}

pub(super) async fn a_failed_registration_leaves_no_session(store: Store) {
    registered(&*store, "ada@example.com").await;
    let other = user("ada@example.com");
    let session = session_of(&other);
    store.insert_user(other, session.clone()).await.unwrap_err();
    assert_eq!(store.session(&session.id).await.unwrap(), None);
}

pub(super) async fn a_password_hash_is_replaced_only_if_it_is_the_expected_one(store: Store) {
    let (ada, _) = registered(&*store, "ada@example.com").await;
    let hash = |text: &str| PasswordHash::new(text.to_owned());
    assert!(
        store
            .replace_password_hash(&ada.id, &ada.password_hash, hash("second"))
            .await
            .unwrap()
    );
    assert!(
        !store
            .replace_password_hash(&ada.id, &ada.password_hash, hash("third"))
            .await
            .unwrap()
    );
    let stored = store.user(&ada.id).await.unwrap().unwrap();
    assert_eq!(
        stored,
        User {
            password_hash: hash("second"),
            ..ada
        }
    );
}

pub(super) async fn a_session_reads_back_as_it_was_written(store: Store) {
    let (ada, first) = registered(&*store, "ada@example.com").await;
    let second = session_of(&ada);
    store.insert_session(second.clone()).await.unwrap();
    assert_eq!(store.session(&first.id).await.unwrap(), Some(first));
    assert_eq!(store.session(&second.id).await.unwrap(), Some(second));
}

pub(super) async fn a_session_advances_only_from_the_expected_generation(store: Store) {
    let (_, session) = registered(&*store, "ada@example.com").await;
    let next = advanced(&session, 60);
    assert!(!store.advance_session(next.clone(), 2).await.unwrap());
    assert_eq!(store.session(&session.id).await.unwrap(), Some(session));
    assert!(store.advance_session(next.clone(), 1).await.unwrap());
    assert!(!store.advance_session(next.clone(), 1).await.unwrap());
    assert_eq!(store.session(&next.id).await.unwrap(), Some(next));
}

pub(super) async fn of_fifty_parallel_advances_one_succeeds(store: Store) {
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

pub(super) async fn an_advance_changes_nothing_but_what_a_refresh_changes(store: Store) {
    let (_, session) = registered(&*store, "ada@example.com").await;
    let next = advanced(&session, 60);
    let stranger = user("grace@example.com").id;
    let meddling = Session {
        user_id: stranger,
        expire_time: time(1_000_000),
        ..next.clone()
    };
    assert!(store.advance_session(meddling, 1).await.unwrap());
    assert_eq!(store.session(&session.id).await.unwrap(), Some(next));
}

pub(super) async fn an_ended_session_does_not_advance_and_keeps_its_first_end(store: Store) {
    let (_, session) = registered(&*store, "ada@example.com").await;
    store.end_session(&session.id, logout(10)).await.unwrap();
    let reused = SessionEnd {
        reason: EndReason::RefreshTokenReused,
        time: time(20),
    };
    store.end_session(&session.id, reused).await.unwrap();
    assert!(!store.advance_session(advanced(&session, 30), 1).await.unwrap());
    let stored = store.session(&session.id).await.unwrap().unwrap();
    assert_eq!(
        stored,
        Session {
            end: Some(logout(10)),
            ..session
        }
    );
}

pub(super) async fn ending_an_unknown_session_changes_nothing(store: Store) {
    let id = SessionId::from_ulid(ulid());
    store.end_session(&id, logout(1)).await.unwrap();
    assert_eq!(store.session(&id).await.unwrap(), None);
}

pub(super) async fn signing_keys_read_back_oldest_first(store: Store) {
    let keys = [
        key(1, KeyState::Retired),
        key(2, KeyState::Retired),
        key(3, KeyState::Active),
        key(4, KeyState::Next),
    ];
    for index in [2, 0, 3, 1] {
        store.insert_signing_key(keys[index].clone()).await.unwrap();
    }
    assert_eq!(store.signing_keys().await.unwrap(), keys);
}

pub(super) async fn there_is_one_active_signing_key_at_most(store: Store) {
    let attempts = (1..=20).map(|byte| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.insert_signing_key(key(byte, KeyState::Active)).await })
    });
    let results: Vec<_> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let refused = results
        .iter()
        .filter(|result| matches!(result, Err(StoreError::ActiveKeyExists)))
        .count();
    assert_eq!((refused, store.signing_keys().await.unwrap().len()), (19, 1));
}

pub(super) async fn text_that_looks_like_an_operator_is_text(store: Store) {
    let mut ada = user("{$gt}@example.com");
    ada.display_name = Text::parse(r#"{"$gt":""}"#).unwrap();
    ada.membership.organization_name = Text::parse("'; DROP TABLE user; --").unwrap();
    store.insert_user(ada.clone(), session_of(&ada)).await.unwrap();
    assert_eq!(store.user(&ada.id).await.unwrap(), Some(ada));
    for text in [r#"{"$gt":""}"#, "' OR 1=1 --", "%", "$where", "\0", ""] {
        let found = store
            .user_by_email(&EmailKey::of_sign_in(text).unwrap())
            .await
            .unwrap();
        assert_eq!(found, None, "{text:?}");
    }
}

pub(super) async fn a_closed_store_is_unavailable(store: Store) {
    store.close().await;
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(
        store.end_session(&SessionId::from_ulid(ulid()), logout(1)).await,
        Err(StoreError::Unavailable(_))
    ));
}

/// One of everything, for a store that is opened again.
pub(super) async fn fill(store: &dyn AuthStore) -> (User, Session, SigningKey) {
    let (user, session) = registered(store, "ada@example.com").await;
    store.end_session(&session.id, logout(5)).await.unwrap();
    let key = key(9, KeyState::Active);
    store.insert_signing_key(key.clone()).await.unwrap();
    (
        user,
        Session {
            end: Some(logout(5)),
            ..session
        },
        key,
    )
}

/// That what [`fill`] wrote is there.
pub(super) async fn check(store: &dyn AuthStore, (user, session, key): &(User, Session, SigningKey)) {
    assert_eq!(store.user(&user.id).await.unwrap().as_ref(), Some(user));
    assert_eq!(store.session(&session.id).await.unwrap().as_ref(), Some(session));
    assert_eq!(store.signing_keys().await.unwrap(), std::slice::from_ref(key));
}
