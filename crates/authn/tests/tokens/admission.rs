//! What a good token brings, and what is kept out on the way.

use std::sync::Arc;

use crate::support::{Handler, NOW, Signer, call, claims, principal, validator};
use authn::{Authenticated, Role, TokenError};
use jiff::Timestamp;
use serde_json::json;

const METHOD: &str = "/invoiceapp.invoice.v1.InvoiceService/GetInvoice";

#[tokio::test]
async fn a_good_token_brings_its_principal_and_stays_outside_itself() {
    let signer = Signer::new();
    let mut service = Authenticated::new(Handler::default(), Arc::new(validator([signer.verifying_key()])));
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let value = format!("{scheme} {}", signer.token());
        let request = call(&mut service, METHOD, &[("authorization", &value)])
            .await
            .unwrap();
        let principal = principal(&request);
        assert_eq!(principal.user_id.as_str(), "usr_01k5nzzzzzzzzzzzzzzzzzzzz1");
        assert_eq!(
            principal.organization_id.as_str(),
            "org_01k5nzzzzzzzzzzzzzzzzzzzz4"
        );
        assert_eq!(principal.session_id.as_str(), "ses_01k5nzzzzzzzzzzzzzzzzzzzz3");
        assert_eq!(principal.token_id.as_str(), "tok_01k5nzzzzzzzzzzzzzzzzzzzz2");
        assert_eq!((principal.role, principal.user_version), (Role::Owner, 1));
        assert_eq!(principal.issue_time.as_second(), NOW);
        assert_eq!(principal.expire_time.as_second(), NOW + 600);
        assert!(!request.headers().contains_key("authorization"));
    }
}

#[tokio::test]
async fn identity_headers_of_the_client_are_stripped_and_others_pass() {
    let signer = Signer::new();
    let validator = Arc::new(validator([signer.verifying_key()]));
    let anonymous = &["/invoiceapp.auth.v1.AuthService/Login"];
    let mut service = Authenticated::new(Handler::default(), validator).anonymous(anonymous);
    let bearer = format!("Bearer {}", signer.token());
    for method in [METHOD, anonymous[0]] {
        let headers = [
            ("authorization", bearer.as_str()),
            ("x-user-id", "usr_01k5nzzzzzzzzzzzzzzzzzzzz9"),
            ("x-user-id", "usr_01k5nzzzzzzzzzzzzzzzzzzzz8"),
            ("x-organization-id", "org_01k5nzzzzzzzzzzzzzzzzzzzz9"),
            ("x-forwarded-user", "root"),
            ("x-request-id", "kept"),
            ("x-user-agent", "grpc-web"),
        ];
        let request = call(&mut service, method, &headers).await.unwrap();
        let names: Vec<&str> = request.headers().keys().map(http::HeaderName::as_str).collect();
        let mut kept: Vec<&str> = names
            .into_iter()
            .filter(|name| *name != "authorization")
            .collect();
        kept.sort_unstable();
        assert_eq!(kept, ["x-request-id", "x-user-agent"], "{method}");
    }
}

#[tokio::test]
async fn an_anonymous_method_needs_no_token_and_gets_no_principal() {
    let signer = Signer::new();
    let validator = Arc::new(validator([signer.verifying_key()]));
    let anonymous = &["/invoiceapp.auth.v1.AuthService/Login"];
    let mut service = Authenticated::new(Handler::default(), validator).anonymous(anonymous);
    let request = call(
        &mut service,
        anonymous[0],
        &[("authorization", "Bearer nonsense")],
    )
    .await
    .unwrap();
    assert!(request.extensions().get::<authn::Principal>().is_none());
    assert_eq!(
        request.headers()["authorization"],
        "Bearer nonsense",
        "the handler may read it"
    );
    for method in [
        METHOD,
        "/invoiceapp.auth.v1.AuthService/login",
        "/invoiceapp.auth.v1.AuthService/Login/",
    ] {
        call(&mut service, method, &[]).await.unwrap_err();
    }
}

#[test]
fn leeway_is_five_seconds_on_either_side() {
    let signer = Signer::new();
    let validator = validator([signer.verifying_key()]);
    let token = signer.token();
    let at = |second| {
        validator
            .verify(&token, Timestamp::from_second(second).unwrap())
            .map(|_| ())
    };
    assert_eq!(at(NOW - 6), Err(TokenError::NotYetValid));
    assert_eq!(at(NOW - 5), Ok(()));
    assert_eq!(at(NOW + 604), Ok(()));
    assert_eq!(at(NOW + 605), Err(TokenError::Expired));
}

#[test]
fn a_claim_of_a_newer_signer_is_tolerated() {
    let signer = Signer::new();
    let mut claims = claims();
    claims["amr"] = json!(["pwd", { "nested": 1 }]);
    let token = signer.sign(&signer.header(), &claims.to_string());
    validator([signer.verifying_key()])
        .verify(&token, Timestamp::from_second(NOW).unwrap())
        .unwrap();
}

#[test]
fn another_audience_can_be_asked_for() {
    let signer = Signer::new();
    let validator = validator([signer.verifying_key()]);
    let now = Timestamp::from_second(NOW).unwrap();
    validator.verify_for(&signer.token(), "invoiceapp", now).unwrap();
    assert_eq!(
        validator.verify_for(&signer.token(), "other", now),
        Err(TokenError::Audience)
    );
}
