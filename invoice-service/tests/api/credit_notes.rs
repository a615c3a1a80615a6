//! CreateCreditNote.

use std::collections::BTreeSet;

use futures::future::join_all;
use harness::{Person, Refusal, RunningProduct, build};
use proto::invoice::v1::create_credit_note_request::{Line, line::Extent};
use proto::invoice::v1::invoice::{PaymentState, State, Type};
use proto::invoice::v1::list_invoices_request::Filter;
use proto::invoice::v1::{
    CreateCreditNoteRequest, CreateCreditNoteResponse, CreditNoteReference, DeleteInvoiceRequest,
    DuplicateInvoiceRequest, Invoice, ListInvoicesRequest, VerifyInvoiceHistoryRequest, VoidInvoiceRequest,
};
use rpc_error::Details;
use tonic::Code;

use crate::issue::issued;
use crate::payments::paying;
use crate::{created, read};

pub(crate) fn crediting(invoice: &Invoice, lines: Vec<Line>) -> CreateCreditNoteRequest {
    CreateCreditNoteRequest {
        invoice_id: invoice.id.clone(),
        lines,
        reason: "damaged in transit".to_owned(),
        issue_date: "2026-03-02".to_owned(),
        request_id: build::request_id(),
        ..CreateCreditNoteRequest::default()
    }
}

fn units(invoice: &Invoice, position: usize, quantity: &str) -> Line {
    Line {
        line_id: invoice.lines[position].id.clone(),
        extent: Some(Extent::Quantity(quantity.to_owned())),
    }
}

fn amount(invoice: &Invoice, position: usize, amount_minor: i64) -> Line {
    Line {
        line_id: invoice.lines[position].id.clone(),
        extent: Some(Extent::AmountMinor(amount_minor)),
    }
}

async fn credited(person: &mut Person, request: CreateCreditNoteRequest) -> (Invoice, Invoice) {
    let answer = person.invoices.create_credit_note(request).await;
    parts(answer.unwrap().into_inner())
}

fn parts(answer: CreateCreditNoteResponse) -> (Invoice, Invoice) {
    (answer.credit_note.unwrap(), answer.invoice.unwrap())
}

async fn listed(person: &mut Person, of: Type) -> Vec<Invoice> {
    let request = ListInvoicesRequest {
        filter: Some(Filter {
            r#type: of.into(),
            ..Filter::default()
        }),
        ..ListInvoicesRequest::default()
    };
    person
        .invoices
        .list_invoices(request)
        .await
        .unwrap()
        .into_inner()
        .invoices
}

