//! How an invoice is taken apart to be credited: which part of it belongs to each line, and what so much of it comes to.
//!
//! Everything is a function of what is credited so far, never of the way there: a credit note is the difference of two
//! results. So credits add up to the invoice in whatever order they come (docs/adr/0018).

use std::collections::BTreeMap;

use super::{
    Figure, TotalsError,
    groups::{Group, Groups, Source, TaxKey},
    line_amount::percent_of,
};
use crate::domain::{
    content::InvoiceHeader,
    decimal::Rate,
    line::LineContent,
    rounding::{allocate, round_half_away, round_to_total},
    tax::TaxProfile,
};

/// An invoice by how its amounts are taxed. Amounts include tax when the invoice's prices do.
#[derive(Debug)]
pub(in crate::domain) struct Apportionment {
    groups: Vec<GroupShare>,
    prices_include_tax: bool,
}

/// What is taxed alike.
#[derive(Debug)]
pub(in crate::domain) struct GroupShare {
    /// How it is taxed.
    pub(in crate::domain) profile: TaxProfile,
    /// Everything in the group: lines and document adjustments.
    pub(in crate::domain) whole: i128,
    /// The position of each line and its share. The shares add up to `whole`; there are none when only adjustments are
    /// taxed so.
    pub(in crate::domain) shares: Vec<(usize, i128)>,
    /// The tax in `whole`, in the order of the profile's taxes, when prices include it.
    included_taxes: Vec<i128>,
}

/// What a part of an invoice comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::domain) struct PartFigures {
    /// The net of each group, in the order of the groups.
    pub(in crate::domain) nets: Vec<i128>,
    /// What is taxed and the tax, for each tax of the invoice.
    pub(in crate::domain) taxes: BTreeMap<TaxKey, (i128, i128)>,
}

impl Apportionment {
    /// Takes an invoice apart.
    ///
    /// # Errors
    /// [`TotalsError`]; never for an invoice whose figures could be computed.
    pub(in crate::domain) fn of<'a>(
        header: &InvoiceHeader,
        lines: impl Iterator<Item = &'a LineContent>,
    ) -> Result<Self, TotalsError> {
        let prices_include_tax = header.prices_include_tax;
        let groups = Groups::collect(header, lines)?;
        let shared = groups
            .by_profile()
            .iter()
            .map(|(profile, group)| GroupShare::of(profile, group, prices_include_tax));
        Ok(Self {
            groups: shared
                .collect::<Option<_>>()
                .ok_or(TotalsError { figure: Figure::Net })?,
            prices_include_tax,
        })
    }

    /// The groups.
    pub(in crate::domain) fn groups(&self) -> &[GroupShare] {
        &self.groups
    }

    /// What so much of each group comes to; `None` when it leaves the range of the arithmetic.
    pub(in crate::domain) fn figures(&self, amounts: &[i128]) -> Option<PartFigures> {
        let mut nets = Vec::with_capacity(self.groups.len());
        let mut taxes: BTreeMap<TaxKey, (i128, i128)> = BTreeMap::new();
        for (group, amount) in self.groups.iter().zip(amounts) {
            let (net, included) = if self.prices_include_tax {
                group.net_of_included_tax(*amount)?
            } else {
                (*amount, Vec::new())
            };
            for (index, key) in TaxKey::all_of(&group.profile).into_iter().enumerate() {
                let tax = taxes.entry(key).or_default();
                tax.0 += net;
                tax.1 += included.get(index).copied().unwrap_or_default();
            }
            nets.push(net);
        }
        if !self.prices_include_tax {
            // BR-CO-17: once per group, here of everything that is credited so far.
            for (key, (taxable, tax)) in &mut taxes {
                *tax = percent_of(*taxable, key.tax.rate())?;
            }
        }
        Some(PartFigures { nets, taxes })
    }
}

impl GroupShare {
    fn of(profile: &TaxProfile, group: &Group, prices_include_tax: bool) -> Option<Self> {
        let whole = group.parts.iter().map(|part| part.amount).sum();
        let included_taxes = if prices_include_tax {
            group.net_of_included_tax(profile)?.included_taxes
        } else {
            Vec::new()
        };
        Some(Self {
            profile: profile.clone(),
            whole,
            shares: shares(group, whole)?,
            included_taxes,
        })
    }

    /// 100 % and the rates, as [`Rate::units`].
    fn units_of_gross(&self) -> Option<i128> {
        let rates = self.profile.taxes().map(|tax| tax.rate().units());
        Rate::UNITS_OF_WHOLE.checked_add(rates.sum())
    }

    /// Shares `net` out over the gross `amounts` that it is the net of. Equal remainders go to the earlier one.
    pub(in crate::domain) fn nets_of_included_tax(&self, net: i128, amounts: &[i128]) -> Option<Vec<i128>> {
        let scaled = amounts
            .iter()
            .map(|amount| amount.checked_mul(Rate::UNITS_OF_WHOLE));
        let exact = scaled.collect::<Option<Vec<_>>>()?;
        round_to_total(net, &exact, self.units_of_gross()?, |index| index)
    }

    /// The net of `gross`, rounded as that of the whole, and the taxes in it.
    ///
    /// Both net and tax grow with the gross. The tax is parted in two, again and again, each time in proportion to what it
    /// is in the whole: so each part grows with the gross too, which largest remainders do not grant, and of the whole it
    /// is what the invoice says.
    fn net_of_included_tax(&self, gross: i128) -> Option<(i128, Vec<i128>)> {
        let net = round_half_away(gross.checked_mul(Rate::UNITS_OF_WHOLE)?, self.units_of_gross()?)?;
        let mut left = gross.checked_sub(net)?;
        let mut left_of_whole: i128 = self.included_taxes.iter().sum();
        let mut taxes = Vec::with_capacity(self.included_taxes.len());
        for whole in &self.included_taxes {
            let tax = if left_of_whole == 0 {
                0
            } else {
                // Both have one sign, so that the denominator can be made positive.
                round_half_away(
                    left.checked_mul(whole.checked_abs()?)?,
                    left_of_whole.checked_abs()?,
                )?
            };
            taxes.push(tax);
            left -= tax;
            left_of_whole -= whole;
        }
        Some((net, taxes))
    }
}

/// Shares the group out over its lines, by largest remainder on their amounts. A line that goes against the group, as a
/// deposit that is taken off does, lowers the shares of the others and has none.
fn shares(group: &Group, whole: i128) -> Option<Vec<(usize, i128)>> {
    let (positions, amounts): (Vec<usize>, Vec<i128>) = group
        .parts
        .iter()
        .filter_map(|part| match part.source {
            Source::Line(position) => Some((position, part.amount)),
            Source::Adjustment(_) => None,
        })
        .unzip();
    if positions.is_empty() {
        return Some(Vec::new());
    }
    let with_the_group = |amount: &i128| amount.signum() == whole.signum();
    let weights: Vec<i128> = if amounts.iter().any(with_the_group) {
        let weight = |amount: &i128| if with_the_group(amount) { *amount } else { 0 };
        amounts.iter().map(weight).collect()
    } else {
        amounts
    };
    Some(positions.into_iter().zip(allocate(whole, &weights)?).collect())
}
