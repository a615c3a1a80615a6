//! Payments: money that came in for an invoice, and what it does to the invoice.

use jiff::Timestamp;
use thiserror::Error;

use super::{
    date::{CalendarDate, truncate_to_milliseconds},
    ids::PaymentId,
    invoice::Invoice,
    money::{AmountOverflow, MinorUnits},
    state::{Action, State, StateError},
    text::Text,
};

/// How the money came: "bank transfer".
pub type PaymentMethod = Text<100>;
/// What the payer or the bank wrote with it.
pub type PaymentReference = Text<200>;

/// Bounds the stored document; nobody pays one invoice in more instalments.
pub const MAX_PAYMENTS: usize = 500;

/// Money received for an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Identifies it within its invoice.
    pub id: PaymentId,
    /// How much; above 0.
    pub amount: MinorUnits,
    /// The day it was paid.
    pub paid_on: CalendarDate,
    /// How.
    pub method: PaymentMethod,
    /// What was written with it.
    pub reference: PaymentReference,
    /// It was taken back, and counts no longer.
    pub reversed: bool,
    /// When it was recorded, to the millisecond.
    pub create_time: Timestamp,
}

/// What a client says about a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPayment {
    /// How much; none: all that remains.
    pub amount: Option<MinorUnits>,
    /// Whether more may be paid than remains.
    pub allow_overpayment: bool,
    /// The day it was paid.
    pub paid_on: CalendarDate,
    /// How.
    pub method: PaymentMethod,
    /// What was written with it.
    pub reference: PaymentReference,
}

/// Why an amount is not taken as a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PaymentAmountError {
    /// Nothing, or less.
    #[error("must be above 0; what is paid back is not a payment")]
    NotPositive,
    /// More than remains, and overpayment is not allowed.
    #[error("must be at most {remaining}, which is what remains, unless allow_overpayment is set")]
    ExceedsRemaining {
        /// What remains.
        remaining: MinorUnits,
    },
    /// All payments together leave the range of amounts.
    #[error(transparent)]
    Overflow(#[from] AmountOverflow),
}

impl PaymentAmountError {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotPositive => "PAYMENT_NOT_POSITIVE",
            Self::ExceedsRemaining { .. } => "PAYMENT_EXCEEDS_REMAINING",
            Self::Overflow(error) => error.reason(),
        }
    }
}

/// Why a payment was not recorded or reversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PaymentError {
    /// The invoice's state does not permit it.
    #[error(transparent)]
    State(#[from] StateError),
    /// The amount is refused.
    #[error(transparent)]
    Amount(#[from] PaymentAmountError),
    /// There are [`MAX_PAYMENTS`] already.
    #[error("the invoice has {MAX_PAYMENTS} payments, which is as many as it can have")]
    TooMany,
    /// The invoice has no such payment.
    #[error("no such payment")]
    NotFound,
    /// It was reversed before.
    #[error("the payment has been reversed already")]
    AlreadyReversed,
}

impl Invoice {
    /// The invoice with another payment: `PAID` when nothing remains.
    ///
    /// # Errors
    /// [`PaymentError`], one variant per cause.
    pub fn pay(&self, payment: NewPayment, now: Timestamp) -> Result<Self, PaymentError> {
        self.permit(Action::RecordPayment)?;
        if self.payments.len() >= MAX_PAYMENTS {
            return Err(PaymentError::TooMany);
        }
        let remaining = self.totals.remaining;
        let amount = payment.amount.unwrap_or(remaining);
        if amount <= MinorUnits::ZERO {
            return Err(PaymentAmountError::NotPositive.into());
        }
        if amount > remaining && !payment.allow_overpayment {
            return Err(PaymentAmountError::ExceedsRemaining { remaining }.into());
        }
        let mut payments = self.payments.clone();
        payments.push(Payment {
            id: PaymentId::generate(),
            amount,
            paid_on: payment.paid_on,
            method: payment.method,
            reference: payment.reference,
            reversed: false,
            create_time: truncate_to_milliseconds(now),
        });
        Ok(self.settled(payments, self.state, now)?)
    }

    /// The invoice without a payment that bounced or was charged back: `OPEN` when something remains then.
    ///
    /// # Errors
    /// [`PaymentError`], one variant per cause.
    pub fn reverse(&self, payment: &PaymentId, now: Timestamp) -> Result<Self, PaymentError> {
        self.permit(Action::ReversePayment)?;
        let mut payments = self.payments.clone();
        let found = payments.iter_mut().find(|candidate| candidate.id == *payment);
        let found = found.ok_or(PaymentError::NotFound)?;
        if found.reversed {
            return Err(PaymentError::AlreadyReversed);
        }
        found.reversed = true;
        Ok(self.settled(payments, State::Open, now)?)
    }

    /// The invoice with these payments: `PAID` when nothing remains, else in state `unpaid`.
    fn settled(
        &self,
        payments: Vec<Payment>,
        unpaid: State,
        now: Timestamp,
    ) -> Result<Self, PaymentAmountError> {
        let counted = payments.iter().filter(|payment| !payment.reversed);
        let paid = counted
            .map(|payment| i128::from(payment.amount.get()))
            .sum::<i128>();
        let totals = self
            .totals
            .settled(MinorUnits::try_from(paid)?, self.totals.credited)?;
        let state = if totals.remaining == MinorUnits::ZERO {
            State::Paid
        } else {
            unpaid
        };
        Ok(Self {
            totals,
            payments,
            ..self.next(state, now)
        })
    }
}
