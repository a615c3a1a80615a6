//! What a line and an adjustment come to, each rounded once.

use crate::domain::{
    adjustment::AdjustmentValue,
    decimal::{Decimal, PriceBaseQuantity, Quantity, Rate, UnitPrice},
    line::LineContent,
    money::Currency,
    rounding::round_half_away,
};

/// The line's amount in minor units (EN 16931 BT-131): quantity × unit price ÷ price base
/// quantity, rounded, less its allowances, plus its charges. It includes tax when the price does.
pub(in crate::domain) fn line_amount(line: &LineContent, currency: Currency) -> Option<i128> {
    let quantity = line.quantity.map_or(Decimal::ZERO, Quantity::decimal);
    let unit_price = line.unit_price.map_or(Decimal::ZERO, UnitPrice::decimal);
    let base = priced(quantity, unit_price, line.price_base_quantity, currency)?;
    line.adjustments.iter().try_fold(base, |amount, adjustment| {
        let adjusted = adjustment_amount(adjustment.value, base)?;
        amount.checked_add(adjusted.checked_mul(adjustment.kind.sign())?)
    })
}

/// The adjustment's amount in minor units, before its kind gives it a sign: a percentage of
/// `base` is rounded on its own.
pub(super) fn adjustment_amount(value: AdjustmentValue, base: i128) -> Option<i128> {
    match value {
        AdjustmentValue::Amount(amount) => Some(amount.get().into()),
        AdjustmentValue::Percent(rate) => percent_of(base, rate),
    }
}

/// `rate` percent of `base`, rounded half away from zero.
pub(super) fn percent_of(base: i128, rate: Rate) -> Option<i128> {
    round_half_away(base.checked_mul(rate.units())?, Rate::UNITS_OF_WHOLE)
}

/// R(quantity × unit price ÷ base quantity) in minor units. The bounds are in [`super`].
fn priced(
    quantity: Decimal,
    unit_price: Decimal,
    base_quantity: PriceBaseQuantity,
    currency: Currency,
) -> Option<i128> {
    let base_quantity = base_quantity.decimal();
    // Cancelled before multiplying, which keeps the numerator below 10^33.
    let up = base_quantity.scale() + currency.exponent();
    let down = quantity.scale() + unit_price.scale();
    let numerator = quantity
        .mantissa()
        .checked_mul(unit_price.mantissa())?
        .checked_mul(power_of_ten(up.saturating_sub(down))?)?;
    let denominator = base_quantity
        .mantissa()
        .checked_mul(power_of_ten(down.saturating_sub(up))?)?;
    round_half_away(numerator, denominator)
}

fn power_of_ten(exponent: u8) -> Option<i128> {
    10_i128.checked_pow(exponent.into())
}
