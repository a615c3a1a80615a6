//! What one organization can see of another through the gateway: nothing, whatever it claims to be.

use harness::{Person, Refusal, RunningProduct, build};
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{GetMeRequest, GetMeResponse};
use proto::invoice::v1::invoice_service_client::InvoiceServiceClient;
use proto::invoice::v1::list_invoices_request::Filter;
use proto::invoice::v1::{
    DeleteInvoiceRequest, GetInvoiceRequest, Invoice, ListInvoicesRequest, UpdateInvoiceRequest,
};
use tonic::metadata::{MetadataKey, MetadataMap};
use tonic::{Code, Request, Status};

/// Headers that proxies and careless backends take identities from.
fn forged_as(victim: &Person) -> MetadataMap {
    let registered = &victim.registered;
    let user = registered.user.clone().unwrap().id;
    let organization = registered.organization.clone().unwrap().id;
    let session = registered.tokens.clone().unwrap().session_id;
    let mut forged = MetadataMap::new();
    for (name, value) in [
        ("x-user-id", user.as_str()),
        ("x-user", &user),
        ("x-authenticated-user", &user),
        ("x-principal", &user),
        ("x-organization-id", &organization),
        ("x-organization", &organization),
        ("x-org-id", &organization),
        ("x-tenant-id", &organization),
        ("x-session-id", &session),
        ("x-role", "ROLE_OWNER"),
        ("x-forwarded-user", &user),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "localhost"),
        ("x-forwarded-access-token", victim.access_token()),
        ("x-original-authorization", victim.access_token()),
        ("x-real-ip", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
    ] {
        let name: MetadataKey<_> = name.parse().unwrap();
        forged.insert(name, value.parse().unwrap());
    }
    forged
}

fn with<T>(message: T, metadata: &MetadataMap) -> Request<T> {
    let mut request = Request::new(message);
    *request.metadata_mut() = metadata.clone();
    request
}

fn read_of(id: &str) -> GetInvoiceRequest {
    GetInvoiceRequest {
        invoice_id: id.to_owned(),
    }
}

async fn listed(person: &mut Person, request: ListInvoicesRequest, metadata: &MetadataMap) -> Vec<Invoice> {
    let page = person.invoices.list_invoices(with(request, metadata)).await;
    page.unwrap().into_inner().invoices
}

#[tokio::test]
async fn another_organizations_invoice_cannot_be_read_changed_deleted_or_found() {
    let product = RunningProduct::start().await;
    let mut ann = product.person_at_the_gateway().await;
    let mut bob = product.person_at_the_gateway().await;
    let mut secret = build::invoice();
    secret.note = "confidential".to_owned();
    let secret = ann.invoices.create_invoice(build::create(secret)).await;
    let secret = secret.unwrap().into_inner();

    let update = UpdateInvoiceRequest {
        invoice: Some(Invoice {
            id: secret.id.clone(),
            note: "changed".to_owned(),
            ..Invoice::default()
        }),
        ..UpdateInvoiceRequest::default()
    };
    let delete = DeleteInvoiceRequest {
        invoice_id: secret.id.clone(),
        etag: secret.etag.clone(),
    };
    let not_found = Refusal::new(Code::NotFound, "INVOICE_NOT_FOUND");
    let read = bob.invoices.get_invoice(read_of(&secret.id)).await;
    assert_eq!(Refusal::in_result(read), not_found);
    assert_eq!(
        Refusal::in_result(bob.invoices.update_invoice(update).await),
        not_found
    );
    assert_eq!(
        Refusal::in_result(bob.invoices.delete_invoice(delete).await),
        not_found
    );

    let confidential = ListInvoicesRequest {
        filter: Some(Filter {
            query: "confidential".to_owned(),
            ..Filter::default()
        }),
        ..ListInvoicesRequest::default()
    };
    let plain = MetadataMap::new();
    assert_eq!(listed(&mut ann, confidential.clone(), &plain).await.len(), 1);
    assert_eq!(listed(&mut bob, confidential, &plain).await, []);
    assert_eq!(listed(&mut bob, ListInvoicesRequest::default(), &plain).await, []);
    let unchanged = ann.invoices.get_invoice(read_of(&secret.id)).await;
    assert_eq!(unchanged.unwrap().into_inner(), secret);
}

