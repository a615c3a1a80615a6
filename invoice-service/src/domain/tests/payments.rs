//! Payments, and a random walk through everything that can happen to an invoice.

use jiff::Timestamp;

use super::builders::minor;
use super::credits::{give, ordered};
use super::issuing::{complete, day, draft, issued};
use crate::domain::{
    credit::{Extent, LineToCredit},
    history::{Deed, Verdict},
    ids::{PaymentId, SessionId, UserId},
    invoice::Invoice,
    money::{AmountOverflow, MinorUnits},
    number::Series,
    payment::{MAX_PAYMENTS, NewPayment, PaymentAmountError, PaymentError},
    state::{Action, Guard, PaymentState, State, StateError},
    text::{Paragraph, Text},
};

fn payment(amount: Option<i64>) -> NewPayment {
    NewPayment {
        amount: amount.map(minor),
        allow_overpayment: false,
        paid_on: day("2026-03-05"),
        method: Text::default(),
        reference: Text::default(),
    }
}

fn over(amount: i64) -> NewPayment {
    NewPayment {
        allow_overpayment: true,
        ..payment(Some(amount))
    }
}

fn pay(invoice: &Invoice, payment: NewPayment) -> Result<Invoice, PaymentError> {
    invoice.pay(payment, Timestamp::now())
}

/// Gross 120.00.
fn open() -> Invoice {
    issued(complete()).unwrap()
}

fn figures(invoice: &Invoice) -> (State, i64, i64, i64, PaymentState) {
    let totals = &invoice.totals;
    let [paid, remaining, overpaid] = [totals.paid, totals.remaining, totals.overpaid].map(MinorUnits::get);
    (invoice.state, paid, remaining, overpaid, invoice.payment_state())
}

#[test]
fn payments_add_up_until_nothing_remains() {
    let part = pay(&open(), payment(Some(5_000))).unwrap();
    assert_eq!(
        figures(&part),
        (State::Open, 5_000, 7_000, 0, PaymentState::PartiallyPaid)
    );
    let rest = pay(&part, payment(None)).unwrap();
    assert_eq!(figures(&rest), (State::Paid, 12_000, 0, 0, PaymentState::Paid));
    assert_eq!(rest.payments[1].amount, minor(7_000));
    let refused = pay(&rest, over(1));
    let state = StateError {
        state: State::Paid,
        action: Action::RecordPayment,
        guard: None,
    };
    assert_eq!(refused, Err(PaymentError::State(state)));
}

