//! Refresh tokens and the end of sessions.

use crate::support::{Service, on_every_store, refusal, unauthenticated};
use futures::future::join_all;

const DAY: i64 = 86_400;

on_every_store! {
    fifty_parallel_refreshes_of_one_token_take_one_step
    a_lost_answer_can_be_asked_for_again_for_ten_seconds
    a_late_repetition_is_reuse_and_ends_the_session
    an_older_token_is_reuse_at_once
    the_end_of_one_session_leaves_the_others_alone
    a_session_ends_after_seven_days_without_a_refresh
    a_session_ends_after_thirty_days_in_any_case
    nothing_is_refreshed_once_signing_out_was_answered
    a_session_can_be_ended_with_its_refresh_token_even_an_old_one
    ending_an_ended_session_succeeds_and_ending_nothing_does_not
}

async fn fifty_parallel_refreshes_of_one_token_take_one_step(service: Service) {
    let tokens = service.signed_in().await;
    let calls = (0..50).map(|_| service.refresh(&tokens.refresh_token));
    let successors: Vec<_> = join_all(calls)
        .await
        .into_iter()
        .map(|result| result.unwrap().refresh_token)
        .collect();
    assert!(
        successors.iter().all(|successor| *successor == successors[0]),
        "all got the same successor"
    );
    assert_ne!(successors[0], tokens.refresh_token);
    service.refresh(&successors[0]).await.unwrap();
}

async fn a_lost_answer_can_be_asked_for_again_for_ten_seconds(service: Service) {
    let tokens = service.signed_in().await;
    let lost = service.refresh(&tokens.refresh_token).await.unwrap();
    service.advance(10);
    let again = service.refresh(&tokens.refresh_token).await.unwrap();
    assert_eq!(again.refresh_token, lost.refresh_token);
    service.refresh(&again.refresh_token).await.unwrap();
}

async fn a_late_repetition_is_reuse_and_ends_the_session(service: Service) {
    let tokens = service.signed_in().await;
    let stolen = service.refresh(&tokens.refresh_token).await.unwrap();
    service.advance(11);
    assert_eq!(
        refusal(service.refresh(&tokens.refresh_token).await),
        unauthenticated("REFRESH_TOKEN_REUSED")
    );
    for refresh_token in [&stolen.refresh_token, &tokens.refresh_token] {
        assert_eq!(
            refusal(service.refresh(refresh_token).await),
            unauthenticated("REFRESH_TOKEN_INVALID")
        );
    }
    assert_eq!(
        refusal(service.get_me(&stolen.access_token).await),
        unauthenticated("TOKEN_REVOKED")
    );
}

async fn an_older_token_is_reuse_at_once(service: Service) {
    let first = service.signed_in().await;
    let second = service.refresh(&first.refresh_token).await.unwrap();
    let third = service.refresh(&second.refresh_token).await.unwrap();
    assert_eq!(
        refusal(service.refresh(&first.refresh_token).await),
        unauthenticated("REFRESH_TOKEN_REUSED")
    );
    assert_eq!(
        refusal(service.refresh(&third.refresh_token).await),
        unauthenticated("REFRESH_TOKEN_INVALID")
    );
}

async fn the_end_of_one_session_leaves_the_others_alone(service: Service) {
    let laptop = service.signed_in().await;
    let phone = service
        .login("ada@example.com", crate::support::PASSWORD)
        .await
        .unwrap()
        .tokens
        .unwrap();
    service.logout(&laptop.access_token).await.unwrap();
    service.get_me(&phone.access_token).await.unwrap();
    service.refresh(&phone.refresh_token).await.unwrap();
}

async fn a_session_ends_after_seven_days_without_a_refresh(service: Service) {
    let tokens = service.signed_in().await;
    service.advance(7 * DAY - 1);
    let tokens = service.refresh(&tokens.refresh_token).await.unwrap();
    service.advance(7 * DAY);
    assert_eq!(
        refusal(service.refresh(&tokens.refresh_token).await),
        unauthenticated("REFRESH_TOKEN_INVALID")
    );
}

