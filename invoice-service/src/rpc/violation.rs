//! Domain refusals as field violations: the sentence is their `Display`, the reason their own.

use rpc_error::IntoViolation;

use crate::domain::content::PaymentTermsError;
use crate::domain::country::CountryError;
use crate::domain::date::DateError;
use crate::domain::decimal::DecimalError;
use crate::domain::ids::IdError;
use crate::domain::metadata::MetadataError;
use crate::domain::money::{AmountOverflow, CashRoundingStepError, CurrencyError};
use crate::domain::number::{PeriodHidden, SeriesUnknown};
use crate::domain::profile::ZoneError;
use crate::domain::tax::TaxError;
use crate::domain::template::TemplateError;
use crate::domain::text::TextError;
use crate::idempotency::RequestIdError;
use crate::search::QueryError;

macro_rules! into_violation {
    ($($error:ty),* $(,)?) => {
        $(impl IntoViolation for $error {
            fn reason(&self) -> &'static str {
                // The inherent method of the same name.
                Self::reason(*self)
            }
        })*
    };
}

into_violation![
    AmountOverflow,
    CashRoundingStepError,
    CountryError,
    CurrencyError,
    DateError,
    DecimalError,
    IdError,
    PaymentTermsError,
    PeriodHidden,
    QueryError,
    SeriesUnknown,
    TaxError,
    TemplateError,
    TextError,
    ZoneError,
];

impl IntoViolation for MetadataError {
    fn reason(&self) -> &'static str {
        Self::reason(self)
    }
}

impl IntoViolation for RequestIdError {
    fn reason(&self) -> &'static str {
        Self::REASON
    }
}
