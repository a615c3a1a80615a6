//! RecordPayment, ReversePayment and DuplicateInvoice.

use futures::future::join_all;
use harness::{Person, Refusal, RunningProduct, build};
use proto::invoice::v1::invoice::{PaymentState, State};
use proto::invoice::v1::{
    DuplicateInvoiceRequest, Invoice, ListInvoicesRequest, Payment, RecordPaymentRequest,
    ReversePaymentRequest,
};
use tonic::Code;

use crate::issue::issued;
use crate::{created, read};

pub(crate) fn paying(invoice: &Invoice, amount_minor: Option<i64>) -> RecordPaymentRequest {
    RecordPaymentRequest {
        invoice_id: invoice.id.clone(),
        amount_minor,
        paid_on: "2026-03-05".to_owned(),
        method: "bank transfer".to_owned(),
        reference: "INV-2026-0001".to_owned(),
        request_id: build::request_id(),
        ..RecordPaymentRequest::default()
    }
}

pub(crate) fn reversing(invoice: &Invoice, payment: &Payment) -> ReversePaymentRequest {
    ReversePaymentRequest {
        invoice_id: invoice.id.clone(),
        payment_id: payment.id.clone(),
        reason: "bounced".to_owned(),
        request_id: build::request_id(),
        ..ReversePaymentRequest::default()
    }
}

async fn paid(person: &mut Person, invoice: &Invoice, amount_minor: Option<i64>) -> Invoice {
    let answer = person
        .invoices
        .record_payment(paying(invoice, amount_minor))
        .await;
    answer.unwrap().into_inner()
}

#[tokio::test]
async fn payments_are_kept_with_the_invoice_and_left_out_of_lists() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let open = issued(&mut ann, build::invoice()).await;
    let part = paid(&mut ann, &open, Some(10_000)).await;
    let totals = part.totals.unwrap();
    assert_eq!((totals.paid_minor, totals.remaining_minor), (10_000, 13_800));
    assert_eq!(
        (part.state(), part.payment_state()),
        (State::Open, PaymentState::PartiallyPaid)
    );
    let whole = paid(&mut ann, &open, None).await;
    assert_eq!(
        (whole.state(), whole.payment_state()),
        (State::Paid, PaymentState::Paid)
    );
    assert!(!whole.overdue);
    let [first, second] = &whole.payments[..] else {
        panic!("{:?}", whole.payments)
    };
    assert_eq!((first.amount_minor, second.amount_minor), (10_000, 13_800));
    assert_eq!(
        (first.paid_on.as_str(), first.method.as_str()),
        ("2026-03-05", "bank transfer")
    );
    assert!(first.id.starts_with("pay_") && first.create_time.is_some() && !first.reversed);
    assert_eq!(read(&mut ann, &open.id).await.unwrap(), whole);
    let listed = ann
        .invoices
        .list_invoices(ListInvoicesRequest::default())
        .await
        .unwrap()
        .into_inner();
    let mut without = Invoice {
        payments: Vec::new(),
        ..whole
    };
    without.lines[0].creditable_minor = 0;
    assert_eq!(listed.invoices, [without]);
}

#[tokio::test]
async fn a_reversed_payment_stays_and_counts_no_longer() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let open = issued(&mut ann, build::invoice()).await;
    let paid = paid(&mut ann, &open, None).await;
    let reversal = reversing(&open, &paid.payments[0]);
    let answer = ann.invoices.reverse_payment(reversal.clone()).await.unwrap();
    let reversed = answer.into_inner();
    assert_eq!(
        (reversed.state(), reversed.totals.unwrap().remaining_minor),
        (State::Open, 23_800)
    );
    assert!(reversed.payments[0].reversed);
    let repeated = ann.invoices.reverse_payment(reversal).await.unwrap();
    assert!(repeated.metadata().contains_key("x-idempotent-replay"));

    let again = ann
        .invoices
        .reverse_payment(reversing(&open, &paid.payments[0]))
        .await;
    let refused = Refusal::in_result(again);
    assert_eq!(
        refused,
        Refusal::new(Code::FailedPrecondition, "PAYMENT_REVERSED")
    );
    for id in ["pay_01hzzzzzzzzzzzzzzzzzzzzzzz", "1", "inv_1", "{\"$ne\":1}"] {
        let unknown = Payment {
            id: id.to_owned(),
            ..Payment::default()
        };
        let refused = Refusal::in_result(ann.invoices.reverse_payment(reversing(&open, &unknown)).await);
        assert_eq!(refused, Refusal::new(Code::NotFound, "PAYMENT_NOT_FOUND"), "{id}");
    }
    assert_eq!(read(&mut ann, &open.id).await.unwrap(), reversed);
}

