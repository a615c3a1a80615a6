//! IssueInvoice, VoidInvoice and MarkInvoiceUncollectible.

use futures::future::join_all;
use harness::{Person, Refusal, RunningProduct, build};
use prost_types::FieldMask;
use proto::invoice::v1::invoice::State;
use proto::invoice::v1::{
    DeleteInvoiceRequest, Invoice, IssueInvoiceRequest, MarkInvoiceUncollectibleRequest, Payment,
    UpdateInvoiceRequest, VoidInvoiceRequest,
};
use rpc_error::Details;
use tonic::{Code, Status};

use crate::payments::{paying, reversing};
use crate::{created, read};

pub(crate) fn issuing(invoice: &Invoice) -> IssueInvoiceRequest {
    IssueInvoiceRequest {
        invoice_id: invoice.id.clone(),
        request_id: build::request_id(),
        ..IssueInvoiceRequest::default()
    }
}

pub(crate) async fn issued(person: &mut Person, invoice: Invoice) -> Invoice {
    let draft = created(person, invoice).await;
    let answer = person.invoices.issue_invoice(issuing(&draft)).await;
    answer.unwrap().into_inner()
}

fn voiding(invoice: &Invoice) -> VoidInvoiceRequest {
    VoidInvoiceRequest {
        invoice_id: invoice.id.clone(),
        reason: "sent twice".to_owned(),
        request_id: build::request_id(),
        ..VoidInvoiceRequest::default()
    }
}

fn giving_up(invoice: &Invoice) -> MarkInvoiceUncollectibleRequest {
    MarkInvoiceUncollectibleRequest {
        invoice_id: invoice.id.clone(),
        reason: "bankrupt".to_owned(),
        request_id: build::request_id(),
        ..MarkInvoiceUncollectibleRequest::default()
    }
}

#[tokio::test]
async fn an_issued_invoice_has_the_next_number_and_stays_as_it_is() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let first = issued(&mut ann, build::invoice()).await;
    assert_eq!(first.state(), State::Open);
    assert_eq!(
        (first.number.as_str(), first.series.as_str()),
        ("INV-2026-0001", "INV")
    );
    assert_eq!(first.issue_date, "2026-03-01", "the draft's own day");
    assert!(first.issue_time.is_some() && first.overdue);
    assert_eq!(read(&mut ann, &first.id).await.unwrap(), first);
    let second = issued(&mut ann, build::invoice()).await;
    assert_eq!(second.number, "INV-2026-0002");
    let mut bob = product.person().await;
    let foreign = issued(&mut bob, build::invoice()).await;
    assert_eq!(
        foreign.number, "INV-2026-0001",
        "each organization counts for itself"
    );
}

#[tokio::test]
async fn the_day_of_issue_is_that_of_the_request_or_of_the_draft_or_today_and_never_before_the_last() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let on = |draft: &Invoice, day: &str| IssueInvoiceRequest {
        issue_date: day.to_owned(),
        ..issuing(draft)
    };
    let draft = created(&mut ann, build::invoice()).await;
    let asked = ann
        .invoices
        .issue_invoice(on(&draft, "2026-03-05"))
        .await
        .unwrap();
    assert_eq!(asked.get_ref().issue_date, "2026-03-05");

    let late = created(&mut ann, build::invoice()).await;
    let refused = Refusal::in_result(ann.invoices.issue_invoice(issuing(&late)).await);
    assert_eq!(refused, Refusal::fields(&["issue_date ISSUE_DATE_BEFORE_LAST"]));
    assert_eq!(read(&mut ann, &late.id).await.unwrap(), late);

    let undated = Invoice {
        issue_date: String::new(),
        due_date: String::new(),
        payment_terms_days: Some(7),
        ..build::invoice()
    };
    let today = issued(&mut ann, undated).await;
    let since_1970 = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() / 86_400;
    let days = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(i64::try_from(since_1970).unwrap());
    assert_eq!(today.issue_date, days.to_string());
    assert_eq!(today.due_date, (days + jiff::Span::new().days(7)).to_string());
}

#[tokio::test]
async fn everything_that_a_draft_lacks_is_reported_at_once_and_it_stays_a_draft() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let mut incomplete = build::invoice();
    incomplete.seller = None;
    incomplete.buyer.as_mut().unwrap().address = None;
    incomplete.due_date = "2026-02-01".to_owned();
    incomplete.lines[0].description = " ".to_owned();
    incomplete.lines[0].quantity = "0".to_owned();
    incomplete.lines[0].tax_rate = String::new();
    let draft = created(&mut ann, incomplete).await;
    let refused = Refusal::in_result(ann.invoices.issue_invoice(issuing(&draft)).await);
    let expected = [
        "invoice.seller.name FIELD_REQUIRED",
        "invoice.seller.address.country_code FIELD_REQUIRED",
        "invoice.buyer.address.country_code FIELD_REQUIRED",
        "invoice.due_date DUE_DATE_BEFORE_ISSUE",
        "invoice.lines[0].description FIELD_REQUIRED",
        "invoice.lines[0].quantity QUANTITY_ZERO",
        "invoice.lines[0].tax_rate TAX_RATE_ZERO",
    ];
    assert_eq!(refused, Refusal::fields(&expected));
    assert_eq!(read(&mut ann, &draft.id).await.unwrap(), draft);
    let complete = issued(&mut ann, build::invoice()).await;
    assert_eq!(
        complete.number, "INV-2026-0001",
        "what was refused took no number"
    );
}

