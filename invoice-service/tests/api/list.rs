//! ListInvoices: pages, orders, filters.

use std::collections::BTreeSet;

use harness::{Person, Refusal, RunningProduct, build};
use proto::invoice::v1::list_invoices_request::{Filter, OrderBy};
use proto::invoice::v1::{Invoice, ListInvoicesRequest, ListInvoicesResponse};

use crate::created;

async fn list(person: &mut Person, request: ListInvoicesRequest) -> ListInvoicesResponse {
    person.invoices.list_invoices(request).await.unwrap().into_inner()
}

/// Every id of a list, page by page.
async fn walked(person: &mut Person, mut request: ListInvoicesRequest) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        let page = list(person, request.clone()).await;
        ids.extend(page.invoices.into_iter().map(|invoice| invoice.id));
        if page.next_page_token.is_empty() {
            return ids;
        }
        request.page_token = page.next_page_token;
    }
}

async fn some(person: &mut Person, count: usize) -> Vec<Invoice> {
    let mut invoices = Vec::new();
    for number in 0..count {
        let mut invoice = build::invoice();
        invoice.lines[0].quantity = (number % 7).to_string();
        invoice.note = format!("note {number}");
        invoices.push(created(person, invoice).await);
    }
    invoices
}

#[tokio::test]
async fn pages_of_every_order_show_every_invoice_once() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let all: BTreeSet<_> = some(&mut ann, 23)
        .await
        .into_iter()
        .map(|invoice| invoice.id)
        .collect();
    for order in 0..=5 {
        let request = ListInvoicesRequest {
            page_size: 5,
            order_by: order,
            ..ListInvoicesRequest::default()
        };
        let ids = walked(&mut ann, request).await;
        assert_eq!(ids.len(), 23, "order {order}");
        assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), all, "order {order}");
    }
}

#[tokio::test]
async fn the_newest_comes_first_and_a_full_last_page_has_no_next_one() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let invoices = some(&mut ann, 4).await;
    let page = list(
        &mut ann,
        ListInvoicesRequest {
            page_size: 4,
            ..ListInvoicesRequest::default()
        },
    )
    .await;
    let expected: Vec<_> = invoices.iter().rev().cloned().collect();
    assert_eq!(
        page,
        ListInvoicesResponse {
            invoices: expected,
            next_page_token: String::new()
        }
    );
}

#[tokio::test]
async fn a_page_is_fifty_by_default_and_two_hundred_at_most_and_never_negative() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let blank = Invoice {
        currency_code: "EUR".to_owned(),
        ..Invoice::default()
    };
    for _ in 0..201 {
        created(&mut ann, blank.clone()).await;
    }
    for (page_size, expected) in [(0, 50), (1, 1), (200, 200), (201, 200), (i32::MAX, 200)] {
        let page = list(
            &mut ann,
            ListInvoicesRequest {
                page_size,
                ..ListInvoicesRequest::default()
            },
        )
        .await;
        assert_eq!(page.invoices.len(), expected, "{page_size}");
        assert!(!page.next_page_token.is_empty());
    }
    let negative = ListInvoicesRequest {
        page_size: -1,
        ..ListInvoicesRequest::default()
    };
    let refusal = Refusal::in_result(ann.invoices.list_invoices(negative).await);
    assert_eq!(refusal, Refusal::fields(&["page_size PAGE_SIZE_NEGATIVE"]));
}

