//! Nobody reads, changes or detects another organization's invoices.

use std::collections::BTreeSet;

use harness::{Person, Refusal, RunningProduct, build};
use prost::Message as _;
use prost_types::{FieldMask, FileDescriptorSet};
use proto::invoice::v1::{
    CreateCreditNoteRequest, CreateCustomerRequest, Customer, DeleteCustomerRequest, DeleteInvoiceRequest,
    DuplicateInvoiceRequest, GetCustomerRequest, GetInvoiceRequest, Invoice, IssueInvoiceRequest,
    ListInvoiceEventsRequest, ListInvoicesRequest, MarkInvoiceUncollectibleRequest, PreviewInvoiceRequest,
    RecordPaymentRequest, ReversePaymentRequest, SummarizeInvoicesRequest, UpdateCustomerRequest,
    UpdateInvoiceRequest, VerifyInvoiceHistoryRequest, VoidInvoiceRequest,
};
use tonic::{Code, Status};

use crate::{created, read};

/// The rpcs that take no id of anything; what they answer must hold nothing of others.
const WITHOUT_IDS: [&str; 9] = [
    "CreateCustomer",
    "ListCustomers",
    "CreateInvoice",
    "PreviewInvoice",
    "ListInvoices",
    "SummarizeInvoices",
    "GetProfile",
    "UpdateProfile",
    "WatchInvoices",
];
const OF_CUSTOMERS: [&str; 3] = ["GetCustomer", "UpdateCustomer", "DeleteCustomer"];
const WITH_IDS: [&str; 12] = [
    "GetInvoice",
    "UpdateInvoice",
    "DeleteInvoice",
    "IssueInvoice",
    "RecordPayment",
    "ReversePayment",
    "CreateCreditNote",
    "DuplicateInvoice",
    "VoidInvoice",
    "MarkInvoiceUncollectible",
    "ListInvoiceEvents",
    "VerifyInvoiceHistory",
];

async fn call(person: &mut Person, rpc: &str, id: &str) -> Result<(), Status> {
    let invoice_id = id.to_owned();
    match rpc {
        "GetInvoice" => person
            .invoices
            .get_invoice(GetInvoiceRequest { invoice_id })
            .await
            .map(drop),
        "UpdateInvoice" => {
            let request = UpdateInvoiceRequest {
                invoice: Some(Invoice {
                    id: invoice_id,
                    note: "x".to_owned(),
                    ..Invoice::default()
                }),
                update_mask: Some(FieldMask {
                    paths: vec!["note".to_owned()],
                }),
                request_id: String::new(),
            };
            person.invoices.update_invoice(request).await.map(drop)
        }
        "DeleteInvoice" => {
            let request = DeleteInvoiceRequest {
                invoice_id,
                etag: String::new(),
            };
            person.invoices.delete_invoice(request).await.map(drop)
        }
        "IssueInvoice" => {
            let request = IssueInvoiceRequest {
                invoice_id,
                ..IssueInvoiceRequest::default()
            };
            person.invoices.issue_invoice(request).await.map(drop)
        }
        "RecordPayment" => {
            let request = RecordPaymentRequest {
                invoice_id,
                ..RecordPaymentRequest::default()
            };
            person.invoices.record_payment(request).await.map(drop)
        }
        "ReversePayment" => {
            let request = ReversePaymentRequest {
                invoice_id,
                payment_id: "x".to_owned(),
                reason: "x".to_owned(),
                ..ReversePaymentRequest::default()
            };
            person.invoices.reverse_payment(request).await.map(drop)
        }
        "CreateCreditNote" => {
            let request = CreateCreditNoteRequest {
                invoice_id,
                ..CreateCreditNoteRequest::default()
            };
            person.invoices.create_credit_note(request).await.map(drop)
        }
        "DuplicateInvoice" => {
            let request = DuplicateInvoiceRequest {
                invoice_id,
                ..DuplicateInvoiceRequest::default()
            };
            person.invoices.duplicate_invoice(request).await.map(drop)
        }
        "VoidInvoice" => {
            let request = VoidInvoiceRequest {
                invoice_id,
                ..VoidInvoiceRequest::default()
            };
            person.invoices.void_invoice(request).await.map(drop)
        }
        "MarkInvoiceUncollectible" => {
            let request = MarkInvoiceUncollectibleRequest {
                invoice_id,
                reason: "x".to_owned(),
                ..MarkInvoiceUncollectibleRequest::default()
            };
            person
                .invoices
                .mark_invoice_uncollectible(request)
                .await
                .map(drop)
        }
        "ListInvoiceEvents" => {
            let request = ListInvoiceEventsRequest {
                invoice_id,
                ..ListInvoiceEventsRequest::default()
            };
            person.invoices.list_invoice_events(request).await.map(drop)
        }
        "VerifyInvoiceHistory" => {
            let request = VerifyInvoiceHistoryRequest { invoice_id };
            person.invoices.verify_invoice_history(request).await.map(drop)
        }
        _ => panic!("{rpc} has no row in this table"),
    }
}

