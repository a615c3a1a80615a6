//! What an invoice must have to be issued, and what it is afterwards.

use jiff::Timestamp;

use super::builders::{content, line, minor, on_document, percent, standard, tax};
use crate::domain::{
    adjustment::AdjustmentKind,
    completeness::{Incomplete, IssueField},
    content::{InvoiceContent, PaymentTermsDays},
    country::CountryCode,
    date::CalendarDate,
    decimal::UnitPrice,
    ids::{InvoiceId, OrganizationId, UserId},
    invoice::{Invoice, InvoiceIdentity},
    lifecycle::{IssueError, IssueProblem},
    line::NewLine,
    number::{LastNumber, NumberError, NumberPlace, Period, Series},
    party::{Address, Party},
    state::{Action, State, StateError},
    tax::{Tax, TaxCategory, TaxProfile},
    text::Text,
};

pub(super) fn day(text: &str) -> CalendarDate {
    CalendarDate::parse(text).unwrap()
}

pub(super) fn draft(content: InvoiceContent) -> Invoice {
    let identity = InvoiceIdentity {
        id: InvoiceId::generate(),
        organization_id: OrganizationId::parse("org_1").unwrap(),
        created_by: UserId::parse("usr_1").unwrap(),
    };
    Invoice::draft(content, identity, Timestamp::now()).unwrap()
}

fn party(name: &str) -> Party {
    let address = Address {
        country_code: Some(CountryCode::parse("DE").unwrap()),
        ..Address::default()
    };
    Party {
        name: Text::parse(name).unwrap(),
        address,
        ..Party::default()
    }
}

fn described(mut line: NewLine) -> NewLine {
    line.content.description = Text::parse("Work").unwrap();
    line
}

/// A content that can be issued: 100.00 at 20 %.
pub(super) fn complete() -> InvoiceContent {
    let mut content = content("EUR", [described(line("1", "100", standard("20")))]);
    content.header.seller = Some(party("Seller"));
    content.header.buyer = Some(party("Buyer"));
    content.header.payment_terms_days = Some(PaymentTermsDays::new(30).unwrap());
    content
}

pub(super) fn issued(content: InvoiceContent) -> Result<Invoice, IssueError> {
    let now = Timestamp::now();
    draft(content).issue(
        day("2026-03-01"),
        &Series::standard(),
        None,
        day("2026-03-01"),
        now,
    )
}

/// The problems of a content that is complete but for what `spoil` does.
fn problems(spoil: impl FnOnce(&mut InvoiceContent)) -> Vec<(IssueField, Incomplete)> {
    let mut content = complete();
    spoil(&mut content);
    let Err(IssueError::Problems(problems)) = issued(content) else {
        return Vec::new();
    };
    let field = |problem| match problem {
        IssueProblem::Field(field, incomplete) => (field, incomplete),
        IssueProblem::Number(error) => panic!("{error}"),
        IssueProblem::Series(error) => panic!("{error}"),
    };
    problems.into_iter().map(field).collect()
}

#[test]
fn an_issued_invoice_is_open_and_has_a_number_a_due_date_and_its_figures() {
    let draft = draft(complete());
    let issued = draft
        .issue(
            day("2026-03-01"),
            &Series::standard(),
            None,
            day("2026-03-01"),
            Timestamp::now(),
        )
        .unwrap();
    assert_eq!(issued.state, State::Open);
    assert_eq!(issued.number.as_ref().unwrap().as_str(), "INV-2026-0001");
    assert_eq!(issued.series.as_ref().unwrap().as_str(), "INV");
    assert_eq!(issued.header.issue_date, Some(day("2026-03-01")));
    assert_eq!(issued.header.due_date, Some(day("2026-03-31")));
    assert_eq!(issued.totals.remaining, minor(12_000));
    assert_eq!(issued.version, draft.version.next());
    assert_eq!(issued.issue_time, Some(issued.update_time));
    assert_eq!(issued.lines, draft.lines);
}

#[test]
fn an_invoice_over_nothing_is_paid_when_it_is_issued() {
    let mut free = complete();
    free.lines[0].content.unit_price = Some(UnitPrice::parse("0").unwrap());
    assert_eq!(issued(free).unwrap().state, State::Paid);
}

#[test]
fn everything_that_a_blank_draft_lacks_is_reported_at_once() {
    let problems = problems(|blank| *blank = content("EUR", []));
    let expected = [
        (IssueField::SellerName, Incomplete::Missing),
        (IssueField::SellerCountry, Incomplete::Missing),
        (IssueField::BuyerName, Incomplete::Missing),
        (IssueField::BuyerCountry, Incomplete::Missing),
        (IssueField::DueDate, Incomplete::NoDueDate),
        (IssueField::Lines, Incomplete::NoLines),
    ];
    assert_eq!(problems, expected);
}

