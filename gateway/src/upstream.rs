//! A service behind the gateway, and the replicas that serve it.

mod replica;
mod replicas;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, Response};
use hyper::body::Incoming;
use settings::ServiceUrl;
use telemetry::chain;
use tls::Connector;

use self::replica::Replica;
pub(crate) use self::replica::{OpenCall, STREAM_WINDOW_BYTES};
use self::replicas::Replicas;
use crate::retry_budget::RetryBudget;

/// Before a second attempt to connect to the only replica: a process that is being replaced listens again a moment
/// later.
const RECONNECT_PAUSE: Duration = Duration::from_millis(50);

/// A service behind the gateway.
#[derive(Debug)]
pub(crate) struct Upstream {
    name: &'static str,
    host: String,
    replicas: Arc<Replicas>,
    retries: RetryBudget,
}

/// A call that an upstream did not answer. The text is for logs, not for clients.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// No name of it resolves.
    #[error("{0} cannot be found")]
    NotFound(&'static str),
    /// The chosen replica did not answer.
    #[error("{upstream} did not answer")]
    NoAnswer {
        /// Who.
        upstream: &'static str,
        /// Why.
        source: hyper_util::client::legacy::Error,
    },
}

impl Upstream {
    /// The service at these URLs: each address of each host is a replica of it.
    pub(crate) fn new(name: &'static str, urls: Vec<ServiceUrl>, connector: &Connector) -> Self {
        Self {
            name,
            host: urls.first().map(|url| url.host().to_owned()).unwrap_or_default(),
            replicas: Replicas::new(urls, connector),
            retries: RetryBudget::default(),
        }
    }

    /// An upstream that nobody calls.
    #[cfg(test)]
    pub(crate) fn to_nowhere(name: &'static str) -> Self {
        let client = tls::ClientFlags::default().load(&mut settings::Mistakes::new());
        let url = "http://127.0.0.1:1".parse().unwrap();
        Self::new(name, vec![url], &Connector::new(client.unwrap()))
    }

    /// The service's name, for logs.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The host of its first URL.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Posts `body` to `path` at one of the replicas and returns as soon as the response's headers are here. A call
    /// that cannot have been processed is sent once more, to another replica when there is one, within the budget.
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
        let first = self.choose(None).await?;
        let answered = match first.post(path, headers, body).await {
            Err(error) if was_not_processed(&error) => {
                let second = self.choose(Some(&first)).await?;
                let another = !Arc::ptr_eq(&first, &second);
                // A replica that is gone costs its peers one connection attempt now and then, no repeated work.
                let is_free = another && error.is_connect() && !second.is_left_alone();
                if !is_free && !self.retries.withdraw() {
                    Err(error)
                } else {
                    tracing::debug!(upstream = self.name, error = chain(&error), "trying once more");
                    if !another && error.is_connect() {
                        tokio::time::sleep(RECONNECT_PAUSE).await;
                    }
                    second.post(path, headers, body).await
                }
            }
            answered => answered,
        };
        answered.map_err(|source| UpstreamError::NoAnswer {
            upstream: self.name,
            source,
        })
    }

    async fn choose(&self, tried: Option<&Arc<Replica>>) -> Result<Arc<Replica>, UpstreamError> {
        let chosen = self.replicas.choose(tried).await;
        chosen.ok_or(UpstreamError::NotFound(self.name))
    }
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
