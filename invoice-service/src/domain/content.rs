//! What a client says about an invoice.

use std::collections::BTreeSet;

use thiserror::Error;

use super::{
    adjustment::DocumentAdjustment,
    date::CalendarDate,
    ids::CustomerId,
    line::{MAX_LINE_ADJUSTMENTS, NewLine},
    metadata::Metadata,
    money::{CashRoundingStep, Currency},
    party::Party,
    text::{Paragraph, Text},
};

/// The buyer's own reference, such as a Leitweg-ID (EN 16931 BT-10).
pub type BuyerReference = Text<200>;
/// The number of the buyer's purchase order (EN 16931 BT-13).
pub type PurchaseOrder = Text<200>;
/// A text for the buyer (EN 16931 BT-22): a page of it.
pub type Note = Paragraph<5000>;
/// A document that an accountant can still read; bounds the stored document and the work of one request.
pub const MAX_LINES: usize = 500;
/// See [`MAX_LINES`].
pub const MAX_DOCUMENT_ADJUSTMENTS: usize = 100;

/// Days from the issue date to the due date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaymentTermsDays(u16);

/// Payment terms outside 0..=3650 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be between 0 and 3650 days")]
pub struct PaymentTermsError;

impl PaymentTermsError {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        "PAYMENT_TERMS_RANGE"
    }
}

impl PaymentTermsDays {
    /// Ten years: longer terms are loans, or typing mistakes.
    pub const MAX: u16 = 3650;

    /// Takes a number of days.
    ///
    /// # Errors
    /// [`PaymentTermsError`] outside 0..=[`Self::MAX`].
    pub fn new(days: i64) -> Result<Self, PaymentTermsError> {
        u16::try_from(days)
            .ok()
            .filter(|days| *days <= Self::MAX)
            .map(Self)
            .ok_or(PaymentTermsError)
    }

    /// The number of days.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// What a client says about the document as a whole. Anything but the currency may be blank on a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceHeader {
    /// Currency of every amount (EN 16931 BT-5). Required on drafts too: without its exponent no
    /// amount can be computed.
    pub currency: Currency,
    /// Issue date (BT-2).
    pub issue_date: Option<CalendarDate>,
    /// Due date (BT-9).
    pub due_date: Option<CalendarDate>,
    /// Days from issue to due; stands in for a due date.
    pub payment_terms_days: Option<PaymentTermsDays>,
    /// When the supply took place (BT-72).
    pub supply_date: Option<CalendarDate>,
    /// Seller; none takes the organization's profile at issue.
    pub seller: Option<Party>,
    /// Buyer, where one was typed.
    pub buyer: Option<Party>,
    /// The customer this is for.
    pub customer_id: Option<CustomerId>,
    /// The party of the customer, as it was last taken: the buyer of a draft that has none. None once it is issued.
    pub customer_party: Option<Party>,
    /// Document allowances and charges; at most [`MAX_DOCUMENT_ADJUSTMENTS`].
    pub adjustments: Vec<DocumentAdjustment>,
    /// Whether unit prices and adjustments include tax.
    pub prices_include_tax: bool,
    /// What the total payable is rounded to; none: not rounded.
    pub cash_rounding: Option<CashRoundingStep>,
    /// The buyer's reference.
    pub buyer_reference: BuyerReference,
    /// The buyer's purchase order.
    pub purchase_order: PurchaseOrder,
    /// Text for the buyer.
    pub note: Note,
    /// The client's own key-value pairs.
    pub metadata: Metadata,
}

impl InvoiceHeader {
    /// A header in which everything but the currency is blank.
    pub fn blank(currency: Currency) -> Self {
        Self {
            currency,
            issue_date: None,
            due_date: None,
            payment_terms_days: None,
            supply_date: None,
            seller: None,
            buyer: None,
            customer_id: None,
            customer_party: None,
            adjustments: Vec::new(),
            prices_include_tax: false,
            cash_rounding: None,
            buyer_reference: BuyerReference::default(),
            purchase_order: PurchaseOrder::default(),
            note: Note::default(),
            metadata: Metadata::default(),
        }
    }

    /// Who is asked for money: who was typed, else the customer.
    pub fn effective_buyer(&self) -> Option<&Party> {
        self.buyer.as_ref().or(self.customer_party.as_ref())
    }

    /// The due date or, without one, the issue date plus the payment terms.
    pub fn effective_due_date(&self) -> Option<CalendarDate> {
        self.due_date.or_else(|| {
            let terms = self.payment_terms_days?;
            self.issue_date?.plus_days(terms.get()).ok()
        })
    }
}

/// Everything a client says about an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceContent {
    /// The document as a whole.
    pub header: InvoiceHeader,
    /// Its lines; at most [`MAX_LINES`].
    pub lines: Vec<NewLine>,
}

/// Parts of a content that are each fine, but not together. Positions count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ContentViolation {
    /// More than [`MAX_LINES`].
    #[error("must have at most 500 lines")]
    TooManyLines,
    /// More than [`MAX_DOCUMENT_ADJUSTMENTS`].
    #[error("must have at most 100 adjustments")]
    TooManyAdjustments,
    /// More than [`MAX_LINE_ADJUSTMENTS`].
    #[error("must have at most 20 adjustments")]
    TooManyLineAdjustments {
        /// Position of the line.
        line: usize,
    },
    /// An earlier line has the same id.
    #[error("must not be the id of an earlier line")]
    DuplicateLineId {
        /// Position of the later line.
        line: usize,
    },
}

impl ContentViolation {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooManyLines => "TOO_MANY_LINES",
            Self::TooManyAdjustments | Self::TooManyLineAdjustments { .. } => "TOO_MANY_ADJUSTMENTS",
            Self::DuplicateLineId { .. } => "DUPLICATE_LINE_ID",
        }
    }
}

impl InvoiceContent {
    /// Everything that is wrong with the parts together; none when they can make an invoice.
    pub fn violations(&self) -> Vec<ContentViolation> {
        let mut violations = Vec::new();
        if self.lines.len() > MAX_LINES {
            violations.push(ContentViolation::TooManyLines);
        }
        if self.header.adjustments.len() > MAX_DOCUMENT_ADJUSTMENTS {
            violations.push(ContentViolation::TooManyAdjustments);
        }
        let mut seen = BTreeSet::new();
        for (line, new_line) in self.lines.iter().enumerate() {
            if new_line.content.adjustments.len() > MAX_LINE_ADJUSTMENTS {
                violations.push(ContentViolation::TooManyLineAdjustments { line });
            }
            if new_line.id.as_ref().is_some_and(|id| !seen.insert(id)) {
                violations.push(ContentViolation::DuplicateLineId { line });
            }
        }
        violations
    }
}
