//! Several auth-services on one database.

use crate::support::{PASSWORD, Place, Service, bearer, config_on, refusal, unauthenticated};
use futures::future::join_all;
use harness::mongo::ReplicaSet;
use proto::auth::v1 as pb;

/// Two replicas that start together on an empty database, with one key file.
async fn pair(set: &ReplicaSet) -> (Service, Service) {
    let place = Place::new(config_on(&set.url("auth_of_a_test")));
    let (one, other) = tokio::join!(place.clone().start(), place.start());
    (one.unwrap(), other.unwrap())
}

async fn published(service: &Service) -> Vec<pb::Jwk> {
    let answer = service.tokens().get_jwks(pb::GetJwksRequest {}).await;
    answer.unwrap().into_inner().keys
}

#[tokio::test]
async fn replicas_that_start_together_sign_with_one_key_and_serve_each_others_sessions() {
    let set = ReplicaSet::start().await;
    let (one, other) = pair(&set).await;
    let keys = published(&one).await;
    // One that signs, and the next one.
    assert_eq!((keys.len(), &published(&other).await), (2, &keys));

    let registered = one.register("ada@example.com").await;
    let tokens = registered.tokens.unwrap();
    let me = other.get_me(&tokens.access_token).await.unwrap();
    assert_eq!(me.user, registered.user);
    other.validate(&tokens.access_token, "").await.unwrap();
    let mut refresh_token = tokens.refresh_token;
    for service in [&one, &other, &one, &other] {
        refresh_token = service.refresh(&refresh_token).await.unwrap().refresh_token;
    }
    let signed_in = other.login("ada@example.com", PASSWORD).await.unwrap();
    one.get_me(&signed_in.tokens.unwrap().access_token).await.unwrap();
}

#[tokio::test]
async fn after_signing_out_at_one_replica_nothing_of_the_session_works_at_another() {
    let set = ReplicaSet::start().await;
    let (one, other) = pair(&set).await;
    for round in 0..10 {
        let email = format!("ada{round}@example.com");
        let tokens = one.register(&email).await.tokens.unwrap();
        let tokens = other.refresh(&tokens.refresh_token).await.unwrap();
        one.logout(&tokens.access_token).await.unwrap();
        assert_eq!(
            refusal(other.refresh(&tokens.refresh_token).await),
            unauthenticated("REFRESH_TOKEN_INVALID")
        );
        assert_eq!(
            refusal(other.get_me(&tokens.access_token).await),
            unauthenticated("TOKEN_REVOKED")
        );
    }
}

#[tokio::test]
async fn after_a_change_of_the_password_at_one_replica_no_other_session_works_at_another() {
    let set = ReplicaSet::start().await;
    let (one, other) = pair(&set).await;
    let laptop = one.signed_in().await;
    let phone = other.login("ada@example.com", PASSWORD).await.unwrap();
    let phone = phone.tokens.unwrap();
    let request = pb::ChangePasswordRequest {
        current_password: PASSWORD.to_owned(),
        new_password: "nine loud owls descend".to_owned(),
    };
    let changed = one
        .auth()
        .change_password(bearer(&laptop.access_token, request))
        .await;
    let changed = changed.unwrap().into_inner().tokens.unwrap();
    for dead in [&phone, &laptop] {
        assert_eq!(
            refusal(other.get_me(&dead.access_token).await),
            unauthenticated("TOKEN_REVOKED")
        );
        assert_eq!(
            refusal(other.refresh(&dead.refresh_token).await),
            unauthenticated("REFRESH_TOKEN_INVALID")
        );
    }
    other.get_me(&changed.access_token).await.unwrap();
    other.refresh(&changed.refresh_token).await.unwrap();
}

#[tokio::test]
async fn parallel_refreshes_of_one_token_at_two_replicas_take_one_step() {
    let set = ReplicaSet::start().await;
    let (one, other) = pair(&set).await;
    let first = one.signed_in().await;
    let mut tokens = vec![first.refresh_token];
    for _ in 0..5 {
        let calls = (0..50).map(|call| {
            let service = if call % 2 == 0 { &one } else { &other };
            service.refresh(tokens.last().unwrap())
        });
        let successors = join_all(calls).await.into_iter().map(Result::unwrap);
        let successors: Vec<_> = successors.map(|tokens| tokens.refresh_token).collect();
        assert!(successors.iter().all(|successor| *successor == successors[0]));
        assert!(!tokens.contains(&successors[0]));
        tokens.push(successors[0].clone());
    }
    assert_eq!(
        refusal(other.refresh(&tokens[0]).await),
        unauthenticated("REFRESH_TOKEN_REUSED")
    );
    assert_eq!(
        refusal(one.refresh(tokens.last().unwrap()).await),
        unauthenticated("REFRESH_TOKEN_INVALID")
    );
}

#[tokio::test]
async fn of_replicas_that_each_make_a_key_file_one_serves_and_the_others_are_refused() {
    let set = ReplicaSet::start().await;
    for round in 0..5 {
        let places = [(); 4].map(|()| Place::new(config_on(&set.url(&format!("auth_{round}")))));
        let started = join_all(places.clone().map(Place::start)).await;
        let serving: Vec<_> = started
            .iter()
            .filter_map(|started| started.as_ref().ok())
            .collect();
        assert_eq!(serving.len(), 1, "two families of keys, or none");
        assert_eq!(published(serving[0]).await.len(), 2);
        serving[0].signed_in().await;

        for (place, started) in places.into_iter().zip(&started) {
            let Err(refused) = started else { continue };
            assert_tells_what_to_do(refused);
            let again = place.start().await.err().unwrap();
            assert_tells_what_to_do(&again);
        }
    }
}

/// Whether it had made its own key file when the other replica's key was there, or came later.
fn assert_tells_what_to_do(refused: &str) {
    let other = "does not open under this key file: give the key file that was in use when it was made \
                 (--auth-key-file; every replica needs the same one)";
    let missing = "master.key is missing; restore it from your backup";
    assert!(refused.contains(other) || refused.contains(missing), "{refused}");
}