#[tokio::test]
async fn amounts_that_are_refused_change_nothing() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let open = issued(&mut ann, build::invoice()).await;
    for (amount, reason) in [
        (0, "PAYMENT_NOT_POSITIVE"),
        (-1, "PAYMENT_NOT_POSITIVE"),
        (23_801, "PAYMENT_EXCEEDS_REMAINING"),
        (100_000_000_000_000, "AMOUNT_RANGE"),
        (i64::MIN, "AMOUNT_RANGE"),
    ] {
        let refused = Refusal::in_result(ann.invoices.record_payment(paying(&open, Some(amount))).await);
        assert_eq!(
            refused,
            Refusal::fields(&[&format!("amount_minor {reason}")]),
            "{amount}"
        );
    }
    let everything = RecordPaymentRequest {
        amount_minor: Some(i64::MAX),
        paid_on: "tomorrow".to_owned(),
        method: "x".repeat(101),
        reference: "\u{7}".to_owned(),
        ..RecordPaymentRequest::default()
    };
    let refused = Refusal::in_result(ann.invoices.record_payment(everything).await);
    let expected = [
        "amount_minor AMOUNT_RANGE",
        "paid_on DATE_MALFORMED",
        "method TEXT_TOO_LONG",
        "reference TEXT_CONTROL_CHARACTER",
        "invoice_id FIELD_REQUIRED",
    ];
    assert_eq!(refused, Refusal::fields(&expected));
    assert_eq!(read(&mut ann, &open.id).await.unwrap(), open);
    let over = RecordPaymentRequest {
        allow_overpayment: true,
        ..paying(&open, Some(23_801))
    };
    let over = ann.invoices.record_payment(over).await.unwrap().into_inner();
    assert_eq!(
        (over.payment_state(), over.totals.unwrap().overpaid_minor),
        (PaymentState::Overpaid, 1)
    );
}

#[tokio::test]
async fn parallel_payments_all_count_and_fifty_under_one_request_id_count_once() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let open = issued(&mut ann, build::invoice()).await;
    let calls = (0..10).map(|_| {
        let (mut ann, request) = (ann.clone(), paying(&open, Some(100)));
        async move { ann.invoices.record_payment(request).await.unwrap() }
    });
    join_all(calls).await;
    let request = paying(&open, Some(500));
    let calls = (0..50).map(|_| {
        let (mut ann, request) = (ann.clone(), request.clone());
        async move { ann.invoices.record_payment(request).await.unwrap().into_inner() }
    });
    let answers = join_all(calls).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.totals.unwrap().paid_minor == 1_500)
    );
    let request = reversing(&open, &answers[0].payments[10]);
    let calls = (0..50).map(|_| {
        let (mut ann, request) = (ann.clone(), request.clone());
        async move { ann.invoices.reverse_payment(request).await.unwrap().into_inner() }
    });
    let answers = join_all(calls).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.totals.unwrap().paid_minor == 1_000)
    );
    let now = read(&mut ann, &open.id).await.unwrap();
    assert_eq!((now.payments.len(), now.etag.as_str()), (11, "v14"));
    let stale = RecordPaymentRequest {
        etag: open.etag.clone(),
        ..paying(&open, Some(1))
    };
    let refused = Refusal::in_result(ann.invoices.record_payment(stale).await);
    assert_eq!(refused, Refusal::new(Code::Aborted, "ETAG_MISMATCH"));
    assert_eq!(read(&mut ann, &open.id).await.unwrap(), now);
}

#[tokio::test]
async fn a_duplicate_is_a_new_draft_without_number_payments_and_dates() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let open = issued(&mut ann, build::invoice()).await;
    let original = paid(&mut ann, &open, None).await;
    let request = DuplicateInvoiceRequest {
        invoice_id: original.id.clone(),
        request_id: build::request_id(),
    };
    let calls = (0..50).map(|_| {
        let (mut ann, request) = (ann.clone(), request.clone());
        async move {
            ann.invoices
                .duplicate_invoice(request)
                .await
                .unwrap()
                .into_inner()
        }
    });
    let copies = join_all(calls).await;
    assert!(copies.iter().all(|copy| copy.id == copies[0].id));
    let copy = &copies[0];
    assert_eq!(
        (copy.state(), copy.etag.as_str(), copy.number.as_str()),
        (State::Draft, "v1", "")
    );
    assert_eq!((copy.issue_date.as_str(), copy.due_date.as_str()), ("", ""));
    assert!(copy.payments.is_empty() && copy.id != original.id);
    assert_ne!(copy.lines[0].id, original.lines[0].id);
    assert_eq!(
        (&copy.buyer, copy.totals.unwrap().gross_minor),
        (&original.buyer, 23_800)
    );
    assert_eq!(read(&mut ann, &copy.id).await.unwrap(), *copy);
    assert_eq!(read(&mut ann, &original.id).await.unwrap(), original);

    let other = created(&mut ann, build::invoice()).await;
    let reuse = DuplicateInvoiceRequest {
        invoice_id: other.id,
        ..request
    };
    let refused = Refusal::in_result(ann.invoices.duplicate_invoice(reuse).await);
    assert_eq!(refused, Refusal::new(Code::InvalidArgument, "REQUEST_ID_REUSED"));
}