#[tokio::test]
async fn a_credit_note_and_its_invoice_name_each_other_and_add_up() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let open = issued(&mut ann, build::invoice()).await;
    assert_eq!(open.lines[0].creditable_minor, 20_000);
    let (first, after) = credited(&mut ann, crediting(&open, vec![units(&open, 0, "0.5")])).await;
    assert_eq!((first.r#type(), first.state()), (Type::CreditNote, State::Paid));
    assert_eq!(
        (first.number.as_str(), first.series.as_str()),
        ("CN-2026-0001", "CN")
    );
    assert_eq!(first.preceding_invoice_id, open.id);
    assert_eq!(
        (first.issue_date.as_str(), first.due_date.as_str()),
        ("2026-03-02", "")
    );
    assert_eq!(
        (&first.buyer, first.note.as_str()),
        (&open.buyer, "damaged in transit")
    );
    let totals = first.totals.unwrap();
    assert_eq!(
        (totals.net_minor, totals.tax_minor, totals.gross_minor),
        (4_000, 760, 4_760)
    );
    assert_eq!((totals.credited_minor, totals.remaining_minor), (4_760, 0));
    let reference = CreditNoteReference {
        id: first.id.clone(),
        number: first.number.clone(),
        issue_date: "2026-03-02".to_owned(),
        amount_minor: 4_760,
    };
    assert_eq!(after.credit_notes, [reference]);
    let line = &after.lines[0];
    assert_eq!(
        (
            line.credited_quantity.as_str(),
            line.credited_minor,
            line.creditable_minor
        ),
        ("0.5", 4_000, 16_000)
    );
    assert_eq!(
        (after.state(), after.totals.unwrap().remaining_minor),
        (State::Open, 19_040)
    );
    assert_eq!(read(&mut ann, &open.id).await.unwrap(), after);
    assert_eq!(read(&mut ann, &first.id).await.unwrap(), first);

    let (second, settled) = credited(&mut ann, crediting(&open, Vec::new())).await;
    assert_eq!(second.number, "CN-2026-0002");
    assert_eq!(
        (settled.state(), settled.payment_state()),
        (State::Paid, PaymentState::Paid)
    );
    let totals = settled.totals.unwrap();
    assert_eq!((totals.credited_minor, totals.remaining_minor), (23_800, 0));
    for id in [&open.id, &first.id, &second.id] {
        let request = VerifyInvoiceHistoryRequest {
            invoice_id: id.clone(),
        };
        let verdict = ann
            .invoices
            .verify_invoice_history(request)
            .await
            .unwrap()
            .into_inner();
        assert!(verdict.intact, "{id}: {verdict:?}");
    }
    let notes = listed(&mut ann, Type::CreditNote).await;
    let ids: BTreeSet<_> = notes.iter().map(|note| note.id.as_str()).collect();
    assert_eq!(ids, BTreeSet::from([second.id.as_str(), first.id.as_str()]));
    let invoices = listed(&mut ann, Type::Invoice).await;
    assert_eq!((invoices.len(), invoices[0].credit_notes.len()), (1, 0));
}

#[tokio::test]
async fn what_was_paid_and_is_credited_is_owed_back() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let open = issued(&mut ann, build::invoice()).await;
    ann.invoices.record_payment(paying(&open, None)).await.unwrap();
    let (_, after) = credited(&mut ann, crediting(&open, vec![amount(&open, 0, 1_000)])).await;
    assert_eq!(
        (after.state(), after.payment_state()),
        (State::Paid, PaymentState::Overpaid)
    );
    assert_eq!(after.totals.unwrap().overpaid_minor, 1_190);
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_credit_is_told_at_once_and_changes_nothing() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let open = issued(&mut ann, build::invoice()).await;
    let malformed = CreateCreditNoteRequest {
        lines: vec![
            Line::default(),
            Line {
                line_id: "1".to_owned(),
                extent: Some(Extent::Quantity("a".to_owned())),
            },
            amount(&open, 0, i64::MAX),
        ],
        issue_date: "tomorrow".to_owned(),
        series: "no id".to_owned(),
        reason: "x".repeat(501),
        request_id: "1".to_owned(),
        ..CreateCreditNoteRequest::default()
    };
    let refused = Refusal::in_result(ann.invoices.create_credit_note(malformed).await);
    let expected = [
        "request_id REQUEST_ID_MALFORMED",
        "lines[0].line_id FIELD_REQUIRED",
        "lines[0] FIELD_REQUIRED",
        "lines[1].line_id ID_MALFORMED",
        "lines[1].quantity DECIMAL_MALFORMED",
        "lines[2].amount_minor AMOUNT_RANGE",
        "issue_date DATE_MALFORMED",
        "series SERIES_UNKNOWN",
        "reason TEXT_TOO_LONG",
        "invoice_id FIELD_REQUIRED",
    ];
    assert_eq!(refused, Refusal::fields(&expected));

    let mut unknown = units(&open, 0, "1");
    unknown.line_id = "lin_01hzzzzzzzzzzzzzzzzzzzzzzz".to_owned();
    for (lines, expected) in [
        (
            vec![units(&open, 0, "2.6"), units(&open, 0, "1"), unknown],
            &[
                "lines[0].quantity CREDIT_EXCEEDS_LEFT",
                "lines[1].line_id DUPLICATE_LINE_ID",
                "lines[2].line_id LINE_UNKNOWN",
            ][..],
        ),
        (vec![units(&open, 0, "0")], &["lines[0].quantity CREDIT_ZERO"]),
        (
            vec![units(&open, 0, "-1")],
            &["lines[0].quantity CREDIT_EXCEEDS_LEFT"],
        ),
        (vec![amount(&open, 0, 0)], &["lines[0].amount_minor CREDIT_ZERO"]),
        (
            vec![amount(&open, 0, -1)],
            &["lines[0].amount_minor CREDIT_EXCEEDS_LEFT"],
        ),
        (
            vec![amount(&open, 0, 20_001)],
            &["lines[0].amount_minor CREDIT_EXCEEDS_LEFT"],
        ),
        (vec![units(&open, 0, "1"); 501], &["lines TOO_MANY_LINES"]),
    ] {
        let refused = Refusal::in_result(ann.invoices.create_credit_note(crediting(&open, lines)).await);
        assert_eq!(refused, Refusal::fields(expected));
    }
    for (day, reason) in [
        ("2026-02-28", "ISSUE_DATE_BEFORE_INVOICE"),
        ("2999-01-01", "ISSUE_DATE_TOO_FAR"),
    ] {
        let request = CreateCreditNoteRequest {
            issue_date: day.to_owned(),
            ..crediting(&open, Vec::new())
        };
        let refused = Refusal::in_result(ann.invoices.create_credit_note(request).await);
        assert_eq!(refused, Refusal::fields(&[&format!("issue_date {reason}")]));
    }
    let stale = CreateCreditNoteRequest {
        etag: "v1".to_owned(),
        ..crediting(&open, Vec::new())
    };
    let refused = Refusal::in_result(ann.invoices.create_credit_note(stale).await);
    assert_eq!(refused, Refusal::new(Code::Aborted, "ETAG_MISMATCH"));
    assert_eq!(read(&mut ann, &open.id).await.unwrap(), open);
    assert_eq!(listed(&mut ann, Type::CreditNote).await, []);

    let (note, _) = credited(&mut ann, crediting(&open, Vec::new())).await;
    let refused = Refusal::in_result(
        ann.invoices
            .create_credit_note(crediting(&open, Vec::new()))
            .await,
    );
    assert_eq!(
        refused,
        Refusal::new(Code::FailedPrecondition, "NOTHING_TO_CREDIT")
    );
    assert_eq!(note.number, "CN-2026-0001", "what was refused took no number");
}

