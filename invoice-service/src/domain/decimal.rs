//! Exact decimals: quantities, unit prices and percentages.
//!
//! These are not amounts of money: a unit price may have more digits than its currency has
//! (EN 16931 BT-146), so they travel as decimal strings and are rounded only when a line net,
//! a tax or an adjustment is computed (see [`super::totals`]).

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use thiserror::Error;

/// Why a decimal string was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecimalError {
    /// Not a plain decimal: blank, grouped, with an exponent, a `+`, blanks, a bare point or
    /// leading zeros.
    #[error("must be a plain decimal such as \"12.50\": digits, at most one point, and '-' as the only sign")]
    Malformed,
    /// More digits after the point than the field holds.
    #[error("must have at most {max} digits after the point")]
    Scale {
        /// The greatest permitted number of digits after the point.
        max: u8,
    },
    /// Outside the field's range.
    #[error("must be {range}")]
    Range {
        /// The permitted range in words.
        range: &'static str,
    },
}

impl DecimalError {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "DECIMAL_MALFORMED",
            Self::Scale { .. } => "DECIMAL_SCALE",
            Self::Range { .. } => "DECIMAL_RANGE",
        }
    }
}

/// An exact decimal number that remembers how many digits after the point it was given with.
///
/// Equality, order and hash go by value: `7`, `7.0` and `7.00` are the same number, as tax
/// groups need. [`fmt::Display`] gives back the digits that were parsed; only the sign of a
/// negative zero is lost.
#[derive(Debug, Clone, Copy)]
pub struct Decimal {
    /// The digits without the point.
    /// Invariant: |mantissa| < 10^36, as at most 18 digits stand on each side of the point.
    mantissa: i128,
    /// How many of the digits stand after the point: at most [`Decimal::MAX_SCALE`].
    scale: u8,
}

impl Decimal {
    /// Zero, without digits after the point.
    pub const ZERO: Self = Self {
        mantissa: 0,
        scale: 0,
    };

    /// Digits after the point. Wider than any field needs, and narrow enough that two decimals
    /// brought to one scale still fit an `i128` (18 + 18 digits of 38).
    pub const MAX_SCALE: u8 = 18;

    /// Digits before the point; see [`Decimal::MAX_SCALE`].
    pub const MAX_INTEGER_DIGITS: usize = 18;

    /// Reads `-?(0|[1-9][0-9]*)(\.[0-9]+)?`.
    ///
    /// Leading zeros are refused, because `007` is a mangled identifier more often than a
    /// number. `-0` is zero.
    ///
    /// # Errors
    /// [`DecimalError::Malformed`] for any other text; [`DecimalError::Scale`] and
    /// [`DecimalError::Range`] for more than 18 digits after or before the point.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (integer, fraction) = match unsigned.split_once('.') {
            Some((integer, fraction)) if is_digits(fraction) => (integer, fraction),
            Some(_) => return Err(DecimalError::Malformed),
            None => (unsigned, ""),
        };
        if !is_digits(integer) || (integer.len() > 1 && integer.starts_with('0')) {
            return Err(DecimalError::Malformed);
        }
        if integer.len() > Self::MAX_INTEGER_DIGITS {
            return Err(DecimalError::Range { range: "below 10^18" });
        }
        let scale = u8::try_from(fraction.len())
            .ok()
            .filter(|scale| *scale <= Self::MAX_SCALE)
            .ok_or(DecimalError::Scale { max: Self::MAX_SCALE })?;
        // At most 36 digits, so this cannot leave an i128.
        let digits = integer
            .bytes()
            .chain(fraction.bytes())
            .fold(0_i128, |value, digit| value * 10 + i128::from(digit - b'0'));
        Ok(Self {
            mantissa: if negative { -digits } else { digits },
            scale,
        })
    }

    /// A whole number: one of the limits below.
    const fn whole(value: i128) -> Self {
        Self {
            mantissa: value,
            scale: 0,
        }
    }

    /// The digits without the point: the value times 10^[`scale`](Self::scale).
    pub const fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// Digits after the point.
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// The same value without trailing zeros after the point.
    #[must_use]
    pub fn normalized(self) -> Self {
        let Self {
            mut mantissa,
            mut scale,
        } = self;
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        Self { mantissa, scale }
    }

    /// The value times 10^18: one scale for all, < 10^36 by the type's invariant.
    fn at_max_scale(self) -> i128 {
        self.mantissa * 10_i128.pow(u32::from(Self::MAX_SCALE - self.scale))
    }

    /// This value when its scale is at most `max_scale` and `inside` holds.
    fn within(self, max_scale: u8, inside: bool, range: &'static str) -> Result<Self, DecimalError> {
        if self.scale > max_scale {
            Err(DecimalError::Scale { max: max_scale })
        } else if inside {
            Ok(self)
        } else {
            Err(DecimalError::Range { range })
        }
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at_max_scale().cmp(&other.at_max_scale())
    }
}

impl Hash for Decimal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.at_max_scale().hash(state);
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let unit = 10_u128.pow(u32::from(self.scale));
        let digits = self.mantissa.unsigned_abs();
        write!(f, "{sign}{}", digits / unit)?;
        if self.scale > 0 {
            write!(f, ".{:0width$}", digits % unit, width = usize::from(self.scale))?;
        }
        Ok(())
    }
}

