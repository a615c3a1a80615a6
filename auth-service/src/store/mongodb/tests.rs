mod plans;

use std::sync::Arc;
use std::time::Duration;

use deadline::Deadline;
use harness::mongo::ReplicaSet;

use super::*;
use crate::domain::signing_key::SigningKey;
use crate::store::contract::{self, Store};
use crate::store::mongodb::document::{binary, date};
use crate::store::sample::{key, logout, session_of, time, user};
use crate::store::{EventStore as _, KeyStore, SessionStore as _};

async fn open(set: &ReplicaSet) -> MongoAuthStore {
    let location = set.url("auth_of_a_test").parse().unwrap();
    MongoAuthStore::open(&location).await.unwrap()
}

contract::stamp!(in_mongodb, async {
    let set = ReplicaSet::start().await;
    let store: Store = Arc::new(open(&set).await);
    (store, set)
});

#[tokio::test]
async fn everything_is_there_again_after_reopening() {
    let set = ReplicaSet::start().await;
    let store = open(&set).await;
    let written = contract::fill(&store).await;
    store.close().await;
    contract::check(&open(&set).await, &written).await;
}

/// A document as releases wrote it before security versions had times.
#[tokio::test]
async fn in_an_older_document_a_security_version_is_as_old_as_its_user() {
    let set = ReplicaSet::start().await;
    let store = open(&set).await;
    let ada = user("ada@example.com");
    store.insert_user(ada.clone(), session_of(&ada)).await.unwrap();
    let older = doc! { "$unset": { "security_version_time": "" } };
    let changed = store.users.update_one(doc! {}, older).await.unwrap();
    assert_eq!(changed.modified_count, 1);
    let found = store.user(&ada.id).await.unwrap().unwrap();
    let expected = User {
        security_version_time: ada.create_time,
        ..ada
    };
    assert_eq!(found, expected);
}

/// A document as releases wrote it before keys had a sequence: each made one key.
#[tokio::test]
async fn an_older_document_of_a_key_is_the_first_of_the_sequence_and_can_be_revoked() {
    let set = ReplicaSet::start().await;
    let store = open(&set).await;
    let first = key(5);
    let older = doc! {
        "_id": first.id.as_str(),
        "state": "ACTIVE",
        "public_key": binary(&first.public_key),
        "sealed_private_key": binary(&first.sealed_private_key),
        "create_time": date(first.create_time),
    };
    let documents = store.signing_keys.clone_with_type::<Document>();
    documents.insert_one(older).await.unwrap();
    let first = SigningKey {
        sequence: 1,
        activate_time: first.create_time,
        ..first
    };
    let second = key(6);
    store.insert_signing_key(second.clone()).await.unwrap();
    assert_eq!(
        KeyStore::signing_keys(&store).await.unwrap(),
        [first.clone(), second.clone()]
    );

    assert!(store.revoke_signing_key(&first.id, time(3)).await.unwrap());
    let revoked = SigningKey {
        revoke_time: Some(time(3)),
        sealed_private_key: Vec::new(),
        ..first
    };
    assert_eq!(KeyStore::signing_keys(&store).await.unwrap(), [revoked, second]);
}

/// A majority cannot be lost: what a read answered from less could be gone after the next election.
#[tokio::test]
async fn what_only_the_primary_has_is_not_shown() {
    let mut set = ReplicaSet::start_three().await;
    let store = open(&set).await;
    let user = user("ada@example.com");
    let (first, second) = (session_of(&user), session_of(&user));
    store.insert_user(user, first.clone()).await.unwrap();
    let primary = set.wait_for_primary().await;
    let secondaries = [(primary + 1) % 3, (primary + 2) % 3];
    for member in secondaries {
        set.suspend(member);
    }

    let soon = || Deadline::after(Duration::from_millis(500));
    let written = soon().scope(store.insert_session(second.clone())).await;
    assert!(matches!(written, Err(StoreError::Unavailable(_))), "{written:?}");
    let ended = soon().scope(store.end_session(&first.id, logout(1))).await;
    assert!(matches!(ended, Err(StoreError::Unavailable(_))), "{ended:?}");
    for session in [&first, &second] {
        let read = soon().scope(store.session(&session.id)).await;
        assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    }

    for member in secondaries {
        set.resume(member);
    }
}
