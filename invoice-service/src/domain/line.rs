//! Invoice lines.

use super::{
    adjustment::LineAdjustment,
    credit::LineCredit,
    decimal::{PriceBaseQuantity, Quantity, UnitPrice},
    ids::LineId,
    money::MinorUnits,
    tax::TaxProfile,
    text::{Paragraph, Text, UnitCode},
};

/// What is sold (EN 16931 BT-153): one printed line or two.
pub type Description = Text<500>;
/// More about what is sold (EN 16931 BT-154).
pub type Detail = Paragraph<2000>;
/// Why no tax is charged (EN 16931 BT-120): the citation of a law.
pub type ExemptionReason = Text<500>;

/// What a client says about a line (EN 16931 BG-25). Anything may be blank on a draft.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineContent {
    /// What is sold.
    pub description: Description,
    /// More about it.
    pub detail: Detail,
    /// How many; none when left blank, which counts as 0.
    pub quantity: Option<Quantity>,
    /// The unit of the quantity.
    pub unit_code: UnitCode,
    /// The price of `price_base_quantity` units; none when left blank, which counts as 0.
    pub unit_price: Option<UnitPrice>,
    /// How many units the price buys.
    pub price_base_quantity: PriceBaseQuantity,
    /// Allowances and charges of this line; at most [`MAX_LINE_ADJUSTMENTS`].
    pub adjustments: Vec<LineAdjustment>,
    /// The taxes on the line's net.
    pub tax: TaxProfile,
    /// Why no tax is charged.
    pub exemption_reason: ExemptionReason,
}

/// More allowances and charges on one line cannot be read on paper; bounds the work per line.
pub const MAX_LINE_ADJUSTMENTS: usize = 20;

/// A line that a client sends: with the id it got earlier, or as a new one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewLine {
    /// The id of the line when it was sent before; a line without one gets one.
    pub id: Option<LineId>,
    /// Everything else.
    pub content: LineContent,
}

/// A line of an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Identifies the line within its invoice, for as long as the client sends it back.
    pub id: LineId,
    /// What the client said.
    pub content: LineContent,
    /// Line net amount, without tax (EN 16931 BT-131). Computed.
    pub net: MinorUnits,
    /// What credit notes have taken back of it.
    pub credited: LineCredit,
}
