//! Changing the password: what works afterwards, what does not, and who wins.

use crate::support::{
    PASSWORD, Place, Service, bearer, config_on, on_every_store, owned, refusal, unauthenticated, violations,
};
use futures::future::join_all;
use harness::mongo::ReplicaSet;
use mongo_engine::bson::doc;
use mongo_engine::mongodb::Client;
use proto::auth::v1 as pb;
use sqlite_engine::rusqlite::Connection;
use tonic::{Code, Status};

const NEW: &str = "nine loud owls descend";

on_every_store! {
    the_new_password_signs_in_and_the_session_of_the_call_goes_on
    every_other_session_ends_at_once
    of_parallel_changes_one_wins
    no_session_of_the_old_password_survives_a_racing_sign_in
    no_token_of_before_survives_a_racing_refresh
    a_wrong_current_password_changes_nothing
}

async fn change(
    service: &Service,
    access_token: &str,
    current: &str,
    new: &str,
) -> Result<pb::Tokens, Status> {
    let request = pb::ChangePasswordRequest {
        current_password: current.to_owned(),
        new_password: new.to_owned(),
    };
    let changed = service
        .auth()
        .change_password(bearer(access_token, request))
        .await?;
    Ok(changed.into_inner().tokens.unwrap())
}

async fn sign_in(service: &Service) -> pb::Tokens {
    let signed_in = service.login("ada@example.com", PASSWORD).await;
    signed_in.unwrap().tokens.unwrap()
}

async fn assert_dead(service: &Service, tokens: &pb::Tokens) {
    for refused in [
        service.get_me(&tokens.access_token).await.map(drop),
        service.validate(&tokens.access_token, "").await.map(drop),
    ] {
        assert_eq!(refusal(refused), unauthenticated("TOKEN_REVOKED"));
    }
    assert_eq!(
        refusal(service.refresh(&tokens.refresh_token).await),
        unauthenticated("REFRESH_TOKEN_INVALID")
    );
}

async fn the_new_password_signs_in_and_the_session_of_the_call_goes_on(service: Service) {
    let first = service.signed_in().await;
    let before = service.refresh(&first.refresh_token).await.unwrap();
    let after = change(&service, &before.access_token, PASSWORD, NEW)
        .await
        .unwrap();
    assert_eq!(after.session_id, first.session_id);
    for old in [&first, &before] {
        assert_dead(&service, old).await;
    }
    service.get_me(&after.access_token).await.unwrap();
    service.validate(&after.access_token, "").await.unwrap();
    let next = service.refresh(&after.refresh_token).await.unwrap();
    service.get_me(&next.access_token).await.unwrap();
    assert_eq!(
        refusal(service.login("ada@example.com", PASSWORD).await),
        unauthenticated("CREDENTIALS_INVALID")
    );
    service.advance(1);
    service.login("ada@example.com", NEW).await.unwrap();
    let again = change(&service, &next.access_token, NEW, PASSWORD).await.unwrap();
    service.get_me(&again.access_token).await.unwrap();
}

async fn every_other_session_ends_at_once(service: Service) {
    let laptop = service.signed_in().await;
    let grace = service.register("grace@example.com").await.tokens.unwrap();
    let (phone, tablet) = (sign_in(&service).await, sign_in(&service).await);
    let phone_rotated = service.refresh(&phone.refresh_token).await.unwrap();
    let laptop = change(&service, &laptop.access_token, PASSWORD, NEW)
        .await
        .unwrap();
    for other in [&phone, &phone_rotated, &tablet] {
        assert_dead(&service, other).await;
    }
    let request = bearer(&laptop.access_token, pb::ListSessionsRequest::default());
    let listed = service.auth().list_sessions(request).await.unwrap().into_inner();
    let ids: Vec<_> = listed.sessions.into_iter().map(|session| session.id).collect();
    assert_eq!(ids, [laptop.session_id]);
    service.get_me(&grace.access_token).await.unwrap();
}

async fn of_parallel_changes_one_wins(service: Service) {
    let mut tokens = service.signed_in().await;
    let mut password = PASSWORD.to_owned();
    for round in 0..3 {
        let wanted: Vec<_> = (0..4).map(|number| format!("{NEW} {round} {number}")).collect();
        let changes = wanted
            .iter()
            .map(|new| change(&service, &tokens.access_token, &password, new));
        let changed: Vec<_> = join_all(changes).await;
        let won: Vec<_> = (0..4).filter(|number| changed[*number].is_ok()).collect();
        assert_eq!(won.len(), 1, "{changed:?}");
        for (number, result) in changed.into_iter().enumerate() {
            if number == won[0] {
                tokens = result.unwrap();
            } else {
                assert_eq!(refusal(result).0, Code::Unauthenticated);
            }
        }
        password.clone_from(&wanted[won[0]]);
        for (number, wanted) in wanted.iter().enumerate() {
            let signed_in = service.login("ada@example.com", wanted).await;
            assert_eq!(signed_in.is_ok(), number == won[0]);
            service.advance(60);
        }
        service.get_me(&tokens.access_token).await.unwrap();
    }
}

async fn no_session_of_the_old_password_survives_a_racing_sign_in(service: Service) {
    let mut tokens = service.signed_in().await;
    let (mut current, mut next) = (PASSWORD, NEW);
    let mut raced = 0;
    for _ in 0..6 {
        let sign_ins = (0..6).map(|_| service.login("ada@example.com", current));
        let (changed, signed_in) = tokio::join!(
            change(&service, &tokens.access_token, current, next),
            join_all(sign_ins)
        );
        tokens = changed.unwrap();
        for signed_in in signed_in.into_iter().flatten() {
            assert_dead(&service, &signed_in.tokens.unwrap()).await;
            raced += 1;
        }
        service.get_me(&tokens.access_token).await.unwrap();
        std::mem::swap(&mut current, &mut next);
        // For the failures among them.
        service.advance(60);
    }
    assert!(raced > 0, "no sign-in came before a change");
}

