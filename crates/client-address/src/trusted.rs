//! The proxies whose word is taken.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Networks whose `x-forwarded-for` is believed. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedProxies(Arc<[IpNet]>);

/// Text that is not a network to trust. The text is a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustedProxiesError {
    /// Neither a network nor an address.
    #[error("{0:?} is not a network such as 10.0.0.0/8 or fd00::/8, nor an address")]
    Malformed(String),
    /// An address with the length of a prefix that it is longer than.
    #[error("{given} has bits beyond its prefix; the network is {network}")]
    HostBits {
        /// What was written.
        given: String,
        /// The network that the address is in.
        network: IpNet,
    },
    /// Every address of a family.
    #[error("{0} is everybody: any client could then choose its own address")]
    Everybody(IpNet),
    /// IPv4 in the form of IPv6; addresses are compared as IPv4.
    #[error("{0} maps IPv4 addresses; write the IPv4 network")]
    Mapped(IpNet),
}

impl TrustedProxies {
    /// Nobody: the client is always the TCP peer.
    pub fn none() -> Self {
        Self(Arc::from([]))
    }

    /// This machine: `127.0.0.0/8` and `::1`.
    pub fn loopback() -> Self {
        let v4 = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
        let v6 = Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128);
        Self(Arc::from([IpNet::from(v4), IpNet::from(v6)]))
    }

    /// The networks of the texts, each as in `10.0.0.0/8`; an address alone is a network of one.
    ///
    /// # Errors
    /// The first that is none.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, TrustedProxiesError> {
        texts
            .into_iter()
            .map(|text| network(text.as_ref().trim()))
            .collect()
    }

    /// These and `address`.
    #[must_use]
    pub fn and(&self, address: IpAddr) -> Self {
        let address = IpNet::from(address.to_canonical());
        self.0.iter().copied().chain([address]).collect()
    }

    /// Whether the word of `address` is taken.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl Default for TrustedProxies {
    fn default() -> Self {
        Self::none()
    }
}

impl FromIterator<IpNet> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

impl FromStr for TrustedProxies {
    type Err = TrustedProxiesError;

    /// Networks with commas between them.
    fn from_str(text: &str) -> Result<Self, TrustedProxiesError> {
        Self::parse(text.split(','))
    }
}

fn network(text: &str) -> Result<IpNet, TrustedProxiesError> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    let network = text.parse::<IpNet>().or(address);
    let network = network.map_err(|_| TrustedProxiesError::Malformed(text.to_owned()))?;
    if network.prefix_len() == 0 {
        return Err(TrustedProxiesError::Everybody(network.trunc()));
    }
    let mapped = |network: &Ipv6Net| network.addr().to_ipv4_mapped().is_some();
    match network {
        IpNet::V6(v6) if mapped(&v6) => Err(TrustedProxiesError::Mapped(network)),
        IpNet::V4(_) | IpNet::V6(_) if network != network.trunc() => Err(TrustedProxiesError::HostBits {
            given: text.to_owned(),
            network: network.trunc(),
        }),
        IpNet::V4(_) | IpNet::V6(_) => Ok(network),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(proxies: &str, address: &str) -> bool {
        let proxies: TrustedProxies = proxies.parse().unwrap();
        proxies.contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_contains_its_addresses_and_no_others() {
        let proxies = "10.0.0.0/8, 192.0.2.7,fd00::/8,2001:db8::1";
        for inside in [
            "10.255.0.1",
            "192.0.2.7",
            "fd12::1",
            "2001:db8::1",
            "::ffff:10.1.1.1",
        ] {
            assert!(contains(proxies, inside), "{inside}");
        }
        for outside in [
            "11.0.0.1",
            "192.0.2.8",
            "fe80::1",
            "2001:db8::2",
            "::ffff:11.1.1.1",
            "::a00:1",
        ] {
            assert!(!contains(proxies, outside), "{outside}");
        }
    }

    #[test]
    fn nobody_is_trusted_unless_named() {
        for address in ["127.0.0.1", "::1", "10.0.0.1"] {
            assert!(
                !TrustedProxies::none().contains(address.parse().unwrap()),
                "{address}"
            );
        }
        let loopback = TrustedProxies::loopback();
        for (address, trusted) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("10.0.0.1", false),
        ] {
            assert_eq!(loopback.contains(address.parse().unwrap()), trusted, "{address}");
        }
        let one_more = loopback.and("::ffff:10.0.0.1".parse().unwrap());
        assert!(one_more.contains("10.0.0.1".parse().unwrap()) && one_more.contains("::1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_refused_with_a_sentence() {
        for (text, part) in [
            ("", "is not a network"),
            ("localhost", "is not a network"),
            ("10.0.0.0/33", "is not a network"),
            ("10.0.0.0/8,", "is not a network"),
            ("fe80::1%eth0", "is not a network"),
            ("10.0.0.1/8", "the network is 10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0 is everybody"),
            ("::/0", "::/0 is everybody"),
            ("::ffff:10.0.0.0/104", "write the IPv4 network"),
        ] {
            let error = text.parse::<TrustedProxies>().unwrap_err().to_string();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }
}
