//! Which amounts are taxed together, what each is net of tax, and the tax on them.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{
    Figure, TaxSubtotal, TotalsError,
    line_amount::{adjustment_amount, line_amount, percent_of},
    publish, publish_checked,
};
use crate::domain::{
    content::InvoiceHeader,
    decimal::Rate,
    line::LineContent,
    rounding::{allocate, round_half_away, round_to_total},
    tax::{Tax, TaxProfile},
};

/// Where an amount comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    Line(usize),
    Adjustment(usize),
}

/// An amount and its effect on the total: an allowance's is negative. Includes tax when the
/// invoice's prices do.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) amount: i128,
    pub(super) source: Source,
}

/// What is taxed alike.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Σ amounts of the lines, before any document adjustment.
    lines: i128,
    pub(super) parts: Vec<Part>,
}

/// All amounts of an invoice, by how they are taxed.
#[derive(Debug)]
pub(super) struct Groups {
    by_profile: BTreeMap<TaxProfile, Group>,
    /// Adjustments without a tax category on an invoice without lines: they count in the
    /// totals, and are taxed once there is a line to say how.
    untaxed: Vec<Part>,
    line_count: usize,
    /// The sign that turns each adjustment's effect into its amount.
    adjustment_signs: Vec<i128>,
}

/// Everything net of tax, and the tax.
#[derive(Debug)]
pub(super) struct Nets {
    pub(super) lines: Vec<i128>,
    pub(super) adjustments: Vec<i128>,
    pub(super) tax_breakdown: Vec<TaxSubtotal>,
}

impl Groups {
    /// Prices the lines, then the document adjustments, and puts each amount into its group.
    pub(super) fn collect<'a>(
        header: &InvoiceHeader,
        lines: impl Iterator<Item = &'a LineContent>,
    ) -> Result<Self, TotalsError> {
        let mut groups = Self {
            by_profile: BTreeMap::new(),
            untaxed: Vec::new(),
            line_count: 0,
            adjustment_signs: header
                .adjustments
                .iter()
                .map(|adjustment| adjustment.kind.sign())
                .collect(),
        };
        let mut lines_total = 0;
        for (index, line) in lines.enumerate() {
            let amount = publish_checked(line_amount(line, header.currency), Figure::Line(index))?
                .get()
                .into();
            lines_total += amount;
            let group = groups.by_profile.entry(line.tax.canonical()).or_default();
            group.lines += amount;
            group.parts.push(Part {
                amount,
                source: Source::Line(index),
            });
            groups.line_count += 1;
        }
        let mut spread = Vec::new();
        for (index, adjustment) in header.adjustments.iter().enumerate() {
            let amount = adjustment_amount(adjustment.value, lines_total);
            let amount = i128::from(publish_checked(amount, Figure::Adjustment(index))?.get());
            let part = Part {
                amount: amount * adjustment.kind.sign(),
                source: Source::Adjustment(index),
            };
            match adjustment.tax {
                Some(tax) => groups.by_profile.entry(tax.into()).or_default().parts.push(part),
                None => spread.push((index, part)),
            }
        }
        // After all groups are known, so that the order of adjustments does not matter.
        for (index, part) in spread {
            groups.spread(part).ok_or(TotalsError {
                figure: Figure::Adjustment(index),
            })?;
        }
        Ok(groups)
    }

    /// The groups, by how they are taxed.
    pub(super) const fn by_profile(&self) -> &BTreeMap<TaxProfile, Group> {
        &self.by_profile
    }

    /// Shares an adjustment without a tax category out over the groups in proportion to their
    /// lines; ties go to the group that sorts first, as does everything when no line has an amount.
    fn spread(&mut self, part: Part) -> Option<()> {
        if self.by_profile.is_empty() {
            self.untaxed.push(part);
            return Some(());
        }
        let weights: Vec<i128> = self.by_profile.values().map(|group| group.lines).collect();
        let shares = allocate(part.amount, &weights)?;
        for (group, amount) in self.by_profile.values_mut().zip(shares) {
            group.parts.push(Part {
                amount,
                source: part.source,
            });
        }
        Some(())
    }

    /// Takes the tax out of prices that include it, and computes the tax of every group.
    pub(super) fn nets(&self, prices_include_tax: bool) -> Result<Nets, TotalsError> {
        let mut lines = vec![0; self.line_count];
        let mut adjustments = vec![0; self.adjustment_signs.len()];
        let mut add = |source: Source, net: i128| match source {
            Source::Line(index) => lines[index] += net,
            Source::Adjustment(index) => adjustments[index] += net * self.adjustment_signs[index],
        };
        let mut bases: BTreeMap<TaxKey, Base> = BTreeMap::new();
        for (profile, group) in &self.by_profile {
            let taxed = if prices_include_tax {
                group
                    .net_of_included_tax(profile)
                    .ok_or(TotalsError { figure: Figure::Tax })?
            } else {
                group.net_already()
            };
            for (part, net) in group.parts.iter().zip(taxed.part_nets) {
                add(part.source, net);
            }
            for (index, key) in TaxKey::all_of(profile).into_iter().enumerate() {
                let base = bases.entry(key).or_default();
                base.taxable += taxed.net;
                base.included_tax += taxed.included_taxes.get(index).copied().unwrap_or_default();
            }
        }
        for part in &self.untaxed {
            add(part.source, part.amount);
        }
        let tax_breakdown = bases
            .into_iter()
            .map(|(key, base)| base.subtotal(key.tax, prices_include_tax))
            .collect::<Result<_, _>>()?;
        Ok(Nets {
            lines,
            adjustments,
            tax_breakdown,
        })
    }
}

