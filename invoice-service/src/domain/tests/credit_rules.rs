//! What of credits is refused, and what they do to the invoice's state.

use jiff::Timestamp;

use super::builders::{line, minor, standard};
use super::credits::{credit, extent, give, identity, order, ordered, over, refused};
use super::issuing::{complete, day, draft};
use crate::domain::{
    credit::{
        CreditError, CreditOrder, CreditProblem, LineProblem, LineToCredit, MAX_CREDIT_NOTES, NewCreditNote,
    },
    decimal::Quantity,
    ids::LineId,
    number::{LastNumber, NumberError, Series},
    payment::NewPayment,
    state::{Action, PaymentState, State},
    text::Text,
};

#[test]
fn everything_that_is_wrong_with_an_order_is_told_at_once() {
    let invoice = over([line("2", "50", standard("20")), line("3", "1", standard("20"))]);
    let mut lines = order(&invoice, &[(0, "3"), (0, "1"), (1, "€0")]).lines;
    lines.push(LineToCredit {
        line_id: LineId::generate(),
        extent: extent("1"),
    });
    let order = CreditOrder {
        issue_date: Some(day("2026-02-28")),
        ..ordered(lines)
    };
    let last = LastNumber {
        place: Series::standard_of_credit_notes()
            .next(None, day("2026-03-02"), day("2026-03-02"))
            .unwrap()
            .place,
        issue_date: day("2026-03-01"),
    };
    let Err(CreditError::Problems(problems)) = give(&invoice, &order, Some(&last)) else {
        panic!()
    };
    let left = Quantity::parse("2").unwrap();
    let expected = [
        CreditProblem::Line(0, LineProblem::QuantityExceedsLeft { left }),
        CreditProblem::Line(1, LineProblem::Repeated),
        CreditProblem::Line(2, LineProblem::ZeroAmount),
        CreditProblem::Line(3, LineProblem::Unknown),
        CreditProblem::BeforeInvoice(day("2026-03-01")),
        CreditProblem::Number(NumberError::DateBeforeLast {
            last: day("2026-03-01"),
        }),
    ];
    assert_eq!(problems, expected);
    for (ask, problem) in [
        ("0", LineProblem::ZeroQuantity),
        (
            "-1",
            LineProblem::QuantityExceedsLeft {
                left: Quantity::parse("2").unwrap(),
            },
        ),
        ("€-1", LineProblem::AmountExceedsLeft { left: minor(10_000) }),
        ("€10001", LineProblem::AmountExceedsLeft { left: minor(10_000) }),
    ] {
        assert_eq!(
            refused(&invoice, &[(0, ask)]),
            [CreditProblem::Line(0, problem)],
            "{ask}"
        );
    }
    let after = credit(&invoice, &[(0, "2")]).invoice;
    assert_eq!(
        refused(&after, &[(0, "1")]),
        [CreditProblem::Line(0, LineProblem::NothingLeft)]
    );
}

#[test]
fn an_invoice_has_a_hundred_credit_notes_at_most() {
    let mut invoice = over([line("1", "100", standard("20"))]);
    for _ in 0..MAX_CREDIT_NOTES {
        invoice = credit(&invoice, &[(0, "€1")]).invoice;
    }
    assert_eq!(
        give(&invoice, &ordered(Vec::new()), None),
        Err(CreditError::TooMany)
    );
}

#[test]
fn without_a_day_a_note_is_of_today_or_of_the_day_of_an_invoice_that_is_dated_ahead() {
    let undated = CreditOrder {
        issue_date: None,
        ..ordered(Vec::new())
    };
    let given = |today: &str| {
        let new = NewCreditNote {
            identity: &identity(),
            series: &Series::standard_of_credit_notes(),
            last: None,
            today: day(today),
            request_id: "",
        };
        let invoice = over([line("1", "1", standard("20"))]);
        let credited = invoice.credit(&undated, new, Timestamp::now()).unwrap();
        credited.note.header.issue_date.unwrap()
    };
    assert_eq!(given("2026-03-05"), day("2026-03-05"));
    assert_eq!(given("2026-02-27"), day("2026-03-01"));
}

#[test]
fn what_was_paid_and_is_credited_is_owed_back() {
    let payment = |amount| NewPayment {
        amount,
        allow_overpayment: false,
        paid_on: day("2026-03-05"),
        method: Text::default(),
        reference: Text::default(),
    };
    let invoice = over([line("1", "100", standard("20"))]);
    let paid = invoice.pay(payment(None), Timestamp::now()).unwrap();
    let after = credit(&paid, &[(0, "€2500")]).invoice;
    assert_eq!(
        (after.state, after.payment_state()),
        (State::Paid, PaymentState::Overpaid)
    );
    assert_eq!(
        (after.totals.credited, after.totals.overpaid),
        (minor(3_000), minor(3_000))
    );

    let part = invoice
        .pay(payment(Some(minor(9_000))), Timestamp::now())
        .unwrap();
    let settled = credit(&part, &[(0, "€2500")]).invoice;
    assert_eq!(
        (settled.state, settled.payment_state()),
        (State::Paid, PaymentState::Paid)
    );
    let bounced = settled
        .reverse(&settled.payments[0].id, Timestamp::now())
        .unwrap();
    assert_eq!(
        (bounced.state, bounced.totals.remaining),
        (State::Open, minor(9_000))
    );

    let given_up = invoice.mark_uncollectible(Timestamp::now()).unwrap();
    assert_eq!(
        credit(&given_up, &[(0, "€1")]).invoice.state,
        State::Uncollectible
    );
    assert_eq!(credit(&given_up, &[]).invoice.state, State::Paid);
    for refusing in [draft(complete()), invoice.void(Timestamp::now()).unwrap()] {
        let refused = give(&refusing, &ordered(Vec::new()), None);
        let Err(CreditError::State(error)) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(error.action, Action::CreateCreditNote);
    }
}
