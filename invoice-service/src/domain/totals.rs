//! What an invoice comes to: line nets, tax breakdown and document totals.
//!
//! The rules are those of EN 16931; docs/ARCHITECTURE.md, "Money", states them with worked
//! figures. In short: a line is rounded once (BT-131), sums need no rounding (BR-CO-10,
//! BR-CO-13), tax is rounded once per group (BR-CO-17), always half away from zero; and when
//! prices include tax, the gross never moves.
//!
//! # Why nothing overflows
//! All arithmetic is checked `i128`, so an overflow would be an error, never a wrong number;
//! the field limits make sure that there is none. With quantity q, price p and base quantity b
//! as mantissas of scale sq ≤ 6, sp ≤ 8, sb ≤ 6, and the currency's exponent e ≤ 4:
//! - a line is q·p·10^(sb+e) ÷ (b·10^(sq+sp)). Powers of ten are cancelled first, so that with
//!   |q| < 10^(9+sq) and p < 10^(10+sp) the numerator is below
//!   10^(19 + max(sq+sp, sb+e)) ≤ 10^33, and the denominator below 10^15 · 10^14 = 10^29;
//! - a line before its adjustments is at most 10^9 · 10^10 · 10^4 ÷ 10^-6 = 10^29, which a
//!   percentage multiplies by at most 10^6;
//! - from there on every amount is within 10^14: rates make it 10^20, weights 10^28.
//!
//! An `i128` holds 1.7 · 10^38.

mod apportionment;
mod groups;
mod line_amount;

use thiserror::Error;

pub(super) use self::apportionment::{Apportionment, GroupShare, PartFigures};
pub(super) use self::groups::TaxKey;
pub(super) use self::line_amount::line_amount;

use self::groups::Groups;
use super::{
    adjustment::{AdjustmentKind, DocumentAdjustment},
    content::{InvoiceContent, InvoiceHeader},
    decimal::Rate,
    line::LineContent,
    money::{AmountOverflow, CashRoundingStep, MinorUnits},
    rounding::round_half_away,
    tax::TaxCategory,
};

/// One line of the tax breakdown (EN 16931 BG-23): all that one tax is computed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaxSubtotal {
    /// Tax category (BT-118).
    pub category: TaxCategory,
    /// Tax rate (BT-119), without trailing zeros.
    pub rate: Rate,
    /// What is taxed (BT-116). Lines with several taxes count in each of their subtotals.
    pub taxable: MinorUnits,
    /// The tax (BT-117).
    pub tax: MinorUnits,
}

/// The document totals (EN 16931 BG-22). Net figures also when prices include tax.
///
/// Always: `net = lines_net − allowances + charges` (BR-CO-13), `gross = net + tax` (BR-CO-15) and
/// `paid + credited + remaining − overpaid = gross + rounding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Σ line nets (BT-106, BR-CO-10).
    pub lines_net: MinorUnits,
    /// Σ document allowances (BT-107, BR-CO-11).
    pub allowances: MinorUnits,
    /// Σ document charges (BT-108, BR-CO-12).
    pub charges: MinorUnits,
    /// Total without tax (BT-109).
    pub net: MinorUnits,
    /// Total tax (BT-110, BR-CO-14).
    pub tax: MinorUnits,
    /// Total with tax (BT-112).
    pub gross: MinorUnits,
    /// What cash rounding adds to the gross (BT-114); may be negative.
    pub rounding: MinorUnits,
    /// What was paid (BT-113).
    pub paid: MinorUnits,
    /// What was credited, tax included.
    pub credited: MinorUnits,
    /// What is still due (BT-115, BR-CO-16); never negative.
    pub remaining: MinorUnits,
    /// What was paid or credited too much; never negative. Also the amount of a draft whose
    /// gross is negative: it is owed to the buyer.
    pub overpaid: MinorUnits,
}

impl Totals {
    /// What is to be paid altogether: gross + rounding.
    ///
    /// # Errors
    /// [`AmountOverflow`] when that leaves the range of amounts.
    pub const fn payable(&self) -> Result<MinorUnits, AmountOverflow> {
        self.gross.checked_add(self.rounding)
    }

    /// The same totals after `paid` and `credited` came in, in all.
    ///
    /// # Errors
    /// [`AmountOverflow`] when what remains leaves the range of amounts.
    pub fn settled(self, paid: MinorUnits, credited: MinorUnits) -> Result<Self, AmountOverflow> {
        let balance = self.payable()?.checked_sub(paid)?.checked_sub(credited)?;
        Ok(Self {
            paid,
            credited,
            remaining: balance.max(MinorUnits::ZERO),
            overpaid: balance.negated().max(MinorUnits::ZERO),
            ..self
        })
    }
}

/// Everything that is computed from an invoice's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Computed {
    /// The net of each line (BT-131), in the order of the lines.
    pub line_nets: Vec<MinorUnits>,
    /// The net amount of each document adjustment (BT-92, BT-99), in their order. An
    /// allowance's amount is positive where it lowers the total.
    pub adjustment_nets: Vec<MinorUnits>,
    /// The tax breakdown, sorted by category and rate.
    pub tax_breakdown: Vec<TaxSubtotal>,
    /// The document totals.
    pub totals: Totals,
}

