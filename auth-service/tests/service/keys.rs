//! Signing keys that change while people work. Commands run beside the services, as an operator runs them.

use std::path::Path;
use std::time::Duration;

use crate::support::{PASSWORD, Place, Service, config_on, on_every_store, unauthenticated};
use crate::support::{bearer, refusal, registration};
use auth_service::RotateKeysCommand;
use futures::future::join_all;
use harness::mongo::ReplicaSet;
use proto::auth::v1 as pb;

on_every_store! {
    a_key_is_published_a_month_before_it_signs
    tokens_of_a_retired_key_are_valid_until_they_end
    a_rotation_by_command_hands_over_to_a_key_that_everybody_knows
    of_rotations_at_the_same_time_one_takes_a_step
    a_key_that_was_made_just_now_waits_until_everybody_knows_it
    nothing_that_a_revoked_key_signed_is_valid_once_the_command_has_ended
    a_retired_key_can_be_revoked_by_its_id
    everybody_finds_what_operators_do_to_keys_among_their_events
    keys_outlive_a_restart_in_every_state
}

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

/// The id of the key that signed an access token.
fn kid(access_token: &str) -> String {
    jsonwebtoken::decode_header(access_token).unwrap().kid.unwrap()
}

async fn published(service: &Service) -> Vec<String> {
    let answer = service.tokens().get_jwks(pb::GetJwksRequest {}).await;
    let keys = answer.unwrap().into_inner().keys.into_iter();
    keys.map(|key| key.kid).collect()
}

