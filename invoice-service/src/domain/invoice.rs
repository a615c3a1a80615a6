//! The invoice: its content, what follows from it, and how it changes.

use jiff::Timestamp;
use thiserror::Error;

use super::{
    content::{ContentViolation, InvoiceContent, InvoiceHeader, Note},
    credit::{Credit, LineCredit},
    date::{CalendarDate, truncate_to_milliseconds},
    history::History,
    ids::{Etag, InvoiceId, LineId, OrganizationId, UserId, Version},
    line::{Line, LineContent, NewLine},
    money::MinorUnits,
    number::NumberPlace,
    payment::Payment,
    state::{Action, Guard, PaymentState, State, StateError},
    text::Text,
    totals::{Computed, TaxSubtotal, Totals, TotalsError, compute, compute_parts},
};

/// An invoice number as printed (EN 16931 BT-1).
pub type InvoiceNumber = Text<64>;
/// The id of a series of numbers.
pub type SeriesId = Text<40>;

/// Whether a document bills or credits. A credit note carries positive amounts: its kind carries the sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InvoiceKind {
    /// Bills (EN 16931 BT-3, 380).
    Invoice,
    /// Credits an issued invoice (EN 16931 BT-3, 381).
    CreditNote,
}

/// Why a content cannot be an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ContentError {
    /// Parts that do not go together; never empty.
    #[error("the invoice has {} problems", .0.len())]
    Violations(Vec<ContentViolation>),
    /// A figure that would leave the range of amounts.
    #[error(transparent)]
    Totals(#[from] TotalsError),
}

/// Why an invoice could not be revised.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReviseError {
    /// Only drafts can be.
    #[error(transparent)]
    State(#[from] StateError),
    /// The new content is refused.
    #[error(transparent)]
    Content(#[from] ContentError),
}

/// Who and where a new invoice is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceIdentity {
    /// The invoice's id.
    pub id: InvoiceId,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// The user who created it.
    pub created_by: UserId,
}

/// An invoice or credit note.
///
/// Made by [`Invoice::draft`]; the fields are open so that a store can bring back what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Id, organization and creator: never change.
    pub identity: InvoiceIdentity,
    /// Invoice or credit note.
    pub kind: InvoiceKind,
    /// State.
    pub state: State,
    /// Number; none until it is issued.
    pub number: Option<InvoiceNumber>,
    /// The series the number belongs to; none until it is issued.
    pub series: Option<SeriesId>,
    /// The place that the number has in its series; none until it is issued.
    pub number_place: Option<NumberPlace>,
    /// The invoice that a credit note credits (EN 16931 BG-3).
    pub preceding_invoice_id: Option<InvoiceId>,
    /// What the client says about the document.
    pub header: InvoiceHeader,
    /// Lines with their ids and nets.
    pub lines: Vec<Line>,
    /// Tax breakdown. Computed.
    pub tax_breakdown: Vec<TaxSubtotal>,
    /// Totals. Computed.
    pub totals: Totals,
    /// Payments received, in the order they were recorded; at most [`MAX_PAYMENTS`](super::payment::MAX_PAYMENTS).
    pub payments: Vec<Payment>,
    /// Credit notes given, in the order they were; at most [`MAX_CREDIT_NOTES`](super::credit::MAX_CREDIT_NOTES).
    pub credits: Vec<Credit>,
    /// How often it was written.
    pub version: Version,
    /// When it was created, to the millisecond.
    pub create_time: Timestamp,
    /// When it last changed, to the millisecond.
    pub update_time: Timestamp,
    /// When it was issued, to the millisecond.
    pub issue_time: Option<Timestamp>,
    /// What was done to it. Lists leave it empty: it can be far larger than the rest.
    pub history: History,
}

impl Invoice {
    /// Makes a draft: computes its figures and gives ids to its lines.
    ///
    /// A line keeps an id that the client sends, since ids need only be unique within an invoice.
    ///
    /// # Errors
    /// [`ContentError`].
    pub fn draft(
        content: InvoiceContent,
        identity: InvoiceIdentity,
        now: Timestamp,
    ) -> Result<Self, ContentError> {
        let (header, lines, computed) = figured(content)?;
        let now = truncate_to_milliseconds(now);
        Ok(Self {
            identity,
            kind: InvoiceKind::Invoice,
            state: State::Draft,
            number: None,
            series: None,
            number_place: None,
            preceding_invoice_id: None,
            header,
            lines,
            tax_breakdown: computed.tax_breakdown,
            totals: computed.totals,
            payments: Vec::new(),
            credits: Vec::new(),
            version: Version::FIRST,
            create_time: now,
            update_time: now,
            issue_time: None,
            history: History::default(),
        })
    }