/// A figure of an invoice. Positions count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// The amount of the line at this position.
    Line(usize),
    /// The amount of the document adjustment at this position.
    Adjustment(usize),
    /// [`Totals::lines_net`].
    LinesNet,
    /// [`Totals::allowances`].
    Allowances,
    /// [`Totals::charges`].
    Charges,
    /// [`Totals::net`].
    Net,
    /// [`Totals::tax`], or one subtotal of it.
    Tax,
    /// [`Totals::gross`].
    Gross,
    /// [`Totals::rounding`], or the total that it leads to.
    Rounding,
}

/// A figure that leaves the range of [`MinorUnits`]: the inputs are each fine, but not together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("leads to an amount outside -99999999999999 to 99999999999999 minor units")]
pub struct TotalsError {
    /// The first figure that is out of range.
    pub figure: Figure,
}

impl TotalsError {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        AmountOverflow.reason()
    }
}

/// Computes everything that follows from an invoice's content, with nothing paid or credited.
///
/// A blank quantity or price counts as 0. The order of the lines changes no total.
///
/// # Errors
/// [`TotalsError`] names the first figure that leaves the range of amounts.
pub fn compute(content: &InvoiceContent) -> Result<Computed, TotalsError> {
    compute_parts(&content.header, content.lines.iter().map(|line| &line.content))
}

/// [`compute`] for an invoice whose lines are kept with their ids and nets.
pub(super) fn compute_parts<'a>(
    header: &InvoiceHeader,
    lines: impl Iterator<Item = &'a LineContent>,
) -> Result<Computed, TotalsError> {
    let groups = Groups::collect(header, lines)?;
    let nets = groups.nets(header.prices_include_tax)?;
    let line_nets = publish_each(&nets.lines, Figure::Line)?;
    let adjustment_nets = publish_each(&nets.adjustments, Figure::Adjustment)?;
    let totals = document_totals(header, &line_nets, &adjustment_nets, &nets.tax_breakdown)?;
    Ok(Computed {
        line_nets,
        adjustment_nets,
        tax_breakdown: nets.tax_breakdown,
        totals,
    })
}

fn document_totals(
    header: &InvoiceHeader,
    line_nets: &[MinorUnits],
    adjustment_nets: &[MinorUnits],
    tax_breakdown: &[TaxSubtotal],
) -> Result<Totals, TotalsError> {
    let adjustments_of = |wanted: AdjustmentKind| {
        let of_kind = move |(adjustment, net): (&DocumentAdjustment, &MinorUnits)| {
            (adjustment.kind == wanted).then_some(*net)
        };
        header.adjustments.iter().zip(adjustment_nets).filter_map(of_kind)
    };
    // BR-CO-10 to BR-CO-14: sums of rounded amounts need no rounding.
    let lines_net = sum(line_nets.iter().copied(), Figure::LinesNet)?;
    let allowances = sum(adjustments_of(AdjustmentKind::Allowance), Figure::Allowances)?;
    let charges = sum(adjustments_of(AdjustmentKind::Charge), Figure::Charges)?;
    let net = publish(
        i128::from(lines_net.get()) - i128::from(allowances.get()) + i128::from(charges.get()),
        Figure::Net,
    )?;
    let tax = sum(tax_breakdown.iter().map(|subtotal| subtotal.tax), Figure::Tax)?;
    let gross = sum([net, tax].into_iter(), Figure::Gross)?;
    let rounding = cash_rounding(gross, header.cash_rounding)?;
    Totals {
        lines_net,
        allowances,
        charges,
        net,
        tax,
        gross,
        rounding,
        ..Totals::default()
    }
    .settled(MinorUnits::ZERO, MinorUnits::ZERO)
    .map_err(|AmountOverflow| TotalsError {
        figure: Figure::Rounding,
    })
}

/// What brings the gross to the nearest multiple of the step, half away from zero.
fn cash_rounding(gross: MinorUnits, step: Option<CashRoundingStep>) -> Result<MinorUnits, TotalsError> {
    let Some(step) = step else {
        return Ok(MinorUnits::ZERO);
    };
    let (gross, step) = (i128::from(gross.get()), i128::from(step.minor_units().get()));
    let rounded = round_half_away(gross, step).and_then(|steps| steps.checked_mul(step));
    publish_checked(
        rounded.and_then(|rounded| rounded.checked_sub(gross)),
        Figure::Rounding,
    )
}

/// The sum of published amounts: of at most a few hundred, so it is far inside an i128.
fn sum(amounts: impl Iterator<Item = MinorUnits>, figure: Figure) -> Result<MinorUnits, TotalsError> {
    publish(amounts.map(|amount| i128::from(amount.get())).sum(), figure)
}

fn publish_each(amounts: &[i128], figure: fn(usize) -> Figure) -> Result<Vec<MinorUnits>, TotalsError> {
    amounts
        .iter()
        .enumerate()
        .map(|(index, amount)| publish(*amount, figure(index)))
        .collect()
}

/// The amount, once it is known to be in range.
fn publish(amount: i128, figure: Figure) -> Result<MinorUnits, TotalsError> {
    MinorUnits::try_from(amount).map_err(|AmountOverflow| TotalsError { figure })
}

/// [`publish`] of an amount whose computation may itself have overflowed.
fn publish_checked(amount: Option<i128>, figure: Figure) -> Result<MinorUnits, TotalsError> {
    publish(amount.ok_or(TotalsError { figure })?, figure)
}