#[test]
fn each_thing_that_is_wrong_with_a_line_has_its_field() {
    let problems = problems(|content| {
        let exempt = tax(TaxCategory::Exempt, "0");
        let extra = TaxProfile::new(standard("5"), vec![standard("0"), Tax::default()]).unwrap();
        content.lines = vec![
            NewLine::default(),
            described(line("0", "1", standard("0"))),
            described(line("-1", "1", exempt)),
            described(line("1", "10", extra)),
        ];
    });
    let expected = [
        (IssueField::LineDescription(0), Incomplete::Missing),
        (IssueField::LineQuantity(0), Incomplete::Missing),
        (IssueField::LinePrice(0), Incomplete::Missing),
        (IssueField::LineTaxCategory(0), Incomplete::Missing),
        (IssueField::LineQuantity(1), Incomplete::QuantityZero),
        (IssueField::LineTaxRate(1), Incomplete::RateZero),
        (IssueField::LineExemptionReason(2), Incomplete::NoExemptionReason),
        (IssueField::ExtraTaxCategory(3, 0), Incomplete::Missing),
        (IssueField::ExtraTaxRate(3, 1), Incomplete::RateZero),
    ];
    assert_eq!(problems, expected);
}

#[test]
fn zero_rated_lines_need_no_reason_and_exempt_ones_do_with_it() {
    for category in [TaxCategory::Zero, TaxCategory::Exempt] {
        let mut content = complete();
        content.lines = vec![described(line("1", "1", tax(category, "0")))];
        if category.needs_exemption_reason() {
            content.lines[0].content.exemption_reason = Text::parse("§ 4 UStG").unwrap();
        }
        assert!(issued(content).is_ok(), "{category:?}");
    }
}

#[test]
fn dates_adjustments_and_a_negative_gross_are_judged() {
    let early = problems(|content| content.header.due_date = Some(day("2026-02-28")));
    let issue_date = day("2026-03-01");
    assert_eq!(
        early,
        [(IssueField::DueDate, Incomplete::DueBeforeIssue { issue_date })]
    );
    let untaxed = problems(|content| {
        let charge = on_document(AdjustmentKind::Charge, percent("1"), Some(standard("0")));
        content.header.adjustments = vec![charge];
    });
    assert_eq!(
        untaxed,
        [(IssueField::AdjustmentTaxRate(0), Incomplete::RateZero)]
    );
    let negative = problems(|content| {
        content.lines = vec![described(line("-1", "1", standard("20")))];
    });
    assert_eq!(negative, [(IssueField::Gross, Incomplete::GrossNegative)]);
    let same_day = problems(|content| content.header.due_date = Some(day("2026-03-01")));
    assert_eq!(same_day, []);
}

#[test]
fn terms_that_end_after_the_last_day_are_refused() {
    let now = "2999-12-30T12:00:00Z".parse().unwrap();
    let late = draft(complete()).issue(
        day("2999-12-31"),
        &Series::standard(),
        None,
        day("2999-12-31"),
        now,
    );
    let problem = IssueProblem::Field(IssueField::PaymentTerms, Incomplete::DueDateRange);
    assert_eq!(late, Err(IssueError::Problems(vec![problem])));
}

#[test]
fn a_day_before_the_last_invoice_is_reported_together_with_what_is_missing() {
    let last = LastNumber {
        place: NumberPlace {
            period: Period::parse("2026").unwrap(),
            sequence: 3,
        },
        issue_date: day("2026-03-02"),
    };
    let mut content = complete();
    content.lines.clear();
    let refused = draft(content).issue(
        day("2026-03-01"),
        &Series::standard(),
        Some(&last),
        day("2026-03-01"),
        Timestamp::now(),
    );
    let expected = vec![
        IssueProblem::Field(IssueField::Lines, Incomplete::NoLines),
        IssueProblem::Number(NumberError::DateBeforeLast {
            last: day("2026-03-02"),
        }),
    ];
    assert_eq!(refused, Err(IssueError::Problems(expected)));
}

#[test]
fn an_issued_invoice_can_be_given_up_on_and_annulled_and_a_void_one_nothing() {
    let open = issued(complete()).unwrap();
    let now = Timestamp::now();
    let uncollectible = open.mark_uncollectible(now).unwrap();
    assert_eq!(uncollectible.state, State::Uncollectible);
    let void = uncollectible.void(now).unwrap();
    assert_eq!((void.state, &void.number), (State::Void, &open.number));
    assert_eq!(open.void(now).unwrap().state, State::Void);
    let again = void.void(now);
    assert_eq!(
        again,
        Err(StateError {
            state: State::Void,
            action: Action::VoidInvoice,
            guard: None,
        })
    );
}
