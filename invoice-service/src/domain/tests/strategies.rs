//! Random inputs and an oracle that computes with big integers, in another way.

use num_bigint::BigInt;
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::builders::{cash_step, content, line_per, on_document, on_line, standard, tax};
use crate::domain::{
    adjustment::{AdjustmentKind, AdjustmentValue},
    content::InvoiceContent,
    decimal::{Decimal, Rate},
    line::NewLine,
    money::MinorUnits,
    tax::{Tax, TaxCategory, TaxProfile},
};

/// `mantissa` with its last `scale` digits after the point, as a client writes it.
pub(super) fn decimal_text(mantissa: i128, scale: u32) -> String {
    let sign = if mantissa < 0 { "-" } else { "" };
    let unit = 10_u128.pow(scale);
    let digits = mantissa.unsigned_abs();
    let integer = digits / unit;
    match usize::try_from(scale).unwrap() {
        0 => format!("{sign}{integer}"),
        width => format!("{sign}{integer}.{:0width$}", digits % unit),
    }
}

/// Any decimal of at most `digits` digits before the point and `scale` after it.
pub(super) fn decimal(signed: bool, digits: u32, scale: u32) -> impl Strategy<Value = String> {
    (0..=scale, 0..=digits, any::<bool>()).prop_flat_map(move |(scale, digits, negative)| {
        let limit = 10_i128.pow(digits + scale);
        (0..limit).prop_map(move |mantissa| {
            decimal_text(if signed && negative { -mantissa } else { mantissa }, scale)
        })
    })
}

pub(super) fn positive_decimal(digits: u32, scale: u32) -> impl Strategy<Value = String> {
    decimal(false, digits, scale)
        .prop_filter("above zero", |text| Decimal::parse(text).unwrap() > Decimal::ZERO)
}

fn rate() -> impl Strategy<Value = Rate> {
    (0..=1_000_000_i128).prop_map(|units| Rate::parse(&decimal_text(units, 4)).unwrap())
}

/// Few taxes, so that lines meet in groups; the same rate in two spellings.
fn any_tax() -> impl Strategy<Value = Tax> {
    let exempt = tax(TaxCategory::Exempt, "0");
    select(vec![
        standard("20"),
        standard("20.0"),
        standard("7.7"),
        standard("9.975"),
        standard("0"),
        exempt,
    ])
}

fn profile(most_extra: usize) -> impl Strategy<Value = TaxProfile> {
    (any_tax(), vec(any_tax(), 0..=most_extra)).prop_map(|(tax, extra)| TaxProfile::new(tax, extra).unwrap())
}

fn value() -> impl Strategy<Value = AdjustmentValue> {
    let amount =
        (-100_000..100_000_i64).prop_map(|minor| AdjustmentValue::Amount(MinorUnits::new(minor).unwrap()));
    prop_oneof![amount, rate().prop_map(AdjustmentValue::Percent)]
}

fn kind() -> impl Strategy<Value = AdjustmentKind> {
    select(vec![AdjustmentKind::Allowance, AdjustmentKind::Charge])
}

fn any_line(most_extra: usize) -> impl Strategy<Value = NewLine> {
    let adjustments = vec((kind(), value()), 0..3);
    let base_quantity = select(vec!["1", "1", "3", "100", "0.7"]);
    (
        decimal(true, 3, 3),
        decimal(false, 4, 4),
        base_quantity,
        profile(most_extra),
        adjustments,
    )
        .prop_map(|(quantity, price, base_quantity, profile, adjustments)| {
            let mut line = line_per(&quantity, &price, base_quantity, profile);
            line.content.adjustments = adjustments
                .into_iter()
                .map(|(kind, value)| on_line(kind, value))
                .collect();
            line
        })
}

/// An invoice of up to 12 lines, each with at most `most_extra` extra taxes, far from the limits.
pub(super) fn invoice(most_extra: usize) -> impl Strategy<Value = InvoiceContent> {
    let currency = select(vec!["JPY", "EUR", "KWD", "CLF"]);
    let lines = vec(any_line(most_extra), 0..12);
    let adjustments = vec((kind(), value(), option::of(any_tax())), 0..4);
    let step = option::of(select(vec![5, 10, 100]));
    (currency, lines, adjustments, any::<bool>(), step).prop_map(
        |(currency, lines, adjustments, inclusive, step)| {
            let mut content = content(currency, lines);
            content.header.adjustments = adjustments
                .into_iter()
                .map(|(kind, value, tax)| on_document(kind, value, tax))
                .collect();
            content.header.prices_include_tax = inclusive;
            content.header.cash_rounding = step.map(cash_step);
            content
        },
    )
}

/// `numerator ÷ denominator`, half away from zero: ⌊(2|n| + d) ÷ 2d⌋ with the sign of n.
pub(super) fn oracle_round(numerator: &BigInt, denominator: &BigInt) -> BigInt {
    let doubled = numerator.magnitude() * 2_u32 + denominator.magnitude();
    let rounded = BigInt::from(doubled / (denominator.magnitude() * 2_u32));
    if numerator < &BigInt::ZERO {
        -rounded
    } else {
        rounded
    }
}

/// The value as an integer of 10^-18, read from its digits by another route than the parser's.
pub(super) fn oracle_units(text: &str) -> BigInt {
    let (integer, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{integer}{fraction:0<18}").parse().unwrap()
}