async fn no_token_of_before_survives_a_racing_refresh(service: Service) {
    let mut tokens = service.signed_in().await;
    let (mut current, mut next) = (PASSWORD, NEW);
    for _ in 0..6 {
        let refreshing = async {
            let mut given_out = vec![tokens.clone()];
            while let Ok(next) = service.refresh(&given_out.last().unwrap().refresh_token).await {
                given_out.push(next);
            }
            given_out
        };
        let (changed, given_out) =
            tokio::join!(change(&service, &tokens.access_token, current, next), refreshing);
        tokens = changed.unwrap();
        for old in &given_out {
            assert_dead(&service, old).await;
        }
        service.get_me(&tokens.access_token).await.unwrap();
        std::mem::swap(&mut current, &mut next);
    }
}

async fn a_wrong_current_password_changes_nothing(service: Service) {
    let tokens = service.signed_in().await;
    let refused = change(&service, &tokens.access_token, "seven quiet herons cros", NEW).await;
    assert_eq!(refusal(refused), unauthenticated("CREDENTIALS_INVALID"));
    service.get_me(&tokens.access_token).await.unwrap();
    service.login("ada@example.com", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn everything_wrong_with_a_change_is_said_at_once() {
    let service = Service::start().await;
    let tokens = service.signed_in().await;
    for (current, new, expected) in [
        (
            "",
            "",
            [
                ("current_password", "FIELD_REQUIRED"),
                ("new_password", "FIELD_REQUIRED"),
            ]
            .as_slice(),
        ),
        (
            &"x".repeat(1025),
            "short",
            &[
                ("current_password", "PASSWORD_TOO_LONG"),
                ("new_password", "PASSWORD_TOO_SHORT"),
            ],
        ),
        (PASSWORD, PASSWORD, &[("new_password", "PASSWORD_UNCHANGED")]),
        (
            PASSWORD,
            "password12345",
            &[("new_password", "PASSWORD_GUESSABLE")],
        ),
        (
            PASSWORD,
            "Ada Lovelace",
            &[("new_password", "PASSWORD_GUESSABLE")],
        ),
        (
            PASSWORD,
            "ada@example.com",
            &[("new_password", "PASSWORD_GUESSABLE")],
        ),
        (
            PASSWORD,
            "analyticalengines",
            &[("new_password", "PASSWORD_GUESSABLE")],
        ),
    ] {
        let refused = change(&service, &tokens.access_token, current, new)
            .await
            .unwrap_err();
        assert_eq!(violations(&refused), owned(expected), "{new}");
    }
    service.login("ada@example.com", PASSWORD).await.unwrap();
}

/// After the user document was changed, and before the session of the call was taken along.
async fn assert_safely_signed_out(service: &Service, tokens: &[pb::Tokens]) {
    for tokens in tokens {
        assert_dead(service, tokens).await;
    }
    assert_eq!(
        refusal(service.login("ada@example.com", PASSWORD).await),
        unauthenticated("CREDENTIALS_INVALID")
    );
    service.advance(1);
    let signed_in = service
        .login("ada@example.com", NEW)
        .await
        .unwrap()
        .tokens
        .unwrap();
    service.get_me(&signed_in.access_token).await.unwrap();
    let request = bearer(&signed_in.access_token, pb::ListSessionsRequest::default());
    let listed = service.auth().list_sessions(request).await.unwrap().into_inner();
    assert_eq!(listed.sessions.len(), 1);
}

#[tokio::test]
async fn what_breaks_off_after_the_change_leaves_the_user_signed_out_on_sqlite() {
    let service = Service::start().await;
    let tokens = [service.signed_in().await, sign_in(&service).await];
    let file = Connection::open(service.data_dir().join("auth.db")).unwrap();
    let breaking =
        "CREATE TRIGGER breaking BEFORE UPDATE ON session BEGIN SELECT RAISE(ABORT, 'as planned'); END";
    file.execute_batch(breaking).unwrap();
    let broken = change(&service, &tokens[0].access_token, PASSWORD, NEW).await;
    assert_eq!(refusal(broken).0, Code::Internal);
    file.execute_batch("DROP TRIGGER breaking").unwrap();
    assert_safely_signed_out(&service, &tokens).await;
}

#[tokio::test]
async fn what_breaks_off_after_the_change_leaves_the_user_signed_out_on_mongodb() {
    let set = ReplicaSet::start().await;
    let url = set.url("auth_of_a_test");
    let service = Place::new(config_on(&url)).start().await.unwrap();
    let tokens = [service.signed_in().await, sign_in(&service).await];
    let client = Client::with_uri_str(&url).await.unwrap();
    let database = client.default_database().unwrap();
    let nothing_fits = doc! { "collMod": "sessions", "validator": { "never": true } };
    database.run_command(nothing_fits).await.unwrap();
    let broken = change(&service, &tokens[0].access_token, PASSWORD, NEW).await;
    assert_eq!(refusal(broken).0, Code::Internal);
    let everything_fits = doc! { "collMod": "sessions", "validator": {} };
    database.run_command(everything_fits).await.unwrap();
    assert_safely_signed_out(&service, &tokens).await;
}