#[test]
fn what_is_not_above_zero_or_above_what_remains_or_out_of_range_is_refused() {
    let refused = |payment| match pay(&open(), payment) {
        Err(PaymentError::Amount(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(payment(Some(0))), PaymentAmountError::NotPositive);
    assert_eq!(refused(over(-1)), PaymentAmountError::NotPositive);
    let remaining = minor(12_000);
    assert_eq!(
        refused(payment(Some(12_001))),
        PaymentAmountError::ExceedsRemaining { remaining }
    );
    let some = pay(&open(), payment(Some(1))).unwrap();
    let too_much = pay(&some, over(MinorUnits::MAX.get()));
    assert_eq!(
        too_much,
        Err(PaymentError::Amount(PaymentAmountError::Overflow(AmountOverflow)))
    );
}

#[test]
fn an_overpayment_is_taken_where_it_is_allowed_and_leaves_only_when_something_remains() {
    let part = pay(&open(), payment(Some(2_000))).unwrap();
    let overpaid = pay(&part, over(15_000)).unwrap();
    assert_eq!(
        figures(&overpaid),
        (State::Paid, 17_000, 0, 5_000, PaymentState::Overpaid)
    );
    let first = overpaid.payments[0].id.clone();
    let still = overpaid.reverse(&first, Timestamp::now()).unwrap();
    assert_eq!(
        figures(&still),
        (State::Paid, 15_000, 0, 3_000, PaymentState::Overpaid)
    );
    let second = still.payments[1].id.clone();
    let nothing = still.reverse(&second, Timestamp::now()).unwrap();
    assert_eq!(
        figures(&nothing),
        (State::Open, 0, 12_000, 0, PaymentState::Unpaid)
    );
    assert_eq!(
        nothing.reverse(&first, Timestamp::now()),
        Err(PaymentError::AlreadyReversed)
    );
    let unknown = nothing.reverse(&PaymentId::generate(), Timestamp::now());
    assert_eq!(unknown, Err(PaymentError::NotFound));
}

#[test]
fn a_late_payment_of_an_uncollectible_invoice_is_welcome() {
    let given_up = open().mark_uncollectible(Timestamp::now()).unwrap();
    let part = pay(&given_up, payment(Some(1))).unwrap();
    assert_eq!(part.state, State::Uncollectible);
    assert_eq!(pay(&part, payment(None)).unwrap().state, State::Paid);
    let reversal = part.reverse(&part.payments[0].id, Timestamp::now());
    assert!(matches!(reversal, Err(PaymentError::State(_))), "{reversal:?}");
}

#[test]
fn what_something_is_paid_on_cannot_be_annulled_until_that_is_reversed() {
    let part = pay(&open(), payment(Some(1))).unwrap();
    let refused = part.void(Timestamp::now()).unwrap_err();
    assert_eq!(refused.guard, Some(Guard::Settled));
    assert!(
        refused
            .allowed_actions()
            .all(|action| action != Action::VoidInvoice)
    );
    assert!(
        refused
            .to_string()
            .ends_with("OPEN and something is paid or credited"),
        "{refused}"
    );
    let reversed = part.reverse(&part.payments[0].id, Timestamp::now()).unwrap();
    assert_eq!(reversed.void(Timestamp::now()).unwrap().state, State::Void);
}

#[test]
fn an_invoice_has_five_hundred_payments_at_most() {
    let mut invoice = open();
    for _ in 0..MAX_PAYMENTS {
        invoice = pay(&invoice, payment(Some(1))).unwrap();
    }
    assert_eq!(pay(&invoice, payment(Some(1))), Err(PaymentError::TooMany));
}

/// What an invoice is, told without it: states by name, amounts as plain integers.
struct Model {
    state: &'static str,
    gross: i64,
    /// Amount, and whether it counts.
    payments: Vec<(i64, bool)>,
    /// What is credited, before its tax of 20 %.
    credited_net: i64,
}

impl Model {
    fn paid(&self) -> i64 {
        self.payments
            .iter()
            .filter(|payment| payment.1)
            .map(|payment| payment.0)
            .sum()
    }

    /// With tax: half a cent counts as one.
    fn credited(&self) -> i64 {
        self.credited_net + (self.credited_net * 2 + 5) / 10
    }

    fn settle(&mut self, unpaid: &'static str) {
        let settled = self.paid() + self.credited() >= self.gross;
        self.state = if settled { "PAID" } else { unpaid };
    }

    /// Whether the step is taken.
    fn take(&mut self, step: Step) -> bool {
        let remaining = (self.gross - self.paid() - self.credited()).max(0);
        match (step, self.state) {
            (Step::Update, "DRAFT") => {}
            (Step::Issue, "DRAFT") => self.settle("OPEN"),
            (Step::Pay(amount, overpay), "OPEN" | "UNCOLLECTIBLE") => {
                let amount = amount.unwrap_or(remaining);
                if amount <= 0 || (amount > remaining && !overpay) {
                    return false;
                }
                self.payments.push((amount, true));
                self.settle(self.state);
            }
            (Step::Reverse(position), "OPEN" | "PAID") => match self.payments.get_mut(position) {
                Some(payment) if payment.1 => {
                    payment.1 = false;
                    self.settle("OPEN");
                }
                Some(_) | None => return false,
            },
            (Step::Credit(amount), "OPEN" | "PAID" | "UNCOLLECTIBLE") => {
                let left = 10_000 - self.credited_net;
                let amount = amount.unwrap_or(left);
                if amount <= 0 || amount > left {
                    return false;
                }
                self.credited_net += amount;
                self.settle(self.state);
            }
            (Step::Void, "OPEN" | "UNCOLLECTIBLE") if self.paid() == 0 && self.credited_net == 0 => {
                self.state = "VOID";
            }
            (Step::GiveUp, "OPEN") => self.state = "UNCOLLECTIBLE",
            _ => return false,
        }
        true
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Update,
    Issue,
    Pay(Option<i64>, bool),
    Reverse(usize),
    /// So much of the only line; none: everything.
    Credit(Option<i64>),
    Void,
    GiveUp,
}

impl Step {
    fn action(self) -> &'static str {
        match self {
            Self::Update => "UpdateInvoice",
            Self::Issue => "IssueInvoice",
            Self::Pay(..) => "RecordPayment",
            Self::Reverse(_) => "ReversePayment",
            Self::Credit(_) => "CreateCreditNote",
            Self::Void => "VoidInvoice",
            Self::GiveUp => "MarkInvoiceUncollectible",
        }
    }

    fn of(invoice: &Invoice, step: Self) -> Option<Invoice> {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        match step {
            Self::Update => {
                let mut content = invoice.content();
                content.header.note = Paragraph::parse("x").unwrap();
                invoice.revise(content, now).ok()
            }
            Self::Issue => invoice
                .issue(
                    day("2026-03-01"),
                    &Series::standard(),
                    None,
                    day("2026-03-01"),
                    now,
                )
                .ok(),
            Self::Pay(amount, allow_overpayment) => {
                let payment = NewPayment {
                    allow_overpayment,
                    ..payment(amount)
                };
                invoice.pay(payment, now).ok()
            }
            Self::Reverse(position) => {
                let unknown = PaymentId::generate();
                let id = invoice
                    .payments
                    .get(position)
                    .map_or(&unknown, |payment| &payment.id);
                invoice.reverse(id, now).ok()
            }
            Self::Credit(amount) => {
                let line = |amount: i64| LineToCredit {
                    line_id: invoice.lines[0].id.clone(),
                    extent: Extent::Amount(minor(amount)),
                };
                let order = ordered(amount.map(line).into_iter().collect());
                Some(give(invoice, &order, None).ok()?.invoice)
            }
            Self::Void => invoice.void(now).ok(),
            Self::GiveUp => invoice.mark_uncollectible(now).ok(),
        }
    }
}

/// Numbers that look random and are the same in every run (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn step(&mut self) -> Step {
        let amount = |dice: &mut Self| i64::try_from(dice.below(14_000)).unwrap() - 500;
        match self.below(22) {
            20..=21 => Step::Credit((self.below(32) > 0).then(|| amount(self) / 20)),
            0 => Step::Void,
            1 => Step::GiveUp,
            2..=4 => Step::Update,
            5..=7 => Step::Issue,
            8..=9 => Step::Pay(None, self.below(2) == 0),
            10..=14 => Step::Pay(Some(amount(self)), self.below(4) == 0),
            _ => Step::Reverse(usize::try_from(self.below(6)).unwrap()),
        }
    }
}