    /// The draft with its whole content replaced, its figures computed anew and its version one higher.
    ///
    /// # Errors
    /// [`ReviseError::State`] when it is no draft any more; [`ReviseError::Content`].
    pub fn revise(&self, content: InvoiceContent, now: Timestamp) -> Result<Self, ReviseError> {
        self.permit(Action::UpdateInvoice)?;
        let (header, lines, computed) = figured(content)?;
        Ok(Self {
            header,
            lines,
            tax_breakdown: computed.tax_breakdown,
            totals: computed.totals,
            version: self.version.next(),
            update_time: truncate_to_milliseconds(now),
            ..self.clone()
        })
    }

    /// The content of a new draft like this one: its dates are open again, its lines are new. Of a credit note it bills
    /// anew what was credited, and the text that says why it was is left out.
    pub fn content_of_duplicate(&self) -> InvoiceContent {
        let header = InvoiceHeader {
            issue_date: None,
            due_date: None,
            supply_date: None,
            note: match self.kind {
                InvoiceKind::Invoice => self.header.note.clone(),
                InvoiceKind::CreditNote => Note::default(),
            },
            ..self.header.clone()
        };
        let new = |line: &Line| NewLine {
            id: None,
            content: line.content.clone(),
        };
        InvoiceContent {
            header,
            lines: self.lines.iter().map(new).collect(),
        }
    }

    /// What the client says, lines with their ids: the base of a partial update.
    pub fn content(&self) -> InvoiceContent {
        let kept = |line: &Line| NewLine {
            id: Some(line.id.clone()),
            content: line.content.clone(),
        };
        InvoiceContent {
            header: self.header.clone(),
            lines: self.lines.iter().map(kept).collect(),
        }
    }

    /// The figures that follow from the content, with nothing paid or credited.
    ///
    /// # Errors
    /// [`TotalsError`]; never for an invoice that [`Invoice::draft`] or [`Invoice::revise`] made.
    pub fn compute(&self) -> Result<Computed, TotalsError> {
        compute_parts(&self.header, self.lines.iter().map(|line| &line.content))
    }

    /// Permits an action or says what is permitted instead. Of a credit note nothing is: it stays as it was given.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn permit(&self, action: Action) -> Result<(), StateError> {
        match self.kind {
            InvoiceKind::Invoice => self.state.permit(action),
            InvoiceKind::CreditNote => Err(StateError {
                state: self.state,
                action,
                guard: Some(Guard::CreditNote),
            }),
        }
    }

    /// The etag of the current version.
    pub fn etag(&self) -> Etag {
        self.version.etag()
    }

    /// How much of it is paid. A draft is owed by nobody, so it is unpaid.
    pub fn payment_state(&self) -> PaymentState {
        let Totals {
            paid,
            remaining,
            overpaid,
            ..
        } = self.totals;
        if self.state == State::Draft {
            PaymentState::Unpaid
        } else if overpaid > MinorUnits::ZERO {
            PaymentState::Overpaid
        } else if remaining == MinorUnits::ZERO {
            PaymentState::Paid
        } else if paid == MinorUnits::ZERO {
            PaymentState::Unpaid
        } else {
            PaymentState::PartiallyPaid
        }
    }

    /// Whether it is open, something remains, and its due date is before `today`: the day in the
    /// organization's time zone.
    pub fn overdue(&self, today: CalendarDate) -> bool {
        self.state == State::Open
            && self.totals.remaining > MinorUnits::ZERO
            && self
                .header
                .effective_due_date()
                .is_some_and(|due_date| due_date < today)
    }
}

/// Checks the content, computes its figures and gives ids to new lines.
pub(super) fn figured(content: InvoiceContent) -> Result<(InvoiceHeader, Vec<Line>, Computed), ContentError> {
    let violations = content.violations();
    if !violations.is_empty() {
        return Err(ContentError::Violations(violations));
    }
    let computed = compute(&content)?;
    let lines = content
        .lines
        .into_iter()
        .zip(&computed.line_nets)
        .map(|(NewLine { id, content }, net)| numbered(id, content, *net))
        .collect();
    Ok((content.header, lines, computed))
}

fn numbered(id: Option<LineId>, content: LineContent, net: MinorUnits) -> Line {
    Line {
        id: id.unwrap_or_else(LineId::generate),
        content,
        net,
        credited: LineCredit::default(),
    }
}
