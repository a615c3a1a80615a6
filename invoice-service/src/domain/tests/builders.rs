//! Short ways to write an invoice's content down. A part that is not given is blank.

use crate::domain::{
    adjustment::{AdjustmentKind, AdjustmentReason, AdjustmentValue, DocumentAdjustment, LineAdjustment},
    content::{InvoiceContent, InvoiceHeader},
    decimal::{PriceBaseQuantity, Quantity, Rate, UnitPrice},
    line::{LineContent, NewLine},
    money::{CashRoundingStep, Currency, MinorUnits},
    tax::{Tax, TaxCategory, TaxProfile},
    totals::{Computed, TaxSubtotal, compute},
};

pub(super) fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

pub(super) fn minor(amount: i64) -> MinorUnits {
    MinorUnits::new(amount).unwrap()
}

pub(super) fn rate(text: &str) -> Rate {
    Rate::parse(text).unwrap()
}

pub(super) fn tax(category: TaxCategory, percent: &str) -> Tax {
    Tax::new(category, rate(percent)).unwrap()
}

pub(super) fn standard(percent: &str) -> Tax {
    tax(TaxCategory::Standard, percent)
}

pub(super) fn content(code: &str, lines: impl IntoIterator<Item = NewLine>) -> InvoiceContent {
    InvoiceContent {
        header: InvoiceHeader::blank(currency(code)),
        lines: lines.into_iter().collect(),
    }
}

pub(super) fn line(quantity: &str, unit_price: &str, tax: impl Into<TaxProfile>) -> NewLine {
    let content = LineContent {
        quantity: Some(Quantity::parse(quantity).unwrap()),
        unit_price: Some(UnitPrice::parse(unit_price).unwrap()),
        tax: tax.into(),
        ..LineContent::default()
    };
    NewLine { id: None, content }
}

pub(super) fn line_per(
    quantity: &str,
    unit_price: &str,
    base_quantity: &str,
    tax: impl Into<TaxProfile>,
) -> NewLine {
    let mut line = line(quantity, unit_price, tax);
    line.content.price_base_quantity = PriceBaseQuantity::parse(base_quantity).unwrap();
    line
}

pub(super) fn percent(percent: &str) -> AdjustmentValue {
    AdjustmentValue::Percent(rate(percent))
}

pub(super) fn amount(minor_units: i64) -> AdjustmentValue {
    AdjustmentValue::Amount(minor(minor_units))
}

pub(super) fn on_line(kind: AdjustmentKind, value: AdjustmentValue) -> LineAdjustment {
    LineAdjustment {
        kind,
        value,
        reason: AdjustmentReason::default(),
    }
}

pub(super) fn on_document(
    kind: AdjustmentKind,
    value: AdjustmentValue,
    tax: Option<Tax>,
) -> DocumentAdjustment {
    DocumentAdjustment {
        kind,
        value,
        reason: AdjustmentReason::default(),
        tax,
    }
}

pub(super) fn cash_step(step: i64) -> CashRoundingStep {
    CashRoundingStep::new(step).unwrap()
}

pub(super) fn computed(content: &InvoiceContent) -> Computed {
    compute(content).unwrap()
}

pub(super) fn amounts(amounts: &[MinorUnits]) -> Vec<i64> {
    amounts.iter().map(|amount| amount.get()).collect()
}

/// The breakdown as (category code, rate, taxable, tax).
pub(super) fn breakdown(computed: &Computed) -> Vec<(&'static str, String, i64, i64)> {
    let row = |subtotal: &TaxSubtotal| {
        (
            subtotal.category.code(),
            subtotal.rate.to_string(),
            subtotal.taxable.get(),
            subtotal.tax.get(),
        )
    };
    computed.tax_breakdown.iter().map(row).collect()
}

/// (net, tax, gross).
pub(super) fn net_tax_gross(computed: &Computed) -> (i64, i64, i64) {
    let totals = computed.totals;
    (totals.net.get(), totals.tax.get(), totals.gross.get())
}