/// Waits until the keys are such that `wanted` holds.
async fn published_when(service: &Service, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
    let look = async {
        loop {
            let keys = published(service).await;
            if wanted(&keys) {
                return keys;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(10), look).await;
    seen.unwrap()
}

/// A new access token.
async fn signed_in(service: &Service) -> String {
    let signed_in = service.login("ada@example.com", PASSWORD).await.unwrap();
    signed_in.tokens.unwrap().access_token
}

async fn registered(service: &Service) -> String {
    let answer = service.auth().register(registration("ada@example.com")).await;
    answer.unwrap().into_inner().tokens.unwrap().access_token
}

async fn rotate(service: &Service) -> Result<String, String> {
    change(service, None).await
}

async fn revoke(service: &Service, key: &str) -> Result<String, String> {
    change(service, Some(key)).await
}

async fn change(service: &Service, revoke: Option<&str>) -> Result<String, String> {
    let command = RotateKeysCommand {
        revoke: revoke.map(|key| key.parse().unwrap()),
    };
    let (config, clock) = (service.config(), service.clock());
    let report = command.carry_out(config, service.data_dir(), clock).await;
    report.map_err(|error| error.to_string())
}

async fn a_key_is_published_a_month_before_it_signs(service: Service) {
    let first = kid(&registered(&service).await);
    let keys = published(&service).await;
    assert_eq!((keys.len(), keys[0] == first), (2, true));
    service.advance(30 * DAY - 1);
    assert_eq!(kid(&signed_in(&service).await), first);
    assert_eq!(published(&service).await, keys);
    service.advance(1);
    let second = signed_in(&service).await;
    assert_eq!(kid(&second), keys[1]);
    service.get_me(&second).await.unwrap();
    let three = published_when(&service, |keys| keys.len() == 3).await;
    assert_eq!(three[..2], keys);
}

async fn tokens_of_a_retired_key_are_valid_until_they_end(service: Service) {
    registered(&service).await;
    service.advance(30 * DAY - 5 * MINUTE);
    let token = signed_in(&service).await;
    let keys = published(&service).await;
    service.advance(10 * MINUTE - 1);
    assert_ne!(kid(&signed_in(&service).await), kid(&token), "another key signs");
    service.get_me(&token).await.unwrap();
    service.validate(&token, "").await.unwrap();
    // Its key is there longer than any token: it is refused for its age.
    service.advance(6);
    assert_eq!(
        refusal(service.get_me(&token).await),
        unauthenticated("TOKEN_EXPIRED")
    );
    service.advance(11 * MINUTE);
    let left = published_when(&service, |left| !left.contains(&keys[0])).await;
    assert!(left.contains(&keys[1]), "{left:?}");
    assert_eq!(
        refusal(service.get_me(&token).await),
        unauthenticated("TOKEN_INVALID")
    );
}

async fn a_rotation_by_command_hands_over_to_a_key_that_everybody_knows(service: Service) {
    let before = registered(&service).await;
    let keys = published(&service).await;
    service.advance(10 * MINUTE);
    let report = rotate(&service).await.unwrap();
    assert!(report.contains(&keys[1]), "{report}");
    let three = published_when(&service, |keys| keys.len() == 3).await;
    assert_eq!(three[..2], keys);
    let after = signed_in(&service).await;
    assert_eq!((kid(&before), kid(&after)), (keys[0].clone(), keys[1].clone()));
    service.get_me(&after).await.unwrap();
}

async fn everybody_finds_what_operators_do_to_keys_among_their_events(service: Service) {
    use pb::security_event::Type;
    registered(&service).await;
    service.advance(10 * MINUTE);
    rotate(&service).await.unwrap();
    service.advance(1);
    revoke(&service, "active").await.unwrap();
    // Events of one moment have no order.
    service.advance(1);
    let token = signed_in(&service).await;
    let request = bearer(&token, pb::ListSecurityEventsRequest::default());
    let listed = service.auth().list_security_events(request).await;
    let events = listed.unwrap().into_inner().events;
    let kinds: Vec<_> = events.iter().map(pb::SecurityEvent::r#type).collect();
    assert_eq!(
        kinds,
        [
            Type::SignedIn,
            Type::SigningKeyRevoked,
            Type::SigningKeysRotated,
            Type::Registered
        ]
    );
}

async fn of_rotations_at_the_same_time_one_takes_a_step(service: Service) {
    registered(&service).await;
    let keys = published(&service).await;
    service.advance(10 * MINUTE);
    let rotations = join_all((0..4).map(|_| rotate(&service))).await;
    // One that began after another had ended finds a next key that is too young.
    let handed_over = rotations
        .iter()
        .filter(|report| report.as_ref().unwrap().contains(&keys[1]));
    assert!(handed_over.count() >= 1, "{rotations:?}");
    let three = published_when(&service, |keys| keys.len() == 3).await;
    assert_eq!(three[..2], keys);
    assert_eq!(kid(&signed_in(&service).await), keys[1]);
}

async fn a_key_that_was_made_just_now_waits_until_everybody_knows_it(service: Service) {
    registered(&service).await;
    let keys = published(&service).await;
    service.advance(MINUTE);
    let report = rotate(&service).await.unwrap();
    assert!(report.contains(&keys[1]), "{report}");
    assert_eq!(rotate(&service).await.unwrap(), report, "it is on its way");
    service.advance(9 * MINUTE - 1);
    assert_eq!(kid(&signed_in(&service).await), keys[0]);
    service.advance(1);
    let taken_over = async {
        while kid(&signed_in(&service).await) != keys[1] {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), taken_over)
        .await
        .unwrap();
}

async fn nothing_that_a_revoked_key_signed_is_valid_once_the_command_has_ended(service: Service) {
    let token = registered(&service).await;
    let keys = published(&service).await;
    service.get_me(&token).await.unwrap();
    let report = revoke(&service, "active").await.unwrap();
    assert!(report.contains(&keys[0]), "{report}");
    assert_eq!(
        refusal(service.get_me(&token).await),
        unauthenticated("TOKEN_INVALID")
    );
    assert_eq!(
        refusal(service.validate(&token, "").await),
        unauthenticated("TOKEN_INVALID")
    );
    let left = published(&service).await;
    assert_eq!(
        (left.len(), &left[0]),
        (2, &keys[1]),
        "the next one, and a new one"
    );
    let token = signed_in(&service).await;
    assert_eq!(kid(&token), keys[1]);
    service.get_me(&token).await.unwrap();

    // Once more, before the key that signs has come to its own time.
    revoke(&service, &keys[1]).await.unwrap();
    assert_eq!(
        refusal(service.get_me(&token).await),
        unauthenticated("TOKEN_INVALID")
    );
    assert_eq!(kid(&signed_in(&service).await), left[1]);
    let known = revoke(&service, &"A".repeat(43)).await.unwrap_err();
    assert!(
        known.contains("there is no signing key AAAA") && known.contains(&left[1]),
        "{known}"
    );
}

async fn a_retired_key_can_be_revoked_by_its_id(service: Service) {
    let token = registered(&service).await;
    service.advance(10 * MINUTE - 1);
    let token_of_next = {
        service.advance(1);
        rotate(&service).await.unwrap();
        published_when(&service, |keys| keys.len() == 3).await;
        signed_in(&service).await
    };
    service.get_me(&token).await.unwrap();
    revoke(&service, &kid(&token)).await.unwrap();
    revoke(&service, &kid(&token)).await.unwrap();
    assert_eq!(
        refusal(service.get_me(&token).await),
        unauthenticated("TOKEN_INVALID")
    );
    service.get_me(&token_of_next).await.unwrap();
}

async fn keys_outlive_a_restart_in_every_state(service: Service) {
    registered(&service).await;
    service.advance(10 * MINUTE);
    rotate(&service).await.unwrap();
    let keys = published_when(&service, |keys| keys.len() == 3).await;
    let token = signed_in(&service).await;
    let service = service.restart().await;
    assert_eq!(published(&service).await, keys);
    service.get_me(&token).await.unwrap();
    revoke(&service, "active").await.unwrap();
    let service = service.restart().await;
    assert_eq!(
        refusal(service.get_me(&token).await),
        unauthenticated("TOKEN_INVALID")
    );
    let left = published(&service).await;
    assert!(
        !left.contains(&kid(&token)) && left.contains(&keys[0]),
        "{left:?}"
    );
}

#[tokio::test]
async fn a_command_at_one_replica_is_obeyed_by_all() {
    let set = ReplicaSet::start().await;
    let place = Place::new(config_on(&set.url("auth_of_a_test")));
    let one = place.clone().start().await.unwrap();
    let other = place.start().await.unwrap();
    let token = registered(&one).await;
    other.get_me(&token).await.unwrap();
    revoke(&one, "active").await.unwrap();
    for service in [&one, &other] {
        assert_eq!(
            refusal(service.get_me(&token).await),
            unauthenticated("TOKEN_INVALID")
        );
        let signed = signed_in(service).await;
        for verifying in [&one, &other] {
            verifying.get_me(&signed).await.unwrap();
        }
    }
    assert_eq!(published(&one).await, published(&other).await);
}

#[tokio::test]
async fn a_command_needs_the_store_and_the_key_file_of_the_service() {
    let service = Service::start().await;
    registered(&service).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let command = RotateKeysCommand { revoke: None };
    let at = |folder: &Path| {
        let folder = folder.to_owned();
        let (command, config, clock) = (command.clone(), service.config().clone(), service.clock());
        async move {
            command
                .carry_out(&config, &folder, clock)
                .await
                .unwrap_err()
                .to_string()
        }
    };
    let absent = at(elsewhere.path()).await;
    assert!(absent.contains("there is no database"), "{absent}");
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);

    let key_file = service.data_dir().join("keys/master.key");
    std::fs::rename(&key_file, elsewhere.path().join("master.key")).unwrap();
    let missing = at(service.data_dir()).await;
    assert!(missing.contains("master.key is missing"), "{missing}");
}
