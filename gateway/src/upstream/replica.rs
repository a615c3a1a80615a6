use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use settings::ServiceUrl;
use tls::Connector;
use tokio::time::Instant;

/// A replica that could not be connected to is left alone for so long, while there are others; twice as long each time
/// that this happens again.
const LEFT_ALONE: Duration = Duration::from_secs(1);
/// The longest of these times.
const LONGEST_LEFT_ALONE: Duration = Duration::from_secs(30);
/// A vanished upstream is noticed after 20 s + 10 s without traffic, also between calls.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// 64 KiB: an error with 64 field violations is longer than hyper's 16 KiB of headers.
const HEADER_LIST_BYTES: u32 = 64 * 1024;
/// 64 MiB: unread response bytes of all calls on a connection. It is more than all of its streams may have
/// together (128 of 192 KiB), so that clients who do not read hold up their own calls only; with less, they use
/// up what everybody's responses have to pass through.
const CONNECTION_WINDOW_BYTES: u32 = 64 * 1024 * 1024;
/// 192 KiB: unread response bytes of one call, and 256 KiB with those that `ForwardedBody` has read ahead. With less, a
/// page of a megabyte takes longer; with more, clients that do not read cost memory.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 192 * 1024;
/// Connections per upstream. A server of ours takes 128 calls on one; long-lived streams would use that up.
const CONNECTIONS: usize = 16;
/// Calls on a connection before the next one is opened.
const CALLS_PER_CONNECTION: usize = 100;

/// One process of a service: pooled HTTP/2 connections to one address.
#[derive(Debug)]
pub(crate) struct Replica {
    url: ServiceUrl,
    address: SocketAddr,
    connections: Vec<Connection>,
    /// Since it could not be connected to; none when it could.
    left_alone: Mutex<Option<LeftAlone>>,
}

/// When a replica may be called again, and how long it was left alone until then.
#[derive(Debug, Clone, Copy)]
struct LeftAlone {
    until: Instant,
    period: Duration,
}

/// A client that keeps one HTTP/2 connection, and how many calls are open on it.
#[derive(Debug)]
struct Connection {
    client: Client<Connector, Full<Bytes>>,
    open: Arc<AtomicUsize>,
}

/// A call's part of its connection, until the response body has ended.
#[derive(Debug)]
pub(crate) struct OpenCall(Arc<AtomicUsize>);

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Replica {
    /// The process at `address`, which presents itself under the name of `url`.
    pub(super) fn new(url: ServiceUrl, address: SocketAddr, connector: &Connector) -> Self {
        let connection = || Connection {
            client: client(connector.at(address)),
            open: Arc::default(),
        };
        Self {
            url,
            address,
            connections: std::iter::repeat_with(connection).take(CONNECTIONS).collect(),
            left_alone: Mutex::default(),
        }
    }

    /// Whether this is the process at `address`, called by the name of `url`.
    pub(super) fn is_at(&self, url: &ServiceUrl, address: SocketAddr) -> bool {
        self.url == *url && self.address == address
    }

    /// Whether it is called by the name of `url`.
    pub(super) fn is_of(&self, url: &ServiceUrl) -> bool {
        self.url == *url
    }

    /// Posts `body` to `path`, and returns as soon as the response's headers are here.
    pub(super) async fn post(
        &self,
        path: &PathAndQuery,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<(Response<Incoming>, OpenCall), Error> {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = self.url.uri_of(path);
        *request.headers_mut() = headers.clone();
        let (client, open) = self.connection();
        let response = client.request(request).await;
        let connected = !response.as_ref().is_err_and(Error::is_connect);
        self.remember(connected);
        Ok((response?, open))
    }

    /// Whether it could not be connected to a moment ago.
    pub(super) fn is_left_alone(&self) -> bool {
        self.left_alone().is_some_and(|left| Instant::now() < left.until)
    }

    fn remember(&self, connected: bool) {
        let mut left_alone = self.left_alone();
        let now = Instant::now();
        *left_alone = match *left_alone {
            _ if connected => None,
            None => Some(LeftAlone {
                until: now + LEFT_ALONE,
                period: LEFT_ALONE,
            }),
            // Several calls may find out at the same time.
            Some(left) if now < left.until => Some(left),
            Some(left) => {
                let period = (left.period * 2).min(LONGEST_LEFT_ALONE);
                Some(LeftAlone {
                    until: now + period,
                    period,
                })
            }
        };
    }

    fn left_alone(&self) -> MutexGuard<'_, Option<LeftAlone>> {
        self.left_alone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls that are open now.
    pub(super) fn open_calls(&self) -> usize {
        let open = self
            .connections
            .iter()
            .map(|connection| connection.open.load(Ordering::Relaxed));
        open.sum()
    }

    /// The first connection with room, so that quiet times use one; else the least busy one.
    fn connection(&self) -> (&Client<Connector, Full<Bytes>>, OpenCall) {
        let has_room =
            |connection: &&Connection| connection.open.load(Ordering::Relaxed) < CALLS_PER_CONNECTION;
        let chosen = self.connections.iter().find(has_room).or_else(|| {
            self.connections
                .iter()
                .min_by_key(|connection| connection.open.load(Ordering::Relaxed))
        });
        // `new` makes at least one; the fallback only tells the compiler.
        let connection = chosen.unwrap_or(&self.connections[0]);
        connection.open.fetch_add(1, Ordering::Relaxed);
        (&connection.client, OpenCall(Arc::clone(&connection.open)))
    }
}

fn client(connector: Connector) -> Client<Connector, Full<Bytes>> {
    Client::builder(TokioExecutor::new())
        .http2_only(true)
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http2_max_header_list_size(HEADER_LIST_BYTES)
        .http2_initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_initial_stream_window_size(STREAM_WINDOW_BYTES)
        .http2_keep_alive_interval(PING_INTERVAL)
        .http2_keep_alive_timeout(PING_TIMEOUT)
        .http2_keep_alive_while_idle(true)
        .build(connector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_second_connection_is_used_when_the_first_is_full() {
        let tls = tls::ClientFlags::default().load(&mut settings::Mistakes::new());
        let url = "http://127.0.0.1:1".parse().unwrap();
        let replica = Replica::new(url, "127.0.0.1:1".parse().unwrap(), &Connector::new(tls.unwrap()));
        let calls: Vec<_> = (0..=CALLS_PER_CONNECTION)
            .map(|_| replica.connection().1)
            .collect();
        let open = |index: usize| replica.connections[index].open.load(Ordering::Relaxed);
        assert_eq!((open(0), open(1), open(2)), (CALLS_PER_CONNECTION, 1, 0));
        assert_eq!(replica.open_calls(), CALLS_PER_CONNECTION + 1);
        drop(calls);
        assert_eq!((open(0), open(1)), (0, 0));
    }
}
