//! A user's sessions: listed, and ended one by one or all but one.

use crate::support::{
    PASSWORD, Service, bearer, on_every_store, owned, refusal, registration, unauthenticated, violations,
};
use proto::auth::v1 as pb;
use rpc_error::Details;
use tonic::{Code, Response, Status};

on_every_store! {
    sessions_are_listed_with_what_their_owner_knows_them_by
    only_living_sessions_of_the_caller_are_listed
    pages_show_every_session_once_while_others_begin_and_end
    a_revoked_session_is_over_and_the_others_go_on
    the_current_session_can_be_revoked_too
    revoking_twice_succeeds
    an_unknown_and_a_foreign_session_are_refused_alike
    every_other_session_is_revoked_and_the_current_one_goes_on
}

/// Signs in once more.
async fn sign_in(service: &Service, client_label: &str) -> pb::Tokens {
    let request = pb::LoginRequest {
        email: "ada@example.com".to_owned(),
        password: PASSWORD.to_owned(),
        client_label: client_label.to_owned(),
        device_token: String::new(),
    };
    let signed_in = service.auth().login(request).await.unwrap();
    signed_in.into_inner().tokens.unwrap()
}

async fn page(
    service: &Service,
    access_token: &str,
    page_size: i32,
    page_token: &str,
) -> Result<pb::ListSessionsResponse, Status> {
    let page_token = page_token.to_owned();
    let request = pb::ListSessionsRequest {
        page_size,
        page_token,
    };
    let listed = service.auth().list_sessions(bearer(access_token, request)).await;
    listed.map(Response::into_inner)
}

async fn list(service: &Service, access_token: &str) -> Vec<pb::Session> {
    let listed = page(service, access_token, 0, "").await.unwrap();
    assert_eq!(listed.next_page_token, "");
    listed.sessions
}

async fn revoke(service: &Service, access_token: &str, session_id: &str) -> Result<(), Status> {
    let session_id = session_id.to_owned();
    let request = bearer(access_token, pb::RevokeSessionRequest { session_id });
    service
        .auth()
        .revoke_session(request)
        .await
        .map(Response::into_inner)
}

async fn revoke_others(service: &Service, access_token: &str) -> Result<(), Status> {
    let request = bearer(access_token, pb::RevokeOtherSessionsRequest {});
    let revoked = service.auth().revoke_other_sessions(request).await;
    revoked.map(Response::into_inner)
}

/// That nothing of the session works any more.
async fn assert_over(service: &Service, tokens: &pb::Tokens) {
    assert_eq!(
        refusal(service.get_me(&tokens.access_token).await),
        unauthenticated("TOKEN_REVOKED")
    );
    assert_eq!(
        refusal(service.refresh(&tokens.refresh_token).await),
        unauthenticated("REFRESH_TOKEN_INVALID")
    );
}

/// That the session goes on.
async fn assert_works(service: &Service, tokens: &pb::Tokens) {
    service.get_me(&tokens.access_token).await.unwrap();
    service.refresh(&tokens.refresh_token).await.unwrap();
}

fn ids(sessions: &[pb::Session]) -> Vec<&str> {
    sessions.iter().map(|session| session.id.as_str()).collect()
}

async fn sessions_are_listed_with_what_their_owner_knows_them_by(service: Service) {
    const WEEK: i64 = 7 * 86_400;
    let laptop = service.signed_in().await;
    let begun = service.now();
    service.advance(60);
    let phone = sign_in(&service, "Safari on iPhone").await;
    service.advance(60);
    let laptop = service.refresh(&laptop.refresh_token).await.unwrap();

    let listed = list(&service, &laptop.access_token).await;
    assert_eq!(ids(&listed), [phone.session_id, laptop.session_id]);
    let labels: Vec<_> = listed
        .iter()
        .map(|session| session.client_label.as_str())
        .collect();
    assert_eq!(labels, ["Safari on iPhone", "Firefox on Linux"]);
    let current: Vec<_> = listed.iter().map(|session| session.current).collect();
    assert_eq!(current, [false, true]);
    let times = listed.iter().map(|session| {
        [session.create_time, session.last_use_time, session.expire_time]
            .map(|time| time.unwrap().seconds - begun)
    });
    let times: Vec<_> = times.collect();
    assert_eq!(times, [[60, 60, 60 + WEEK], [0, 120, 120 + WEEK]]);
}

