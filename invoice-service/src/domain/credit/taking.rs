//! What a credit takes of an invoice.

use std::collections::BTreeSet;

use super::{
    CreditError, CreditOrder, CreditProblem, Extent, LineCredit, LineProblem, LineToCredit, LinesProblem,
};
use crate::domain::{
    decimal::Quantity,
    invoice::Invoice,
    line::Line,
    money::MinorUnits,
    rounding::round_half_away,
    totals::{Apportionment, Figure, PartFigures, TotalsError},
};

/// What is taken of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    /// How much of its share.
    pub(super) amount: i128,
    /// How many units; none when it was credited by amount.
    pub(super) quantity: Option<Quantity>,
}

/// What a credit takes of an invoice.
#[derive(Debug)]
pub(super) struct Taking<'a> {
    pub(super) parts: &'a Apportionment,
    /// For each line of the invoice.
    pub(super) lines: Vec<Option<Taken>>,
    /// What everything that was credited before comes to.
    pub(super) before: PartFigures,
    /// What everything that is credited now comes to.
    pub(super) after: PartFigures,
    /// Nothing is left afterwards.
    pub(super) completes: bool,
}

/// What is left of one line.
#[derive(Debug, Clone, Copy)]
struct Left {
    share: i128,
    amount: i128,
    /// In millionths.
    quantity: i128,
}

impl<'a> Taking<'a> {
    /// What `order` takes of `invoice`.
    ///
    /// # Errors
    /// [`CreditError::Problems`], [`CreditError::NothingLeft`], [`CreditError::Totals`].
    pub(super) fn of(
        invoice: &Invoice,
        parts: &'a Apportionment,
        order: &CreditOrder,
    ) -> Result<Self, CreditError> {
        let left = left(invoice, parts);
        let everything = order.lines.is_empty();
        let lines = if everything {
            left.iter().map(|left| everything_of(*left)).collect()
        } else {
            ordered(invoice, &left, &order.lines).map_err(CreditError::Problems)?
        };
        let credited = |position: usize| i128::from(invoice.lines[position].credited.amount.get());
        let taken = |position: usize| lines[position].map_or(0, |taken: Taken| taken.amount);
        let mut before = Vec::new();
        let mut after = Vec::new();
        for group in parts.groups() {
            let positions = || group.shares.iter().map(|(position, _)| *position);
            let credited: i128 = positions().map(credited).sum();
            let taken: i128 = positions().map(taken).sum();
            before.push(credited);
            after.push(if everything { group.whole } else { credited + taken });
        }
        let whole = || parts.groups().iter().map(|group| group.whole);
        let completes = after.iter().copied().eq(whole());
        let taking = Self {
            parts,
            lines,
            before: figures(parts, &before)?,
            after: figures(parts, &after)?,
            completes,
        };
        let whole = figures(parts, &whole().collect::<Vec<_>>())?;
        match taking.check(invoice, &whole) {
            Ok(()) => Ok(taking),
            Err(_) if everything => Err(CreditError::NothingLeft),
            Err(problem) => Err(CreditError::Problems(vec![CreditProblem::Lines(problem)])),
        }
    }

    /// Holds what no single line shows: a note comes to something, and what is credited stays within the invoice and
    /// within each of its taxes, also when some of its groups are below zero.
    fn check(&self, invoice: &Invoice, whole: &PartFigures) -> Result<(), LinesProblem> {
        let totals = &invoice.totals;
        let (gross, rounding) = (i128::from(totals.gross.get()), i128::from(totals.rounding.get()));
        let credited = gross_of(&self.after);
        let note = credited - gross_of(&self.before);
        if self.completes {
            // What is credited before never exceeds gross or payable, so neither is below zero.
            let something = note > 0 || note + rounding > 0;
            return something.then_some(()).ok_or(LinesProblem::Nothing);
        }
        if note <= 0 {
            return Err(LinesProblem::Nothing);
        }
        let each_within = self.after.taxes.iter().all(|(key, (taxable, tax))| {
            let whole = whole.taxes.get(key).copied().unwrap_or_default();
            is_within(*taxable, whole.0) && is_within(*tax, whole.1)
        });
        // Something is left for the last note, which takes the rest of every tax.
        let leaves_something = credited < gross.max(gross + rounding);
        if each_within && credited <= gross.min(gross + rounding) && leaves_something {
            Ok(())
        } else {
            Err(LinesProblem::ExceedInvoice)
        }
    }

    /// What is credited of a line afterwards.
    pub(super) fn line_after(&self, position: usize, line: &Line) -> LineCredit {
        if self.completes {
            let shares = self.parts.groups().iter().flat_map(|group| &group.shares);
            let share = shares
                .filter(|(of, _)| *of == position)
                .map(|(_, share)| *share)
                .sum();
            return LineCredit {
                quantity: line.content.quantity,
                amount: amount(share),
            };
        }
        let Some(taken) = self.lines[position] else {
            return line.credited;
        };
        let millionths = credited_millionths(line) + taken.quantity.map_or(0, Quantity::millionths);
        LineCredit {
            quantity: Quantity::from_millionths(millionths).filter(|_| millionths != 0),
            amount: amount(i128::from(line.credited.amount.get()) + taken.amount),
        }
    }
}

