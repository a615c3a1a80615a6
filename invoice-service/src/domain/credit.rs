//! Credit notes: what of an issued invoice is taken back, and what that does to the invoice (docs/adr/0018).
//!
//! Each line of an invoice has a share of it: its own amount, and its part of the document's allowances and charges. A
//! credit takes some of the shares, by quantity or by amount, or everything that is left. What it comes to is the figures of
//! all that is credited by then, less the figures of all that was before, so credits neither exceed nor miss the invoice.

mod note;
mod taking;

use jiff::Timestamp;
use thiserror::Error;

use self::taking::Taking;
use super::{
    date::CalendarDate,
    decimal::Quantity,
    history::Reason,
    ids::{InvoiceId, LineId},
    invoice::{Invoice, InvoiceIdentity, InvoiceNumber},
    line::Line,
    money::MinorUnits,
    number::{AssignedNumber, LastNumber, NumberError, Series},
    state::{Action, State, StateError},
    totals::{Apportionment, TotalsError},
};

/// Bounds the stored document; nobody takes one invoice back in more pieces.
pub const MAX_CREDIT_NOTES: usize = 100;

/// A credit note as its invoice keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    /// The credit note, a document of its own.
    pub note_id: InvoiceId,
    /// Its number.
    pub number: InvoiceNumber,
    /// Its day of issue.
    pub issue_date: CalendarDate,
    /// What it takes off the amount due: its gross and its rounding.
    pub amount: MinorUnits,
    /// Nothing of the invoice is left after it.
    pub completes: bool,
    /// The request id of the call that made it; blank when it had none.
    pub request_id: String,
}

/// What credit notes have taken back of one line so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineCredit {
    /// How much of the line's quantity; none: nothing. What was credited by amount does not count here.
    pub quantity: Option<Quantity>,
    /// How much of the line's share, with tax when the invoice's prices include it.
    pub amount: MinorUnits,
}

/// How much of a line is credited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// So many units, at what is left of their price. Negative of a line with a negative quantity.
    Quantity(Quantity),
    /// So much of the line's share, with tax when the invoice's prices include it. Negative of a negative share.
    Amount(MinorUnits),
}

/// One line to be credited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineToCredit {
    /// The invoice's line.
    pub line_id: LineId,
    /// How much of it.
    pub extent: Extent,
}

/// What a client wants credited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditOrder {
    /// The lines; none: everything that is left.
    pub lines: Vec<LineToCredit>,
    /// The day of issue; none: today, or the invoice's day when that is later.
    pub issue_date: Option<CalendarDate>,
    /// Why: the text of the note, and part of both histories.
    pub reason: Reason,
}

/// Who and where the note is.
#[derive(Debug, Clone, Copy)]
pub struct NewCreditNote<'a> {
    /// Its identity.
    pub identity: &'a InvoiceIdentity,
    /// The series that its number is taken from.
    pub series: &'a Series,
    /// The last number of that series.
    pub last: Option<&'a LastNumber>,
    /// Today where the organization is.
    pub today: CalendarDate,
    /// The request id of the call, or blank.
    pub request_id: &'a str,
}

/// An invoice after a credit, one version on, and the note. Both are to be stored, or neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credited {
    /// The invoice.
    pub invoice: Invoice,
    /// The credit note.
    pub note: Invoice,
}

/// What is wrong with one line of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LineProblem {
    /// The invoice has no such line.
    #[error("must be the id of a line of the invoice")]
    Unknown,
    /// An earlier line of the order has the same id.
    #[error("must not be the id of an earlier line")]
    Repeated,
    /// No units are asked for.
    #[error("must not be 0")]
    ZeroQuantity,
    /// No amount is asked for.
    #[error("must not be 0")]
    ZeroAmount,
    /// More units than are left, or units of the other sign.
    #[error("must be between 0 and {left}, which is what is left of the line")]
    QuantityExceedsLeft {
        /// What is left.
        left: Quantity,
    },
    /// More than is left, or an amount of the other sign.
    #[error("must be between 0 and {left} minor units, which is what is left of the line")]
    AmountExceedsLeft {
        /// What is left.
        left: MinorUnits,
    },
    /// It is credited already, or it never came to anything.
    #[error("must be of a line of which something is left")]
    NothingLeft,
}

impl LineProblem {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unknown => "LINE_UNKNOWN",
            Self::Repeated => "DUPLICATE_LINE_ID",
            Self::ZeroQuantity | Self::ZeroAmount => "CREDIT_ZERO",
            Self::QuantityExceedsLeft { .. } | Self::AmountExceedsLeft { .. } => "CREDIT_EXCEEDS_LEFT",
            Self::NothingLeft => "LINE_CREDITED",
        }
    }
}

/// What is wrong with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreditProblem {
    /// The line at this position of the order.
    Line(usize, LineProblem),
    /// All its lines together.
    Lines(LinesProblem),
    /// The day of issue is before the invoice's, which is this.
    BeforeInvoice(CalendarDate),
    /// The day of issue, or the series.
    Number(NumberError),
}

/// What is wrong with all lines of an order together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LinesProblem {
    /// They come to nothing, or to less.
    #[error("must come to more than 0 together")]
    Nothing,
    /// More than is left of the invoice or of one of its taxes, as when only the lines above 0 are credited; or all that is
    /// left of the invoice, but not of its taxes, which no later note could make up for.
    #[error(
        "must not come to more than is left of the invoice and of each of its taxes; to credit all of it, name no lines"
    )]
    ExceedInvoice,
}

