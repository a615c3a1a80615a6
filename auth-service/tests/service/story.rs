//! From registering to signing out, through a real server.

use std::sync::Arc;

use crate::support::{PASSWORD, Service, on_every_store, refusal, unauthenticated};
use authn::{Jwk, KeySet, RemoteKeys, Role, Validator, ValidatorConfig};
use jiff::Timestamp;
use proto::auth::v1 as pb;

on_every_store! {
    somebody_registers_works_refreshes_signs_out_and_in_again
}

async fn somebody_registers_works_refreshes_signs_out_and_in_again(service: Service) {
    let registered = service.register("Ada@Example.com").await;
    let (user, organization, tokens) = (
        registered.user.unwrap(),
        registered.organization.unwrap(),
        registered.tokens.unwrap(),
    );
    assert!(
        user.id.starts_with("usr_") && organization.id.starts_with("org_"),
        "{user:?} {organization:?}"
    );
    assert_eq!(
        (user.email.as_str(), user.display_name.as_str()),
        ("Ada@Example.com", "Ada Lovelace")
    );
    assert_eq!(organization.name, "Analytical Engines");
    assert_eq!(user.create_time.unwrap().seconds, service.now());
    assert_eq!(
        tokens.access_token_expire_time.unwrap().seconds,
        service.now() + 600
    );
    assert_eq!(
        tokens.refresh_token_expire_time.unwrap().seconds,
        service.now() + 7 * 86_400
    );

    let me = service.get_me(&tokens.access_token).await.unwrap();
    assert_eq!(
        (me.user.as_ref(), me.organization.as_ref()),
        (Some(&user), Some(&organization))
    );
    assert_eq!(me.role(), pb::Role::Owner);

    let claims = service.validate(&tokens.access_token, "").await.unwrap();
    assert_eq!(
        (&claims.subject, &claims.organization_id),
        (&user.id, &organization.id)
    );
    assert_eq!(
        (&claims.session_id, claims.role()),
        (&tokens.session_id, pb::Role::Owner)
    );

    service.advance(300);
    let refreshed = service.refresh(&tokens.refresh_token).await.unwrap();
    assert_eq!(refreshed.session_id, tokens.session_id);
    assert_ne!(refreshed.refresh_token, tokens.refresh_token);
    assert_eq!(
        refreshed.access_token_expire_time.unwrap().seconds,
        service.now() + 600
    );
    service.get_me(&refreshed.access_token).await.unwrap();

    service.logout(&refreshed.access_token).await.unwrap();
    for access_token in [&tokens.access_token, &refreshed.access_token] {
        assert_eq!(
            refusal(service.get_me(access_token).await),
            unauthenticated("TOKEN_REVOKED")
        );
        assert_eq!(
            refusal(service.validate(access_token, "").await),
            unauthenticated("TOKEN_REVOKED")
        );
    }
    for refresh_token in [&tokens.refresh_token, &refreshed.refresh_token] {
        assert_eq!(
            refusal(service.refresh(refresh_token).await),
            unauthenticated("REFRESH_TOKEN_INVALID")
        );
    }

    let again = service.login("ada@example.com", PASSWORD).await.unwrap();
    assert_eq!((again.user, again.organization), (Some(user), Some(organization)));
    let tokens = again.tokens.unwrap();
    assert_ne!(tokens.session_id, refreshed.session_id);
    service.get_me(&tokens.access_token).await.unwrap();
    service.stop().await;
}

