//! What an invoice must have before it is issued. Drafts skip all of it.

use thiserror::Error;

use super::{
    content::InvoiceHeader,
    date::{CalendarDate, DateError},
    line::LineContent,
    money::MinorUnits,
    party::Party,
    tax::{Tax, TaxCategory},
    totals::Totals,
};

/// A field of an invoice that completeness is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueField {
    /// `seller.name` (EN 16931 BR-06).
    SellerName,
    /// `seller.address.country_code` (BR-09).
    SellerCountry,
    /// `buyer.name` (BR-07).
    BuyerName,
    /// `buyer.address.country_code` (BR-11).
    BuyerCountry,
    /// `due_date` (BR-CO-25).
    DueDate,
    /// `payment_terms_days`.
    PaymentTerms,
    /// `lines` (BR-16).
    Lines,
    /// `description` of the line at this position (BR-25).
    LineDescription(usize),
    /// `quantity` of the line at this position (BR-22).
    LineQuantity(usize),
    /// `unit_price` of the line at this position (BR-26).
    LinePrice(usize),
    /// `tax_category` of the line at this position (BR-CO-04).
    LineTaxCategory(usize),
    /// `tax_rate` of the line at this position (BR-S-05).
    LineTaxRate(usize),
    /// `tax_category` of an extra tax: position of the line, position of the tax.
    ExtraTaxCategory(usize, usize),
    /// `tax_rate` of an extra tax: position of the line, position of the tax.
    ExtraTaxRate(usize, usize),
    /// `exemption_reason` of the line at this position (BR-E-10 and its like).
    LineExemptionReason(usize),
    /// `tax_rate` of the document adjustment at this position (BR-S-06, BR-S-07).
    AdjustmentTaxRate(usize),
    /// `totals.gross_minor`.
    Gross,
}

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Incomplete {
    /// It is blank.
    #[error("must be set before the invoice is issued")]
    Missing,
    /// There is neither a due date nor payment terms.
    #[error("must be set before the invoice is issued, or payment_terms_days must be")]
    NoDueDate,
    /// The due date is before the day of issue.
    #[error("must not be before the day of issue, {issue_date}")]
    DueBeforeIssue {
        /// The day of issue.
        issue_date: CalendarDate,
    },
    /// The payment terms end after the last day that there is.
    #[error("must lead to a due date that is no later than 2999-12-31")]
    DueDateRange,
    /// No line.
    #[error("must have at least one line")]
    NoLines,
    /// A quantity of 0.
    #[error("must not be 0")]
    QuantityZero,
    /// The standard category with a rate of 0.
    #[error("must be above 0 in the standard tax category")]
    RateZero,
    /// A category without tax and no word of why.
    #[error("must say why no tax is charged in this tax category")]
    NoExemptionReason,
    /// Less than nothing to pay: that is a credit note.
    #[error("must not be negative: what is owed to the buyer is a credit note")]
    GrossNegative,
}

impl Incomplete {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missing | Self::NoDueDate => "FIELD_REQUIRED",
            Self::DueBeforeIssue { .. } => "DUE_DATE_BEFORE_ISSUE",
            Self::DueDateRange => DateError::Range.reason(),
            Self::NoLines => "NO_LINES",
            Self::QuantityZero => "QUANTITY_ZERO",
            Self::RateZero => "TAX_RATE_ZERO",
            Self::NoExemptionReason => "EXEMPTION_REASON_REQUIRED",
            Self::GrossNegative => "GROSS_NEGATIVE",
        }
    }
}

/// A field and what is wrong with it.
pub type IssueViolation = (IssueField, Incomplete);

/// Everything that stands between the content and an invoice issued on `issue_date`; empty when nothing does.
pub(super) fn violations<'a>(
    header: &InvoiceHeader,
    lines: impl ExactSizeIterator<Item = &'a LineContent>,
    totals: &Totals,
    issue_date: CalendarDate,
) -> Vec<IssueViolation> {
    let mut found = Vec::new();
    let seller = [IssueField::SellerName, IssueField::SellerCountry];
    party(header.seller.as_ref(), seller, &mut found);
    let buyer = [IssueField::BuyerName, IssueField::BuyerCountry];
    party(header.buyer.as_ref(), buyer, &mut found);
    found.extend(due_date(header, issue_date));
    if lines.len() == 0 {
        found.push((IssueField::Lines, Incomplete::NoLines));
    }
    for (position, content) in lines.enumerate() {
        line(content, position, &mut found);
    }
    for (position, adjustment) in header.adjustments.iter().enumerate() {
        if adjustment.tax.is_some_and(is_standard_without_rate) {
            found.push((IssueField::AdjustmentTaxRate(position), Incomplete::RateZero));
        }
    }
    if totals.gross < MinorUnits::ZERO {
        found.push((IssueField::Gross, Incomplete::GrossNegative));
    }
    found
}

fn party(party: Option<&Party>, [name, country]: [IssueField; 2], found: &mut Vec<IssueViolation>) {
    if party.is_none_or(|party| party.name.is_blank()) {
        found.push((name, Incomplete::Missing));
    }
    if party.is_none_or(|party| party.address.country_code.is_none()) {
        found.push((country, Incomplete::Missing));
    }
}

fn due_date(header: &InvoiceHeader, issue_date: CalendarDate) -> Option<IssueViolation> {
    match (header.due_date, header.payment_terms_days) {
        (Some(due_date), _) if due_date < issue_date => {
            Some((IssueField::DueDate, Incomplete::DueBeforeIssue { issue_date }))
        }
        (Some(_), _) => None,
        (None, Some(terms)) => issue_date
            .plus_days(terms.get())
            .is_err()
            .then_some((IssueField::PaymentTerms, Incomplete::DueDateRange)),
        (None, None) => Some((IssueField::DueDate, Incomplete::NoDueDate)),
    }
}

fn line(content: &LineContent, position: usize, found: &mut Vec<IssueViolation>) {
    if content.description.is_blank() {
        found.push((IssueField::LineDescription(position), Incomplete::Missing));
    }
    match content.quantity {
        None => found.push((IssueField::LineQuantity(position), Incomplete::Missing)),
        Some(quantity) if quantity.decimal().mantissa() == 0 => {
            found.push((IssueField::LineQuantity(position), Incomplete::QuantityZero));
        }
        Some(_) => {}
    }
    if content.unit_price.is_none() {
        found.push((IssueField::LinePrice(position), Incomplete::Missing));
    }
    let (category, rate) = (
        IssueField::LineTaxCategory(position),
        IssueField::LineTaxRate(position),
    );
    found.extend(tax(content.tax.primary(), category, rate));
    for (extra, extra_tax) in content.tax.extra().iter().enumerate() {
        let category = IssueField::ExtraTaxCategory(position, extra);
        let rate = IssueField::ExtraTaxRate(position, extra);
        found.extend(tax(*extra_tax, category, rate));
    }
    let needs_reason = content
        .tax
        .taxes()
        .any(|tax| tax.category().needs_exemption_reason());
    if needs_reason && content.exemption_reason.is_blank() {
        let field = IssueField::LineExemptionReason(position);
        found.push((field, Incomplete::NoExemptionReason));
    }
}

fn tax(tax: Tax, category: IssueField, rate: IssueField) -> Option<IssueViolation> {
    if tax.category() == TaxCategory::Unspecified {
        Some((category, Incomplete::Missing))
    } else if is_standard_without_rate(tax) {
        Some((rate, Incomplete::RateZero))
    } else {
        None
    }
}

fn is_standard_without_rate(tax: Tax) -> bool {
    tax.category() == TaxCategory::Standard && tax.rate().is_zero()
}
