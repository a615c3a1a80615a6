//! Who somebody is, and what they change of that.

use crate::support::{Service, bearer, on_every_store, owned, violations};
use prost_types::FieldMask;
use proto::auth::v1 as pb;
use tonic::{Response, Status};

on_every_store! {
    what_the_mask_names_is_changed_and_nothing_else
}

fn update(display_name: &str, organization_name: &str, paths: &[&str]) -> pb::UpdateMeRequest {
    pb::UpdateMeRequest {
        display_name: display_name.to_owned(),
        organization_name: organization_name.to_owned(),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
    }
}

async fn update_me(
    service: &Service,
    access_token: &str,
    request: pb::UpdateMeRequest,
) -> Result<pb::UpdateMeResponse, Status> {
    let updated = service.auth().update_me(bearer(access_token, request)).await;
    updated.map(Response::into_inner)
}

/// The names that GetMe shows.
async fn names(service: &Service, access_token: &str) -> (String, String) {
    let me = service.get_me(access_token).await.unwrap();
    (me.user.unwrap().display_name, me.organization.unwrap().name)
}

async fn what_the_mask_names_is_changed_and_nothing_else(service: Service) {
    let token = service.signed_in().await.access_token;
    for (request, display_name, organization_name) in [
        (
            update("Countess", "x", &["display_name"]),
            "Countess",
            "Analytical Engines",
        ),
        (
            update("", "Engines", &["organization_name"]),
            "Countess",
            "Engines",
        ),
        (update("Ada", "Ada Ltd", &["*"]), "Ada", "Ada Ltd"),
        (
            update("A", "B", &["display_name", "organization_name", "display_name"]),
            "A",
            "B",
        ),
    ] {
        let updated = update_me(&service, &token, request).await.unwrap();
        assert_eq!(updated.role(), pb::Role::Owner);
        let (user, organization) = (updated.user.unwrap(), updated.organization.unwrap());
        assert_eq!(
            (user.display_name.as_str(), organization.name.as_str()),
            (display_name, organization_name)
        );
        assert_eq!(
            (user.display_name, organization.name),
            names(&service, &token).await
        );
    }
}

#[tokio::test]
async fn everything_wrong_with_an_update_is_said_at_once() {
    let service = Service::start().await;
    let token = service.signed_in().await.access_token;
    let long = "x".repeat(201);
    for (request, expected) in [
        (
            pb::UpdateMeRequest::default(),
            [("update_mask", "FIELD_REQUIRED")].as_slice(),
        ),
        (
            update("Ada", "Ada Ltd", &[]),
            &[("update_mask", "FIELD_REQUIRED")],
        ),
        (
            update(" ", &long, &["*"]),
            &[
                ("display_name", "FIELD_REQUIRED"),
                ("organization_name", "TEXT_TOO_LONG"),
            ],
        ),
        (
            update(
                "a\nb",
                "",
                &["email", "display_name", "*", "organization_name", ""],
            ),
            &[
                ("update_mask.paths[0]", "FIELD_MASK_UNKNOWN"),
                ("update_mask.paths[2]", "FIELD_MASK_UNKNOWN"),
                ("update_mask.paths[4]", "FIELD_MASK_UNKNOWN"),
                ("display_name", "TEXT_CONTROL_CHARACTER"),
                ("organization_name", "FIELD_REQUIRED"),
            ],
        ),
    ] {
        let refused = update_me(&service, &token, request).await.unwrap_err();
        assert_eq!(violations(&refused), owned(expected));
    }
    let unchanged = ("Ada Lovelace".to_owned(), "Analytical Engines".to_owned());
    assert_eq!(names(&service, &token).await, unchanged);
}