/// Declares a decimal newtype whose `parse` is its only door.
macro_rules! decimal_newtype {
    ($(#[$meta:meta])* $name:ident, scale $max_scale:expr, $range:literal, $inside:expr) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Decimal);

        impl $name {
            /// The greatest number of digits after the point.
            pub const MAX_SCALE: u8 = $max_scale;

            #[doc = concat!("Parses the decimal string of a value that is ", $range, ".")]
            ///
            /// # Errors
            /// [`DecimalError`]: not a plain decimal, too many digits after the point, or
            /// outside the range.
            pub fn parse(text: &str) -> Result<Self, DecimalError> {
                let value = Decimal::parse(text)?;
                let inside: fn(Decimal) -> bool = $inside;
                value.within(Self::MAX_SCALE, inside(value), $range).map(Self)
            }

            /// The value.
            pub const fn decimal(self) -> Decimal {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

/// |q| < 10^9 with 6 digits after the point: grams of a tonne-sized trade and kWh of a city,
/// while quantity × price stays within 33 digits (see [`super::totals`]).
const QUANTITY_LIMIT: i128 = 1_000_000_000;
const QUANTITY_SCALE: u8 = 6;

/// p < 10^10 covers a ship in rupiah; 8 digits after the point cover energy and cloud prices.
const UNIT_PRICE_LIMIT: i128 = 10_000_000_000;
const UNIT_PRICE_SCALE: u8 = 8;

/// No tax or discount is above 100 %. Quebec's 9.975 needs three digits after the point; the
/// fourth is headroom.
const RATE_LIMIT: i128 = 100;
const RATE_SCALE: u8 = 4;

decimal_newtype! {
    /// How many units are billed (EN 16931 BT-129). Negative on a line that takes something back.
    Quantity, scale QUANTITY_SCALE,
    "between -999999999.999999 and 999999999.999999",
    |value| value > Decimal::whole(-QUANTITY_LIMIT) && value < Decimal::whole(QUANTITY_LIMIT)
}

decimal_newtype! {
    /// The price of [`PriceBaseQuantity`] units, in units (not minor units) of the currency
    /// (EN 16931 BT-146); never negative (BR-27).
    UnitPrice, scale UNIT_PRICE_SCALE,
    "between 0 and 9999999999.99999999",
    |value| value >= Decimal::ZERO && value < Decimal::whole(UNIT_PRICE_LIMIT)
}

decimal_newtype! {
    /// How many units the unit price buys (EN 16931 BT-149): 1 unless a price is per 100, per 1000 …
    PriceBaseQuantity, scale QUANTITY_SCALE,
    "above 0 and at most 999999999.999999",
    |value| value > Decimal::ZERO && value < Decimal::whole(QUANTITY_LIMIT)
}

decimal_newtype! {
    /// A percentage: a tax rate (EN 16931 BT-119, BT-152) or an adjustment's percentage (BT-94,
    /// BT-101, BT-138). `"19"` is 19 %.
    Rate, scale RATE_SCALE,
    "between 0 and 100",
    |value| value >= Decimal::ZERO && value <= Decimal::whole(RATE_LIMIT)
}

impl Quantity {
    /// The quantity in millionths: one scale for all.
    pub const fn millionths(self) -> i128 {
        self.0.mantissa * 10_i128.pow((QUANTITY_SCALE - self.0.scale) as u32)
    }

    /// The quantity of so many millionths, without trailing zeros; `None` outside the range.
    pub fn from_millionths(millionths: i128) -> Option<Self> {
        let value = Decimal {
            mantissa: millionths,
            scale: QUANTITY_SCALE,
        };
        let limit = QUANTITY_LIMIT * 10_i128.pow(QUANTITY_SCALE.into());
        (-limit < millionths && millionths < limit).then(|| Self(value.normalized()))
    }
}

impl UnitPrice {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The price that is so many minor units of a currency with this exponent; `None` outside the range.
    pub fn from_minor_units(minor_units: i128, exponent: u8) -> Option<Self> {
        let value = Decimal {
            mantissa: minor_units,
            scale: exponent,
        };
        let limit = UNIT_PRICE_LIMIT * 10_i128.pow(exponent.into());
        (0..limit).contains(&minor_units).then_some(Self(value))
    }
}

impl PriceBaseQuantity {
    /// A price per single unit.
    pub const ONE: Self = Self(Decimal::whole(1));
}

impl Default for PriceBaseQuantity {
    fn default() -> Self {
        Self::ONE
    }
}

impl Rate {
    /// 0 %.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// [`Rate::units`] of 100 %.
    pub const UNITS_OF_WHOLE: i128 = 100 * 10_i128.pow(RATE_SCALE as u32);

    /// Whether this is 0 %, however it was written.
    pub const fn is_zero(self) -> bool {
        self.0.mantissa == 0
    }

    /// The rate in ten-thousandths of a percent: 0..=1 000 000. One scale for every rate.
    pub const fn units(self) -> i128 {
        self.0.mantissa * 10_i128.pow((RATE_SCALE - self.0.scale) as u32)
    }

    /// The same rate without trailing zeros: how a tax group states the rate its lines wrote
    /// as `7`, `7.0` and `7.00`.
    #[must_use]
    pub fn normalized(self) -> Self {
        Self(self.0.normalized())
    }
}
