//! CustomerService, and drafts that take their buyer from a customer.

use futures::future::join_all;
use harness::{Person, Refusal, RunningProduct, build};
use prost_types::FieldMask;
use proto::invoice::v1::list_customers_request::OrderBy;
use proto::invoice::v1::list_invoices_request::Filter;
use proto::invoice::v1::{
    CreateCustomerRequest, Customer, DeleteCustomerRequest, GetCustomerRequest, Invoice,
    ListCustomersRequest, ListInvoicesRequest, PreviewInvoiceRequest, UpdateCustomerRequest,
    UpdateInvoiceRequest,
};
use tonic::{Code, Status};

use crate::issue::issuing;
use crate::{created, read};

fn customer(name: &str) -> Customer {
    Customer {
        party: Some(build::party(name, "FR")),
        currency_code: "CHF".to_owned(),
        payment_terms_days: Some(21),
        note: "pays late".to_owned(),
        ..Customer::default()
    }
}

fn creating(customer: Customer) -> CreateCustomerRequest {
    CreateCustomerRequest {
        customer: Some(customer),
        request_id: build::request_id(),
    }
}

async fn stored(person: &mut Person, customer: Customer) -> Customer {
    let created = person.customers.create_customer(creating(customer)).await;
    created.unwrap().into_inner()
}

async fn get(person: &mut Person, id: &str) -> Result<Customer, Status> {
    let request = GetCustomerRequest {
        customer_id: id.to_owned(),
    };
    Ok(person.customers.get_customer(request).await?.into_inner())
}

fn updating(customer: Customer, paths: &[&str]) -> UpdateCustomerRequest {
    UpdateCustomerRequest {
        customer: Some(customer),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        request_id: build::request_id(),
    }
}

async fn renamed(person: &mut Person, customer: &Customer, name: &str) -> Customer {
    let update = Customer {
        id: customer.id.clone(),
        party: Some(build::party(name, "")),
        ..Customer::default()
    };
    let updated = person
        .customers
        .update_customer(updating(update, &["party.name"]))
        .await;
    updated.unwrap().into_inner()
}

async fn delete(person: &mut Person, id: &str, etag: &str) -> Result<(), Status> {
    let request = DeleteCustomerRequest {
        customer_id: id.to_owned(),
        etag: etag.to_owned(),
    };
    person.customers.delete_customer(request).await.map(drop)
}

async fn names(person: &mut Person, request: ListCustomersRequest) -> (Vec<String>, String) {
    let page = person
        .customers
        .list_customers(request)
        .await
        .unwrap()
        .into_inner();
    let names = page
        .customers
        .into_iter()
        .map(|customer| customer.party.unwrap().name);
    (names.collect(), page.next_page_token)
}

/// An invoice for a customer that says nothing which the customer says.
fn bare(customer: &Customer) -> Invoice {
    Invoice {
        customer_id: customer.id.clone(),
        buyer: None,
        currency_code: String::new(),
        due_date: String::new(),
        ..build::invoice()
    }
}

