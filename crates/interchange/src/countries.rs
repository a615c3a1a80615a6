//! Names of countries.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Names in use beside those of ISO 3166-1, in lower case.
const ALSO: &[(&str, &str)] = &[
    ("america", "US"),
    ("bolivia", "BO"),
    ("brunei", "BN"),
    ("burma", "MM"),
    ("cape verde", "CV"),
    ("czechia", "CZ"),
    ("democratic republic of the congo", "CD"),
    ("east timor", "TL"),
    ("england", "GB"),
    ("eswatini", "SZ"),
    ("great britain", "GB"),
    ("holland", "NL"),
    ("iran", "IR"),
    ("ivory coast", "CI"),
    ("laos", "LA"),
    ("macau", "MO"),
    ("macedonia", "MK"),
    ("micronesia", "FM"),
    ("moldova", "MD"),
    ("north korea", "KP"),
    ("north macedonia", "MK"),
    ("northern ireland", "GB"),
    ("palestine", "PS"),
    ("republic of ireland", "IE"),
    ("russia", "RU"),
    ("scotland", "GB"),
    ("south korea", "KR"),
    ("syria", "SY"),
    ("taiwan", "TW"),
    ("tanzania", "TZ"),
    ("the bahamas", "BS"),
    ("the gambia", "GM"),
    ("the netherlands", "NL"),
    ("türkiye", "TR"),
    ("u.k.", "GB"),
    ("u.s.", "US"),
    ("u.s.a.", "US"),
    ("uk", "GB"),
    ("united kingdom", "GB"),
    ("united states", "US"),
    ("vatican city", "VA"),
    ("venezuela", "VE"),
    ("vietnam", "VN"),
    ("wales", "GB"),
];

static CODES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut codes = HashMap::new();
    for country in iso_country::data::all() {
        // The list has a footnote in the name of Taiwan.
        let name = country.name.split('[').next().unwrap_or_default();
        for key in [name, country.alpha2, country.alpha3] {
            codes.insert(folded(key), country.alpha2);
        }
    }
    codes.extend(ALSO.iter().map(|(name, code)| ((*name).to_owned(), *code)));
    codes
});

/// The ISO 3166-1 alpha-2 code of a country that is written as its English name or one of its codes, in any case of
/// letters; `None` when no country is called that.
pub(crate) fn code(name: &str) -> Option<&'static str> {
    CODES.get(&folded(name)).copied()
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{ALSO, code};

    #[test]
    fn countries_are_known_by_name_and_by_code() {
        for (name, expected) in [
            ("United Kingdom", "GB"),
            (" united kingdom ", "GB"),
            ("USA", "US"),
            ("de", "DE"),
            ("DEU", "DE"),
            ("Germany", "DE"),
            ("Côte d'Ivoire", "CI"),
            ("Viet Nam", "VN"),
            ("Taiwan, Province of China", "TW"),
        ] {
            assert_eq!(code(name), Some(expected), "{name}");
        }
        for name in ["", "Ruritania", "Deutschland?", "X"] {
            assert_eq!(code(name), None, "{name}");
        }
    }

    #[test]
    fn the_names_in_use_lead_to_codes_of_the_list() {
        for (name, expected) in ALSO {
            assert_eq!(code(expected), Some(*expected), "{name}");
        }
    }
}
