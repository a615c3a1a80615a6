//! Checks of what operators set: every mistake at once, each a sentence that begins with its flag.

mod secret;

pub use secret::{SecretText, secret_from};

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, Scheme};

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

    /// Notes a plaintext address that others than this machine reach, unless `allowed` by the flag that says so: passwords
    /// and tokens would cross the network unencrypted.
    pub fn listen(&mut self, flag: &str, address: SocketAddr, allowed: bool, allowed_by: &str) {
        if !address.ip().is_loopback() && !allowed {
            self.push(
                flag,
                format_args!(
                    "{address} is not a loopback address, and nothing would be encrypted; listen on 127.0.0.1, or \
                     add {allowed_by} when something in front encrypts"
                ),
            );
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

/// Where another service is found: `http://host:port`. Services speak plaintext to each other; TLS between them is not
/// there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceUrl(Authority);

impl ServiceUrl {
    /// Host and port.
    pub fn authority(&self) -> &Authority {
        &self.0
    }

    /// The URL without a path.
    pub fn uri(&self) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.0.clone());
        parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
        // All three parts are there and valid by themselves.
        Uri::from_parts(parts).unwrap_or_default()
    }
}

/// Text that is not where a service is found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not http://host:port")]
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
        match parts.authority {
            Some(authority)
                if plain_path && parts.scheme == Some(Scheme::HTTP) && !authority.as_str().contains('@') =>
            {
                Ok(Self(authority))
            }
            Some(_) | None => Err(wrong()),
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
            "https://host",
            "",
        ] {
            assert!(wrong.parse::<ServiceUrl>().is_err(), "{wrong:?}");
        }
        let url: ServiceUrl = "http://[::1]:9/".parse().unwrap();
        assert_eq!(
            (url.authority().as_str(), url.uri().to_string().as_str()),
            ("[::1]:9", "http://[::1]:9/")
        );
    }

    #[test]
    fn every_mistake_is_kept_with_its_flag() {
        let mut mistakes = Mistakes::new();
        let number = mistakes.note("--number", "x".parse::<u8>());
        mistakes.listen("--listen", "0.0.0.0:1".parse().unwrap(), false, "--plaintext");
        mistakes.listen("--listen", "0.0.0.0:1".parse().unwrap(), true, "--plaintext");
        mistakes.listen("--listen", "[::1]:1".parse().unwrap(), false, "--plaintext");
        let error = mistakes.unless_any(number).unwrap_err();
        let [number, listen] = error.mistakes() else {
            panic!("{error}")
        };
        assert!(number.starts_with("--number: invalid digit"));
        assert!(listen.starts_with("--listen: 0.0.0.0:1 ") && listen.contains("--plaintext"));
    }

    #[test]
    fn a_value_beside_a_mistake_is_not_used() {
        let mut mistakes = Mistakes::new();
        mistakes.push("--other", "wrong");
        assert!(mistakes.unless_any(Some(1)).is_err());
        assert_eq!(Mistakes::new().unless_any(Some(1)), Ok(1));
    }
}
