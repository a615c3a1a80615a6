//! Allowances and charges, of a line or of the whole document.

use super::{decimal::Rate, money::MinorUnits, tax::Tax, text::Text};

/// Why an adjustment is made (EN 16931 BT-97, BT-104, BT-139, BT-144).
pub type AdjustmentReason = Text<200>;

/// Whether an adjustment lowers or raises what is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AdjustmentKind {
    /// A discount: subtracted (EN 16931 BG-20, BG-27).
    Allowance,
    /// A surcharge such as freight: added (EN 16931 BG-21, BG-28).
    Charge,
}

impl AdjustmentKind {
    /// What the adjustment's amount is multiplied by to give its effect on the net.
    pub(super) const fn sign(self) -> i128 {
        match self {
            Self::Allowance => -1,
            Self::Charge => 1,
        }
    }
}

/// How much is adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdjustmentValue {
    /// So much, in minor units. Negative when an invoice of negative quantities takes back its
    /// own allowances.
    Amount(MinorUnits),
    /// A percentage of the line before its adjustments or, on document level, of all line nets
    /// together (of all line prices when they include tax). Rounded on its own.
    Percent(Rate),
}

/// An allowance or charge of a line (EN 16931 BG-27, BG-28). It is taxed like its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineAdjustment {
    /// Allowance or charge.
    pub kind: AdjustmentKind,
    /// Amount or percentage. Includes tax when the invoice's prices do.
    pub value: AdjustmentValue,
    /// Why.
    pub reason: AdjustmentReason,
}

/// An allowance or charge of the whole document (EN 16931 BG-20, BG-21).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentAdjustment {
    /// Allowance or charge.
    pub kind: AdjustmentKind,
    /// Amount or percentage. Includes tax when the invoice's prices do.
    pub value: AdjustmentValue,
    /// Why.
    pub reason: AdjustmentReason,
    /// How it is taxed; without it, it is spread over the tax groups of the lines.
    pub tax: Option<Tax>,
}
