//! CustomerService.

use futures::future::join_all;
use harness::{Person, Refusal, RunningProduct, build};
use prost_types::FieldMask;
use proto::invoice::v1::list_customers_request::OrderBy;
use proto::invoice::v1::{
    CreateCustomerRequest, Customer, DeleteCustomerRequest, GetCustomerRequest, ListCustomersRequest,
    UpdateCustomerRequest,
};
use tonic::{Code, Status};

pub(crate) fn customer(name: &str) -> Customer {
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

pub(crate) async fn stored(person: &mut Person, customer: Customer) -> Customer {
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

pub(crate) async fn renamed(person: &mut Person, customer: &Customer, name: &str) -> Customer {
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

pub(crate) async fn delete(person: &mut Person, id: &str, etag: &str) -> Result<(), Status> {
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
