//! Credit notes: what they come to, line by line and tax by tax.

use jiff::Timestamp;

use super::builders::{amount, cash_step, line, minor, on_document, standard, tax};
use super::issuing::{complete, day, draft, issued};
use crate::domain::{
    adjustment::AdjustmentKind,
    content::InvoiceContent,
    credit::{
        CreditError, CreditOrder, CreditProblem, Credited, Extent, LineProblem, LineToCredit, LinesProblem,
        NewCreditNote,
    },
    decimal::Quantity,
    history::Reason,
    ids::InvoiceId,
    invoice::{Invoice, InvoiceIdentity, InvoiceKind},
    line::NewLine,
    number::{LastNumber, Series},
    state::{Guard, PaymentState, State},
    tax::{TaxCategory, TaxProfile},
    text::Text,
};

/// What a client asks for: the position of a line, and how much of it.
type Ask<'a> = (usize, &'a str);

/// `2` is a quantity, `€5000` an amount in minor units.
pub(super) fn extent(text: &str) -> Extent {
    match text.strip_prefix('€') {
        Some(minor_units) => Extent::Amount(minor(minor_units.parse().unwrap())),
        None => Extent::Quantity(Quantity::parse(text).unwrap()),
    }
}

pub(super) fn order(invoice: &Invoice, asks: &[Ask<'_>]) -> CreditOrder {
    let line = |(position, text): &Ask<'_>| LineToCredit {
        line_id: invoice.lines[*position].id.clone(),
        extent: extent(text),
    };
    ordered(asks.iter().map(line).collect())
}

pub(super) fn ordered(lines: Vec<LineToCredit>) -> CreditOrder {
    CreditOrder {
        lines,
        issue_date: Some(day("2026-03-02")),
        reason: Reason::parse("damaged").unwrap(),
    }
}

pub(super) fn identity() -> InvoiceIdentity {
    InvoiceIdentity {
        id: InvoiceId::generate(),
        ..draft(complete()).identity
    }
}

pub(super) fn give(
    invoice: &Invoice,
    order: &CreditOrder,
    last: Option<&LastNumber>,
) -> Result<Credited, CreditError> {
    let identity = InvoiceIdentity {
        id: InvoiceId::generate(),
        ..invoice.identity.clone()
    };
    let new = NewCreditNote {
        identity: &identity,
        series: &Series::standard_of_credit_notes(),
        last,
        today: day("2026-03-02"),
        request_id: "f81d4fae-7dec-41d0-a765-00a0c91e6bf6",
    };
    invoice.credit(order, new, Timestamp::now())
}

