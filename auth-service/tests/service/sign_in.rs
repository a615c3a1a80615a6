//! Registering and signing in: what is refused, and how alike.

use crate::support::{
    PASSWORD, Service, on_every_store, owned, refusal, registration, unauthenticated, violations,
};
use futures::future::join_all;
use proto::auth::v1 as pb;
use rpc_error::Details;
use tonic::Code;

on_every_store! {
    case_and_composition_of_the_address_do_not_matter_when_signing_in
    an_address_is_taken_in_whatever_case
    fifty_parallel_registrations_of_one_address_make_one_user
    text_that_looks_like_an_operator_is_text
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_are_answered_alike() {
    let service = Service::start().await;
    service.register("ada@example.com").await;
    let known = service
        .login("ada@example.com", "another quiet heron")
        .await
        .unwrap_err();
    let unknown = service
        .login("eve@example.com", "another quiet heron")
        .await
        .unwrap_err();
    let impossible = service.login("no address at all", PASSWORD).await.unwrap_err();
    let operator = service.login(r#"{"$gt":""}"#, r#"{"$gt":""}"#).await.unwrap_err();
    for refused in [&known, &unknown, &impossible, &operator] {
        assert_eq!(refused.code(), Code::Unauthenticated);
        assert_eq!(Details::of(refused).reason(), "CREDENTIALS_INVALID");
        assert_eq!(refused.message(), known.message());
        assert_eq!(refused.details(), known.details());
    }
}

async fn case_and_composition_of_the_address_do_not_matter_when_signing_in(service: Service) {
    service.register("J\u{fc}rgen@Example.com").await;
    for email in ["j\u{fc}rgen@example.com", "JU\u{308}RGEN@EXAMPLE.COM"] {
        service.login(email, PASSWORD).await.unwrap();
    }
    for password in [
        "seven quiet herons cros",
        "Seven quiet herons cross",
        " seven quiet herons cross",
    ] {
        let refused = refusal(service.login("j\u{fc}rgen@example.com", password).await);
        assert_eq!(refused, unauthenticated("CREDENTIALS_INVALID"), "{password:?}");
        service.advance(60);
    }
}

async fn an_address_is_taken_in_whatever_case(service: Service) {
    service.register("ada@example.com").await;
    let refused = service.auth().register(registration("ADA@example.com")).await;
    assert_eq!(refusal(refused), (Code::AlreadyExists, "EMAIL_TAKEN".to_owned()));
}

async fn fifty_parallel_registrations_of_one_address_make_one_user(service: Service) {
    let attempts = (0..50).map(|_| {
        let mut auth = service.auth();
        tokio::spawn(async move { auth.register(registration("ada@example.com")).await })
    });
    let results: Vec<_> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    let registered: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    assert_eq!(registered.len(), 1);
    let user = registered[0].get_ref().user.clone();
    for refused in results.into_iter().filter(Result::is_err) {
        assert_eq!(refusal(refused), (Code::AlreadyExists, "EMAIL_TAKEN".to_owned()));
    }
    assert_eq!(
        service.login("ada@example.com", PASSWORD).await.unwrap().user,
        user
    );
}

#[tokio::test]
async fn everything_wrong_with_a_registration_is_said_at_once() {
    let service = Service::start().await;
    let request = pb::RegisterRequest {
        email: "ada".to_owned(),
        password: "short".to_owned(),
        display_name: "x".repeat(101),
        organization_name: "Engines\nInc".to_owned(),
        client_label: "x".repeat(101),
    };
    let refused = service.auth().register(request).await.unwrap_err();
    let expected = [
        ("email", "EMAIL_MALFORMED"),
        ("display_name", "TEXT_TOO_LONG"),
        ("organization_name", "TEXT_CONTROL_CHARACTER"),
        ("client_label", "TEXT_TOO_LONG"),
        ("password", "PASSWORD_TOO_SHORT"),
    ];
    assert_eq!(violations(&refused), owned(&expected));

    let refused = service
        .auth()
        .register(pb::RegisterRequest::default())
        .await
        .unwrap_err();
    let expected = [
        ("email", "FIELD_REQUIRED"),
        ("display_name", "FIELD_REQUIRED"),
        ("password", "FIELD_REQUIRED"),
    ];
    assert_eq!(violations(&refused), owned(&expected));
}

#[tokio::test]
async fn a_bad_password_is_refused_with_its_reason() {
    let service = Service::start().await;
    for (password, reason) in [
        ("eleven char", "PASSWORD_TOO_SHORT"),
        (&"long enough ".repeat(90), "PASSWORD_TOO_LONG"),
        ("password12345", "PASSWORD_GUESSABLE"),
        ("Ada Lovelace", "PASSWORD_GUESSABLE"),
        ("ada@example.com", "PASSWORD_GUESSABLE"),
        ("analyticalengines", "PASSWORD_GUESSABLE"),
    ] {
        let request = pb::RegisterRequest {
            password: password.to_owned(),
            ..registration("ada@example.com")
        };
        let refused = service.auth().register(request).await.unwrap_err();
        assert_eq!(violations(&refused), owned(&[("password", reason)]), "{password}");
    }
    service.register("ada@example.com").await;
}

#[tokio::test]
async fn a_sign_in_needs_both_fields_of_permitted_length() {
    let service = Service::start().await;
    let refused = service.login("", "").await.unwrap_err();
    assert_eq!(
        violations(&refused),
        owned(&[("email", "FIELD_REQUIRED"), ("password", "FIELD_REQUIRED")])
    );
    let refused = service
        .login(&"x".repeat(255), &"x".repeat(1025))
        .await
        .unwrap_err();
    assert_eq!(
        violations(&refused),
        owned(&[("email", "EMAIL_TOO_LONG"), ("password", "PASSWORD_TOO_LONG")])
    );
}

async fn text_that_looks_like_an_operator_is_text(service: Service) {
    let request = pb::RegisterRequest {
        display_name: r#"{"$gt":""}"#.to_owned(),
        organization_name: "'; DROP TABLE user; --".to_owned(),
        client_label: "$where".to_owned(),
        ..registration("{$ne}@example.com")
    };
    let registered = service.auth().register(request).await.unwrap().into_inner();
    assert_eq!(registered.user.unwrap().display_name, r#"{"$gt":""}"#);
    assert_eq!(registered.organization.unwrap().name, "'; DROP TABLE user; --");
    service.login("{$ne}@example.com", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_blank_organization_name_becomes_the_display_name() {
    let service = Service::start().await;
    let request = pb::RegisterRequest {
        organization_name: " ".to_owned(),
        ..registration("ada@example.com")
    };
    let registered = service.auth().register(request).await.unwrap().into_inner();
    assert_eq!(registered.organization.unwrap().name, "Ada Lovelace");
}