async fn a_session_ends_after_thirty_days_in_any_case(service: Service) {
    let mut tokens = service.signed_in().await;
    let end = service.now() + 30 * DAY;
    for _ in 0..5 {
        service.advance(6 * DAY - 60);
        tokens = service.refresh(&tokens.refresh_token).await.unwrap();
    }
    assert_eq!(tokens.refresh_token_expire_time.unwrap().seconds, end);
    assert_eq!(
        tokens.access_token_expire_time.unwrap().seconds,
        end,
        "300 seconds are left, not 600"
    );
    service.advance(5 * 60);
    assert_eq!(
        refusal(service.refresh(&tokens.refresh_token).await),
        unauthenticated("REFRESH_TOKEN_INVALID")
    );
}

async fn nothing_is_refreshed_once_signing_out_was_answered(service: Service) {
    for round in 0..25 {
        let tokens = service
            .register(&format!("ada{round}@example.com"))
            .await
            .tokens
            .unwrap();
        let (refreshed, signed_out) = tokio::join!(
            service.refresh(&tokens.refresh_token),
            service.logout(&tokens.access_token)
        );
        signed_out.unwrap();
        let successor = match refreshed {
            Ok(refreshed) => refreshed.refresh_token,
            Err(status) => {
                assert_eq!(
                    refusal(Err::<(), _>(status)),
                    unauthenticated("REFRESH_TOKEN_INVALID")
                );
                tokens.refresh_token
            }
        };
        assert_eq!(
            refusal(service.refresh(&successor).await),
            unauthenticated("REFRESH_TOKEN_INVALID")
        );
        assert_eq!(
            refusal(service.get_me(&tokens.access_token).await),
            unauthenticated("TOKEN_REVOKED")
        );
    }
}

async fn a_session_can_be_ended_with_its_refresh_token_even_an_old_one(service: Service) {
    let tokens = service.signed_in().await;
    let newer = service.refresh(&tokens.refresh_token).await.unwrap();
    service.logout_with(&tokens.refresh_token).await.unwrap();
    assert_eq!(
        refusal(service.refresh(&newer.refresh_token).await),
        unauthenticated("REFRESH_TOKEN_INVALID")
    );
    assert_eq!(
        refusal(service.get_me(&newer.access_token).await),
        unauthenticated("TOKEN_REVOKED")
    );
}

async fn ending_an_ended_session_succeeds_and_ending_nothing_does_not(service: Service) {
    let tokens = service.signed_in().await;
    for _ in 0..2 {
        service.logout(&tokens.access_token).await.unwrap();
        service.logout_with(&tokens.refresh_token).await.unwrap();
    }
    let nothing = service
        .auth()
        .logout(proto::auth::v1::LogoutRequest::default())
        .await;
    assert_eq!(refusal(nothing), unauthenticated("TOKEN_MISSING"));
}

#[tokio::test]
async fn an_altered_refresh_token_is_refused_and_harms_nobody() {
    let service = Service::start().await;
    let tokens = service.signed_in().await;
    let good = &tokens.refresh_token;
    for position in 0..good.len() {
        let mut altered = good.clone();
        let other = if &good[position..=position] == "A" {
            "B"
        } else {
            "A"
        };
        altered.replace_range(position..=position, other);
        assert_eq!(
            refusal(service.refresh(&altered).await),
            unauthenticated("REFRESH_TOKEN_INVALID"),
            "{position}"
        );
        assert_eq!(
            refusal(service.logout_with(&altered).await),
            unauthenticated("REFRESH_TOKEN_INVALID")
        );
    }
    for text in [
        "",
        " ",
        "x",
        r#"{"$gt":""}"#,
        &tokens.access_token,
        &format!("{good}="),
        &format!(" {good}"),
    ] {
        assert_eq!(
            refusal(service.refresh(text).await),
            unauthenticated("REFRESH_TOKEN_INVALID"),
            "{text}"
        );
    }
    service.refresh(good).await.unwrap();
}
