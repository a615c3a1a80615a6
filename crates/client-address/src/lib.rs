//! Where a request really came from: the TCP peer, or what trusted proxies say of it.

mod address;
mod prefix;
mod trusted;

pub use address::{ClientAddress, FORWARDED_FOR, ThrottleKey};
pub use prefix::{AddressPrefix, AddressPrefixError};
pub use trusted::{TrustedProxies, TrustedProxiesError};
