//! SummarizeInvoices: what invoices come to, by currency, state and age.

use std::time::SystemTime;

use harness::{Person, Refusal, RunningProduct, build};
use proto::invoice::v1::invoice::State;
use proto::invoice::v1::list_invoices_request::Filter;
use proto::invoice::v1::{
    AgeingSummary, CurrencySummary, Invoice, IssueInvoiceRequest, OutstandingSummary, RecordPaymentRequest,
    StateSummary, SummarizeInvoicesRequest, SummarizeInvoicesResponse,
};
use tonic::{Code, Status};

use crate::created;

async fn summarized(
    person: &mut Person,
    filter: Option<Filter>,
) -> Result<SummarizeInvoicesResponse, Status> {
    let request = SummarizeInvoicesRequest { filter };
    Ok(person.invoices.summarize_invoices(request).await?.into_inner())
}

/// The day so many days before today in UTC.
fn day(days_ago: i64) -> String {
    let now = jiff::Timestamp::try_from(SystemTime::now()).unwrap();
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    today.saturating_sub(jiff::Span::new().days(days_ago)).to_string()
}

async fn issued(person: &mut Person, invoice: Invoice) -> Invoice {
    let draft = created(person, invoice).await;
    let request = IssueInvoiceRequest {
        invoice_id: draft.id,
        ..IssueInvoiceRequest::default()
    };
    person.invoices.issue_invoice(request).await.unwrap().into_inner()
}

/// An invoice of EUR 238.00 that was issued 200 days ago.
fn invoice(due_days_ago: i64) -> Invoice {
    Invoice {
        issue_date: day(200),
        due_date: day(due_days_ago),
        ..build::invoice()
    }
}

fn open(count: i64, remaining_minor: i64) -> OutstandingSummary {
    OutstandingSummary {
        count,
        remaining_minor,
    }
}

#[tokio::test]
async fn a_summary_counts_and_sums_by_currency_state_and_age() {
    let product = RunningProduct::start().await;
    let mut ann = product.person_at_the_gateway().await;
    let before = day(0);
    assert_eq!(summarized(&mut ann, None).await.unwrap().currencies, []);

    created(&mut ann, build::invoice()).await;
    let yen = Invoice {
        currency_code: "JPY".to_owned(),
        ..build::invoice()
    };
    created(&mut ann, yen).await;
    // None is due within a day of the limits: the day may change while this runs.
    for days_ago in [-20, 10, 45, 75, 120] {
        issued(&mut ann, invoice(days_ago)).await;
    }
    let paid = issued(&mut ann, invoice(120)).await;
    let payment = RecordPaymentRequest {
        invoice_id: paid.id,
        ..RecordPaymentRequest::default()
    };
    ann.invoices.record_payment(payment).await.unwrap();
    let partly = issued(&mut ann, invoice(45)).await;
    let payment = RecordPaymentRequest {
        invoice_id: partly.id,
        amount_minor: Some(800),
        ..RecordPaymentRequest::default()
    };
    ann.invoices.record_payment(payment).await.unwrap();

    let summary = summarized(&mut ann, None).await.unwrap();
    assert!([before, day(0)].contains(&summary.today), "{}", summary.today);
    let [euro, yen] = summary.currencies.try_into().unwrap();
    let state = |state: State, count, gross_minor, paid_minor| StateSummary {
        state: state.into(),
        count,
        gross_minor,
        paid_minor,
        credited_minor: 0,
        remaining_minor: gross_minor - paid_minor,
    };
    let expected = CurrencySummary {
        currency_code: "EUR".to_owned(),
        invoices: vec![
            state(State::Draft, 1, 23_800, 0),
            state(State::Open, 6, 6 * 23_800, 800),
            state(State::Paid, 1, 23_800, 23_800),
        ],
        credit_notes: Vec::new(),
        overdue: Some(open(5, 5 * 23_800 - 800)),
        ageing: Some(AgeingSummary {
            not_due: Some(open(1, 23_800)),
            days_0_to_30: Some(open(1, 23_800)),
            days_31_to_60: Some(open(2, 2 * 23_800 - 800)),
            days_61_to_90: Some(open(1, 23_800)),
            days_over_90: Some(open(1, 23_800)),
        }),
    };
    assert_eq!(euro, expected);
    assert_eq!((yen.currency_code.as_str(), yen.invoices.len()), ("JPY", 1));
}

#[tokio::test]
async fn a_summary_takes_the_filter_of_lists_and_refuses_a_bad_one_alike() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    created(&mut ann, build::invoice()).await;
    let mut other = build::invoice();
    other.note = "lighthouse".to_owned();
    created(&mut ann, other).await;
    let words = |query: &str| {
        Some(Filter {
            query: query.to_owned(),
            ..Filter::default()
        })
    };
    let one = summarized(&mut ann, words("lightho")).await.unwrap();
    assert_eq!(one.currencies[0].invoices[0].count, 1);
    let bad = Filter {
        states: vec![99],
        due_date_to: "tomorrow".to_owned(),
        ..Filter::default()
    };
    let refusal = Refusal::in_result(summarized(&mut ann, Some(bad)).await);
    let violations = [
        "filter.states[0] ENUM_UNKNOWN",
        "filter.due_date_to DATE_MALFORMED",
    ];
    assert_eq!(refusal, Refusal::fields(&violations));
}

#[tokio::test]
async fn a_sum_that_javascript_cannot_hold_is_refused_and_a_narrower_filter_is_not() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    created(&mut ann, build::invoice()).await;
    let mut large = build::invoice();
    large.currency_code = "USD".to_owned();
    large.lines.truncate(1);
    large.lines[0].quantity = "80".to_owned();
    large.lines[0].unit_price = "9999999999".to_owned();
    // Each is 95,199,999,990,480 minor units.
    for _ in 0..95 {
        created(&mut ann, large.clone()).await;
    }
    let refusal = Refusal::in_result(summarized(&mut ann, None).await);
    assert_eq!(
        refusal,
        Refusal::new(Code::FailedPrecondition, "SUMMARY_TOO_LARGE")
    );
    let euro = Filter {
        currency_code: "EUR".to_owned(),
        ..Filter::default()
    };
    assert_eq!(
        summarized(&mut ann, Some(euro)).await.unwrap().currencies.len(),
        1
    );
}
