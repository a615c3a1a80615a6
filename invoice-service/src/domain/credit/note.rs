//! The credit note as a document.

use jiff::Timestamp;

use super::{
    CreditOrder,
    taking::{Taken, Taking},
};
use crate::domain::{
    adjustment::{AdjustmentKind, AdjustmentReason, AdjustmentValue, DocumentAdjustment, LineAdjustment},
    content::{InvoiceHeader, Note, PaymentTermsDays},
    credit::LineCredit,
    date::{CalendarDate, truncate_to_milliseconds},
    decimal::{PriceBaseQuantity, Quantity, UnitPrice},
    history::History,
    ids::Version,
    invoice::{Invoice, InvoiceIdentity, InvoiceKind},
    line::{Line, LineContent},
    metadata::Metadata,
    money::{Currency, MinorUnits},
    number::AssignedNumber,
    state::State,
    text::UnitCode,
    totals::{Figure, GroupShare, TaxKey, TaxSubtotal, Totals, TotalsError, line_amount},
};

/// What an adjustment of a credit note says it is (EN 16931 BR-41 to BR-44: one must say something).
const SHARE_OF_ADJUSTMENTS: &str = "as on the invoice";

/// The parts of a note that follow from what it takes.
struct Parts {
    lines: Vec<Line>,
    adjustments: Vec<DocumentAdjustment>,
    tax_breakdown: Vec<TaxSubtotal>,
    totals: Totals,
}

impl Invoice {
    /// The note about what is taken, issued and settled: it asks nobody for anything.
    ///
    /// # Errors
    /// [`TotalsError`].
    pub(super) fn note(
        &self,
        order: &CreditOrder,
        taking: &Taking<'_>,
        (identity, number, day): (&InvoiceIdentity, AssignedNumber, CalendarDate),
        now: Timestamp,
    ) -> Result<Self, TotalsError> {
        let all_at_once = order.lines.is_empty() && self.credits.is_empty();
        let parts = if all_at_once {
            self.mirrored()
        } else {
            self.part(taking)?
        };
        let credited = parts.totals.payable().map_err(|_| out_of_range())?;
        let totals = parts.totals.settled(MinorUnits::ZERO, credited);
        let header = InvoiceHeader {
            issue_date: Some(day),
            due_date: None,
            payment_terms_days: None::<PaymentTermsDays>,
            adjustments: parts.adjustments,
            cash_rounding: self.header.cash_rounding.filter(|_| taking.completes),
            note: Note::parse(order.reason.as_str()).unwrap_or_default(),
            metadata: Metadata::default(),
            ..self.header.clone()
        };
        let now = truncate_to_milliseconds(now);
        Ok(Self {
            identity: identity.clone(),
            kind: InvoiceKind::CreditNote,
            state: State::Paid,
            number: Some(number.number),
            series: Some(number.series),
            number_place: Some(number.place),
            preceding_invoice_id: Some(self.identity.id.clone()),
            header,
            lines: parts.lines,
            tax_breakdown: parts.tax_breakdown,
            totals: totals.map_err(|_| out_of_range())?,
            payments: Vec::new(),
            credits: Vec::new(),
            version: Version::FIRST,
            create_time: now,
            update_time: now,
            issue_time: Some(now),
            history: History::default(),
        })
    }

    /// Everything at once: the invoice itself, line by line, adjustment by adjustment, cent by cent.
    fn mirrored(&self) -> Parts {
        Parts {
            lines: self.lines.clone(),
            adjustments: self.header.adjustments.clone(),
            tax_breakdown: self.tax_breakdown.clone(),
            totals: self.totals,
        }
    }

    fn part(&self, taking: &Taking<'_>) -> Result<Parts, TotalsError> {
        let mut lines = vec![None; self.lines.len()];
        let mut adjustments = Vec::new();
        let mut keys = Vec::new();
        let (mut lines_net, mut adjusted) = (0, 0);
        let groups = taking.parts.groups().iter();
        let nets = taking.after.nets.iter().zip(&taking.before.nets);
        for (group, (after, before)) in groups.zip(nets) {
            let net = after - before;
            let found = group.shares.iter().map(|(position, _)| *position);
            let taken: Vec<(usize, Taken)> = found
                .filter_map(|position| taking.lines[position].map(|taken| (position, taken)))
                .collect();
            let is_adjustment = group.shares.is_empty() && taking.completes && group.whole != 0;
            if is_adjustment {
                adjusted += net;
                adjustments.push(adjustment_alone(group)?);
            }
            if is_adjustment || !taken.is_empty() {
                keys.extend(TaxKey::all_of(&group.profile));
            }
            let line_nets = self.line_nets(group, net, &taken)?;
            for ((position, taken), net) in taken.into_iter().zip(line_nets) {
                lines_net += net;
                lines[position] = Some(self.line(position, taken, net)?);
            }
        }
        let tax_breakdown = breakdown(taking, &keys)?;
        let mut totals = totals(lines_net, adjusted, &tax_breakdown)?;
        if taking.completes {
            totals.rounding = self.totals.rounding;
        }
        Ok(Parts {
            lines: lines.into_iter().flatten().collect(),
            adjustments,
            tax_breakdown,
            totals,
        })
    }