#[tokio::test]
async fn drafts_annulled_invoices_and_credit_notes_cannot_be_credited() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let draft = created(&mut ann, build::invoice()).await;
    let voided = issued(&mut ann, build::invoice()).await;
    let voiding = |invoice: &Invoice| VoidInvoiceRequest {
        invoice_id: invoice.id.clone(),
        ..VoidInvoiceRequest::default()
    };
    ann.invoices.void_invoice(voiding(&voided)).await.unwrap();
    let open = issued(&mut ann, build::invoice()).await;
    let (note, after) = credited(&mut ann, crediting(&open, vec![amount(&open, 0, 1)])).await;
    for invoice in [&draft, &voided, &note] {
        let status = ann
            .invoices
            .create_credit_note(crediting(invoice, Vec::new()))
            .await
            .unwrap_err();
        assert_eq!(
            Refusal::of(&status),
            Refusal::new(Code::FailedPrecondition, "INVOICE_STATE")
        );
        let info = Details::of(&status).error_info.unwrap();
        let expected = if invoice.id == draft.id {
            "UpdateInvoice,DeleteInvoice,IssueInvoice"
        } else {
            ""
        };
        assert_eq!(info.metadata["allowed_actions"], expected);
    }
    let deleting = DeleteInvoiceRequest {
        invoice_id: note.id.clone(),
        etag: String::new(),
    };
    let state = Refusal::new(Code::FailedPrecondition, "INVOICE_STATE");
    let status = ann.invoices.delete_invoice(deleting).await.unwrap_err();
    assert_eq!(Refusal::of(&status), state);
    let info = Details::of(&status).error_info.unwrap();
    assert_eq!(info.metadata["allowed_actions"], "");
    assert_eq!(
        Refusal::in_result(ann.invoices.void_invoice(voiding(&note)).await),
        state
    );
    assert_eq!(
        Refusal::in_result(ann.invoices.void_invoice(voiding(&open)).await),
        state
    );
    assert_eq!(
        Refusal::in_result(ann.invoices.record_payment(paying(&note, None)).await),
        state
    );
    assert_eq!(read(&mut ann, &note.id).await.unwrap(), note);
    assert_eq!(read(&mut ann, &open.id).await.unwrap(), after);

    let duplicate = DuplicateInvoiceRequest {
        invoice_id: note.id.clone(),
        ..DuplicateInvoiceRequest::default()
    };
    let again = ann
        .invoices
        .duplicate_invoice(duplicate)
        .await
        .unwrap()
        .into_inner();
    assert_eq!((again.r#type(), again.state()), (Type::Invoice, State::Draft));
    assert_eq!((again.totals.unwrap().gross_minor, again.note.as_str()), (1, ""));
    assert_eq!(again.preceding_invoice_id, "");
}

#[tokio::test]
async fn fifty_parallel_calls_with_one_request_id_make_one_note_and_all_answer_with_it() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let open = issued(&mut ann, build::invoice()).await;
    let request = crediting(&open, vec![amount(&open, 0, 1_000)]);
    let calls = (0..50).map(|_| {
        let (mut ann, request) = (ann.clone(), request.clone());
        async move { ann.invoices.create_credit_note(request).await.unwrap() }
    });
    let answers = join_all(calls).await;
    let replays = answers
        .iter()
        .filter(|answer| answer.metadata().contains_key("x-idempotent-replay"));
    assert_eq!(replays.count(), 49);
    let answers: Vec<_> = answers.into_iter().map(tonic::Response::into_inner).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let (note, invoice) = parts(answers[0].clone());
    assert_eq!(listed(&mut ann, Type::CreditNote).await.len(), 1);
    assert_eq!(read(&mut ann, &open.id).await.unwrap(), invoice);

    let (_, later) = credited(&mut ann, crediting(&open, vec![amount(&open, 0, 1)])).await;
    assert_eq!(
        credited(&mut ann, request.clone()).await,
        (note, later),
        "as they are now"
    );
    let other = CreateCreditNoteRequest {
        lines: Vec::new(),
        ..request
    };
    let refused = Refusal::in_result(ann.invoices.create_credit_note(other).await);
    assert_eq!(refused, Refusal::new(Code::InvalidArgument, "REQUEST_ID_REUSED"));
}

#[tokio::test]
async fn parallel_credits_of_one_invoice_never_exceed_it_and_leave_no_gap() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let open = issued(&mut ann, build::invoice()).await;
    // 30 times a twentieth.
    let calls = (0..30).map(|_| {
        let (mut ann, request) = (ann.clone(), crediting(&open, vec![amount(&open, 0, 1_000)]));
        async move { ann.invoices.create_credit_note(request).await }
    });
    let answers = join_all(calls).await;
    let given = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(given, 20, "{answers:?}");
    for refused in answers.into_iter().filter(Result::is_err) {
        assert_eq!(
            Refusal::in_result(refused),
            Refusal::new(Code::FailedPrecondition, "NOTHING_TO_CREDIT")
        );
    }
    let now = read(&mut ann, &open.id).await.unwrap();
    let totals = now.totals.unwrap();
    assert_eq!((totals.credited_minor, totals.remaining_minor), (23_800, 0));
    let mut numbers: Vec<_> = listed(&mut ann, Type::CreditNote)
        .await
        .into_iter()
        .map(|note| note.number)
        .collect();
    numbers.sort();
    let expected: Vec<_> = (1..=20).map(|count| format!("CN-2026-{count:04}")).collect();
    assert_eq!(numbers, expected);
}