#[tokio::test]
async fn a_customer_is_stored_changed_and_deleted() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let first = stored(&mut ann, customer("Café")).await;
    let expected = Customer {
        id: first.id.clone(),
        etag: "v1".to_owned(),
        create_time: first.create_time,
        update_time: first.update_time,
        ..customer("Café")
    };
    assert_eq!(first, expected);
    assert!(first.id.starts_with("cus_"));
    let second = renamed(&mut ann, &first, "Bar").await;
    assert_eq!(second.party, customer("Bar").party);
    assert_eq!((second.etag.as_str(), &second.note), ("v2", &first.note));
    assert_eq!(get(&mut ann, &first.id).await.unwrap(), second);

    let stale = Customer {
        etag: first.etag.clone(),
        ..first.clone()
    };
    let refused = Refusal::in_result(ann.customers.update_customer(updating(stale, &["note"])).await);
    let mismatch = Refusal::new(Code::Aborted, "ETAG_MISMATCH");
    assert_eq!(refused, mismatch);
    assert_eq!(
        Refusal::in_result(delete(&mut ann, &first.id, "v1").await),
        mismatch
    );
    assert_eq!(get(&mut ann, &first.id).await.unwrap(), second);
    delete(&mut ann, &first.id, "v2").await.unwrap();
    let not_found = Refusal::new(Code::NotFound, "CUSTOMER_NOT_FOUND");
    assert_eq!(
        Refusal::in_result(delete(&mut ann, &first.id, "").await),
        not_found
    );
    assert_eq!(Refusal::in_result(get(&mut ann, &first.id).await), not_found);
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_customer_is_reported_at_once() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let wrong = Customer {
        party: Some(build::party("\u{7}", "XX")),
        currency_code: "EURO".to_owned(),
        payment_terms_days: Some(3651),
        note: "\u{7}".to_owned(),
        ..Customer::default()
    };
    let fields = [
        "customer.currency_code CURRENCY_UNKNOWN",
        "customer.payment_terms_days PAYMENT_TERMS_RANGE",
        "customer.note TEXT_CONTROL_CHARACTER",
        "customer.party.name TEXT_CONTROL_CHARACTER",
        "customer.party.address.country_code COUNTRY_UNKNOWN",
    ];
    let create = CreateCustomerRequest {
        customer: Some(wrong.clone()),
        request_id: "x".to_owned(),
    };
    let refused = Refusal::in_result(ann.customers.create_customer(create).await);
    let id = "request_id REQUEST_ID_MALFORMED";
    assert_eq!(refused, Refusal::fields(&[&[id], &fields[..]].concat()));
    let update = updating(wrong, &["*", "create_time"]);
    let refused = Refusal::in_result(ann.customers.update_customer(update).await);
    let paths = [
        "customer.id FIELD_REQUIRED",
        "update_mask.paths[0] FIELD_MASK_UNKNOWN",
        "update_mask.paths[1] FIELD_OUTPUT_ONLY",
    ];
    assert_eq!(refused, Refusal::fields(&paths));
    let list = ListCustomersRequest {
        page_size: -1,
        page_token: "x".to_owned(),
        query: "x".repeat(201),
        order_by: 9,
    };
    let refused = Refusal::in_result(ann.customers.list_customers(list).await);
    let expected = [
        "order_by ENUM_UNKNOWN",
        "page_size PAGE_SIZE_NEGATIVE",
        "query TEXT_TOO_LONG",
        "page_token PAGE_TOKEN_MALFORMED",
    ];
    assert_eq!(refused, Refusal::fields(&expected));
    let nothing = Refusal::in_result(
        ann.customers
            .create_customer(CreateCustomerRequest::default())
            .await,
    );
    assert_eq!(nothing, Refusal::fields(&["customer FIELD_REQUIRED"]));
    let nobody = Refusal::in_result(get(&mut ann, "").await);
    assert_eq!(nobody, Refusal::fields(&["customer_id FIELD_REQUIRED"]));
    assert_eq!(
        names(&mut ann, ListCustomersRequest::default()).await.0,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn fifty_parallel_calls_about_a_customer_under_one_request_id_have_one_effect() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let request = creating(customer("Ann"));
    let calls = (0..50).map(|_| {
        let (mut ann, request) = (ann.clone(), request.clone());
        async move { ann.customers.create_customer(request).await.unwrap().into_inner() }
    });
    let answers = join_all(calls).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(names(&mut ann, ListCustomersRequest::default()).await.0, ["Ann"]);
    let mut update = updating(answers[0].clone(), &["note"]);
    update.customer.as_mut().unwrap().note = "new".to_owned();
    let calls = (0..50).map(|_| {
        let (mut ann, update) = (ann.clone(), update.clone());
        async move { ann.customers.update_customer(update).await.unwrap() }
    });
    let updates = join_all(calls).await;
    assert!(updates.iter().all(|answer| answer.get_ref().etag == "v2"));
    let replays = updates
        .iter()
        .filter(|answer| answer.metadata().contains_key("x-idempotent-replay"));
    assert_eq!(replays.count(), 49);
    let other = CreateCustomerRequest {
        customer: Some(customer("Bob")),
        ..request.clone()
    };
    let reused = Refusal::new(Code::InvalidArgument, "REQUEST_ID_REUSED");
    assert_eq!(
        Refusal::in_result(ann.customers.create_customer(other).await),
        reused
    );
    update.request_id = request.request_id;
    assert_eq!(
        Refusal::in_result(ann.customers.update_customer(update).await),
        reused
    );
}

