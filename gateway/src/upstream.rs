use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use settings::ServiceUrl;
use telemetry::chain;
use tls::Connector;

use crate::retry_budget::RetryBudget;

/// Before a second attempt to connect: a process that is being replaced listens again a moment later.
const RECONNECT_PAUSE: Duration = Duration::from_millis(50);
/// A vanished upstream is noticed after 20 s + 10 s without traffic, also between calls.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// 64 KiB: an error with 64 field violations is longer than hyper's 16 KiB of headers.
const HEADER_LIST_BYTES: u32 = 64 * 1024;
/// 1 GiB: unread response bytes of all calls on a connection. It is more than all of its streams may have
/// together (128 of 1 MiB), so that clients who do not read hold up their own calls only; with less, they use
/// up what everybody's responses have to pass through.
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024 * 1024;
/// 1 MiB: unread response bytes of one call. A whole page of a list arrives without waiting for its reader.
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// Connections per upstream. A server of ours takes 128 calls on one; long-lived streams would use that up.
const CONNECTIONS: usize = 16;
/// Calls on a connection before the next one is opened.
const CALLS_PER_CONNECTION: usize = 100;

/// A service behind the gateway: pooled HTTP/2 connections to one URL.
#[derive(Debug)]
pub(crate) struct Upstream {
    name: &'static str,
    url: ServiceUrl,
    connections: Vec<Connection>,
    retries: RetryBudget,
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

/// A call that an upstream did not answer. The text is for logs, not for clients.
#[derive(Debug, thiserror::Error)]
#[error("{upstream} did not answer")]
pub(crate) struct UpstreamError {
    upstream: &'static str,
    source: hyper_util::client::legacy::Error,
}

impl Upstream {
    pub(crate) fn new(name: &'static str, url: ServiceUrl, connector: &Connector) -> Self {
        let connection = || Connection {
            client: client(connector.clone()),
            open: Arc::default(),
        };
        Self {
            name,
            url,
            connections: std::iter::repeat_with(connection).take(CONNECTIONS).collect(),
            retries: RetryBudget::default(),
        }
    }

    /// An upstream that nobody calls.
    #[cfg(test)]
    pub(crate) fn to_nowhere(name: &'static str) -> Self {
        let client = tls::ClientFlags::default().load(&mut settings::Mistakes::new());
        let url = "http://127.0.0.1:1".parse().unwrap();
        Self::new(name, url, &Connector::new(client.unwrap()))
    }

    /// The service's name, for logs.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The host of its URL.
    pub(crate) fn host(&self) -> &str {
        self.url.authority().host()
    }

    /// Posts `body` to `path` and returns as soon as the response's headers are here. A call that cannot have
    /// been processed is sent once more, within the budget.
    ///
    /// # Errors
    /// [`UpstreamError`] when there was no response.
    pub(crate) async fn post(
        &self,
        path: &PathAndQuery,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<(Response<Incoming>, OpenCall), UpstreamError> {
        self.retries.deposit();
        match self.post_once(path, headers, body).await {
            Err(error) if was_not_processed(&error) && self.retries.withdraw() => {
                tracing::debug!(upstream = self.name, error = chain(&error), "trying once more");
                if error.is_connect() {
                    tokio::time::sleep(RECONNECT_PAUSE).await;
                }
                self.post_once(path, headers, body).await
            }
            answered => answered,
        }
        .map_err(|source| UpstreamError {
            upstream: self.name,
            source,
        })
    }

    async fn post_once(
        &self,
        path: &PathAndQuery,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<(Response<Incoming>, OpenCall), hyper_util::client::legacy::Error> {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = self.url.uri_of(path);
        *request.headers_mut() = headers.clone();
        let (client, open) = self.connection();
        let response = client.request(request).await?;
        Ok((response, open))
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

/// Whether the upstream said, or it is plain, that it has not begun to process the call: no connection, a
/// request that was never sent, a refused stream (RFC 9113, 8.7), a stream above the last one of a graceful
/// GOAWAY.
fn was_not_processed(error: &hyper_util::client::legacy::Error) -> bool {
    if error.is_connect() {
        return true;
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(hyper) = cause.downcast_ref::<hyper::Error>()
            && hyper.is_canceled()
        {
            return true;
        }
        if let Some(h2) = cause.downcast_ref::<h2::Error>() {
            let refused = h2.is_reset() && h2.reason() == Some(h2::Reason::REFUSED_STREAM);
            let never_begun = h2.is_go_away() && h2.reason() == Some(h2::Reason::NO_ERROR);
            return h2.is_remote() && (refused || never_begun);
        }
        source = cause.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{CALLS_PER_CONNECTION, Upstream};

    #[tokio::test]
    async fn the_second_connection_is_used_when_the_first_is_full() {
        let upstream = Upstream::to_nowhere("x");
        let calls: Vec<_> = (0..=CALLS_PER_CONNECTION)
            .map(|_| upstream.connection().1)
            .collect();
        let open = |index: usize| upstream.connections[index].open.load(super::Ordering::Relaxed);
        assert_eq!((open(0), open(1), open(2)), (CALLS_PER_CONNECTION, 1, 0));
        drop(calls);
        assert_eq!((open(0), open(1)), (0, 0));
    }
}