#[tokio::test]
async fn what_is_wrong_with_the_request_is_reported_at_once() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let request = IssueInvoiceRequest {
        issue_date: "2026-02-30".to_owned(),
        series: "{\"$gt\":\"\"}".to_owned(),
        request_id: "x".to_owned(),
        ..IssueInvoiceRequest::default()
    };
    let refused = Refusal::in_result(ann.invoices.issue_invoice(request).await);
    let expected = [
        "request_id REQUEST_ID_MALFORMED",
        "issue_date DATE_NO_SUCH_DAY",
        "series SERIES_UNKNOWN",
        "invoice_id FIELD_REQUIRED",
    ];
    assert_eq!(refused, Refusal::fields(&expected));
    let reason = MarkInvoiceUncollectibleRequest {
        invoice_id: "inv_1".to_owned(),
        ..MarkInvoiceUncollectibleRequest::default()
    };
    let refused = Refusal::in_result(ann.invoices.mark_invoice_uncollectible(reason).await);
    assert_eq!(refused, Refusal::fields(&["reason FIELD_REQUIRED"]));
}

/// Every action that there is, by name, on `invoice`.
async fn act(person: &mut Person, action: &str, invoice: &Invoice) -> Result<(), Status> {
    let invoices = &mut person.invoices;
    match action {
        "UpdateInvoice" => {
            let mask = FieldMask {
                paths: vec!["note".to_owned()],
            };
            let request = UpdateInvoiceRequest {
                invoice: Some(invoice.clone()),
                update_mask: Some(mask),
                request_id: build::request_id(),
            };
            invoices.update_invoice(request).await.map(drop)
        }
        "DeleteInvoice" => {
            let request = DeleteInvoiceRequest {
                invoice_id: invoice.id.clone(),
                etag: invoice.etag.clone(),
            };
            invoices.delete_invoice(request).await.map(drop)
        }
        "IssueInvoice" => invoices.issue_invoice(issuing(invoice)).await.map(drop),
        "RecordPayment" => {
            let request = paying(invoice, Some(1));
            invoices.record_payment(request).await.map(drop)
        }
        "ReversePayment" => {
            let payment = Payment {
                id: "pay_01hzzzzzzzzzzzzzzzzzzzzzzz".to_owned(),
                ..Payment::default()
            };
            invoices
                .reverse_payment(reversing(invoice, &payment))
                .await
                .map(drop)
        }
        "VoidInvoice" => invoices.void_invoice(voiding(invoice)).await.map(drop),
        "MarkInvoiceUncollectible" => {
            let request = giving_up(invoice);
            invoices.mark_invoice_uncollectible(request).await.map(drop)
        }
        _ => panic!("{action} has no row"),
    }
}

const ACTIONS: [&str; 7] = [
    "UpdateInvoice",
    "DeleteInvoice",
    "IssueInvoice",
    "RecordPayment",
    "ReversePayment",
    "VoidInvoice",
    "MarkInvoiceUncollectible",
];

#[tokio::test]
async fn what_a_state_does_not_allow_is_refused_with_what_it_does_allow_and_changes_nothing() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let draft = created(&mut ann, build::invoice()).await;
    let open = issued(&mut ann, build::invoice()).await;
    let mut free = build::invoice();
    free.lines[0].unit_price = "0".to_owned();
    let paid = issued(&mut ann, free).await;
    let hopeless = issued(&mut ann, build::invoice()).await;
    let request = giving_up(&hopeless);
    let hopeless = ann
        .invoices
        .mark_invoice_uncollectible(request)
        .await
        .unwrap()
        .into_inner();
    let void = issued(&mut ann, build::invoice()).await;
    let void = ann
        .invoices
        .void_invoice(voiding(&void))
        .await
        .unwrap()
        .into_inner();

    for (invoice, state, name) in [
        (draft, State::Draft, "DRAFT"),
        (open, State::Open, "OPEN"),
        (paid, State::Paid, "PAID"),
        (hopeless, State::Uncollectible, "UNCOLLECTIBLE"),
        (void, State::Void, "VOID"),
    ] {
        assert_eq!(invoice.state(), state);
        let allowed: &[&str] = match state {
            State::Draft => &["UpdateInvoice", "DeleteInvoice", "IssueInvoice"],
            State::Open => &[
                "RecordPayment",
                "ReversePayment",
                "VoidInvoice",
                "MarkInvoiceUncollectible",
            ],
            State::Uncollectible => &["RecordPayment", "VoidInvoice"],
            State::Paid => &["ReversePayment"],
            State::Void | State::Unspecified => &[],
        };
        for action in ACTIONS.into_iter().filter(|action| !allowed.contains(action)) {
            let status = act(&mut ann, action, &invoice).await.unwrap_err();
            let refusal = Refusal::of(&status);
            assert_eq!(
                refusal,
                Refusal::new(Code::FailedPrecondition, "INVOICE_STATE"),
                "{action} {name}"
            );
            let metadata = Details::of(&status).error_info.unwrap().metadata;
            assert_eq!(metadata["state"], name);
            let told: Vec<_> = metadata["allowed_actions"]
                .split(',')
                .filter(|action| ACTIONS.contains(action))
                .collect();
            assert_eq!(told, allowed, "{action} {name}");
            assert_eq!(
                read(&mut ann, &invoice.id).await.unwrap(),
                invoice,
                "{action} {name}"
            );
        }
    }
}