async fn call_about_a_customer(person: &mut Person, rpc: &str, id: &str) -> Result<(), Status> {
    let customer_id = id.to_owned();
    match rpc {
        "GetCustomer" => {
            let request = GetCustomerRequest { customer_id };
            person.customers.get_customer(request).await.map(drop)
        }
        "UpdateCustomer" => {
            let request = UpdateCustomerRequest {
                customer: Some(Customer {
                    id: customer_id,
                    note: "x".to_owned(),
                    ..Customer::default()
                }),
                ..UpdateCustomerRequest::default()
            };
            person.customers.update_customer(request).await.map(drop)
        }
        "DeleteCustomer" => {
            let request = DeleteCustomerRequest {
                customer_id,
                ..DeleteCustomerRequest::default()
            };
            person.customers.delete_customer(request).await.map(drop)
        }
        _ => panic!("{rpc} has no row in this table"),
    }
}

#[test]
fn every_rpc_of_the_service_has_a_row_in_this_table() {
    let descriptors = FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let services = descriptors
        .file
        .iter()
        .filter(|file| file.package() == "invoiceapp.invoice.v1");
    let rpcs: BTreeSet<_> = services
        .flat_map(|file| &file.service)
        .flat_map(|service| {
            service
                .method
                .iter()
                .map(prost_types::MethodDescriptorProto::name)
        })
        .collect();
    assert_eq!(
        rpcs,
        WITH_IDS
            .into_iter()
            .chain(OF_CUSTOMERS)
            .chain(WITHOUT_IDS)
            .collect()
    );
}

#[tokio::test]
async fn foreign_unknown_and_malformed_ids_get_the_same_answer_from_every_rpc() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let mut bob = product.person().await;
    let secret = created(&mut ann, build::invoice()).await;
    let unknown = "inv_01hzzzzzzzzzzzzzzzzzzzzzzz";
    let upper = secret.id.to_uppercase();
    let organization = &ann.registered.organization.clone().unwrap().id;
    for rpc in WITH_IDS {
        for id in [
            &secret.id,
            unknown,
            &upper,
            "inv_",
            "1",
            "../../etc/passwd",
            "{\"$ne\":1}",
            organization,
        ] {
            let status = call(&mut bob, rpc, id).await.unwrap_err();
            assert_eq!(
                Refusal::of(&status),
                Refusal::new(Code::NotFound, "INVOICE_NOT_FOUND"),
                "{rpc} {id}"
            );
            assert_eq!(status.message(), "invoice not found", "{rpc} {id}");
        }
    }
    assert_eq!(
        read(&mut ann, &secret.id).await.unwrap(),
        secret,
        "nothing of it has changed"
    );
}

#[tokio::test]
async fn lists_summaries_and_previews_show_nothing_of_another_organization() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let mut bob = product.person().await;
    created(&mut ann, build::invoice()).await;
    let listed = bob
        .invoices
        .list_invoices(ListInvoicesRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert!(listed.invoices.is_empty());
    let summary = bob
        .invoices
        .summarize_invoices(SummarizeInvoicesRequest::default())
        .await;
    assert!(summary.unwrap().into_inner().currencies.is_empty());
    let request = PreviewInvoiceRequest {
        invoice: Some(build::invoice()),
    };
    let preview = bob.invoices.preview_invoice(request).await.unwrap().into_inner();
    assert_eq!(preview.id, "");
}

#[tokio::test]
async fn one_request_id_in_two_organizations_makes_two_invoices() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let mut bob = product.person().await;
    let request = build::create(build::invoice());
    let first = ann
        .invoices
        .create_invoice(request.clone())
        .await
        .unwrap()
        .into_inner();
    let second = bob.invoices.create_invoice(request).await.unwrap();
    assert!(second.metadata().get("x-idempotent-replay").is_none());
    assert_ne!(first.id, second.into_inner().id);
}

#[tokio::test]
async fn foreign_unknown_and_malformed_customers_get_the_same_answer_from_every_rpc() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let mut bob = product.person().await;
    let create = CreateCustomerRequest {
        customer: Some(Customer {
            note: "secret".to_owned(),
            ..Customer::default()
        }),
        request_id: String::new(),
    };
    let secret = ann.customers.create_customer(create).await.unwrap().into_inner();
    let upper = secret.id.to_uppercase();
    for rpc in OF_CUSTOMERS {
        for id in [
            &secret.id,
            "cus_01hzzzzzzzzzzzzzzzzzzzzzzz",
            &upper,
            "1",
            "{\"$ne\":1}",
        ] {
            let status = call_about_a_customer(&mut bob, rpc, id).await.unwrap_err();
            let expected = Refusal::new(Code::NotFound, "CUSTOMER_NOT_FOUND");
            assert_eq!(Refusal::of(&status), expected, "{rpc} {id}");
            assert_eq!(status.message(), "customer not found", "{rpc} {id}");
        }
    }
    let request = GetCustomerRequest {
        customer_id: secret.id.clone(),
    };
    let unchanged = ann.customers.get_customer(request).await.unwrap().into_inner();
    assert_eq!(unchanged, secret);
}
