//! As much of an address as is shown and stored.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// The network of an address: /24 of IPv4, /64 of IPv6. Enough for its owner to recognize it, and not who it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddressPrefix(IpNet);

const IPV4_BITS: u8 = 24;
const IPV6_BITS: u8 = 64;

/// Text that is not the prefix of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not the prefix of an address, such as 203.0.113.0/24 or 2001:db8:1:2::/64")]
pub struct AddressPrefixError;

impl AddressPrefix {
    /// The prefix of an address; of an IPv4-mapped one that of the IPv4 address.
    pub fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let bits = if address.is_ipv4() { IPV4_BITS } else { IPV6_BITS };
        // The lengths are within both families.
        Self(
            IpNet::new(address, bits)
                .unwrap_or_else(|_| address.into())
                .trunc(),
        )
    }
}

/// As in CIDR notation (RFC 4632): `203.0.113.0/24`, `2001:db8:1:2::/64`.
impl fmt::Display for AddressPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for AddressPrefix {
    type Err = AddressPrefixError;

    /// Reads what [`fmt::Display`] writes, and nothing else.
    fn from_str(text: &str) -> Result<Self, AddressPrefixError> {
        let network: IpNet = text.parse().map_err(|_| AddressPrefixError)?;
        let prefix = Self::of(network.addr());
        (prefix.to_string() == text)
            .then_some(prefix)
            .ok_or(AddressPrefixError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_shows_the_network_and_reads_back() {
        for (address, shown) in [
            ("203.0.113.77", "203.0.113.0/24"),
            ("::ffff:203.0.113.77", "203.0.113.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("::1", "::/64"),
            ("fe80::1", "fe80::/64"),
        ] {
            let prefix = AddressPrefix::of(address.parse().unwrap());
            assert_eq!(prefix.to_string(), shown);
            assert_eq!(shown.parse(), Ok(prefix));
        }
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        for text in [
            "",
            "203.0.113.77",
            "203.0.113.77/24",
            "203.0.113.0/16",
            "2001:db8::/48",
            "2001:DB8:1:2::/64",
            "::ffff:203.0.113.0/120",
            " 203.0.113.0/24",
        ] {
            assert_eq!(text.parse::<AddressPrefix>(), Err(AddressPrefixError), "{text:?}");
        }
    }
}
