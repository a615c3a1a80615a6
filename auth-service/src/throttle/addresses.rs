//! How many sign-ins and registrations one address may send.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use client_address::{ClientAddress, ThrottleKey};

use super::Wait;
use super::table::{Remembered, Table};
use crate::domain::clock::Clock;

const MICROS_PER_MINUTE: u32 = 60_000_000;

/// What one address is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AddressLimit {
    /// In the long run, at least 1.
    pub(crate) per_minute: u32,
    /// At once after a quiet time, at least 1.
    pub(crate) burst: u32,
}

/// One token bucket for each address (an IPv4 address, an IPv6 /64), and one for all whose address is unknown. At most
/// 65,536 are remembered, 3 MiB.
///
/// As the generic cell rate algorithm (ITU-T I.371) has it, a bucket is the one time at which it will be full again.
#[derive(Debug)]
pub(crate) struct Addresses {
    buckets: Mutex<Table<Option<ThrottleKey>, Bucket>>,
    /// Microseconds in which one token comes back.
    interval: i64,
    /// Microseconds in which an empty bucket fills.
    whole: i64,
    clock: Clock,
}

/// When the bucket is full again, in microseconds since 1970.
#[derive(Debug, Default)]
struct Bucket {
    full_at: i64,
}

impl Remembered for Bucket {
    fn weight(&self, now: i64) -> (u32, i64) {
        (u32::from(self.full_at > now), self.full_at)
    }
}

impl Addresses {
    pub(crate) fn new(limit: AddressLimit, clock: Clock) -> Self {
        let interval = i64::from(MICROS_PER_MINUTE / limit.per_minute.max(1));
        Self {
            buckets: Mutex::new(Table::new()),
            interval,
            whole: interval * i64::from(limit.burst.max(1)),
            clock,
        }
    }

    /// Takes a token of the caller's bucket.
    ///
    /// # Errors
    /// Until there is one.
    pub(crate) fn take(&self, client: Option<ClientAddress>) -> Result<(), Wait> {
        let now = self.clock.now().as_microsecond();
        let key = client.map(ClientAddress::throttle_key);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(key, now);
        // The second bound only matters after the clock was set back.
        bucket.full_at = bucket.full_at.clamp(now, now + self.whole);
        let too_early = bucket.full_at + self.interval - (now + self.whole);
        if too_early > 0 {
            return Err(Wait(Duration::from_micros(too_early.unsigned_abs())));
        }
        bucket.full_at += self.interval;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use client_address::TrustedProxies;
    use http::HeaderMap;
    use jiff::Timestamp;

    use super::*;

    const START: i64 = 1_790_000_000_000;

    fn addresses(per_minute: u32, burst: u32) -> (Addresses, Arc<AtomicI64>) {
        let millis = Arc::new(AtomicI64::new(START));
        let read = Arc::clone(&millis);
        let clock = Clock::new(move || Timestamp::from_millisecond(read.load(Ordering::SeqCst)).unwrap());
        (Addresses::new(AddressLimit { per_minute, burst }, clock), millis)
    }

    #[expect(clippy::unnecessary_wraps, reason = "as it is asked about")]
    fn client(text: &str) -> Option<ClientAddress> {
        let peer: IpAddr = text.parse().unwrap();
        Some(ClientAddress::new(
            peer,
            &HeaderMap::new(),
            &TrustedProxies::none(),
        ))
    }

    fn taken(addresses: &Addresses, from: Option<ClientAddress>) -> usize {
        (0..10_000).take_while(|_| addresses.take(from).is_ok()).count()
    }

    #[test]
    fn a_burst_is_granted_and_then_the_rate_and_the_wait_is_true() {
        let (addresses, millis) = addresses(600, 200);
        let ada = client("203.0.113.9");
        assert_eq!(taken(&addresses, ada), 200);
        assert_eq!(addresses.take(ada), Err(Wait(Duration::from_millis(100))));
        millis.fetch_add(99, Ordering::SeqCst);
        assert_eq!(addresses.take(ada), Err(Wait(Duration::from_millis(1))));
        millis.fetch_add(1, Ordering::SeqCst);
        assert_eq!(taken(&addresses, ada), 1);
        millis.fetch_add(60_000, Ordering::SeqCst);
        assert_eq!(
            taken(&addresses, ada),
            200,
            "a bucket holds no more than the burst"
        );
    }

    #[test]
    fn each_address_has_a_bucket_and_a_household_one_for_all_of_ipv6() {
        let (addresses, _) = addresses(60, 3);
        assert_eq!(taken(&addresses, client("203.0.113.9")), 3);
        assert_eq!(taken(&addresses, client("203.0.113.10")), 3);
        assert_eq!(taken(&addresses, client("::ffff:203.0.113.9")), 0);
        assert_eq!(taken(&addresses, client("2001:db8:1:2::1")), 3);
        assert_eq!(taken(&addresses, client("2001:db8:1:2:a:b:c:d")), 0);
        assert_eq!(taken(&addresses, client("2001:db8:1:3::1")), 3);
        assert_eq!(taken(&addresses, None), 3, "all unknown ones share theirs");
        assert_eq!(taken(&addresses, None), 0);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nobody_wait_longer() {
        let (addresses, millis) = addresses(60, 3);
        assert_eq!(taken(&addresses, None), 3);
        millis.fetch_sub(3_600_000, Ordering::SeqCst);
        assert_eq!(addresses.take(None), Err(Wait(Duration::from_secs(1))));
        millis.fetch_add(1_000, Ordering::SeqCst);
        assert_eq!(taken(&addresses, None), 1);
    }

    #[test]
    fn many_addresses_do_not_make_an_empty_bucket_full_again() {
        let (addresses, _) = addresses(60, 100);
        let greedy = client("203.0.113.9");
        assert_eq!(taken(&addresses, greedy), 100);
        for number in 0..200_000 {
            let other = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number));
            addresses.take(client(&other.to_string())).unwrap();
        }
        assert_eq!(taken(&addresses, greedy), 0);
        assert!(addresses.buckets.lock().unwrap().len() <= 65_536);
    }
}
