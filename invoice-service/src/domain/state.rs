//! The states of an invoice and what may be done in each (docs/ARCHITECTURE.md, "Life of an invoice").

use std::fmt;

use thiserror::Error;

/// The stored state of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Being written: changes freely, has no number yet, can be deleted.
    Draft,
    /// Issued and owed.
    Open,
    /// Issued, and nothing remains to be paid.
    Paid,
    /// Issued and annulled; its number stays used. Final.
    Void,
    /// Issued and given up on; a late payment is still welcome.
    Uncollectible,
}

impl State {
    /// Every state, in the order of an invoice's life.
    pub const ALL: [Self; 5] = [
        Self::Draft,
        Self::Open,
        Self::Paid,
        Self::Void,
        Self::Uncollectible,
    ];

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Open => "OPEN",
            Self::Paid => "PAID",
            Self::Void => "VOID",
            Self::Uncollectible => "UNCOLLECTIBLE",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What can be done with a stored invoice. Each is the rpc of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Replace the content of a draft.
    UpdateInvoice,
    /// Delete a draft.
    DeleteInvoice,
    /// Make a draft a legal document with a number.
    IssueInvoice,
    /// Record that money came in.
    RecordPayment,
    /// Take a recorded payment back.
    ReversePayment,
    /// Annul an invoice that nothing was paid or credited on.
    VoidInvoice,
    /// Give up on an open invoice.
    MarkInvoiceUncollectible,
    /// Credit an issued invoice, in whole or in part.
    CreateCreditNote,
}

impl Action {
    /// The name of the rpc.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UpdateInvoice => "UpdateInvoice",
            Self::DeleteInvoice => "DeleteInvoice",
            Self::IssueInvoice => "IssueInvoice",
            Self::RecordPayment => "RecordPayment",
            Self::ReversePayment => "ReversePayment",
            Self::VoidInvoice => "VoidInvoice",
            Self::MarkInvoiceUncollectible => "MarkInvoiceUncollectible",
            Self::CreateCreditNote => "CreateCreditNote",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the state permits. Guards on payments and credits come on top: an open invoice that
/// something was paid on cannot be voided.
pub const fn allowed_actions(state: State) -> &'static [Action] {
    match state {
        State::Draft => &[Action::UpdateInvoice, Action::DeleteInvoice, Action::IssueInvoice],
        State::Open => &[
            Action::RecordPayment,
            Action::ReversePayment,
            Action::VoidInvoice,
            Action::MarkInvoiceUncollectible,
            Action::CreateCreditNote,
        ],
        State::Paid => &[Action::ReversePayment, Action::CreateCreditNote],
        State::Void => &[],
        State::Uncollectible => &[
            Action::RecordPayment,
            Action::VoidInvoice,
            Action::CreateCreditNote,
        ],
    }
}

/// What stands in the way of an action that the state as such permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Guard {
    /// Something is paid or credited.
    Settled,
    /// It is a credit note, which nothing is done with.
    CreditNote,
}

/// An action that the invoice's state does not permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{action} is not possible while the invoice is {state}{}", .guard.map_or("", Guard::words))]
pub struct StateError {
    /// The state the invoice is in.
    pub state: State,
    /// What was asked for.
    pub action: Action,
    /// Why not, when the state alone would permit it.
    pub guard: Option<Guard>,
}

impl Guard {
    /// As the end of a sentence about the state.
    const fn words(self) -> &'static str {
        match self {
            Self::Settled => " and something is paid or credited",
            Self::CreditNote => ", a credit note that stays as it was given",
        }
    }
}

impl StateError {
    /// What can be done instead.
    pub fn allowed_actions(self) -> impl Iterator<Item = Action> {
        let allowed = match self.guard {
            Some(Guard::CreditNote) => &[],
            Some(Guard::Settled) | None => allowed_actions(self.state),
        };
        let others = allowed.iter().copied();
        others.filter(move |action| *action != self.action)
    }
}

impl State {
    /// Permits an action or says what is permitted instead.
    ///
    /// # Errors
    /// [`StateError`] when [`allowed_actions`] does not list it.
    pub fn permit(self, action: Action) -> Result<(), StateError> {
        if allowed_actions(self).contains(&action) {
            Ok(())
        } else {
            Err(StateError {
                state: self,
                action,
                guard: None,
            })
        }
    }
}

/// How much of an invoice is paid. Derived when it is read, never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentState {
    /// Nothing is paid yet and something is due; also every draft.
    Unpaid,
    /// Something is paid and something remains.
    PartiallyPaid,
    /// Nothing remains.
    Paid,
    /// More is paid or credited than was due.
    Overpaid,
}