impl LinesProblem {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Nothing => "CREDIT_ZERO",
            Self::ExceedInvoice => "CREDIT_EXCEEDS_INVOICE",
        }
    }
}

/// The stable reason of [`CreditProblem::BeforeInvoice`], for programs.
pub const BEFORE_INVOICE: &str = "ISSUE_DATE_BEFORE_INVOICE";

/// Why a credit note was not made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CreditError {
    /// The invoice's state does not permit it.
    #[error(transparent)]
    State(#[from] StateError),
    /// Nothing of the invoice is left.
    #[error("nothing of the invoice is left to be credited")]
    NothingLeft,
    /// There are [`MAX_CREDIT_NOTES`] already.
    #[error("the invoice has {MAX_CREDIT_NOTES} credit notes, which is as many as it can have")]
    TooMany,
    /// Everything that is wrong with the order; never empty.
    #[error("the credit note cannot be made for {} reasons", .0.len())]
    Problems(Vec<CreditProblem>),
    /// A figure of the note would leave the range of amounts.
    #[error(transparent)]
    Totals(#[from] TotalsError),
}

impl Invoice {
    /// The invoice with another credit note, `PAID` when nothing remains, and that note.
    ///
    /// # Errors
    /// [`CreditError`]; of problems, all at once.
    pub fn credit(
        &self,
        order: &CreditOrder,
        new: NewCreditNote<'_>,
        now: Timestamp,
    ) -> Result<Credited, CreditError> {
        self.permit(Action::CreateCreditNote)?;
        if self.credits.iter().any(|credit| credit.completes) {
            return Err(CreditError::NothingLeft);
        }
        if self.credits.len() >= MAX_CREDIT_NOTES {
            return Err(CreditError::TooMany);
        }
        let parts = self.apportionment()?;
        let taking = Taking::of(self, &parts, order);
        let taking = match (taking, self.credit_number(order, new)) {
            (Ok(taking), Ok((number, day))) => (taking, number, day),
            (Err(CreditError::Problems(mut problems)), Err(more)) => {
                problems.extend(more);
                return Err(CreditError::Problems(problems));
            }
            (Err(error), _) => return Err(error),
            (Ok(_), Err(problems)) => return Err(CreditError::Problems(problems)),
        };
        let (taking, number, day) = taking;
        let note = self.note(order, &taking, (new.identity, number, day), now)?;
        let invoice = self.after(&taking, &note, new.request_id, now)?;
        Ok(Credited { invoice, note })
    }

    /// What of each line's share is left to be credited, in the order of the lines; nothing of an invoice that cannot be
    /// credited.
    pub fn creditable(&self) -> Vec<MinorUnits> {
        let none = || vec![MinorUnits::ZERO; self.lines.len()];
        let completed = self.credits.iter().any(|credit| credit.completes);
        if completed || self.permit(Action::CreateCreditNote).is_err() {
            return none();
        }
        let Ok(parts) = self.apportionment() else {
            return none();
        };
        let mut left = none();
        for (position, share) in parts.groups().iter().flat_map(|group| &group.shares) {
            let credited = i128::from(self.lines[*position].credited.amount.get());
            left[*position] = MinorUnits::try_from(share - credited).unwrap_or_default();
        }
        left
    }

    fn apportionment(&self) -> Result<Apportionment, TotalsError> {
        Apportionment::of(&self.header, self.lines.iter().map(|line| &line.content))
    }

    /// The number and day of the note.
    fn credit_number(
        &self,
        order: &CreditOrder,
        new: NewCreditNote<'_>,
    ) -> Result<(AssignedNumber, CalendarDate), Vec<CreditProblem>> {
        let issued = self.header.issue_date.unwrap_or(new.today);
        let day = order.issue_date.unwrap_or_else(|| new.today.max(issued));
        let mut problems = Vec::new();
        if day < issued {
            problems.push(CreditProblem::BeforeInvoice(issued));
        }
        match new.series.next(new.last, day, new.today) {
            Ok(number) if problems.is_empty() => return Ok((number, day)),
            Ok(_) => {}
            Err(error) => problems.push(CreditProblem::Number(error)),
        }
        Err(problems)
    }

    fn after(
        &self,
        taking: &Taking<'_>,
        note: &Self,
        request_id: &str,
        now: Timestamp,
    ) -> Result<Self, TotalsError> {
        let amount = note.totals.credited;
        let out_of_range = |_| TotalsError {
            figure: super::totals::Figure::Gross,
        };
        let credited = self.totals.credited.checked_add(amount).map_err(out_of_range)?;
        let totals = self
            .totals
            .settled(self.totals.paid, credited)
            .map_err(out_of_range)?;
        let mut credits = self.credits.clone();
        credits.push(Credit {
            note_id: note.identity.id.clone(),
            number: note.number.clone().unwrap_or_default(),
            issue_date: note.header.issue_date.unwrap_or(CalendarDate::FIRST),
            amount,
            completes: taking.completes,
            request_id: request_id.to_owned(),
        });
        let lines = self.lines.iter().enumerate().map(|(position, line)| Line {
            credited: taking.line_after(position, line),
            ..line.clone()
        });
        let state = if totals.remaining == MinorUnits::ZERO {
            State::Paid
        } else {
            self.state
        };
        Ok(Self {
            lines: lines.collect(),
            totals,
            credits,
            ..self.next(state, now)
        })
    }
}
