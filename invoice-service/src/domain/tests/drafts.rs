//! The life of a draft, and what is derived when an invoice is read.

use jiff::Timestamp;

use super::builders::{amount, content, line, minor, on_document, on_line, standard};
use crate::domain::{
    adjustment::AdjustmentKind::Charge,
    content::{ContentViolation, InvoiceContent, PaymentTermsDays},
    date::CalendarDate,
    ids::{InvoiceId, LineId, OrganizationId, UserId, Version},
    invoice::{ContentError, Invoice, InvoiceIdentity, ReviseError},
    state::{Action, PaymentState, State, StateError, allowed_actions},
    totals::{Figure, TotalsError, compute},
};

fn identity() -> InvoiceIdentity {
    InvoiceIdentity {
        id: InvoiceId::generate(),
        organization_id: OrganizationId::parse("org_1").unwrap(),
        created_by: UserId::parse("usr_1").unwrap(),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn day(text: &str) -> CalendarDate {
    CalendarDate::parse(text).unwrap()
}

fn draft(content: InvoiceContent) -> Invoice {
    Invoice::draft(content, identity(), at("2026-01-02T03:04:05.6789Z")).unwrap()
}

fn two_lines() -> InvoiceContent {
    content(
        "EUR",
        [line("1", "100", standard("20")), line("2", "5", standard("10"))],
    )
}

#[test]
fn a_draft_has_figures_and_line_ids_but_no_number() {
    let draft = draft(two_lines());
    assert_eq!(
        (draft.state, draft.version, draft.number.as_ref()),
        (State::Draft, Version::FIRST, None)
    );
    assert_eq!(
        draft.lines.iter().map(|line| line.net.get()).collect::<Vec<_>>(),
        [10_000, 1_000]
    );
    assert_ne!(draft.lines[0].id, draft.lines[1].id);
    assert_eq!(draft.totals.gross, minor(13_100));
    assert_eq!(draft.create_time, at("2026-01-02T03:04:05.678Z"));
    assert_eq!(draft.update_time, draft.create_time);
}

#[test]
fn a_draft_may_be_empty() {
    let draft = draft(content("EUR", []));
    assert_eq!(draft.totals.gross, minor(0));
    assert_eq!(draft.payment_state(), PaymentState::Unpaid);
}

#[test]
fn a_revision_keeps_the_ids_of_lines_that_come_back_and_counts_up() {
    let before = draft(two_lines());
    let mut content = before.content();
    content.lines.remove(0);
    content.lines.push(line("1", "1", standard("20")));
    let after = before.revise(content, at("2026-01-03T00:00:00.0001Z")).unwrap();
    assert_eq!(after.lines[0], before.lines[1]);
    assert!(before.lines.iter().all(|line| line.id != after.lines[1].id));
    assert_eq!(after.totals.net, minor(1_100));
    assert_eq!(after.version, Version::new(2));
    assert_ne!(after.etag(), before.etag());
    assert_eq!(
        (after.create_time, after.update_time),
        (before.create_time, at("2026-01-03T00:00:00Z"))
    );
    assert_eq!(after.identity, before.identity);
}

#[test]
fn only_a_draft_can_be_revised_and_the_error_says_what_can_be_done() {
    for state in State::ALL.into_iter().filter(|state| *state != State::Draft) {
        let mut invoice = draft(two_lines());
        invoice.state = state;
        let error = StateError {
            state,
            action: Action::UpdateInvoice,
            guard: None,
        };
        assert_eq!(
            invoice.revise(two_lines(), at("2026-01-03T00:00:00Z")),
            Err(ReviseError::State(error))
        );
        assert!(error.allowed_actions().eq(allowed_actions(state).iter().copied()));
    }
}

#[test]
fn every_problem_of_a_content_is_reported_at_once() {
    let id = LineId::generate();
    let mut too_much = line("1", "1", standard("20"));
    too_much.id = Some(id.clone());
    too_much.content.adjustments = vec![on_line(Charge, amount(1)); 21];
    let mut same_id = line("1", "1", standard("20"));
    same_id.id = Some(id);
    let mut content = content("EUR", [too_much, same_id]);
    content
        .lines
        .extend((0..499).map(|_| line("1", "1", standard("20"))));
    content.header.adjustments = vec![on_document(Charge, amount(1), None); 101];
    assert_eq!(
        Invoice::draft(content, identity(), at("2026-01-01T00:00:00Z")),
        Err(ContentError::Violations(vec![
            ContentViolation::TooManyLines,
            ContentViolation::TooManyAdjustments,
            ContentViolation::TooManyLineAdjustments { line: 0 },
            ContentViolation::DuplicateLineId { line: 1 },
        ]))
    );
}

#[test]
fn a_full_invoice_is_accepted() {
    let mut content = content("EUR", (0..500).map(|_| line("1", "1", standard("20"))));
    content.header.adjustments = vec![on_document(Charge, amount(1), None); 100];
    content.lines[0].content.adjustments = vec![on_line(Charge, amount(1)); 20];
    assert_eq!(draft(content).totals.net, minor(50_000 + 100 + 20));
}

#[test]
fn an_amount_beyond_the_limit_makes_no_draft() {
    let content = content("EUR", [line("999999999", "9999999999", standard("20"))]);
    assert_eq!(
        Invoice::draft(content, identity(), at("2026-01-01T00:00:00Z")),
        Err(ContentError::Totals(TotalsError {
            figure: Figure::Line(0)
        }))
    );
}

#[test]
fn what_is_previewed_is_what_is_saved_and_what_is_computed_again() {
    let content = two_lines();
    let preview = compute(&content).unwrap();
    let saved = draft(content);
    assert_eq!(saved.totals, preview.totals);
    assert_eq!(saved.tax_breakdown, preview.tax_breakdown);
    assert_eq!(saved.compute().unwrap(), preview);
    assert_eq!(compute(&saved.content()).unwrap(), preview);
}

#[test]
fn payment_state_follows_what_was_paid_and_credited() {
    let mut invoice = draft(two_lines());
    invoice.state = State::Open;
    for (paid, credited, expected) in [
        (0, 0, PaymentState::Unpaid),
        (0, 100, PaymentState::Unpaid),
        (1, 0, PaymentState::PartiallyPaid),
        (13_000, 100, PaymentState::Paid),
        (0, 13_100, PaymentState::Paid),
        (13_101, 0, PaymentState::Overpaid),
    ] {
        invoice.totals = invoice.totals.settled(minor(paid), minor(credited)).unwrap();
        assert_eq!(
            invoice.payment_state(),
            expected,
            "{paid} paid, {credited} credited"
        );
    }
}

#[test]
fn an_open_invoice_is_overdue_the_day_after_its_due_date_while_something_remains() {
    let mut invoice = draft(two_lines());
    invoice.header.due_date = Some(day("2026-02-28"));
    assert!(!invoice.overdue(day("2026-03-01")), "a draft is never overdue");
    invoice.state = State::Open;
    assert!(!invoice.overdue(day("2026-02-28")));
    assert!(invoice.overdue(day("2026-03-01")));
    invoice.totals = invoice.totals.settled(invoice.totals.gross, minor(0)).unwrap();
    assert!(!invoice.overdue(day("2026-03-01")), "nothing remains");
}

#[test]
fn payment_terms_stand_in_for_a_due_date() {
    let mut header = two_lines().header;
    header.payment_terms_days = Some(PaymentTermsDays::new(30).unwrap());
    assert_eq!(header.effective_due_date(), None);
    header.issue_date = Some(day("2024-01-31"));
    assert_eq!(header.effective_due_date(), Some(day("2024-03-01")));
    header.due_date = Some(day("2024-02-10"));
    assert_eq!(header.effective_due_date(), Some(day("2024-02-10")));
}

#[test]
fn each_state_permits_what_the_life_of_an_invoice_says() {
    use Action::{
        CreateCreditNote, DeleteInvoice, IssueInvoice, MarkInvoiceUncollectible, RecordPayment,
        ReversePayment, UpdateInvoice, VoidInvoice,
    };
    for (state, allowed) in [
        (State::Draft, vec![UpdateInvoice, DeleteInvoice, IssueInvoice]),
        (
            State::Open,
            vec![
                RecordPayment,
                ReversePayment,
                VoidInvoice,
                MarkInvoiceUncollectible,
                CreateCreditNote,
            ],
        ),
        (State::Paid, vec![ReversePayment, CreateCreditNote]),
        (State::Void, vec![]),
        (
            State::Uncollectible,
            vec![RecordPayment, VoidInvoice, CreateCreditNote],
        ),
    ] {
        assert_eq!(allowed_actions(state), allowed, "{state}");
        for action in &allowed {
            assert_eq!(state.permit(*action), Ok(()));
        }
    }
}