pub(super) fn credit(invoice: &Invoice, asks: &[Ask<'_>]) -> Credited {
    give(invoice, &order(invoice, asks), None).unwrap()
}

pub(super) fn refused(invoice: &Invoice, asks: &[Ask<'_>]) -> Vec<CreditProblem> {
    match give(invoice, &order(invoice, asks), None) {
        Err(CreditError::Problems(problems)) => problems,
        other => panic!("{other:?}"),
    }
}

/// An issued invoice over these lines.
pub(super) fn over(lines: impl IntoIterator<Item = NewLine>) -> Invoice {
    issued(content_over(lines)).unwrap()
}

fn content_over(lines: impl IntoIterator<Item = NewLine>) -> InvoiceContent {
    let mut content = complete();
    content.lines = lines.into_iter().collect();
    for line in &mut content.lines {
        line.content.description = Text::parse("Work").unwrap();
    }
    content
}

/// Net, tax and gross.
fn figures(note: &Invoice) -> (i64, i64, i64) {
    let totals = note.totals;
    (totals.net.get(), totals.tax.get(), totals.gross.get())
}

pub(super) fn nets(note: &Invoice) -> Vec<i64> {
    note.lines.iter().map(|line| line.net.get()).collect()
}

#[test]
fn the_worked_credits_add_up_to_the_invoice_though_each_tax_alone_would_not() {
    let mut invoice = over([line("1", "279.16", standard("20"))]);
    let mut notes = Vec::new();
    for ask in ["€6833", "€5750", "€8500"] {
        let credited = credit(&invoice, &[(0, ask)]);
        invoice = credited.invoice;
        notes.push(figures(&credited.note));
    }
    let last = credit(&invoice, &[]);
    notes.push(figures(&last.note));
    let expected = [
        (6_833, 1_367, 8_200),
        (5_750, 1_150, 6_900),
        (8_500, 1_700, 10_200),
        (6_833, 1_366, 8_199),
    ];
    assert_eq!(notes, expected);
    let totals = last.invoice.totals;
    assert_eq!((totals.credited, totals.remaining), (minor(33_499), minor(0)));
    assert_eq!(last.invoice.state, State::Paid);
    assert_eq!(
        give(&last.invoice, &order(&invoice, &[]), None),
        Err(CreditError::NothingLeft)
    );
}

#[test]
fn everything_at_once_mirrors_the_invoice_with_its_adjustments_and_its_cash_rounding() {
    let mut content = content_over([
        line("3", "33.33", standard("20")),
        line("-1", "10", standard("20")),
        line("1", "0", standard("7")),
    ]);
    content.header.cash_rounding = Some(cash_step(5));
    let freight = on_document(AdjustmentKind::Charge, amount(702), Some(standard("10")));
    content.header.adjustments = vec![freight, on_document(AdjustmentKind::Allowance, amount(500), None)];
    let invoice = issued(content).unwrap();
    let Credited { invoice: after, note } = credit(&invoice, &[]);
    assert_eq!(note.lines, invoice.lines);
    assert_eq!(note.header.adjustments, invoice.header.adjustments);
    assert_eq!(note.tax_breakdown, invoice.tax_breakdown);
    assert_eq!(figures(&note), figures(&invoice));
    assert_ne!(invoice.totals.rounding, minor(0));
    assert_eq!(note.totals.credited, invoice.totals.remaining);
    assert_eq!(after.totals.remaining, minor(0));
    assert!(after.creditable().iter().all(|left| *left == minor(0)));
    assert_eq!(
        after.lines[0].credited.quantity,
        invoice.lines[0].content.quantity
    );
}

#[test]
fn a_note_is_a_settled_document_of_its_own_that_nothing_is_done_with() {
    let invoice = over([line("2", "50", standard("20"))]);
    let Credited { invoice: after, note } = credit(&invoice, &[(0, "1")]);
    assert_eq!((note.kind, note.state), (InvoiceKind::CreditNote, State::Paid));
    assert_eq!(note.payment_state(), PaymentState::Paid);
    assert_eq!(note.preceding_invoice_id, Some(invoice.identity.id.clone()));
    assert_eq!(note.number.as_ref().unwrap().as_str(), "CN-2026-0001");
    assert_eq!(note.header.seller, invoice.header.seller);
    assert_eq!(note.header.note.as_str(), "damaged");
    assert_eq!(
        (note.header.issue_date, note.header.due_date),
        (Some(day("2026-03-02")), None)
    );
    assert_eq!(note.lines[0].id, invoice.lines[0].id);
    let totals = note.totals;
    assert_eq!(
        (totals.gross, totals.credited, totals.remaining),
        (minor(6_000), minor(6_000), minor(0))
    );
    let [entry] = &after.credits[..] else {
        panic!("{:?}", after.credits)
    };
    assert_eq!((&entry.note_id, entry.amount), (&note.identity.id, minor(6_000)));
    assert_eq!((after.state, after.totals.remaining), (State::Open, minor(6_000)));
    assert_eq!(after.version, invoice.version.next());
    for refusal in [
        note.void(Timestamp::now()),
        note.mark_uncollectible(Timestamp::now()),
    ] {
        let refusal = refusal.unwrap_err();
        assert_eq!(refusal.guard, Some(Guard::CreditNote));
        assert_eq!(refusal.allowed_actions().count(), 0);
    }
    let again = give(&note, &ordered(Vec::new()), None);
    assert!(matches!(again, Err(CreditError::State(_))), "{again:?}");
    assert_eq!(
        after.void(Timestamp::now()).unwrap_err().guard,
        Some(Guard::Settled)
    );
    assert_eq!(after.creditable(), [minor(5_000)]);
}

#[test]
fn a_line_is_credited_with_its_part_of_the_documents_allowance() {
    let mut content = content_over([
        line("10", "100", standard("20")),
        line("1", "0.01", standard("20")),
    ]);
    content.header.adjustments = vec![on_document(AdjustmentKind::Allowance, amount(10_000), None)];
    let invoice = issued(content).unwrap();
    assert_eq!(invoice.creditable(), [minor(90_000), minor(1)]);
    let Credited { invoice: after, note } = credit(&invoice, &[(0, "3")]);
    assert_eq!(
        (nets(&note), figures(&note)),
        (vec![27_000], (27_000, 5_400, 32_400))
    );
    let [allowance] = &note.lines[0].content.adjustments[..] else {
        panic!()
    };
    assert_eq!(
        (allowance.kind, allowance.value),
        (AdjustmentKind::Allowance, amount(3_000))
    );
    assert_eq!(after.creditable(), [minor(63_000), minor(1)]);
    // A price reduction lowers what the rest is credited at.
    let reduced = credit(&after, &[(0, "€7000")]).invoice;
    assert_eq!(nets(&credit(&reduced, &[(0, "1")]).note), [8_000]);
    assert_eq!(nets(&credit(&reduced, &[(0, "7"), (1, "1")]).note), [56_000, 1]);
}

#[test]
fn a_line_that_takes_something_off_lowers_the_others_and_is_not_credited_itself() {
    let invoice = over([line("1", "100", standard("20")), line("-1", "30", standard("20"))]);
    assert_eq!(invoice.creditable(), [minor(7_000), minor(0)]);
    assert_eq!(
        refused(&invoice, &[(1, "€-1")]),
        [CreditProblem::Line(0, LineProblem::NothingLeft)]
    );
    assert_eq!(
        refused(&invoice, &[(1, "-1")]),
        [CreditProblem::Lines(LinesProblem::Nothing)]
    );
    let note = credit(&invoice, &[(0, "1")]).note;
    assert_eq!(figures(&note), (7_000, 1_400, 8_400));
}

#[test]
fn a_tax_group_below_zero_is_credited_with_others_or_last() {
    let invoice = over([line("1", "100", standard("20")), line("-1", "50", standard("10"))]);
    let gross = 12_000 - 5_500;
    assert_eq!(invoice.totals.gross, minor(gross));
    let exceed = [CreditProblem::Lines(LinesProblem::ExceedInvoice)];
    assert_eq!(refused(&invoice, &[(0, "1")]), exceed);
    assert_eq!(
        refused(&invoice, &[(1, "-1")]),
        [CreditProblem::Lines(LinesProblem::Nothing)]
    );
    let whole = credit(&invoice, &[(0, "1"), (1, "-1")]);
    assert_eq!(figures(&whole.note), (5_000, 1_500, gross));
    let part = credit(&invoice, &[(0, "€5000")]);
    let rest = credit(&part.invoice, &[]);
    assert_eq!(figures(&rest.note), (0, 500, 500));
    assert_eq!(rest.invoice.totals.remaining, minor(0));
}

#[test]
fn a_credit_of_the_whole_gross_that_leaves_taxes_behind_is_refused() {
    let invoice = over([
        line("1", "100", standard("20")),
        line("-1", "60", tax(TaxCategory::Zero, "0")),
    ]);
    assert_eq!(invoice.totals.gross, minor(6_000));
    // 50.00 and 20 % of it: the gross, but half of the tax.
    let exceed = [CreditProblem::Lines(LinesProblem::ExceedInvoice)];
    assert_eq!(refused(&invoice, &[(0, "€5000")]), exceed);
    let part = credit(&invoice, &[(0, "€4999")]);
    assert_eq!(figures(&part.note), (4_999, 1_000, 5_999));
    let rest = credit(&part.invoice, &[]);
    assert_eq!(figures(&rest.note), (-999, 1_000, 1));
    assert_eq!(rest.invoice.totals.remaining, minor(0));
}

#[test]
fn what_is_taxed_as_no_line_is_goes_with_the_last_credit() {
    let mut content = content_over([line("1", "100", standard("20"))]);
    let freight = on_document(AdjustmentKind::Charge, amount(1_000), Some(standard("7")));
    content.header.adjustments = vec![freight];
    let invoice = issued(content).unwrap();
    let part = credit(&invoice, &[(0, "1")]);
    assert_eq!(figures(&part.note), (10_000, 2_000, 12_000));
    assert!(!part.invoice.credits[0].completes);
    let rest = credit(&part.invoice, &[]);
    assert_eq!(figures(&rest.note), (1_000, 70, 1_070));
    assert_eq!(
        (rest.note.lines.len(), rest.note.totals.charges),
        (0, minor(1_000))
    );
    assert!(rest.invoice.credits[1].completes);
}

#[test]
fn several_taxes_on_one_base_are_credited_each() {
    let taxes = TaxProfile::new(standard("5"), vec![standard("9.975")]).unwrap();
    let invoice = over([line("7", "20", taxes)]);
    let mut now = invoice.clone();
    let mut tax = (0, 0);
    for _ in 0..7 {
        let credited = credit(&now, &[(0, "1")]);
        let [gst, qst] = &credited.note.tax_breakdown[..] else {
            panic!()
        };
        assert_eq!((gst.taxable, qst.taxable), (minor(2_000), minor(2_000)));
        tax = (tax.0 + gst.tax.get(), tax.1 + qst.tax.get());
        now = credited.invoice;
    }
    assert_eq!(tax, (700, 1_397));
    assert!(now.credits[6].completes);
    assert_eq!(now.totals.remaining, minor(0));
}

#[test]
fn included_taxes_of_a_zero_rated_line_are_nothing() {
    let mut content = content_over([
        line("3", "1.99", tax(TaxCategory::Zero, "0")),
        line("3", "9.99", standard("19")),
    ]);
    content.header.prices_include_tax = true;
    let invoice = issued(content).unwrap();
    let Credited { invoice: after, note } = credit(&invoice, &[(0, "1"), (1, "1")]);
    assert_eq!(
        (nets(&note), figures(&note)),
        (vec![199, 839], (1_038, 160, 1_198))
    );
    let rest = credit(&after, &[]).note;
    assert_eq!(figures(&rest).2, invoice.totals.gross.get() - 1_198);
}