    /// The net of each line that is taken, Σ = `net`.
    fn line_nets(
        &self,
        group: &GroupShare,
        net: i128,
        taken: &[(usize, Taken)],
    ) -> Result<Vec<i128>, TotalsError> {
        let amounts: Vec<i128> = taken.iter().map(|(_, taken)| taken.amount).collect();
        if !self.header.prices_include_tax || amounts.is_empty() {
            return Ok(amounts);
        }
        group.nets_of_included_tax(net, &amounts).ok_or_else(out_of_range)
    }

    fn line(&self, position: usize, taken: Taken, net: i128) -> Result<Line, TotalsError> {
        let line = &self.lines[position];
        Ok(Line {
            id: line.id.clone(),
            content: content(&line.content, taken, self.header.currency)?,
            net: minor_units(net)?,
            credited: LineCredit::default(),
        })
    }
}

fn totals(lines_net: i128, adjusted: i128, tax_breakdown: &[TaxSubtotal]) -> Result<Totals, TotalsError> {
    let taxes = tax_breakdown
        .iter()
        .map(|subtotal| i128::from(subtotal.tax.get()));
    let tax: i128 = taxes.sum();
    let net = lines_net + adjusted;
    Ok(Totals {
        lines_net: minor_units(lines_net)?,
        charges: minor_units(adjusted)?,
        net: minor_units(net)?,
        tax: minor_units(tax)?,
        gross: minor_units(net + tax)?,
        ..Totals::default()
    })
}

const fn out_of_range() -> TotalsError {
    TotalsError {
        figure: Figure::Gross,
    }
}

fn minor_units(amount: i128) -> Result<MinorUnits, TotalsError> {
    MinorUnits::try_from(amount).map_err(|_| out_of_range())
}

fn reason() -> AdjustmentReason {
    AdjustmentReason::parse(SHARE_OF_ADJUSTMENTS).unwrap_or_default()
}

/// What is taxed as no line is, as freight may be. It goes with the last credit.
fn adjustment_alone(group: &GroupShare) -> Result<DocumentAdjustment, TotalsError> {
    Ok(DocumentAdjustment {
        kind: AdjustmentKind::Charge,
        value: AdjustmentValue::Amount(minor_units(group.whole)?),
        reason: reason(),
        tax: Some(group.profile.primary()),
    })
}

fn breakdown(taking: &Taking<'_>, keys: &[TaxKey]) -> Result<Vec<TaxSubtotal>, TotalsError> {
    let of_note = taking.after.taxes.iter().filter(|(key, _)| keys.contains(key));
    let subtotal = |(key, (taxable, tax)): (&TaxKey, &(i128, i128))| {
        let before = taking.before.taxes.get(key).copied().unwrap_or_default();
        Ok(TaxSubtotal {
            category: key.tax.category(),
            rate: key.tax.rate().normalized(),
            taxable: minor_units(taxable - before.0)?,
            tax: minor_units(tax - before.1)?,
        })
    };
    of_note.map(subtotal).collect()
}

/// What the note's line says, so that quantity × price ÷ base quantity, less allowances, plus charges, is what is taken
/// (EN 16931 BT-131). A price reduction is one piece at that amount.
fn content(line: &LineContent, taken: Taken, currency: Currency) -> Result<LineContent, TotalsError> {
    let mut content = LineContent {
        adjustments: Vec::new(),
        ..line.clone()
    };
    if let Some(quantity) = taken.quantity {
        content.quantity = Some(quantity);
    } else {
        let one = Quantity::from_millionths(1_000_000 * taken.amount.signum());
        content.quantity = one.filter(|_| taken.amount != 0).or(line.quantity);
        content.unit_code = UnitCode::default();
        content.price_base_quantity = PriceBaseQuantity::ONE;
        let price = UnitPrice::from_minor_units(taken.amount.abs(), currency.exponent());
        content.unit_price = price.or(Some(UnitPrice::ZERO));
    }
    let priced = line_amount(&content, currency);
    let rest = priced.and_then(|priced| MinorUnits::try_from(taken.amount - priced).ok());
    let rest = if let Some(rest) = rest {
        rest
    } else {
        // Before its allowances the line was out of the range of amounts.
        content.unit_price = Some(UnitPrice::ZERO);
        minor_units(taken.amount)?
    };
    if rest != MinorUnits::ZERO {
        let (kind, amount) = if rest.is_negative() {
            (AdjustmentKind::Allowance, rest.negated())
        } else {
            (AdjustmentKind::Charge, rest)
        };
        content.adjustments.push(LineAdjustment {
            kind,
            value: AdjustmentValue::Amount(amount),
            reason: reason(),
        });
    }
    Ok(content)
}
