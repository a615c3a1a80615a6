//! What happens around an account, as its owner can look it up.

use crate::support::{PASSWORD, Service, bearer, on_every_store, owned, refusal, registration, violations};
use proto::auth::v1 as pb;
use proto::auth::v1::security_event::Type;
use tonic::{Response, Status};

const NEW: &str = "nine loud owls descend";

on_every_store! {
    every_kind_of_event_is_recorded_with_its_session_and_client
    a_sign_in_that_fails_is_recorded_for_the_owner_of_the_address_alone
    pages_show_every_event_once_while_others_are_added
    what_was_ended_before_is_not_recorded_again
    failures_that_wait_are_written_before_the_service_ends
}

async fn page(
    service: &Service,
    access_token: &str,
    page_size: i32,
    page_token: &str,
) -> Result<pb::ListSecurityEventsResponse, Status> {
    let page_token = page_token.to_owned();
    let request = pb::ListSecurityEventsRequest {
        page_size,
        page_token,
    };
    let listed = service
        .auth()
        .list_security_events(bearer(access_token, request))
        .await;
    listed.map(Response::into_inner)
}

async fn events(service: &Service, access_token: &str) -> Vec<pb::SecurityEvent> {
    let listed = page(service, access_token, 200, "").await.unwrap();
    assert_eq!(listed.next_page_token, "");
    listed.events
}