fn figures(parts: &Apportionment, amounts: &[i128]) -> Result<PartFigures, TotalsError> {
    parts.figures(amounts).ok_or(TotalsError {
        figure: Figure::Gross,
    })
}

fn gross_of(figures: &PartFigures) -> i128 {
    let taxes = figures.taxes.values().map(|(_, tax)| tax);
    figures.nets.iter().chain(taxes).sum()
}

/// A part of a line's share, which is an amount of the invoice.
fn amount(minor_units: i128) -> MinorUnits {
    MinorUnits::try_from(minor_units).unwrap_or_default()
}

fn credited_millionths(line: &Line) -> i128 {
    line.credited.quantity.map_or(0, Quantity::millionths)
}

/// What is left of each line.
fn left(invoice: &Invoice, parts: &Apportionment) -> Vec<Left> {
    let mut shares = vec![0; invoice.lines.len()];
    for (position, share) in parts.groups().iter().flat_map(|group| &group.shares) {
        shares[*position] = *share;
    }
    let lines = invoice.lines.iter().zip(shares);
    lines
        .map(|(line, share)| Left {
            share,
            amount: share - i128::from(line.credited.amount.get()),
            quantity: line.content.quantity.map_or(0, Quantity::millionths) - credited_millionths(line),
        })
        .collect()
}

/// What is left of a line; nothing of one that came to nothing or is credited.
fn everything_of(left: Left) -> Option<Taken> {
    (left.amount != 0).then(|| Taken {
        amount: left.amount,
        quantity: Quantity::from_millionths(left.quantity).filter(|_| left.quantity != 0),
    })
}

/// What each line of the order takes, at the position of the invoice's line, or everything that is wrong with them.
fn ordered(
    invoice: &Invoice,
    left: &[Left],
    lines: &[LineToCredit],
) -> Result<Vec<Option<Taken>>, Vec<CreditProblem>> {
    let mut taken = vec![None; left.len()];
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for (place, line) in lines.iter().enumerate() {
        let position = invoice.lines.iter().position(|of| of.id == line.line_id);
        let one = match position {
            _ if !seen.insert(&line.line_id) => Err(LineProblem::Repeated),
            None => Err(LineProblem::Unknown),
            Some(position) => take(left[position], line.extent).map(|one| (position, one)),
        };
        match one {
            Ok((position, one)) => taken[position] = Some(one),
            Err(problem) => problems.push(CreditProblem::Line(place, problem)),
        }
    }
    if problems.is_empty() {
        Ok(taken)
    } else {
        Err(problems)
    }
}

fn take(left: Left, extent: Extent) -> Result<Taken, LineProblem> {
    match extent {
        Extent::Quantity(quantity) => take_quantity(left, quantity),
        Extent::Amount(amount) => take_amount(left, amount),
    }
}

/// Units are credited at what is left of their price: what was credited by amount has lowered it. The last ones take
/// everything.
fn take_quantity(left: Left, quantity: Quantity) -> Result<Taken, LineProblem> {
    let wanted = quantity.millionths();
    if wanted == 0 {
        return Err(LineProblem::ZeroQuantity);
    }
    if left.quantity == 0 || (left.amount == 0 && left.share != 0) {
        return Err(LineProblem::NothingLeft);
    }
    if !is_within(wanted, left.quantity) {
        return Err(match Quantity::from_millionths(left.quantity) {
            Some(left) => LineProblem::QuantityExceedsLeft { left },
            None => LineProblem::NothingLeft,
        });
    }
    // Below 10^14 · 10^15.
    let exact = left.amount.saturating_mul(wanted.abs());
    let amount = round_half_away(exact, left.quantity.abs()).ok_or(LineProblem::NothingLeft)?;
    Ok(Taken {
        amount,
        quantity: Some(quantity),
    })
}

fn take_amount(left: Left, wanted: MinorUnits) -> Result<Taken, LineProblem> {
    let amount = i128::from(wanted.get());
    if amount == 0 {
        return Err(LineProblem::ZeroAmount);
    }
    if left.amount == 0 {
        return Err(LineProblem::NothingLeft);
    }
    if !is_within(amount, left.amount) {
        let left = self::amount(left.amount);
        return Err(LineProblem::AmountExceedsLeft { left });
    }
    Ok(Taken {
        amount,
        quantity: None,
    })
}

/// Whether it is between 0 and the limit, which may be below 0.
fn is_within(value: i128, limit: i128) -> bool {
    (limit.min(0)..=limit.max(0)).contains(&value)
}