#[tokio::test]
async fn a_page_token_of_another_organization_opens_nothing() {
    let product = RunningProduct::start().await;
    let mut ann = product.person_at_the_gateway().await;
    let mut bob = product.person_at_the_gateway().await;
    for _ in 0..2 {
        let created = ann.invoices.create_invoice(build::create(build::invoice())).await;
        created.unwrap();
    }
    let first_page = ListInvoicesRequest {
        page_size: 1,
        ..ListInvoicesRequest::default()
    };
    let page = ann
        .invoices
        .list_invoices(first_page.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.invoices.len(), 1);
    let stolen = ListInvoicesRequest {
        page_token: page.next_page_token,
        ..first_page
    };
    let refused = Refusal::in_result(bob.invoices.list_invoices(stolen.clone()).await);
    assert_eq!(refused.code, Code::InvalidArgument);
    assert_eq!(refused.violations.len(), 1, "{refused:?}");
    let own = ann.invoices.list_invoices(stolen).await.unwrap().into_inner();
    assert_eq!(own.invoices.len(), 1);
}

async fn me(person: &mut Person, metadata: &MetadataMap) -> Result<GetMeResponse, Status> {
    let answer = person.auth.get_me(with(GetMeRequest {}, metadata)).await?;
    Ok(answer.into_inner())
}

#[tokio::test]
async fn identity_headers_that_a_client_forges_change_nothing() {
    let product = RunningProduct::start().await;
    let mut ann = product.person_at_the_gateway().await;
    let secret = ann.invoices.create_invoice(build::create(build::invoice())).await;
    let secret = secret.unwrap().into_inner();
    let forged = forged_as(&ann);
    for mut bob in [product.person_at_the_gateway().await, product.person().await] {
        let honest = me(&mut bob, &MetadataMap::new()).await.unwrap();
        assert_eq!(honest.user, bob.registered.user);
        assert_eq!(me(&mut bob, &forged).await.unwrap(), honest);

        let read = bob.invoices.get_invoice(with(read_of(&secret.id), &forged)).await;
        assert_eq!(
            Refusal::in_result(read),
            Refusal::new(Code::NotFound, "INVOICE_NOT_FOUND")
        );
        assert_eq!(
            listed(&mut bob, ListInvoicesRequest::default(), &forged).await,
            []
        );
        let own = with(build::create(build::invoice()), &forged);
        let own = bob.invoices.create_invoice(own).await.unwrap().into_inner();
        let bobs = listed(&mut bob, ListInvoicesRequest::default(), &MetadataMap::new()).await;
        assert_eq!(
            bobs.iter().map(|invoice| &invoice.id).collect::<Vec<_>>(),
            [&own.id]
        );
    }
    let anns = listed(&mut ann, ListInvoicesRequest::default(), &MetadataMap::new()).await;
    assert_eq!(anns.len(), 1, "nothing was put among hers");
}

#[tokio::test]
async fn identity_headers_are_no_substitute_for_a_token() {
    let product = RunningProduct::start().await;
    let ann = product.person_at_the_gateway().await;
    let forged = forged_as(&ann);
    let missing = Refusal::new(Code::Unauthenticated, "TOKEN_MISSING");
    let addresses = product.addresses();
    for (auth, invoice) in [
        (addresses.gateway, addresses.gateway),
        (addresses.auth, addresses.invoice),
    ] {
        let mut auth = AuthServiceClient::new(harness::channel(auth).await);
        let me = auth.get_me(with(GetMeRequest {}, &forged)).await;
        assert_eq!(Refusal::in_result(me), missing);
        let mut invoices = InvoiceServiceClient::new(harness::channel(invoice).await);
        let listed = invoices
            .list_invoices(with(ListInvoicesRequest::default(), &forged))
            .await;
        assert_eq!(Refusal::in_result(listed), missing);
    }
}
