//! What a client says that it takes.

use http::header::{ACCEPT, ACCEPT_ENCODING, AsHeaderName, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue};

/// Whether it takes content in this coding (RFC 9110, section 12.5.3). `*` does not count: it may mean anything, and
/// what is not compressed is right for everybody.
pub(super) fn accepts_coding(headers: &HeaderMap, coding: &str) -> bool {
    lists(headers, ACCEPT_ENCODING, coding)
}

/// Whether it is a browser that navigates: only those name HTML.
pub(super) fn wants_a_page(headers: &HeaderMap) -> bool {
    lists(headers, ACCEPT, "text/html")
}

/// Whether it has what this entity tag names (RFC 9110, section 13.1.2).
pub(super) fn has_already(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter();
    let known = known.filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(',')).map(str::trim);
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known).as_bytes() == etag.as_bytes())
}

/// Whether `wanted` is an element of that header, and not one with the weight 0.
fn lists(headers: &HeaderMap, header: impl AsHeaderName, wanted: &str) -> bool {
    let values = headers.get_all(header).into_iter();
    let values = values.filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|element| {
        let mut parts = element.split(';').map(str::trim);
        let is_wanted = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(wanted));
        is_wanted && !parts.any(is_weight_zero)
    })
}

/// `q=0`, `q=0.0` and so on.
fn is_weight_zero(parameter: &str) -> bool {
    let weight = parameter.split_once('=');
    weight.is_some_and(|(name, weight)| {
        name.trim().eq_ignore_ascii_case("q") && weight.trim().bytes().all(|byte| b"0.".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{accepts_coding, has_already, wants_a_page};

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))])
    }

    #[test]
    fn a_coding_is_taken_when_it_is_named_and_not_ruled_out() {
        for (header, takes) in [
            ("gzip, deflate, br", true),
            ("br;q=0.5", true),
            ("BR", true),
            ("gzip;q=1.0,br ; q=0.001", true),
            ("br;q=0", false),
            ("br; q=0.000", false),
            ("gzip", false),
            ("brotli", false),
            ("*", false),
            ("", false),
        ] {
            assert_eq!(
                accepts_coding(&headers("accept-encoding", header), "br"),
                takes,
                "{header}"
            );
        }
        assert!(!accepts_coding(&HeaderMap::new(), "br"));
    }

    #[test]
    fn only_who_names_html_wants_a_page() {
        let chromium = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        for (header, wants) in [
            (chromium, true),
            ("*/*", false),
            ("application/json", false),
            ("text/html;q=0", false),
        ] {
            assert_eq!(wants_a_page(&headers("accept", header)), wants, "{header}");
        }
        assert!(!wants_a_page(&HeaderMap::new()));
    }

    #[test]
    fn an_entity_tag_is_found_among_others_and_also_when_a_proxy_has_weakened_it() {
        let etag = HeaderValue::from_static("\"abc\"");
        for (header, has) in [
            ("\"abc\"", true),
            ("W/\"abc\"", true),
            ("\"x\", \"abc\"", true),
            ("*", true),
            ("\"abcd\"", false),
            ("abc", false),
            ("", false),
        ] {
            assert_eq!(
                has_already(&headers("if-none-match", header), &etag),
                has,
                "{header}"
            );
        }
        assert!(!has_already(&HeaderMap::new(), &etag));
    }
}