/// Their kinds, the newest first.
async fn kinds(service: &Service, access_token: &str) -> Vec<Type> {
    let events = events(service, access_token).await;
    events.iter().map(pb::SecurityEvent::r#type).collect()
}

/// The events, once there are as many: failed sign-ins are written in the background.
async fn awaited(service: &Service, access_token: &str, count: usize) -> Vec<pb::SecurityEvent> {
    let mut tries = 0;
    loop {
        let events = events(service, access_token).await;
        if events.len() >= count {
            return events;
        }
        tries += 1;
        assert!(tries < 1_000, "there are never {count} events");
    }
}

async fn sign_in(service: &Service, client_label: &str, password: &str) -> Result<pb::Tokens, Status> {
    let request = pb::LoginRequest {
        email: "Ada@example.com".to_owned(),
        password: password.to_owned(),
        client_label: client_label.to_owned(),
        device_token: String::new(),
    };
    let signed_in = service.auth().login(request).await?;
    Ok(signed_in.into_inner().tokens.unwrap())
}

async fn revoke(service: &Service, tokens: &pb::Tokens, session_id: &str) {
    let session_id = session_id.to_owned();
    let request = bearer(&tokens.access_token, pb::RevokeSessionRequest { session_id });
    service.auth().revoke_session(request).await.unwrap();
}

async fn revoke_others(service: &Service, tokens: &pb::Tokens) {
    let request = bearer(&tokens.access_token, pb::RevokeOtherSessionsRequest {});
    service.auth().revoke_other_sessions(request).await.unwrap();
}

async fn change_password(
    service: &Service,
    tokens: &pb::Tokens,
    current: &str,
) -> Result<pb::Tokens, Status> {
    let request = pb::ChangePasswordRequest {
        current_password: current.to_owned(),
        new_password: NEW.to_owned(),
    };
    let changed = service
        .auth()
        .change_password(bearer(&tokens.access_token, request))
        .await?;
    Ok(changed.into_inner().tokens.unwrap())
}

async fn every_kind_of_event_is_recorded_with_its_session_and_client(service: Service) {
    let laptop = service.signed_in().await;
    let begun = service.now();
    service.advance(1);
    let phone = sign_in(&service, "Phone", PASSWORD).await.unwrap();
    service.advance(1);
    refusal(sign_in(&service, "Stranger", "seven quiet herons cros").await);
    awaited(&service, &laptop.access_token, 3).await;
    service.advance(1);
    service.logout(&phone.access_token).await.unwrap();
    let tablet = sign_in(&service, "Tablet", PASSWORD).await.unwrap();
    service.advance(1);
    revoke(&service, &laptop, &tablet.session_id).await;
    service.advance(1);
    let stolen = sign_in(&service, "Tab", PASSWORD).await.unwrap();
    service.refresh(&stolen.refresh_token).await.unwrap();
    service.advance(11);
    refusal(service.refresh(&stolen.refresh_token).await);
    service.advance(1);
    sign_in(&service, "Kiosk", PASSWORD).await.unwrap();
    service.advance(1);
    revoke_others(&service, &laptop).await;
    service.advance(1);
    refusal(change_password(&service, &laptop, "seven quiet herons cros").await);
    service.advance(1);
    let changed = change_password(&service, &laptop, PASSWORD).await.unwrap();

    let laptop = changed.session_id.as_str();
    let expected = [
        (Type::PasswordChanged, laptop, "Firefox on Linux", 20),
        (Type::PasswordChangeFailed, laptop, "Firefox on Linux", 19),
        (Type::OtherSessionsRevoked, laptop, "Firefox on Linux", 18),
        (Type::SignedIn, "", "Kiosk", 17),
        (Type::RefreshTokenReused, &stolen.session_id, "Tab", 16),
        (Type::SignedIn, &stolen.session_id, "Tab", 5),
        (Type::SessionRevoked, &tablet.session_id, "Tablet", 4),
        (Type::SignedIn, &tablet.session_id, "Tablet", 3),
        (Type::SignedOut, &phone.session_id, "Phone", 3),
        (Type::SignInFailed, "", "Stranger", 2),
        (Type::SignedIn, &phone.session_id, "Phone", 1),
        (Type::Registered, laptop, "Firefox on Linux", 0),
    ];
    let mut recorded = events(&service, &changed.access_token).await;
    // Those of one second stand in no promised order.
    recorded[7..9].sort_by_key(|event| event.r#type() == Type::SignedOut);
    assert_eq!(recorded.len(), expected.len());
    for (event, (kind, session, label, second)) in recorded.iter().zip(expected) {
        assert_eq!(event.r#type(), kind);
        assert!(event.id.starts_with("evt_"));
        let shown = (event.client_label.as_str(), event.time.unwrap().seconds - begun);
        assert_eq!(shown, (label, second), "{kind:?}");
        assert_eq!(event.address_prefix, "127.0.0.0/24", "{kind:?}");
        if label != "Kiosk" {
            assert_eq!(event.session_id, session, "{kind:?}");
        }
    }
}

async fn a_sign_in_that_fails_is_recorded_for_the_owner_of_the_address_alone(service: Service) {
    let ada = service.signed_in().await;
    let grace = service.register("grace@example.com").await.tokens.unwrap();
    for (email, password) in [
        ("nobody@example.com", PASSWORD),
        ("ADA@example.com", "seven quiet herons cros"),
        ("nobody@example.com", "seven quiet herons cros"),
    ] {
        refusal(service.login(email, password).await);
    }
    let recorded = awaited(&service, &ada.access_token, 2).await;
    assert_eq!(recorded.len(), 2);
    assert_eq!(kinds(&service, &grace.access_token).await, [Type::Registered]);
}

async fn pages_show_every_event_once_while_others_are_added(service: Service) {
    let ada = service.signed_in().await;
    for _ in 0..6 {
        service.advance(1);
        sign_in(&service, "", PASSWORD).await.unwrap();
    }
    let expected = events(&service, &ada.access_token).await;
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let listed = page(&service, &ada.access_token, 3, &next).await.unwrap();
        seen.extend(listed.events);
        if listed.next_page_token.is_empty() {
            break;
        }
        next = listed.next_page_token;
        service.advance(1);
        sign_in(&service, "", PASSWORD).await.unwrap();
    }
    assert_eq!(seen, expected);
}

async fn what_was_ended_before_is_not_recorded_again(service: Service) {
    let laptop = service.signed_in().await;
    let phone = sign_in(&service, "", PASSWORD).await.unwrap();
    for _ in 0..2 {
        service.logout(&phone.access_token).await.unwrap();
        service.logout_with(&phone.refresh_token).await.unwrap();
        revoke(&service, &laptop, &phone.session_id).await;
        revoke_others(&service, &laptop).await;
    }
    let kinds = kinds(&service, &laptop.access_token).await;
    assert_eq!(kinds.len(), 3, "{kinds:?}");
    assert!(kinds.contains(&Type::SignedOut));
}

async fn failures_that_wait_are_written_before_the_service_ends(service: Service) {
    let ada = service.signed_in().await;
    // As many as are tried at a time.
    let failing = (0..4).map(|_| sign_in(&service, "", "seven quiet herons cros"));
    for failed in futures::future::join_all(failing).await {
        failed.unwrap_err();
    }
    let service = service.restart().await;
    assert_eq!(events(&service, &ada.access_token).await.len(), 5);
}

#[tokio::test]
async fn events_are_shown_for_180_days() {
    let service = Service::start().await;
    service.signed_in().await;
    service.advance(180 * 86_400);
    let ada = sign_in(&service, "", PASSWORD).await.unwrap();
    assert_eq!(
        kinds(&service, &ada.access_token).await,
        [Type::SignedIn, Type::Registered]
    );
    service.advance(1);
    assert_eq!(kinds(&service, &ada.access_token).await, [Type::SignedIn]);
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
}

#[tokio::test]
async fn a_page_token_holds_only_for_its_list_and_its_user() {
    let service = Service::start().await;
    let ada = service.signed_in().await;
    sign_in(&service, "", PASSWORD).await.unwrap();
    let grace = service
        .auth()
        .register(registration("grace@example.com"))
        .await
        .unwrap();
    let grace = grace.into_inner().tokens.unwrap();
    let next = page(&service, &ada.access_token, 1, "")
        .await
        .unwrap()
        .next_page_token;
    let foreign = page(&service, &grace.access_token, 1, &next).await.unwrap_err();
    assert_eq!(
        violations(&foreign),
        owned(&[("page_token", "PAGE_TOKEN_OTHER_LIST")])
    );
    let request = pb::ListSessionsRequest {
        page_size: 1,
        page_token: next,
    };
    let other = service
        .auth()
        .list_sessions(bearer(&ada.access_token, request))
        .await;
    assert_eq!(
        violations(&other.unwrap_err()),
        owned(&[("page_token", "PAGE_TOKEN_OTHER_LIST")])
    );
}
