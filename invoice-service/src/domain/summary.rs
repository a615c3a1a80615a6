//! What many invoices come to: counts and sums by currency and state, and what remains by age.

use std::collections::BTreeMap;

use thiserror::Error;

use super::date::CalendarDate;
use super::invoice::{Invoice, InvoiceKind};
use super::money::{Currency, MinorUnits};
use super::state::State;

/// How long ago what remains on an open invoice was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DueAge {
    /// Later than today, or never.
    NotDue,
    /// Today: 0 days ago, and not overdue yet.
    Today,
    /// 1 to 30 days ago.
    UpTo30Days,
    /// 31 to 60 days ago.
    UpTo60Days,
    /// 61 to 90 days ago.
    UpTo90Days,
    /// More than 90 days ago.
    Over90Days,
}

impl DueAge {
    /// Every age, youngest first.
    pub const ALL: [Self; 6] = [
        Self::NotDue,
        Self::Today,
        Self::UpTo30Days,
        Self::UpTo60Days,
        Self::UpTo90Days,
        Self::Over90Days,
    ];

    /// Whether an invoice of this age is overdue.
    pub const fn is_overdue(self) -> bool {
        match self {
            Self::NotDue | Self::Today => false,
            Self::UpTo30Days | Self::UpTo60Days | Self::UpTo90Days | Self::Over90Days => true,
        }
    }
}

/// The first due date of each age that has one, seen from one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueAges {
    today: CalendarDate,
    up_to_30: CalendarDate,
    up_to_60: CalendarDate,
    up_to_90: CalendarDate,
}

impl DueAges {
    /// Seen from `today`.
    pub fn on(today: CalendarDate) -> Self {
        Self {
            today,
            up_to_30: today.minus_days(30),
            up_to_60: today.minus_days(60),
            up_to_90: today.minus_days(90),
        }
    }

    /// The day they are seen from.
    pub const fn today(&self) -> CalendarDate {
        self.today
    }

    /// Each age with its first due date, youngest first. What is due before the last of them is [`DueAge::Over90Days`];
    /// what is due after today is [`DueAge::NotDue`].
    pub const fn first_due_dates(&self) -> [(DueAge, CalendarDate); 4] {
        [
            (DueAge::Today, self.today),
            (DueAge::UpTo30Days, self.up_to_30),
            (DueAge::UpTo60Days, self.up_to_60),
            (DueAge::UpTo90Days, self.up_to_90),
        ]
    }

    /// The age of an invoice; none unless it is open and something remains. Credit notes are never owed.
    pub fn of(&self, invoice: &Invoice) -> Option<DueAge> {
        let is_owed = invoice.kind == InvoiceKind::Invoice
            && invoice.state == State::Open
            && invoice.totals.remaining > MinorUnits::ZERO;
        is_owed.then(|| match invoice.header.effective_due_date() {
            None => DueAge::NotDue,
            Some(due) if due > self.today => DueAge::NotDue,
            Some(due) => {
                let mut ages = self.first_due_dates().into_iter();
                let age = ages.find(|(_, first)| due >= *first);
                age.map_or(DueAge::Over90Days, |(age, _)| age)
            }
        })
    }
}

/// Sums of amounts of one currency. 2^64 invoices would not fill them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Of `Totals::gross`.
    pub gross: i128,
    /// Of `Totals::paid`.
    pub paid: i128,
    /// Of `Totals::credited`.
    pub credited: i128,
    /// Of `Totals::remaining`.
    pub remaining: i128,
}

/// The invoices that agree in all of these, counted and summed: what a store knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Their currency.
    pub currency: Currency,
    /// Their kind.
    pub kind: InvoiceKind,
    /// Their state.
    pub state: State,
    /// How long ago they were due, of open ones on which something remains.
    pub age: Option<DueAge>,
    /// How many.
    pub count: u64,
    /// What they come to.
    pub sums: Sums,
}

/// What the invoices of a currency come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CurrencySummary {
    /// Invoices by state.
    pub invoices: BTreeMap<State, Group>,
    /// Credit notes by state: they are no turnover.
    pub credit_notes: BTreeMap<State, Group>,
    /// Open invoices on which something remains, by age. Only `count` and `remaining` mean something.
    pub ageing: BTreeMap<DueAge, Group>,
}

/// Invoices, counted and summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Group {
    /// How many.
    pub count: u64,
    /// What they come to.
    pub sums: Sums,
}

/// A sum that JavaScript cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a sum of {currency} is beyond 9007199254740991 minor units; narrow the filter")]
pub struct SumTooLarge {
    /// Its currency.
    pub currency: Currency,
}

/// 2^53 − 1: what a JavaScript number holds exactly, as every amount of an invoice.
const LARGEST_SUM: u128 = 9_007_199_254_740_991;

impl CurrencySummary {
    /// What is overdue.
    pub fn overdue(&self) -> Group {
        let overdue = self.ageing.iter().filter(|(age, _)| age.is_overdue());
        overdue.fold(Group::default(), |all, (_, group)| all.with(*group))
    }
}

impl Group {
    /// Both together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            sums: Sums {
                gross: self.sums.gross + other.sums.gross,
                paid: self.sums.paid + other.sums.paid,
                credited: self.sums.credited + other.sums.credited,
                remaining: self.sums.remaining + other.sums.remaining,
            },
        }
    }

    fn fits(&self) -> bool {
        let Sums {
            gross,
            paid,
            credited,
            remaining,
        } = self.sums;
        let mut sums = [gross, paid, credited, remaining].into_iter();
        sums.all(|sum| sum.unsigned_abs() <= LARGEST_SUM)
    }
}

/// The summary of each currency, by code.
///
/// # Errors
/// [`SumTooLarge`] when any sum of a summary is; then no part of it is right.
pub fn summarize(
    tallies: impl IntoIterator<Item = Tally>,
) -> Result<BTreeMap<&'static str, CurrencySummary>, SumTooLarge> {
    let mut summaries: BTreeMap<&'static str, CurrencySummary> = BTreeMap::new();
    for tally in tallies {
        let Tally {
            currency,
            kind,
            state,
            age,
            count,
            sums,
        } = tally;
        let summary = summaries.entry(currency.code()).or_default();
        let by_state = match kind {
            InvoiceKind::Invoice => &mut summary.invoices,
            InvoiceKind::CreditNote => &mut summary.credit_notes,
        };
        let added = Group { count, sums };
        // What remains by age is a part of what remains in a state, and what is overdue of that: they fit when it does.
        let group = by_state.entry(state).or_default();
        *group = group.with(added);
        if !group.fits() {
            return Err(SumTooLarge { currency });
        }
        if let Some(age) = age {
            let group = summary.ageing.entry(age).or_default();
            *group = group.with(added);
        }
    }
    Ok(summaries)
}