/// A group net of tax.
pub(super) struct Taxed {
    net: i128,
    /// In the order of the group's parts; Σ = `net`.
    part_nets: Vec<i128>,
    /// The tax that was in the prices, in the order of the profile's taxes; empty when none was.
    pub(super) included_taxes: Vec<i128>,
}

impl Group {
    fn net_already(&self) -> Taxed {
        let part_nets: Vec<i128> = self.parts.iter().map(|part| part.amount).collect();
        Taxed {
            net: part_nets.iter().sum(),
            part_nets,
            included_taxes: Vec::new(),
        }
    }

    /// net = R(gross × 100 ÷ (100 + Σ rates)) once for the group, tax = gross − net, so that the
    /// gross never moves. The net is shared out over the parts, and the tax over the rates, by
    /// largest remainder. Equal remainders go to the larger part, so that the order of lines
    /// does not matter.
    pub(super) fn net_of_included_tax(&self, profile: &TaxProfile) -> Option<Taxed> {
        let rates: Vec<i128> = profile.taxes().map(|tax| tax.rate().units()).collect();
        let whole = Rate::UNITS_OF_WHOLE.checked_add(rates.iter().sum())?;
        let scaled = |amount: i128| amount.checked_mul(Rate::UNITS_OF_WHOLE);
        let gross: i128 = self.parts.iter().map(|part| part.amount).sum();
        let net = round_half_away(scaled(gross)?, whole)?;
        let exact = self
            .parts
            .iter()
            .map(|part| scaled(part.amount))
            .collect::<Option<Vec<_>>>()?;
        let part_nets = round_to_total(net, &exact, whole, |index| {
            let part = &self.parts[index];
            (Reverse(part.amount.abs()), Reverse(part.amount), part.source)
        })?;
        Some(Taxed {
            net,
            part_nets,
            included_taxes: allocate(gross.checked_sub(net)?, &rates)?,
        })
    }
}

/// One tax of the breakdown. A tax that a line has twice is two taxes, told apart by `occurrence`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::domain) struct TaxKey {
    pub(in crate::domain) tax: Tax,
    /// How many equal ones come before it in its profile.
    occurrence: usize,
}

impl TaxKey {
    pub(in crate::domain) fn all_of(profile: &TaxProfile) -> Vec<Self> {
        let taxes: Vec<Tax> = profile.taxes().collect();
        let earlier = |index: usize| taxes[..index].iter().filter(|tax| **tax == taxes[index]).count();
        (0..taxes.len())
            .map(|index| Self {
                tax: taxes[index],
                occurrence: earlier(index),
            })
            .collect()
    }
}

/// What one tax is computed on.
#[derive(Debug, Default)]
struct Base {
    taxable: i128,
    included_tax: i128,
}

impl Base {
    /// BR-CO-17: the tax is rounded once per group, never per line.
    fn subtotal(&self, tax: Tax, prices_include_tax: bool) -> Result<TaxSubtotal, TotalsError> {
        let amount = if prices_include_tax {
            Some(self.included_tax)
        } else {
            percent_of(self.taxable, tax.rate())
        };
        Ok(TaxSubtotal {
            category: tax.category(),
            rate: tax.rate().normalized(),
            taxable: publish(self.taxable, Figure::Tax)?,
            tax: publish_checked(amount, Figure::Tax)?,
        })
    }
}