async fn only_living_sessions_of_the_caller_are_listed(service: Service) {
    let idle = service.signed_in().await;
    service.register("grace@example.com").await;
    service.advance(4 * 86_400);
    let signed_out = sign_in(&service, "").await;
    let revoked = sign_in(&service, "").await;
    let current = sign_in(&service, "").await;
    let listed = list(&service, &current.access_token).await;
    assert_eq!(listed.len(), 4);
    assert_eq!(listed[3].id, idle.session_id);

    service.logout(&signed_out.access_token).await.unwrap();
    revoke(&service, &current.access_token, &revoked.session_id)
        .await
        .unwrap();
    service.advance(3 * 86_400);
    let current = service.refresh(&current.refresh_token).await.unwrap();
    let listed = list(&service, &current.access_token).await;
    assert_eq!(ids(&listed), [current.session_id]);
}

async fn pages_show_every_session_once_while_others_begin_and_end(service: Service) {
    let mut expected = vec![service.signed_in().await];
    for _ in 0..8 {
        service.advance(1);
        expected.push(sign_in(&service, "").await);
    }
    expected.reverse();
    let token = &expected[0].access_token;
    let mut seen = Vec::new();
    let mut next = String::new();
    let mut newest = expected[0].clone();
    loop {
        let listed = page(&service, token, 2, &next).await.unwrap();
        assert!(listed.sessions.len() <= 2);
        seen.extend(listed.sessions.into_iter().map(|session| session.id));
        if listed.next_page_token.is_empty() {
            break;
        }
        next = listed.next_page_token;
        // What begins meanwhile stands on an earlier page; what ends and was shown shifts nothing.
        service.advance(1);
        let begun = sign_in(&service, "").await;
        if newest.session_id != expected[0].session_id {
            service.logout(&newest.access_token).await.unwrap();
        }
        newest = begun;
    }
    let expected: Vec<_> = expected.into_iter().map(|tokens| tokens.session_id).collect();
    assert_eq!(seen, expected);
}

async fn a_revoked_session_is_over_and_the_others_go_on(service: Service) {
    let laptop = service.signed_in().await;
    let (phone, tablet) = (sign_in(&service, "").await, sign_in(&service, "").await);
    revoke(&service, &laptop.access_token, &phone.session_id)
        .await
        .unwrap();
    assert_over(&service, &phone).await;
    assert_works(&service, &laptop).await;
    assert_works(&service, &tablet).await;
}

async fn the_current_session_can_be_revoked_too(service: Service) {
    let laptop = service.signed_in().await;
    let phone = sign_in(&service, "").await;
    revoke(&service, &laptop.access_token, &laptop.session_id)
        .await
        .unwrap();
    assert_over(&service, &laptop).await;
    assert_works(&service, &phone).await;
}

async fn revoking_twice_succeeds(service: Service) {
    let laptop = service.signed_in().await;
    let phone = sign_in(&service, "").await;
    service.logout(&phone.access_token).await.unwrap();
    for _ in 0..2 {
        revoke(&service, &laptop.access_token, &phone.session_id)
            .await
            .unwrap();
    }
    for _ in 0..2 {
        revoke_others(&service, &laptop.access_token).await.unwrap();
    }
    assert_works(&service, &laptop).await;
}