fn deed(action: &'static str) -> Deed {
    Deed {
        action,
        user: UserId::parse("usr_1").unwrap(),
        session: SessionId::parse("ses_1").unwrap(),
        request_id: None,
        reason: Text::default(),
    }
}

#[test]
fn a_random_walk_of_a_hundred_thousand_steps_agrees_with_the_model() {
    const STEPS: u32 = 100_000;
    const LIFE: u32 = 40;
    let mut dice = Dice(5);
    let mut taken = 0;
    for _ in 0..STEPS / LIFE {
        let mut invoice = draft(complete()).recorded(None, deed("CreateInvoice")).unwrap();
        let mut model = Model {
            state: "DRAFT",
            gross: invoice.totals.gross.get(),
            payments: Vec::new(),
            credited_net: 0,
        };
        for _ in 0..LIFE {
            let step = dice.step();
            let next = Step::of(&invoice, step);
            assert_eq!(
                next.is_some(),
                model.take(step),
                "{step:?} while {}",
                invoice.state
            );
            if let Some(next) = next {
                invoice = next.recorded(Some(&invoice), deed(step.action())).unwrap();
                taken += 1;
            }
            let balance = model.gross - model.paid() - model.credited();
            let paid = model.paid();
            let totals = &invoice.totals;
            assert_eq!(invoice.state.name(), model.state, "after {step:?}");
            assert_eq!(totals.paid.get(), paid, "after {step:?}");
            assert_eq!(totals.credited.get(), model.credited(), "after {step:?}");
            assert_eq!(totals.remaining.get(), balance.max(0), "after {step:?}");
            assert_eq!(totals.overpaid.get(), (-balance).max(0), "after {step:?}");
        }
        assert_eq!(invoice.history.entries().len() as u64, invoice.version.get());
        assert_eq!(invoice.history.verify(&invoice), Verdict::Intact);
    }
    assert!(taken > STEPS / 10, "only {taken} steps did anything");
}
