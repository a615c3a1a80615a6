use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tower_service::Service;

use crate::client::Client;
use crate::stream::Stream;

type BoxError = Box<dyn Error + Send + Sync>;

/// A service that accepts does so in milliseconds; one that does not is not there.
const TCP_TIMEOUT: Duration = Duration::from_secs(1);
/// For a handshake; one with certificates on both sides costs some milliseconds of CPU.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(2);

/// Connects to `http://` services as they are and to `https://` ones with TLS: for tonic's `Endpoint` and for the
/// client of hyper-util. Each connection uses what the files held when it is made.
#[derive(Debug, Clone)]
pub struct Connector {
    http: HttpConnector,
    tls: Client,
    address: Option<SocketAddr>,
}

impl Connector {
    /// Must be called within a tokio runtime: from now on the files of `tls` are read again when they change.
    pub fn new(tls: Client) -> Self {
        tls.keep_fresh();
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        // Nagle's algorithm would delay small requests by up to 40 ms.
        http.set_nodelay(true);
        http.set_connect_timeout(Some(TCP_TIMEOUT));
        Self {
            http,
            tls,
            address: None,
        }
    }

    /// The same, but always to `address`: one of several behind a name. The URL's host still is the name that the
    /// server must prove.
    #[must_use]
    pub fn at(&self, address: SocketAddr) -> Self {
        Self {
            address: Some(address),
            ..self.clone()
        }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.http.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let tls = self.tls.clone();
        let connecting = match self.address {
            None => self.http.call(uri.clone()),
            Some(address) => match format!("http://{address}").parse::<Uri>() {
                Ok(place) => self.http.call(place),
                Err(error) => return Box::pin(async move { Err(BoxError::from(error)) }),
            },
        };
        Box::pin(async move {
            let tcp = connecting.await?.into_inner();
            if uri.scheme() != Some(&Scheme::HTTPS) {
                return Ok(TokioIo::new(Stream::Plain(tcp)));
            }
            let host = uri.host().unwrap_or_default();
            let handshake = timeout(HANDSHAKE_TIMEOUT, tls.connect(host, tcp)).await;
            let stream = handshake.map_err(|_| "the server did not finish the TLS handshake")??;
            Ok(TokioIo::new(stream))
        })
    }
}