#[tokio::test]
async fn customers_are_listed_page_by_page_and_found_by_words() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    for name in ["Zoe", "anna", "Bo"] {
        stored(&mut ann, customer(name)).await;
    }
    let mut request = ListCustomersRequest {
        page_size: 2,
        ..ListCustomersRequest::default()
    };
    let (first, token) = names(&mut ann, request.clone()).await;
    assert_eq!(first, ["anna", "Bo"]);
    request.page_token = token;
    assert_eq!(
        names(&mut ann, request.clone()).await,
        (vec!["Zoe".to_owned()], String::new())
    );
    request.set_order_by(OrderBy::CreateTimeDesc);
    let refused = Refusal::in_result(ann.customers.list_customers(request).await);
    assert_eq!(refused, Refusal::fields(&["page_token PAGE_TOKEN_OTHER_LIST"]));
    let found = ListCustomersRequest {
        query: "AN".to_owned(),
        ..ListCustomersRequest::default()
    };
    assert_eq!(names(&mut ann, found).await.0, ["anna"]);
    let mut bob = product.person().await;
    assert_eq!(
        names(&mut bob, ListCustomersRequest::default()).await.0,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn a_draft_takes_what_its_customer_says_and_the_preview_is_the_same() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let cafe = stored(&mut ann, customer("Café")).await;
    let draft = created(&mut ann, bare(&cafe)).await;
    assert_eq!(draft.buyer, cafe.party);
    assert_eq!(
        (draft.currency_code.as_str(), draft.payment_terms_days),
        ("CHF", Some(21))
    );
    let request = PreviewInvoiceRequest {
        invoice: Some(bare(&cafe)),
    };
    let preview = ann.invoices.preview_invoice(request).await.unwrap().into_inner();
    let same = Invoice {
        id: String::new(),
        etag: String::new(),
        create_time: None,
        update_time: None,
        lines: preview.lines.clone(),
        ..draft
    };
    assert_eq!(preview, same);
    let typed = Invoice {
        customer_id: cafe.id.clone(),
        ..build::invoice()
    };
    let typed = created(&mut ann, typed).await;
    assert_eq!(
        (typed.buyer, typed.currency_code.as_str()),
        (build::invoice().buyer, "EUR")
    );
}

#[tokio::test]
async fn an_unknown_customer_and_a_foreign_one_are_the_same_violation() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let mut bob = product.person().await;
    let foreign = stored(&mut bob, customer("Bob's")).await;
    let draft = created(&mut ann, build::invoice()).await;
    for id in [foreign.id.as_str(), "cus_01hzzzzzzzzzzzzzzzzzzzzzzz"] {
        let wanted = Invoice {
            customer_id: id.to_owned(),
            ..build::invoice()
        };
        let expected = Refusal::fields(&["invoice.customer_id CUSTOMER_UNKNOWN"]);
        let create = ann.invoices.create_invoice(build::create(wanted.clone())).await;
        assert_eq!(Refusal::in_result(create), expected);
        let preview = PreviewInvoiceRequest {
            invoice: Some(wanted.clone()),
        };
        assert_eq!(
            Refusal::in_result(ann.invoices.preview_invoice(preview).await),
            expected
        );
        let update = UpdateInvoiceRequest {
            invoice: Some(Invoice {
                id: draft.id.clone(),
                ..wanted
            }),
            update_mask: Some(FieldMask {
                paths: vec!["customer_id".to_owned()],
            }),
            request_id: String::new(),
        };
        assert_eq!(
            Refusal::in_result(ann.invoices.update_invoice(update).await),
            expected
        );
    }
    assert_eq!(read(&mut ann, &draft.id).await.unwrap(), draft);
}

