//! Checks of what operators set: every mistake at once, each a sentence that begins with its flag.

mod secret;

pub use secret::{SecretText, secret_from};

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

/// Settings that make no sense: one sentence for each mistake, in the order found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError(Vec<String>);

impl SettingsError {
    /// The sentences, each beginning with its flag.
    pub fn mistakes(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

/// What protects a port that is listened on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// TLS.
    Encrypted,
    /// Nothing, and the operator has said that this is right.
    PlaintextAllowed,
    /// Nothing.
    Plaintext,
}

impl Door {
    /// With `tls`, or without and with the flag that allows it or not.
    pub fn new(tls: bool, plaintext_allowed: bool) -> Self {
        if tls {
            Self::Encrypted
        } else if plaintext_allowed {
            Self::PlaintextAllowed
        } else {
            Self::Plaintext
        }
    }
}

/// Collects mistakes while a `Config` is read.
#[derive(Debug, Default)]
pub struct Mistakes(Vec<String>);

impl Mistakes {
    /// No mistake yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A mistake in what `flag` set.
    pub fn push(&mut self, flag: &str, what: impl fmt::Display) {
        self.0.push(format!("{flag}: {what}"));
    }

    /// Notes everything that was noted elsewhere.
    pub fn append(&mut self, checked: Result<(), SettingsError>) {
        self.0.extend(checked.err().into_iter().flat_map(|error| error.0));
    }

    /// The value of a result, or `None` after its error was noted under `flag`.
    pub fn note<T>(&mut self, flag: &str, result: Result<T, impl fmt::Display>) -> Option<T> {
        result.map_err(|error| self.push(flag, error)).ok()
    }

    /// Notes an address that others than this machine reach when nothing encrypts there: passwords and tokens would cross
    /// the network as they are. The flags are `--NAME-listen`, `--NAME-tls-cert` and `--NAME-plaintext`.
    pub fn listen(&mut self, name: &str, address: SocketAddr, door: Door) {
        if address.ip().is_loopback() {
            return;
        }
        match door {
            Door::Encrypted | Door::PlaintextAllowed => {}
            Door::Plaintext => self.push(
                &format!("--{name}-listen"),
                format_args!(
                    "{address} is not a loopback address, and nothing would be encrypted; set --{name}-tls-cert and \
                     --{name}-tls-key, listen on 127.0.0.1, or add --{name}-plaintext when something in front encrypts"
                ),
            ),
        }
    }

    /// What was read, when nothing was noted; `read` is `None` only after something was.
    ///
    /// # Errors
    /// Everything that was noted.
    pub fn unless_any<T>(self, read: Option<T>) -> Result<T, SettingsError> {
        match read {
            Some(read) if self.0.is_empty() => Ok(read),
            Some(_) | None => Err(SettingsError(self.0)),
        }
    }
}

/// Where another service is found: `http://host:port` or `https://host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceUrl {
    scheme: Scheme,
    authority: Authority,
}

impl ServiceUrl {
    /// Host and port.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The host: a name or an address, without brackets.
    pub fn host(&self) -> &str {
        self.authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
    }

    /// The port; that of the scheme unless another is written.
    pub fn port(&self) -> u16 {
        let usual = if self.is_encrypted() { 443 } else { 80 };
        self.authority.port_u16().unwrap_or(usual)
    }

    /// Whether it is `https`.
    pub fn is_encrypted(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Whether the host is this machine: `localhost` or a loopback address. Other names are not resolved.
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        let address = host.parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    }

    /// The URL of `path` there.
    pub fn uri_of(&self, path: &PathAndQuery) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path.clone());
        // All three parts are there and valid by themselves.
        Uri::from_parts(parts).unwrap_or_default()
    }

    /// The URL without a path.
    pub fn uri(&self) -> Uri {
        self.uri_of(&PathAndQuery::from_static("/"))
    }
}

/// Text that is not where a service is found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not http://host:port or https://host:port")]
pub struct ServiceUrlError {
    text: String,
}

impl FromStr for ServiceUrl {
    type Err = ServiceUrlError;

    fn from_str(text: &str) -> Result<Self, ServiceUrlError> {
        let wrong = || ServiceUrlError {
            text: text.to_owned(),
        };
        let parts = text.parse::<Uri>().map_err(|_| wrong())?.into_parts();
        let plain_path = parts.path_and_query.is_none_or(|path| path == "/");
        match (parts.scheme, parts.authority) {
            (Some(scheme), Some(authority))
                if plain_path
                    && (scheme == Scheme::HTTP || scheme == Scheme::HTTPS)
                    && !authority.as_str().contains('@') =>
            {
                Ok(Self { scheme, authority })
            }
            (_, _) => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_found_at_a_plain_host_and_port() {
        for wrong in [
            "http://user@host",
            "http://host/path",
            "host:1",
            "http://host?x",
            "ftp://host",
            "https://user@host",
            "",
        ] {
            assert!(wrong.parse::<ServiceUrl>().is_err(), "{wrong:?}");
        }
        let url: ServiceUrl = "http://[::1]:9/".parse().unwrap();
        assert_eq!(
            (url.authority().as_str(), url.uri().to_string().as_str()),
            ("[::1]:9", "http://[::1]:9/")
        );
        let url: ServiceUrl = "https://auth-service:50051".parse().unwrap();
        let path = PathAndQuery::from_static("/x.Y/Z");
        assert!(url.is_encrypted());
        assert_eq!(url.uri_of(&path), "https://auth-service:50051/x.Y/Z");
    }

    #[test]
    fn only_addresses_and_the_name_of_this_machine_are_loopback() {
        let is_loopback = |text: &str| text.parse::<ServiceUrl>().unwrap().is_loopback();
        for here in [
            "http://127.0.0.1:1",
            "http://127.9.9.9",
            "http://[::1]:1",
            "https://localhost:1",
        ] {
            assert!(is_loopback(here), "{here}");
        }
        for elsewhere in [
            "http://10.0.0.1",
            "http://auth-service:1",
            "http://localhost.example",
            "http://[::2]",
        ] {
            assert!(!is_loopback(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn every_mistake_is_kept_with_its_flag() {
        let mut mistakes = Mistakes::new();
        let number = mistakes.note("--number", "x".parse::<u8>());
        let everywhere = "0.0.0.0:1".parse().unwrap();
        mistakes.listen("auth", everywhere, Door::new(false, false));
        mistakes.listen("auth", everywhere, Door::new(false, true));
        mistakes.listen("auth", everywhere, Door::new(true, false));
        mistakes.listen("auth", "[::1]:1".parse().unwrap(), Door::new(false, false));
        let error = mistakes.unless_any(number).unwrap_err();
        let [number, listen] = error.mistakes() else {
            panic!("{error}")
        };
        assert!(number.starts_with("--number: invalid digit"));
        assert!(listen.starts_with("--auth-listen: 0.0.0.0:1 ") && listen.contains("--auth-plaintext"));
    }

    #[test]
    fn a_value_beside_a_mistake_is_not_used() {
        let mut mistakes = Mistakes::new();
        mistakes.push("--other", "wrong");
        assert!(mistakes.unless_any(Some(1)).is_err());
        assert_eq!(Mistakes::new().unless_any(Some(1)), Ok(1));
    }
}
