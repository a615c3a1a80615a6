//! Countries.

use std::fmt;

use thiserror::Error;

/// Text that is not the code of a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be an ISO 3166-1 alpha-2 country code in upper case, such as \"DE\"")]
pub struct CountryError;

impl CountryError {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        "COUNTRY_UNKNOWN"
    }
}

/// A country (EN 16931 BT-40, BT-55): an officially assigned ISO 3166-1 alpha-2 code, or `XI`
/// for Northern Ireland, which EN 16931's code list adds for VAT (BR-CL-14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// Parses an upper-case code.
    ///
    /// # Errors
    /// [`CountryError`] when no country has this code.
    pub fn parse(code: &str) -> Result<Self, CountryError> {
        match code.as_bytes() {
            &[first, second] if CODES.split_ascii_whitespace().any(|known| known == code) => {
                Ok(Self([first, second]))
            }
            _ => Err(CountryError),
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        // Two ASCII letters, by the constructor.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The 249 officially assigned codes, and `XI`.
const CODES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN \
    BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ \
    DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL \
    GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM \
    JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME \
    MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP \
    NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD \
    SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO \
    TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XI YE YT ZA ZM ZW";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_code_is_a_country_and_there_are_249_and_northern_ireland() {
        let codes: Vec<_> = CODES.split_ascii_whitespace().collect();
        assert_eq!(codes.len(), 250);
        assert!(codes.is_sorted());
        for code in codes {
            assert_eq!(CountryCode::parse(code).unwrap().as_str(), code);
        }
    }

    #[test]
    fn what_is_not_an_upper_case_country_code_is_refused() {
        for text in ["", "de", "DEU", "ZZ", "D", "E ", "AD AE", "EU", "UK", "ÄÖ", " "] {
            assert_eq!(CountryCode::parse(text), Err(CountryError), "{text:?}");
        }
    }
}