#[tokio::test]
async fn a_taken_buyer_follows_its_customer_until_it_is_issued_and_a_typed_one_stays() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let cafe = stored(&mut ann, customer("Café")).await;
    let taken = created(&mut ann, bare(&cafe)).await;
    let typed = Invoice {
        buyer: Some(build::party("Typed", "IT")),
        ..bare(&cafe)
    };
    let typed = created(&mut ann, typed).await;
    let bar = renamed(&mut ann, &cafe, "Bar").await;
    let followed = read(&mut ann, &taken.id).await.unwrap();
    assert_eq!(followed.buyer, bar.party);
    assert_ne!(followed.etag, taken.etag, "the draft is another one");
    assert_eq!(read(&mut ann, &typed.id).await.unwrap().buyer, typed.buyer);
    let by_name = ListInvoicesRequest {
        filter: Some(Filter {
            query: "bar".to_owned(),
            ..Filter::default()
        }),
        ..ListInvoicesRequest::default()
    };
    let found = ann.invoices.list_invoices(by_name).await.unwrap().into_inner();
    assert_eq!(found.invoices.len(), 1);

    // Sent back as it was read, it is not typed.
    let whole = UpdateInvoiceRequest {
        invoice: Some(followed),
        update_mask: Some(FieldMask {
            paths: vec!["*".to_owned()],
        }),
        request_id: String::new(),
    };
    ann.invoices.update_invoice(whole).await.unwrap();
    let pub_ = renamed(&mut ann, &bar, "Pub").await;
    let issued = ann
        .invoices
        .issue_invoice(issuing(&taken))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((&issued.buyer, &issued.customer_id), (&pub_.party, &cafe.id));
    renamed(&mut ann, &pub_, "Club").await;
    assert_eq!(read(&mut ann, &taken.id).await.unwrap(), issued, "frozen");
    let blank = UpdateInvoiceRequest {
        invoice: Some(Invoice {
            id: typed.id.clone(),
            ..Invoice::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["buyer".to_owned()],
        }),
        request_id: String::new(),
    };
    let taken_again = ann.invoices.update_invoice(blank).await.unwrap().into_inner();
    assert_eq!(taken_again.buyer.unwrap().name, "Club");
}

#[tokio::test]
async fn a_deleted_customer_leaves_invoices_and_drafts_as_they_were() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let cafe = stored(&mut ann, customer("Café")).await;
    let draft = created(&mut ann, bare(&cafe)).await;
    let issued = created(&mut ann, bare(&cafe)).await;
    let issued = ann
        .invoices
        .issue_invoice(issuing(&issued))
        .await
        .unwrap()
        .into_inner();
    delete(&mut ann, &cafe.id, "").await.unwrap();
    assert_eq!(read(&mut ann, &draft.id).await.unwrap(), draft);
    assert_eq!(read(&mut ann, &issued.id).await.unwrap(), issued);
    let whole = UpdateInvoiceRequest {
        invoice: Some(Invoice {
            note: "still here".to_owned(),
            ..draft.clone()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["*".to_owned()],
        }),
        request_id: String::new(),
    };
    let updated = ann.invoices.update_invoice(whole).await.unwrap().into_inner();
    assert_eq!(
        (&updated.buyer, updated.note.as_str()),
        (&draft.buyer, "still here")
    );
    let issued = ann
        .invoices
        .issue_invoice(issuing(&draft))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(issued.buyer, draft.buyer);
}