#[tokio::test]
async fn a_page_token_holds_only_with_its_own_list_and_organization() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let mut bob = product.person().await;
    some(&mut ann, 3).await;
    let request = ListInvoicesRequest {
        page_size: 1,
        ..ListInvoicesRequest::default()
    };
    let token = list(&mut ann, request.clone()).await.next_page_token;

    let with_token = ListInvoicesRequest {
        page_token: token.clone(),
        ..request
    };
    let other_filter = Filter {
        overdue_only: true,
        ..Filter::default()
    };
    let other_order = ListInvoicesRequest {
        order_by: OrderBy::GrossDesc.into(),
        ..with_token.clone()
    };
    let other_list = Refusal::fields(&["page_token PAGE_TOKEN_OTHER_LIST"]);
    assert_eq!(
        Refusal::in_result(ann.invoices.list_invoices(other_order).await),
        other_list
    );
    let filtered = ListInvoicesRequest {
        filter: Some(other_filter),
        ..with_token.clone()
    };
    assert_eq!(
        Refusal::in_result(ann.invoices.list_invoices(filtered).await),
        other_list
    );
    assert_eq!(
        Refusal::in_result(bob.invoices.list_invoices(with_token.clone()).await),
        other_list
    );

    let same = ListInvoicesRequest {
        order_by: OrderBy::CreateTimeDesc.into(),
        filter: Some(Filter::default()),
        ..with_token.clone()
    };
    assert_eq!(
        list(&mut ann, same).await.invoices.len(),
        1,
        "the same list, said otherwise"
    );
    let bigger = ListInvoicesRequest {
        page_size: 2,
        ..with_token
    };
    assert_eq!(
        list(&mut ann, bigger).await.invoices.len(),
        2,
        "the size of a page may change"
    );
    let malformed = ListInvoicesRequest {
        page_token: "{\"$gt\":\"\"}".into(),
        ..ListInvoicesRequest::default()
    };
    let refusal = Refusal::in_result(ann.invoices.list_invoices(malformed).await);
    assert_eq!(refusal, Refusal::fields(&["page_token PAGE_TOKEN_MALFORMED"]));
}

#[tokio::test]
async fn filters_narrow_the_list_and_search_finds_beginnings_of_words() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let mut wanted = build::invoice();
    wanted.note = "Repair of the Straße".to_owned();
    wanted.currency_code = "CHF".to_owned();
    wanted.due_date = "2026-12-31".to_owned();
    let wanted = created(&mut ann, wanted).await.id;
    some(&mut ann, 3).await;
    let filters = [
        Filter {
            query: "STRASSE rep".to_owned(),
            ..Filter::default()
        },
        Filter {
            currency_code: "CHF".to_owned(),
            ..Filter::default()
        },
        Filter {
            due_date_from: "2026-12-01".to_owned(),
            ..Filter::default()
        },
    ];
    for filter in filters {
        let request = ListInvoicesRequest {
            filter: Some(filter.clone()),
            ..ListInvoicesRequest::default()
        };
        assert_eq!(
            walked(&mut ann, request).await,
            std::slice::from_ref(&wanted),
            "{filter:?}"
        );
    }
    let nothing = Filter {
        overdue_only: true,
        ..Filter::default()
    };
    let request = ListInvoicesRequest {
        filter: Some(nothing),
        ..ListInvoicesRequest::default()
    };
    assert_eq!(
        walked(&mut ann, request).await,
        Vec::<String>::new(),
        "a draft is never overdue"
    );
}

#[tokio::test]
async fn every_mistake_in_a_list_request_is_reported_at_once() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let filter = Filter {
        states: vec![1, 0, 99],
        r#type: 7,
        customer_id: "inv_1".to_owned(),
        query: "a b c d e f g h i j k".to_owned(),
        issue_date_from: "2026-1-1".to_owned(),
        due_date_to: "tomorrow".to_owned(),
        currency_code: "euro".to_owned(),
        ..Filter::default()
    };
    let request = ListInvoicesRequest {
        page_size: -5,
        page_token: "!".to_owned(),
        filter: Some(filter),
        order_by: 42,
    };
    let mut refusal = Refusal::in_result(ann.invoices.list_invoices(request).await);
    refusal.violations.sort();
    let expected = [
        "filter.currency_code CURRENCY_UNKNOWN",
        "filter.customer_id ID_MALFORMED",
        "filter.due_date_to DATE_MALFORMED",
        "filter.issue_date_from DATE_MALFORMED",
        "filter.query TOO_MANY_WORDS",
        "filter.states[1] ENUM_UNKNOWN",
        "filter.states[2] ENUM_UNKNOWN",
        "filter.type ENUM_UNKNOWN",
        "order_by ENUM_UNKNOWN",
        "page_size PAGE_SIZE_NEGATIVE",
        "page_token PAGE_TOKEN_MALFORMED",
    ];
    assert_eq!(refusal, Refusal::fields(&expected));
}