async fn an_unknown_and_a_foreign_session_are_refused_alike(service: Service) {
    let ada = service.signed_in().await;
    let grace = service.register("grace@example.com").await.tokens.unwrap();
    let unknown = "ses_01hzzzzzzzzzzzzzzzzzzzzzzz";
    for id in [
        &grace.session_id,
        unknown,
        "ses_1",
        r#"{"$gt":""}"#,
        &"x".repeat(1000),
    ] {
        let refused = revoke(&service, &ada.access_token, id).await.unwrap_err();
        let details = Details::of(&refused);
        assert_eq!(
            (refused.code(), details.reason()),
            (Code::NotFound, "SESSION_NOT_FOUND")
        );
        assert_eq!(refused.message(), "session not found");
        let named = refused
            .details()
            .windows(id.len())
            .any(|part| part == id.as_bytes());
        assert_eq!(
            named,
            id.len() < 100,
            "ResourceInfo names it, unless it is no id: {id}"
        );
        let foreign = String::from_utf8_lossy(refused.details()).replace(id, unknown);
        let expected = revoke(&service, &ada.access_token, unknown).await.unwrap_err();
        if id.len() == unknown.len() {
            assert_eq!(foreign, String::from_utf8_lossy(expected.details()));
        }
    }
    assert_works(&service, &grace).await;
}

async fn every_other_session_is_revoked_and_the_current_one_goes_on(service: Service) {
    let laptop = service.signed_in().await;
    let grace = service.register("grace@example.com").await.tokens.unwrap();
    let others = [sign_in(&service, "").await, sign_in(&service, "").await];
    revoke_others(&service, &laptop.access_token).await.unwrap();
    for tokens in &others {
        assert_over(&service, tokens).await;
    }
    assert_eq!(
        ids(&list(&service, &laptop.access_token).await),
        [laptop.session_id.as_str()]
    );
    assert_works(&service, &laptop).await;
    assert_works(&service, &grace).await;
}

#[tokio::test]
async fn a_page_token_holds_only_for_its_list_and_its_user() {
    let service = Service::start().await;
    let ada = service.signed_in().await;
    sign_in(&service, "").await;
    let grace = service.register("grace@example.com").await.tokens.unwrap();
    let next = page(&service, &ada.access_token, 1, "")
        .await
        .unwrap()
        .next_page_token;
    assert_eq!(
        page(&service, &ada.access_token, 200, &next)
            .await
            .unwrap()
            .sessions
            .len(),
        1
    );
    let foreign = page(&service, &grace.access_token, 1, &next).await.unwrap_err();
    assert_eq!(
        violations(&foreign),
        owned(&[("page_token", "PAGE_TOKEN_OTHER_LIST")])
    );
}

#[tokio::test]
async fn everything_wrong_with_a_request_is_said_at_once() {
    let service = Service::start().await;
    let ada = service.signed_in().await;
    let refused = page(&service, &ada.access_token, -1, "x").await.unwrap_err();
    assert_eq!(
        violations(&refused),
        owned(&[
            ("page_size", "PAGE_SIZE_NEGATIVE"),
            ("page_token", "PAGE_TOKEN_MALFORMED")
        ])
    );
    let refused = revoke(&service, &ada.access_token, "").await.unwrap_err();
    assert_eq!(violations(&refused), owned(&[("session_id", "FIELD_REQUIRED")]));
}

#[tokio::test]
async fn a_page_holds_fifty_sessions_by_default_and_two_hundred_at_most() {
    let service = Service::start().await;
    let ada = service.signed_in().await;
    let calls = (0..60).map(|_| sign_in(&service, ""));
    futures::future::join_all(calls).await;
    let sizes = [(0, 50), (1, 1), (60, 60), (i32::MAX, 61)];
    for (wanted, size) in sizes {
        let listed = page(&service, &ada.access_token, wanted, "").await.unwrap();
        assert_eq!(listed.sessions.len(), size, "{wanted}");
        assert_eq!(listed.next_page_token.is_empty(), size == 61);
    }
    service
        .auth()
        .register(registration("grace@example.com"))
        .await
        .unwrap();
}