#[tokio::test]
async fn what_something_is_paid_on_cannot_be_annulled() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let open = issued(&mut ann, build::invoice()).await;
    let part = ann
        .invoices
        .record_payment(paying(&open, Some(1)))
        .await
        .unwrap()
        .into_inner();
    let status = act(&mut ann, "VoidInvoice", &part).await.unwrap_err();
    assert_eq!(
        Refusal::of(&status),
        Refusal::new(Code::FailedPrecondition, "INVOICE_STATE")
    );
    let metadata = Details::of(&status).error_info.unwrap().metadata;
    let told = "RecordPayment,ReversePayment,MarkInvoiceUncollectible,CreateCreditNote";
    assert_eq!(metadata["allowed_actions"], told);
    assert_eq!(read(&mut ann, &open.id).await.unwrap(), part);
}

#[tokio::test]
async fn stale_etags_change_nothing_and_repetitions_are_replays() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let draft = created(&mut ann, build::invoice()).await;
    let stale = IssueInvoiceRequest {
        etag: "v9".to_owned(),
        ..issuing(&draft)
    };
    let refused = Refusal::in_result(ann.invoices.issue_invoice(stale).await);
    assert_eq!(refused, Refusal::new(Code::Aborted, "ETAG_MISMATCH"));
    assert_eq!(read(&mut ann, &draft.id).await.unwrap(), draft);

    let request = IssueInvoiceRequest {
        etag: draft.etag.clone(),
        ..issuing(&draft)
    };
    let issued = ann.invoices.issue_invoice(request.clone()).await.unwrap();
    let repeated = ann.invoices.issue_invoice(request.clone()).await.unwrap();
    assert_eq!(repeated.metadata().get("x-idempotent-replay").unwrap(), "true");
    assert_eq!(repeated.get_ref(), issued.get_ref());
    let other = IssueInvoiceRequest {
        issue_date: "2026-03-09".to_owned(),
        ..request.clone()
    };
    let reused = Refusal::in_result(ann.invoices.issue_invoice(other).await);
    assert_eq!(reused, Refusal::new(Code::InvalidArgument, "REQUEST_ID_REUSED"));
    let elsewhere = VoidInvoiceRequest {
        request_id: request.request_id,
        ..voiding(&draft)
    };
    let reused = Refusal::in_result(ann.invoices.void_invoice(elsewhere).await);
    assert_eq!(reused, Refusal::new(Code::InvalidArgument, "REQUEST_ID_REUSED"));
    let stale = VoidInvoiceRequest {
        etag: draft.etag.clone(),
        ..voiding(&draft)
    };
    let refused = Refusal::in_result(ann.invoices.void_invoice(stale).await);
    assert_eq!(refused, Refusal::new(Code::Aborted, "ETAG_MISMATCH"));
    assert_eq!(&read(&mut ann, &draft.id).await.unwrap(), issued.get_ref());
}

#[tokio::test]
async fn fifty_parallel_calls_under_one_request_id_have_one_effect() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let draft = created(&mut ann, build::invoice()).await;
    let other = created(&mut ann, build::invoice()).await;
    let request = issuing(&draft);
    let issues = (0..50).map(|_| {
        let (mut ann, request) = (ann.clone(), request.clone());
        async move { ann.invoices.issue_invoice(request).await.unwrap().into_inner() }
    });
    let answers = join_all(issues).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(
        (answers[0].etag.as_str(), answers[0].number.as_str()),
        ("v2", "INV-2026-0001")
    );

    let request = giving_up(&draft);
    let calls = (0..50).map(|_| {
        let (mut ann, request) = (ann.clone(), request.clone());
        async move {
            ann.invoices
                .mark_invoice_uncollectible(request)
                .await
                .unwrap()
                .into_inner()
        }
    });
    let answers = join_all(calls).await;
    assert!(answers.iter().all(|answer| answer.etag == "v3"));

    let request = voiding(&draft);
    let calls = (0..50).map(|_| {
        let (mut ann, request) = (ann.clone(), request.clone());
        async move { ann.invoices.void_invoice(request).await.unwrap().into_inner() }
    });
    let answers = join_all(calls).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.etag == "v4" && answer.state() == State::Void)
    );
    let next = ann.invoices.issue_invoice(issuing(&other)).await.unwrap();
    assert_eq!(
        next.get_ref().number,
        "INV-2026-0002",
        "fifty issues took one number"
    );
}