#[tokio::test]
async fn other_services_verify_a_token_with_the_published_keys_alone() {
    let service = Service::start().await;
    let tokens = service.signed_in().await;
    let keys = service
        .tokens()
        .get_jwks(pb::GetJwksRequest {})
        .await
        .unwrap()
        .into_inner()
        .keys;
    assert_eq!(keys.len(), 2);
    let config = ValidatorConfig {
        issuer: "invoiceapp".to_owned(),
        audience: "invoiceapp".to_owned(),
    };
    let now = Timestamp::from_second(service.now()).unwrap();

    let published = KeySet::from_jwks(keys.into_iter().map(Jwk::from));
    let validator = Validator::new(config.clone(), Arc::new(published));
    let principal = validator.verify(&tokens.access_token, now).unwrap();
    assert_eq!(principal.session_id.as_str(), tokens.session_id);
    assert_eq!((principal.role, principal.user_version), (Role::Owner, 1));

    let remote = Arc::new(RemoteKeys::start(service.channel()));
    while !remote.ready() {
        tokio::task::yield_now().await;
    }
    Validator::new(config, remote)
        .verify(&tokens.access_token, now)
        .unwrap();
}

#[tokio::test]
async fn an_access_token_ends_after_ten_minutes() {
    let service = Service::start().await;
    let tokens = service.signed_in().await;
    service.advance(604);
    service.get_me(&tokens.access_token).await.unwrap();
    service.advance(1);
    assert_eq!(
        refusal(service.get_me(&tokens.access_token).await),
        unauthenticated("TOKEN_EXPIRED")
    );
    assert_eq!(
        refusal(service.validate(&tokens.access_token, "").await),
        unauthenticated("TOKEN_EXPIRED")
    );
    assert_eq!(
        refusal(service.logout(&tokens.access_token).await),
        unauthenticated("TOKEN_EXPIRED")
    );
    service.refresh(&tokens.refresh_token).await.unwrap();
}

#[tokio::test]
async fn a_token_is_for_its_audience_only() {
    let service = Service::start().await;
    let tokens = service.signed_in().await;
    service
        .validate(&tokens.access_token, "invoiceapp")
        .await
        .unwrap();
    for audience in ["other", "INVOICEAPP", "invoiceapp ", "[\"invoiceapp\"]"] {
        let refused = refusal(service.validate(&tokens.access_token, audience).await);
        assert_eq!(refused, unauthenticated("TOKEN_INVALID"), "{audience}");
    }
}

#[tokio::test]
async fn what_is_no_access_token_opens_nothing() {
    let service = Service::start().await;
    let tokens = service.signed_in().await;
    let unsigned = tokens.access_token.rsplit_once('.').unwrap().0.to_owned() + ".";
    for token in [
        "nonsense",
        "a.b.c",
        &tokens.refresh_token,
        &unsigned,
        &"x".repeat(2500),
    ] {
        assert_eq!(
            refusal(service.get_me(token).await),
            unauthenticated("TOKEN_INVALID"),
            "{token}"
        );
        assert_eq!(
            refusal(service.validate(token, "").await),
            unauthenticated("TOKEN_INVALID"),
            "{token}"
        );
        assert_eq!(
            refusal(service.logout(token).await),
            unauthenticated("TOKEN_INVALID"),
            "{token}"
        );
    }
    let without = service.auth().get_me(pb::GetMeRequest {}).await;
    assert_eq!(refusal(without), unauthenticated("TOKEN_MISSING"));
    assert_eq!(
        refusal(service.validate("", "").await),
        unauthenticated("TOKEN_MISSING")
    );
    service.get_me(&tokens.access_token).await.unwrap();
}

#[tokio::test]
async fn a_token_of_another_installation_opens_nothing() {
    let (ours, theirs) = (Service::start().await, Service::start().await);
    let foreign = theirs.signed_in().await;
    assert_eq!(
        refusal(ours.get_me(&foreign.access_token).await),
        unauthenticated("TOKEN_INVALID")
    );
    assert_eq!(
        refusal(ours.refresh(&foreign.refresh_token).await),
        unauthenticated("REFRESH_TOKEN_INVALID")
    );
    assert_eq!(
        refusal(ours.logout_with(&foreign.refresh_token).await),
        unauthenticated("REFRESH_TOKEN_INVALID")
    );
}
