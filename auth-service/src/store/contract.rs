//! What every store must do. Cases are plain functions; [`stamp`] makes them tests of a store. No case looks at which
//! store it runs on.

mod events;
mod keys;
mod revocations;
mod sessions;

use std::sync::Arc;

use futures::future::join_all;

pub(super) use self::events::*;
pub(super) use self::keys::*;
pub(super) use self::revocations::*;
pub(super) use self::sessions::*;
use super::sample::{key, logout, session_of, time, ulid, user};
use super::{AuthStore, StoreError};
use crate::domain::email::EmailKey;
use crate::domain::ids::{OrganizationId, SessionId, UserId};
use crate::domain::session::Session;
use crate::domain::signing_key::SigningKey;
use crate::domain::text::Text;
use crate::domain::user::{PasswordHash, ProfileChange, User};

/// Makes every case a test of its own, in a module of its own, of the stores that `$open` makes: an async block that
/// gives an empty store and whatever has to live as long.
macro_rules! stamp {
    ($module:ident, $open:expr) => {
        mod $module {
            use super::*;

            $crate::store::contract::cases! { $open;
                a_user_is_found_by_id_and_by_any_spelling_of_the_address
                what_was_never_stored_is_not_found
                users_are_listed_by_id_and_by_organization
                an_address_is_taken_once_in_whatever_case
                of_fifty_parallel_registrations_of_one_address_one_succeeds
                a_failed_registration_leaves_no_session
                a_password_hash_is_replaced_only_if_it_is_the_expected_one
                a_password_is_changed_from_the_version_just_before_only
                of_parallel_changes_of_one_password_one_succeeds
                a_profile_changes_in_what_is_named
                a_session_reads_back_as_it_was_written
                a_session_advances_only_from_the_expected_generation
                of_fifty_parallel_advances_one_succeeds
                an_advance_changes_nothing_but_what_a_refresh_changes
                an_ended_session_does_not_advance_and_keeps_its_first_end
                ending_an_unknown_session_changes_nothing
                a_session_is_taken_along_to_another_security_version
                every_session_of_a_user_but_one_is_ended_once
                sessions_are_listed_newest_first_page_by_page
                only_sessions_that_still_work_are_listed
                sessions_are_swept_oldest_first_and_only_those_that_have_expired
                replicas_that_sweep_together_remove_every_session_once
                events_read_back_as_they_were_written_newest_first
                what_concerns_everybody_stands_among_the_events_of_each
                events_are_listed_page_by_page_within_their_bounds
                events_are_swept_oldest_first_and_only_those_before_an_id
                signing_keys_read_back_in_their_sequence
                a_place_in_the_sequence_of_keys_is_taken_once
                of_twenty_parallel_activations_of_a_key_one_succeeds
                a_revoked_key_keeps_its_first_revocation_and_no_private_half
                a_removed_key_is_gone_and_removing_it_again_succeeds
                what_was_ended_since_a_time_is_listed_and_nothing_else
                users_whose_version_was_raised_are_listed_from_then_on
                a_watch_tells_of_every_session_that_is_ended_once_it_is
                a_watch_tells_of_a_changed_password_and_the_list_has_it
                nothing_falls_between_a_watch_and_the_list_that_follows
                who_does_not_read_a_watch_is_told_what_was_missed
                text_that_looks_like_an_operator_is_text
                a_closed_store_is_unavailable
            }
        }
    };
}
pub(super) use stamp;

macro_rules! cases {
    ($open:expr; $($case:ident)*) => {
        $(#[tokio::test]
        async fn $case() {
            let (store, _alive) = $open.await;
            $crate::store::contract::$case(store).await;
        })*
    };
}
pub(super) use cases;

/// A store to try.
pub(super) type Store = Arc<dyn AuthStore>;

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

pub(super) async fn users_are_listed_by_id_and_by_organization(store: Store) {
    assert_eq!(store.members(None, 10).await.unwrap(), []);
    let mut users = Vec::new();
    for email in ["a@example.com", "b@example.com", "c@example.com"] {
        users.push(registered(&*store, email).await.0);
    }
    users.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
    assert_eq!(store.members(None, 10).await.unwrap(), users);
    assert_eq!(store.members(None, 2).await.unwrap(), users[..2]);
    let organization = &users[1].membership.organization_id;
    assert_eq!(store.members(Some(organization), 10).await.unwrap(), users[1..2]);
    let nobody = OrganizationId::from_ulid(ulid());
    assert_eq!(store.members(Some(&nobody), 10).await.unwrap(), []);
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

/// `user` after a change of the password.
fn with_new_password(user: &User, hash: &str) -> User {
    User {
        password_hash: PasswordHash::new(hash.to_owned()),
        security_version: user.security_version + 1,
        security_version_time: time(100),
        ..user.clone()
    }
}

pub(super) async fn a_password_is_changed_from_the_version_just_before_only(store: Store) {
    let (ada, _) = registered(&*store, "ada@example.com").await;
    let changed = with_new_password(&ada, "second");
    let too_early = with_new_password(&changed, "third");
    assert!(!store.change_password(&too_early).await.unwrap());
    assert_eq!(store.user(&ada.id).await.unwrap().as_ref(), Some(&ada));
    let meddling = User {
        display_name: Text::parse("Eve").unwrap(),
        ..changed.clone()
    };
    assert!(store.change_password(&meddling).await.unwrap());
    assert_eq!(store.user(&ada.id).await.unwrap().as_ref(), Some(&changed));
    assert!(!store.change_password(&changed).await.unwrap());
    assert!(
        !store
            .change_password(&with_new_password(&user("eve@example.com"), "x"))
            .await
            .unwrap()
    );
}

pub(super) async fn of_parallel_changes_of_one_password_one_succeeds(store: Store) {
    let (ada, _) = registered(&*store, "ada@example.com").await;
    let attempts = (0..20).map(|number| {
        let (store, changed) = (Arc::clone(&store), with_new_password(&ada, &number.to_string()));
        tokio::spawn(async move { store.change_password(&changed).await.unwrap().then_some(changed) })
    });
    let changed = join_all(attempts).await.into_iter().filter_map(Result::unwrap);
    let changed: Vec<_> = changed.collect();
    assert_eq!(changed.len(), 1);
    assert_eq!(store.user(&ada.id).await.unwrap().as_ref(), changed.first());
}

pub(super) async fn a_profile_changes_in_what_is_named(store: Store) {
    let (mut ada, _) = registered(&*store, "ada@example.com").await;
    let only_name = ProfileChange {
        display_name: Some(Text::parse("Countess Ada").unwrap()),
        organization_name: None,
    };
    let only_organization = ProfileChange {
        display_name: None,
        organization_name: Some(Text::parse("Engines").unwrap()),
    };
    for change in [ProfileChange::default(), only_name, only_organization] {
        if let Some(name) = &change.display_name {
            ada.display_name = name.clone();
        }
        if let Some(name) = &change.organization_name {
            ada.membership.organization_name = name.clone();
        }
        let updated = store.update_profile(&ada.id, change.clone()).await.unwrap();
        assert_eq!(updated.as_ref(), Some(&ada));
        assert_eq!(store.user(&ada.id).await.unwrap().as_ref(), Some(&ada));
        let nobody = store.update_profile(&UserId::from_ulid(ulid()), change).await;
        assert_eq!(nobody.unwrap(), None);
    }
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
    let key = key(9);
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
