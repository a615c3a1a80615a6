//! Tax categories, and the groups that tax is computed in.

use thiserror::Error;

use super::decimal::Rate;

/// Why a supply is taxed as it is (EN 16931 BT-118, BT-151; code list UNCL 5305).
///
/// The order is that of tax groups in a breakdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum TaxCategory {
    /// Not chosen yet, which only a draft may leave so. Its rate counts as it stands.
    #[default]
    Unspecified,
    /// `S`: standard rate, and every reduced rate above zero.
    Standard,
    /// `Z`: zero rated.
    Zero,
    /// `E`: exempt from tax.
    Exempt,
    /// `AE`: the buyer accounts for the tax.
    ReverseCharge,
    /// `K`: intra-community supply of goods and services.
    IntraCommunity,
    /// `G`: export outside the union.
    Export,
    /// `O`: outside the scope of tax.
    OutsideScope,
}

impl TaxCategory {
    /// Every category, in order.
    pub const ALL: [Self; 8] = [
        Self::Unspecified,
        Self::Standard,
        Self::Zero,
        Self::Exempt,
        Self::ReverseCharge,
        Self::IntraCommunity,
        Self::Export,
        Self::OutsideScope,
    ];

    /// Whether the rate must be 0 (BR-Z-05, BR-E-05, BR-AE-05, BR-IC-05, BR-G-05, BR-O-05).
    pub const fn is_zero_rate(self) -> bool {
        match self {
            Self::Unspecified | Self::Standard => false,
            Self::Zero
            | Self::Exempt
            | Self::ReverseCharge
            | Self::IntraCommunity
            | Self::Export
            | Self::OutsideScope => true,
        }
    }

    /// Whether an issued invoice must say why no tax is charged (BR-E-10, BR-AE-10, BR-IC-10,
    /// BR-G-10, BR-O-10).
    pub const fn needs_exemption_reason(self) -> bool {
        match self {
            Self::Unspecified | Self::Standard | Self::Zero => false,
            Self::Exempt | Self::ReverseCharge | Self::IntraCommunity | Self::Export | Self::OutsideScope => {
                true
            }
        }
    }

    /// The UNCL 5305 code; blank for [`TaxCategory::Unspecified`].
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unspecified => "",
            Self::Standard => "S",
            Self::Zero => "Z",
            Self::Exempt => "E",
            Self::ReverseCharge => "AE",
            Self::IntraCommunity => "K",
            Self::Export => "G",
            Self::OutsideScope => "O",
        }
    }
}

/// Why a tax was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TaxError {
    /// A category that is never taxed has a rate.
    #[error("must be 0 in a tax category without tax")]
    RateNotZero,
    /// More taxes on one line than [`TaxProfile::MAX_EXTRA_TAXES`].
    #[error("must be at most 4 extra taxes")]
    TooManyExtraTaxes,
}

impl TaxError {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::RateNotZero => "TAX_RATE_NOT_ZERO",
            Self::TooManyExtraTaxes => "TOO_MANY_EXTRA_TAXES",
        }
    }
}

/// One tax: a category and its rate. Taxes are equal when their rates have the same value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tax {
    category: TaxCategory,
    rate: Rate,
}

impl Tax {
    /// No category yet, 0 %.
    pub const UNSPECIFIED: Self = Self {
        category: TaxCategory::Unspecified,
        rate: Rate::ZERO,
    };

    /// Takes a category and a rate. A standard rate of 0 passes: a draft may be incomplete.
    ///
    /// # Errors
    /// [`TaxError::RateNotZero`] for a category that is never taxed.
    pub fn new(category: TaxCategory, rate: Rate) -> Result<Self, TaxError> {
        if category.is_zero_rate() && !rate.is_zero() {
            return Err(TaxError::RateNotZero);
        }
        Ok(Self { category, rate })
    }

    /// The category.
    pub const fn category(self) -> TaxCategory {
        self.category
    }

    /// The rate, with the digits it was given with.
    pub const fn rate(self) -> Rate {
        self.rate
    }
}

impl Default for Tax {
    fn default() -> Self {
        Self::UNSPECIFIED
    }
}

/// All taxes on one base: the primary one, and extra ones such as QST beside GST.
///
/// Each tax is computed on the same base and rounded alone. The same tax may occur twice (an
/// Indian CGST and SGST of 9 % each): that is two taxes, not one on twice the base.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TaxProfile {
    primary: Tax,
    /// Sorted, so that the order in which a client lists them makes no other group.
    extra: Vec<Tax>,
}

impl TaxProfile {
    /// No country levies more than five taxes on one supply; a bound on the work per line.
    pub const MAX_EXTRA_TAXES: usize = 4;

    /// Takes a primary tax and any extra ones, in any order.
    ///
    /// # Errors
    /// [`TaxError::TooManyExtraTaxes`].
    pub fn new(primary: Tax, mut extra: Vec<Tax>) -> Result<Self, TaxError> {
        if extra.len() > Self::MAX_EXTRA_TAXES {
            return Err(TaxError::TooManyExtraTaxes);
        }
        extra.sort();
        Ok(Self { primary, extra })
    }

    /// The same taxes with the lowest one first: lines that are taxed alike are one group, whichever tax each names first.
    #[must_use]
    pub fn canonical(&self) -> Self {
        let mut taxes: Vec<Tax> = self.taxes().collect();
        taxes.sort();
        let primary = taxes.remove(0);
        Self {
            primary,
            extra: taxes,
        }
    }

    /// The tax that the line names first.
    pub const fn primary(&self) -> Tax {
        self.primary
    }

    /// The other taxes on the same base, sorted by category and rate.
    pub fn extra(&self) -> &[Tax] {
        &self.extra
    }

    /// Every tax, the primary one first.
    pub fn taxes(&self) -> impl Iterator<Item = Tax> + '_ {
        std::iter::once(self.primary).chain(self.extra.iter().copied())
    }
}

impl From<Tax> for TaxProfile {
    fn from(primary: Tax) -> Self {
        Self {
            primary,
            extra: Vec::new(),
        }
    }
}
