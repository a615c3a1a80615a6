use std::net::{Ipv4Addr, Ipv6Addr};

use http::uri::{Authority, Scheme};
use http::{HeaderValue, Uri};

/// A web origin as browsers write it in the `Origin` header (RFC 6454): scheme, host, and a port unless it is
/// the scheme's own. Lower case, no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin(String);

impl Origin {
    /// # Errors
    /// A sentence that says what is wrong: compared byte by byte, an origin that no browser would send would
    /// never match.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.contains('*') {
            return Err("there is no wildcard; write each origin".to_owned());
        }
        let uri = text.parse::<Uri>().map_err(|_| how_to_write())?;
        let scheme = uri.scheme_str().ok_or_else(how_to_write)?;
        let authority = uri.authority().ok_or_else(how_to_write)?;
        if scheme != "http" && scheme != "https" {
            return Err("an origin begins with http:// or https://".to_owned());
        }
        let written = format!("{scheme}://{authority}");
        if written != text || text.contains('@') || text.to_ascii_lowercase() != text {
            return Err(how_to_write());
        }
        if authority.port_u16() == Some(default_port(scheme)) {
            return Err("browsers leave out the scheme's own port; so must you".to_owned());
        }
        Ok(Self(written))
    }

    pub(crate) fn is(&self, header: &HeaderValue) -> bool {
        header == self.0.as_str()
    }

    /// The origin as the value of `access-control-allow-origin`.
    pub(crate) fn to_header_value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

fn how_to_write() -> String {
    "write scheme, host and port only, in lower case, as in https://app.example.com or http://localhost:5173"
        .to_owned()
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

/// Whether `origin` is this very server, addressed as `authority`: a page served from here. Only for
/// `localhost` and IP addresses: a name could be pointed here by whoever owns it (DNS rebinding).
pub(crate) fn is_own(origin: &HeaderValue, authority: &Authority) -> bool {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let unforgeable =
        host == "localhost" || host.parse::<Ipv4Addr>().is_ok() || host.parse::<Ipv6Addr>().is_ok();
    let of_scheme = |scheme: Scheme| *origin == format!("{scheme}://{authority}").as_str();
    unforgeable && (of_scheme(Scheme::HTTP) || of_scheme(Scheme::HTTPS))
}

/// The same for a page that came over TLS under any name. To point a name here is not enough for such a page: the browser
/// has checked that who answers under this name, we or the proxy in front, has a certificate for it.
///
/// That holds for the page. That the request came the same way is not in these two: without TLS it may have been sent to
/// this name by a page which somebody else served, so it takes the browser's word (`Sec-Fetch-Site: same-origin`) too.
pub(crate) fn is_own_over_https(origin: &HeaderValue, authority: &Authority) -> bool {
    *origin == format!("https://{authority}").as_str()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::{Origin, is_own};

    #[test]
    fn an_origin_is_scheme_host_and_port_as_browsers_write_them() {
        for good in [
            "https://app.example.com",
            "http://localhost:5173",
            "http://[::1]:5173",
        ] {
            assert!(Origin::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "*",
            "https://*.example.com",
            "null",
            "",
            "app.example.com",
            "https://app.example.com/",
            "https://app.example.com/x",
            "https://App.example.com",
            "https://u@app.example.com",
            "https://app.example.com:443",
            "http://app.example.com:80",
            "ftp://app.example.com",
            "https://app.example.com?x",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_from_this_server_is_known_by_address_but_not_by_name() {
        let own = |origin: &'static str, authority: &str| {
            is_own(&HeaderValue::from_static(origin), &authority.parse().unwrap())
        };
        assert!(own("http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert!(own("http://localhost:8080", "localhost:8080"));
        assert!(own("http://[::1]:8080", "[::1]:8080"));
        assert!(!own("http://127.0.0.1:8081", "127.0.0.1:8080"));
        assert!(!own("http://rebound.example:8080", "rebound.example:8080"));
        assert!(!own("null", "127.0.0.1:8080"));
    }
}
