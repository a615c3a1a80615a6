use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use http_body::Body;
use rpc_error::RpcError;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::CallLimits;
use super::in_flight::overloaded;
use super::one_message::OneMessage;

/// A request that takes longer than this to arrive is slow. Bursts of honest ones, which many people may send
/// through one proxy, are not.
const PROMPT: Duration = Duration::from_millis(250);

/// The requests that are on their way in. They are read whole before their calls take a place in flight, so who
/// sends slowly occupies nothing but a place here, and of these one peer has only a share.
#[derive(Debug)]
pub(super) struct Arrivals {
    limit: Duration,
    all: Semaphore,
    slow: SlowPeers,
}

impl Arrivals {
    pub(super) fn new(limits: &CallLimits) -> Self {
        Self {
            limit: limits.arrival,
            all: Semaphore::new(limits.arriving),
            slow: SlowPeers {
                most: limits.slow_arrivals_per_peer,
                peers: Arc::default(),
            },
        }
    }

    /// The bytes of a request's body.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when they are no request, `DEADLINE_EXCEEDED` when they do not arrive in time,
    /// `UNAVAILABLE` with reason `OVERLOADED` when too many requests are arriving, or too many slow ones from
    /// `peer`.
    pub(super) async fn receive<B>(&self, body: B, peer: Option<IpAddr>) -> Result<Bytes, RpcError>
    where
        B: Body<Data = Bytes>,
    {
        let _place = self
            .all
            .try_acquire()
            .map_err(|_| overloaded("too many requests are arriving; try again shortly"))?;
        let mut message = OneMessage::default();
        let in_time = self.read(&mut message, body, peer).await?;
        if in_time || message.is_refused() {
            message.finish()
        } else {
            Err(RpcError::deadline_exceeded())
        }
    }

    /// Returns whether there is no more to read.
    async fn read<B>(&self, message: &mut OneMessage, body: B, peer: Option<IpAddr>) -> Result<bool, RpcError>
    where
        B: Body<Data = Bytes>,
    {
        let mut reading = std::pin::pin!(message.read(body));
        // Most requests are here with their headers; those need no timer.
        if reading.as_mut().now_or_never().is_some() {
            return Ok(true);
        }
        if timeout(PROMPT.min(self.limit), reading.as_mut()).await.is_ok() {
            return Ok(true);
        }
        let _slow = peer.map(|peer| self.slow.enter(peer)).transpose()?;
        let left = self.limit.saturating_sub(PROMPT);
        Ok(timeout(left, reading).await.is_ok())
    }
}

/// How many slow requests each peer is sending.
#[derive(Debug)]
struct SlowPeers {
    most: usize,
    peers: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A slow request's part of its peer's share, free again when dropped.
#[derive(Debug)]
struct SlowArrival {
    network: IpAddr,
    peers: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl SlowPeers {
    fn enter(&self, peer: IpAddr) -> Result<SlowArrival, RpcError> {
        let network = network(peer);
        let mut peers = lock(&self.peers);
        let count = peers.get(&network).copied().unwrap_or_default();
        if count >= self.most {
            return Err(overloaded(
                "too many requests from this address arrive slowly; try again shortly",
            ));
        }
        peers.insert(network, count + 1);
        Ok(SlowArrival {
            network,
            peers: Arc::clone(&self.peers),
        })
    }
}

impl Drop for SlowArrival {
    fn drop(&mut self) {
        let mut peers = lock(&self.peers);
        if let Some(count) = peers.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                peers.remove(&self.network);
            }
        }
    }
}

fn lock(peers: &Mutex<HashMap<IpAddr, usize>>) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    // No code that can panic runs under the lock, so poison carries no meaning.
    peers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whom an address belongs to: in IPv6 the first 64 bits, for one subscriber has all addresses below them
/// (RFC 6177).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let host_bits = u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !host_bits))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::{StreamExt as _, stream};
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};
    use rpc_error::reason;

    use super::*;

    fn arrivals(slow_arrivals_per_peer: usize) -> Arrivals {
        Arrivals::new(&CallLimits {
            arrival: PROMPT * 3,
            arriving: 3,
            slow_arrivals_per_peer,
            ..CallLimits::default()
        })
    }

    fn byte() -> Frame<Bytes> {
        Frame::data(Bytes::from_static(b"\0"))
    }

    fn stuck() -> impl Body<Data = Bytes, Error = Infallible> {
        StreamBody::new(stream::iter([Ok(byte())]).chain(stream::pending()))
    }

    fn dripping() -> impl Body<Data = Bytes, Error = Infallible> {
        StreamBody::new(stream::repeat(()).then(async |()| {
            tokio::time::sleep(PROMPT / 10).await;
            Ok(byte())
        }))
    }

    #[tokio::test]
    async fn a_request_that_does_not_arrive_in_time_is_given_up() {
        let arrivals = arrivals(3);
        let late = arrivals.receive(stuck(), None).await.unwrap_err();
        assert_eq!(late.reason(), reason::DEADLINE_EXCEEDED);
        // Zeros are empty messages, so this one is refused already; that stays the answer.
        let refused = arrivals.receive(dripping(), None).await.unwrap_err();
        assert_eq!(refused.reason(), reason::MESSAGE_MALFORMED);
        let whole = arrivals.receive(Full::from("\0\0\0\0\0"), None).await;
        assert_eq!(whole.unwrap(), "\0\0\0\0\0");
    }

    #[tokio::test]
    async fn one_peer_has_a_share_of_slow_requests_and_gets_it_back() {
        let arrivals = arrivals(1);
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| Some(address.parse().unwrap()));
        for _ in 0..2 {
            let of_one = async {
                let both = tokio::join!(arrivals.receive(stuck(), one), arrivals.receive(stuck(), one));
                let mut reasons = [both.0, both.1].map(|received| received.unwrap_err().reason());
                reasons.sort_unstable();
                reasons
            };
            let (of_one, of_other) = tokio::join!(of_one, arrivals.receive(stuck(), other));
            assert_eq!(of_one, [reason::DEADLINE_EXCEEDED, reason::OVERLOADED]);
            assert_eq!(of_other.unwrap_err().reason(), reason::DEADLINE_EXCEEDED);
        }
        assert!(lock(&arrivals.slow.peers).is_empty());
    }

    #[tokio::test]
    async fn prompt_requests_are_bounded_together_but_not_by_peer() {
        let arrivals = arrivals(0);
        let peer = Some("192.0.2.1".parse().unwrap());
        let prompt = || {
            let after = tokio::time::sleep(PROMPT / 2).map(|()| Ok::<_, Infallible>(byte()));
            arrivals.receive(StreamBody::new(stream::once(after)), peer)
        };
        let (first, second, third, fourth) = tokio::join!(prompt(), prompt(), prompt(), prompt());
        let refused: Vec<_> = [first, second, third, fourth]
            .into_iter()
            .filter_map(|received| received.err().map(|error| error.reason()))
            .collect();
        assert_eq!(refused, [reason::OVERLOADED]);
    }

    #[test]
    fn all_addresses_of_one_subscriber_are_one_peer() {
        let of = |address: &str| network(address.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
