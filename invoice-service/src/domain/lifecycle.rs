//! How an invoice moves from state to state. Each method gives the invoice as it is after the action, one version on;
//! the actions that a state permits are those of [`allowed_actions`](super::state::allowed_actions).

use jiff::Timestamp;
use thiserror::Error;

use super::{
    completeness::{Incomplete, IssueField, violations},
    date::{CalendarDate, truncate_to_milliseconds},
    history::{Deed, HistoryFull},
    invoice::{ContentError, Invoice, figured},
    money::MinorUnits,
    number::{LastNumber, NumberError, Series, SeriesUnknown},
    state::{Action, Guard, State, StateError},
};

/// One thing that stands in the way of issuing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueProblem {
    /// A field of the invoice.
    Field(IssueField, Incomplete),
    /// The day of issue, or the series.
    Number(NumberError),
    /// There is no such series.
    Series(SeriesUnknown),
}

/// Why an invoice was not issued.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IssueError {
    /// It is no draft.
    #[error(transparent)]
    State(#[from] StateError),
    /// Everything that stands in the way; never empty.
    #[error("the invoice cannot be issued for {} reasons", .0.len())]
    Problems(Vec<IssueProblem>),
    /// Its figures cannot be computed any more; they could when it was drafted.
    #[error(transparent)]
    Content(#[from] ContentError),
}

impl Invoice {
    /// The invoice issued on `issue_date` under the number of `series` that follows `last`: complete, its figures
    /// computed anew, its due date set, `OPEN`, or `PAID` when nothing is to be paid. `today` is the day that it is in the
    /// organization.
    ///
    /// # Errors
    /// [`IssueError`]; of problems, all at once.
    pub fn issue(
        &self,
        issue_date: CalendarDate,
        series: &Series,
        last: Option<&LastNumber>,
        today: CalendarDate,
        now: Timestamp,
    ) -> Result<Self, IssueError> {
        self.permit(Action::IssueInvoice)?;
        let (mut header, lines, computed) = figured(self.content())?;
        let contents = lines.iter().map(|line| &line.content);
        let incomplete = violations(&header, contents, &computed.totals, issue_date);
        let mut problems: Vec<_> = incomplete
            .into_iter()
            .map(|(field, problem)| IssueProblem::Field(field, problem))
            .collect();
        let assigned = match series.next(last, issue_date, today) {
            Ok(assigned) if problems.is_empty() => assigned,
            Ok(_) => return Err(IssueError::Problems(problems)),
            Err(error) => {
                problems.push(IssueProblem::Number(error));
                return Err(IssueError::Problems(problems));
            }
        };
        header.issue_date = Some(issue_date);
        header.due_date = header.effective_due_date();
        let state = if computed.totals.remaining == MinorUnits::ZERO {
            State::Paid
        } else {
            State::Open
        };
        let issued = Self {
            number: Some(assigned.number),
            series: Some(assigned.series),
            number_place: Some(assigned.place),
            header,
            lines,
            tax_breakdown: computed.tax_breakdown,
            totals: computed.totals,
            issue_time: Some(truncate_to_milliseconds(now)),
            ..self.next(state, now)
        };
        Ok(issued)
    }

    /// The invoice annulled. Its number stays used, its figures stay what they were.
    ///
    /// # Errors
    /// [`StateError`], also when something was paid or credited on it: that has to be reversed first.
    pub fn void(&self, now: Timestamp) -> Result<Self, StateError> {
        let action = Action::VoidInvoice;
        self.permit(action)?;
        if self.totals.paid != MinorUnits::ZERO || !self.credits.is_empty() {
            return Err(StateError {
                state: self.state,
                action,
                guard: Some(Guard::Settled),
            });
        }
        Ok(self.next(State::Void, now))
    }

    /// The invoice given up on.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn mark_uncollectible(&self, now: Timestamp) -> Result<Self, StateError> {
        self.permit(Action::MarkInvoiceUncollectible)?;
        Ok(self.next(State::Uncollectible, now))
    }

    /// The invoice with the entry of what turned `before` into it.
    ///
    /// # Errors
    /// [`HistoryFull`].
    pub fn recorded(mut self, before: Option<&Self>, deed: Deed) -> Result<Self, HistoryFull> {
        let mut history = std::mem::take(&mut self.history);
        history.record(before, &self, deed)?;
        self.history = history;
        Ok(self)
    }

    /// The invoice in another state, one version on.
    pub(super) fn next(&self, state: State, now: Timestamp) -> Self {
        Self {
            state,
            version: self.version.next(),
            update_time: truncate_to_milliseconds(now),
            ..self.clone()
        }
    }
}
