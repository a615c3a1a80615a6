//! What every store must do with signing keys.

use std::sync::Arc;

use futures::future::join_all;

use super::Store;
use crate::domain::signing_key::SigningKey;
use crate::store::StoreError;
use crate::store::sample::{key, time};

pub(in crate::store) async fn signing_keys_read_back_in_their_sequence(store: Store) {
    let revoked = SigningKey {
        revoke_time: Some(time(77)),
        sealed_private_key: Vec::new(),
        ..key(2)
    };
    let keys = [key(1), revoked, key(3), key(4)];
    for index in [2, 0, 3, 1] {
        store.insert_signing_key(keys[index].clone()).await.unwrap();
    }
    assert_eq!(store.signing_keys().await.unwrap(), keys);
}

pub(in crate::store) async fn a_place_in_the_sequence_of_keys_is_taken_once(store: Store) {
    let attempts = (1..=20).map(|byte| {
        let store = Arc::clone(&store);
        let key = SigningKey {
            sequence: 7,
            ..key(byte)
        };
        tokio::spawn(async move { store.insert_signing_key(key).await })
    });
    let results: Vec<_> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let refused = results
        .iter()
        .filter(|result| matches!(result, Err(StoreError::KeySequenceTaken)))
        .count();
    assert_eq!((refused, store.signing_keys().await.unwrap().len()), (19, 1));
}

pub(in crate::store) async fn of_twenty_parallel_activations_of_a_key_one_succeeds(store: Store) {
    let next = key(9);
    store.insert_signing_key(key(8)).await.unwrap();
    store.insert_signing_key(next.clone()).await.unwrap();
    let (id, from) = (next.id.clone(), next.activate_time);
    assert!(
        !store
            .activate_signing_key(&id, time(1000), time(5))
            .await
            .unwrap()
    );
    let attempts = (1..=20).map(|second| {
        let (store, id) = (Arc::clone(&store), id.clone());
        tokio::spawn(async move { store.activate_signing_key(&id, from, time(-second)).await })
    });
    let results = join_all(attempts).await.into_iter();
    let moved: Vec<_> = results.map(|result| result.unwrap().unwrap()).collect();
    assert_eq!(moved.iter().filter(|moved| **moved).count(), 1);
    let stored = store.signing_keys().await.unwrap();
    assert_eq!(stored[0], key(8));
    assert!(stored[1].activate_time < time(0));
    let expected = SigningKey {
        activate_time: stored[1].activate_time,
        ..next
    };
    assert_eq!(stored[1], expected);
}

pub(in crate::store) async fn a_revoked_key_keeps_its_first_revocation_and_no_private_half(store: Store) {
    store.insert_signing_key(key(1)).await.unwrap();
    store.insert_signing_key(key(2)).await.unwrap();
    let id = key(1).id;
    assert!(store.revoke_signing_key(&id, time(50)).await.unwrap());
    assert!(!store.revoke_signing_key(&id, time(60)).await.unwrap());
    assert!(!store.revoke_signing_key(&key(3).id, time(60)).await.unwrap());
    let activated = store.activate_signing_key(&id, key(1).activate_time, time(70));
    assert!(!activated.await.unwrap());
    let revoked = SigningKey {
        revoke_time: Some(time(50)),
        sealed_private_key: Vec::new(),
        ..key(1)
    };
    assert_eq!(store.signing_keys().await.unwrap(), [revoked, key(2)]);
}

pub(in crate::store) async fn a_removed_key_is_gone_and_removing_it_again_succeeds(store: Store) {
    store.insert_signing_key(key(1)).await.unwrap();
    store.insert_signing_key(key(2)).await.unwrap();
    store.remove_signing_key(&key(1).id).await.unwrap();
    store.remove_signing_key(&key(1).id).await.unwrap();
    assert_eq!(store.signing_keys().await.unwrap(), [key(2)]);
}
