//! The client's address.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};

use crate::{AddressPrefix, TrustedProxies};

/// Where proxies write whom they speak for, each at the end: `client, proxy1, proxy2`.
pub const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// No chain of trusted proxies is longer; nobody makes us read on.
const MOST_HOPS: usize = 16;
/// Bits of an IPv6 address below the /64 that one household or server gets.
const IPV6_HOST_BITS: u32 = 64;

/// The address that a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

/// Who counts as one caller when calls are counted: an IPv4 address, or the /64 of an IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ThrottleKey(IpAddr);

impl ClientAddress {
    /// Of the request with `headers` that came from the TCP peer: the peer, or when that is trusted the right-most entry
    /// of `x-forwarded-for` that is not. When all are trusted it is the left-most of them; an entry that is no address, and
    /// the sixteenth, end the walk.
    pub fn new(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> Self {
        let mut client = peer.to_canonical();
        // Several header lines are one list (RFC 9110, section 5.3).
        let lines = headers.get_all(&FORWARDED_FOR).into_iter().rev();
        let mut entries = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        for _ in 0..MOST_HOPS {
            if !trusted.contains(client) {
                break;
            }
            let Some(next) = entries.next().and_then(address) else {
                break;
            };
            client = next;
        }
        Self(client)
    }

    /// The address itself, never an IPv4-mapped one.
    pub fn ip(self) -> IpAddr {
        self.0
    }

    /// As much of it as is shown and stored.
    pub fn prefix(self) -> AddressPrefix {
        AddressPrefix::of(self.0)
    }

    /// What it counts as.
    pub fn throttle_key(self) -> ThrottleKey {
        ThrottleKey(match self.0 {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => {
                let network = address.to_bits() >> IPV6_HOST_BITS << IPV6_HOST_BITS;
                IpAddr::V6(network.into())
            }
        })
    }
}

/// An entry: an address, as some proxies write it with a port or in brackets. Zones (`fe80::1%eth0`) mean something on
/// another machine only.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let entry = entry.trim_ascii();
    if entry.contains(&b'%') {
        return None;
    }
    let text = std::str::from_utf8(entry).ok()?;
    let bracketed = || {
        text.strip_prefix('[')?
            .strip_suffix(']')?
            .parse()
            .ok()
            .map(IpAddr::V6)
    };
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    let address = text.parse().ok().or_else(bracketed).or_else(with_port)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn client_of(peer: &str, lines: &[&[u8]]) -> String {
        let trusted = "10.0.0.0/8,fd00::/8".parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, (*line).try_into().unwrap());
        }
        let client = ClientAddress::new(peer.parse().unwrap(), &headers, &trusted);
        client.ip().to_string()
    }

    #[test]
    fn only_a_trusted_peer_is_believed() {
        assert_eq!(client_of("192.0.2.1", &[b"203.0.113.9"]), "192.0.2.1");
        assert_eq!(client_of(PROXY, &[b"203.0.113.9"]), "203.0.113.9");
        assert_eq!(client_of("::ffff:10.0.0.1", &[b"203.0.113.9"]), "203.0.113.9");
        assert_eq!(client_of("::ffff:192.0.2.1", &[b"203.0.113.9"]), "192.0.2.1");
        assert_eq!(client_of(PROXY, &[]), PROXY);
    }

    #[test]
    fn the_right_most_address_that_is_not_trusted_is_the_client() {
        for (header, client) in [
            ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
            ("198.51.100.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
            ("127.0.0.1, 203.0.113.9,10.0.0.2 , fd00::2", "203.0.113.9"),
            ("10.0.0.9, 203.0.113.9", "203.0.113.9"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ] {
            assert_eq!(client_of(PROXY, &[header.as_bytes()]), client, "{header}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        assert_eq!(
            client_of(PROXY, &[b"198.51.100.1", b"203.0.113.9"]),
            "203.0.113.9"
        );
        assert_eq!(
            client_of(PROXY, &[b"198.51.100.1, 203.0.113.9", b"10.0.0.2"]),
            "203.0.113.9"
        );
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        for (entry, client) in [
            ("203.0.113.9:51234", "203.0.113.9"),
            ("[2001:db8::9]:51234", "2001:db8::9"),
            ("[2001:db8::9]", "2001:db8::9"),
            ("2001:DB8:0:0::9", "2001:db8::9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("[::ffff:203.0.113.9]:1", "203.0.113.9"),
            ("\t 203.0.113.9\t", "203.0.113.9"),
        ] {
            assert_eq!(client_of(PROXY, &[entry.as_bytes()]), client, "{entry:?}");
        }
    }

    #[test]
    fn what_is_no_address_ends_the_walk_at_who_passed_it_on() {
        let long = format!("203.0.113.9, {}", "x".repeat(10_000));
        let padded = format!("203.0.113.9,{}", "1".repeat(48));
        for entry in [
            "",
            " ",
            "unknown",
            "_hidden",
            "fe80::1%eth0",
            "[fe80::1%2]:80",
            "203.0.113",
            "203.0.113.09",
            "0x7f.1",
            "3405803785",
            "203.0.113.9:99999",
            "[203.0.113.9]",
            "[2001:db8::9",
            "for=203.0.113.9",
            "203.0.113.9 198.51.100.1",
            "203.0.113.9;198.51.100.1",
            "203.0.113.9,",
            "203.0.113.9,,",
            "203.0.113.9, unknown",
            &long,
            &padded,
        ] {
            assert_eq!(client_of(PROXY, &[entry.as_bytes()]), PROXY, "{entry:.40?}");
        }
        let bytes: &[u8] = b"203.0.113.9, \xff\xfe";
        assert_eq!(client_of(PROXY, &[bytes]), PROXY);
        assert_eq!(client_of(PROXY, &[b"203.0.113.9, bogus, 10.0.0.2"]), "10.0.0.2");
    }

    #[test]
    fn a_long_list_is_not_read_to_its_end() {
        let chain = |hops: usize| format!("203.0.113.9{}", ",10.0.0.2".repeat(hops));
        assert_eq!(client_of(PROXY, &[chain(15).as_bytes()]), "203.0.113.9");
        assert_eq!(client_of(PROXY, &[chain(16).as_bytes()]), "10.0.0.2");
        assert_eq!(client_of(PROXY, &[chain(1_000).as_bytes()]), "10.0.0.2");
    }

    #[test]
    fn neighbours_count_as_one_caller_and_strangers_do_not() {
        let key = |text: &str| {
            ClientAddress::new(text.parse().unwrap(), &HeaderMap::new(), &TrustedProxies::none())
                .throttle_key()
        };
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_ne!(key("203.0.113.9"), key("203.0.113.10"));
        assert_eq!(key("203.0.113.9"), key("::ffff:203.0.113.9"));
    }
}
