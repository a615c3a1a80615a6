//! Currencies and amounts of money. Amounts are whole minor units; there is no floating point.

use std::fmt;

use thiserror::Error;

use super::{decimal::Decimal, rounding::round_half_away};

/// An amount left [`MinorUnits::MIN`]..=[`MinorUnits::MAX`]. Never wrapped, never clamped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be between -99999999999999 and 99999999999999 minor units")]
pub struct AmountOverflow;

impl AmountOverflow {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        "AMOUNT_RANGE"
    }
}

/// An amount in the minor units of its invoice's currency: cents of EUR, yen, fils of KWD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MinorUnits(i64);

impl MinorUnits {
    /// 10^14 − 1: below 2^53, so that a JavaScript number holds every amount exactly.
    pub const MAX: Self = Self(99_999_999_999_999);
    /// −(10^14 − 1): a credit may be as large as a debit.
    pub const MIN: Self = Self(-99_999_999_999_999);
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Takes an amount of minor units.
    ///
    /// # Errors
    /// [`AmountOverflow`] outside [`Self::MIN`]..=[`Self::MAX`].
    pub const fn new(minor_units: i64) -> Result<Self, AmountOverflow> {
        if minor_units < Self::MIN.0 || minor_units > Self::MAX.0 {
            return Err(AmountOverflow);
        }
        Ok(Self(minor_units))
    }

    /// An amount that is written in the unit of a currency, such as 12.5 EUR, rounded half away from zero.
    ///
    /// # Errors
    /// [`AmountOverflow`] outside the range.
    pub fn of_decimal(amount: Decimal, currency: Currency) -> Result<Self, AmountOverflow> {
        let power = |exponent: u8| 10_i128.pow(exponent.into());
        let minor_units = amount
            .mantissa()
            .checked_mul(power(currency.exponent()))
            .and_then(|numerator| round_half_away(numerator, power(amount.scale())));
        Self::try_from(minor_units.ok_or(AmountOverflow)?)
    }

    /// The amount as it is written in the unit of a currency: 1250 EUR cents are `12.50`.
    pub fn in_unit_of(self, currency: Currency) -> String {
        let exponent = usize::from(currency.exponent());
        let sign = if self.is_negative() { "-" } else { "" };
        let digits = format!("{:0>width$}", self.0.unsigned_abs(), width = exponent + 1);
        let (whole, fraction) = digits.split_at(digits.len() - exponent);
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{whole}{point}{fraction}")
    }

    /// The number of minor units.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum.
    ///
    /// # Errors
    /// [`AmountOverflow`] when it leaves the range.
    pub const fn checked_add(self, other: Self) -> Result<Self, AmountOverflow> {
        // Two amounts are below 2 × 10^14, far inside an i64.
        Self::new(self.0 + other.0)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`AmountOverflow`] when it leaves the range.
    pub const fn checked_sub(self, other: Self) -> Result<Self, AmountOverflow> {
        Self::new(self.0 - other.0)
    }

    /// The opposite amount; the range is symmetric, so there always is one.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self(-self.0)
    }

    /// Whether the amount is below zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl TryFrom<i128> for MinorUnits {
    type Error = AmountOverflow;

    fn try_from(minor_units: i128) -> Result<Self, AmountOverflow> {
        Self::new(i64::try_from(minor_units).map_err(|_| AmountOverflow)?)
    }
}

impl fmt::Display for MinorUnits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a currency code was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CurrencyError {
    /// Not a code of ISO 4217's list one, in upper case.
    #[error("must be an ISO 4217 currency code in upper case, such as \"EUR\"")]
    Unknown,
    /// A code such as XAU (gold) or XXX (no currency): it has no minor unit to round to.
    #[error("must be a currency that has a minor unit; metals, funds and test codes have none")]
    NoMinorUnit,
}

impl CurrencyError {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unknown => "CURRENCY_UNKNOWN",
            Self::NoMinorUnit => "CURRENCY_NO_MINOR_UNIT",
        }
    }
}

/// An ISO 4217 currency that amounts can be rounded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Currency {
    currency: iso_currency::Currency,
    exponent: u8,
}

impl Currency {
    /// No currency divides further: CLF and UYW have four digits. The bound keeps products
    /// inside an i128 (see [`super::totals`]).
    pub const MAX_EXPONENT: u8 = 4;

    /// Parses an upper-case ISO 4217 code.
    ///
    /// A blank code is refused too: without the currency's exponent not even a draft's amounts
    /// can be computed, and a guessed currency would be a wrong one.
    ///
    /// # Errors
    /// [`CurrencyError::Unknown`] and [`CurrencyError::NoMinorUnit`].
    pub fn parse(code: &str) -> Result<Self, CurrencyError> {
        let currency = iso_currency::Currency::from_code(code).ok_or(CurrencyError::Unknown)?;
        let exponent = currency
            .exponent()
            .and_then(|exponent| u8::try_from(exponent).ok())
            .filter(|exponent| *exponent <= Self::MAX_EXPONENT)
            .ok_or(CurrencyError::NoMinorUnit)?;
        Ok(Self { currency, exponent })
    }

    /// The ISO 4217 code, such as `EUR`.
    pub fn code(self) -> &'static str {
        self.currency.code()
    }

    /// Digits after the point of an amount: JPY 0, EUR 2, KWD 3.
    pub const fn exponent(self) -> u8 {
        self.exponent
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The step that a total payable in cash is rounded to, in minor units: 5 for CHF, 100 for NOK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CashRoundingStep(MinorUnits);

/// A cash rounding step is not positive, or above [`CashRoundingStep::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be between 1 and 1000000 minor units, or 0 for no cash rounding")]
pub struct CashRoundingStepError;

impl CashRoundingStepError {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        "CASH_ROUNDING_STEP"
    }
}

impl CashRoundingStep {
    /// The largest coin or note anyone rounds to stays far below 10 000 units of a currency.
    pub const MAX: i64 = 1_000_000;

    /// Takes a step of minor units.
    ///
    /// # Errors
    /// [`CashRoundingStepError`] unless it is in 1..=[`Self::MAX`].
    pub fn new(minor_units: i64) -> Result<Self, CashRoundingStepError> {
        if !(1..=Self::MAX).contains(&minor_units) {
            return Err(CashRoundingStepError);
        }
        MinorUnits::new(minor_units)
            .map(Self)
            .map_err(|AmountOverflow| CashRoundingStepError)
    }

    /// The step in minor units, above 0.
    pub const fn minor_units(self) -> MinorUnits {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written_in_the_unit_of_their_currency() {
        for (text, currency, minor, written) in [
            ("12.5", "EUR", 1250, "12.50"),
            ("-0.01", "EUR", -1, "-0.01"),
            ("305.09999999999997", "EUR", 30510, "305.10"),
            ("0.125", "EUR", 13, "0.13"),
            ("-156435.885", "EUR", -15_643_589, "-156435.89"),
            ("1099", "JPY", 1099, "1099"),
            ("0.3", "KWD", 300, "0.300"),
        ] {
            let currency = Currency::parse(currency).unwrap();
            let amount = MinorUnits::of_decimal(Decimal::parse(text).unwrap(), currency).unwrap();
            assert_eq!(
                (amount.get(), amount.in_unit_of(currency).as_str()),
                (minor, written),
                "{text}"
            );
        }
        let euro = Currency::parse("EUR").unwrap();
        let large = Decimal::parse("999999999999999999").unwrap();
        assert_eq!(MinorUnits::of_decimal(large, euro), Err(AmountOverflow));
    }
}
