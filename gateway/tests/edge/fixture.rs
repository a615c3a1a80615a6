//! A gateway on a free port, and native calls through it.

use std::net::SocketAddr;
use std::path::Path;

use gateway::{App, Config, EdgeConfig, UpstreamConfig};
use grpc_server::{CallLimits, ConnectionLimits, Shutdown};
use http::uri::PathAndQuery;
use tls::ClientFlags;
use tonic::transport::Channel;
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;

use crate::upstream::Upstream;

pub(crate) const ALLOWED: &str = "https://app.example.com";
pub(crate) const ECHO: &str = "/invoiceapp.invoice.v1.InvoiceService/GetInvoice";
pub(crate) const WATCH: &str = "/invoiceapp.invoice.v1.InvoiceService/WatchInvoices";
pub(crate) const WAIT: &str = "/invoiceapp.invoice.v1.InvoiceService/Wait";
pub(crate) const FAIL: &str = "/invoiceapp.invoice.v1.InvoiceService/CreateInvoice";

pub(crate) struct Gateway {
    pub(crate) addr: SocketAddr,
    pub(crate) shutdown: Shutdown,
}

impl Gateway {
    /// In front of one upstream that plays both services.
    pub(crate) async fn of(upstream: &Upstream) -> Self {
        Self::at(&upstream.url(), &upstream.url()).await
    }

    /// The same, with limits for its calls.
    pub(crate) async fn with(upstream: &Upstream, calls: CallLimits) -> Self {
        Self::start(&upstream.url(), &upstream.url(), EdgeConfig::default(), calls).await
    }

    /// The same, behind proxies in these networks.
    pub(crate) async fn behind(upstream: &Upstream, proxies: &[&str]) -> Self {
        let edge = EdgeConfig {
            gateway_trusted_proxies: proxies.iter().map(ToString::to_string).collect(),
            ..EdgeConfig::default()
        };
        Self::start(&upstream.url(), &upstream.url(), edge, CallLimits::default()).await
    }

    /// The same, with the console in this folder.
    pub(crate) async fn with_console(upstream: &Upstream, folder: &Path) -> Self {
        let edge = EdgeConfig {
            gateway_console_dir: Some(folder.to_owned()),
            ..EdgeConfig::default()
        };
        Self::start(&upstream.url(), &upstream.url(), edge, CallLimits::default()).await
    }

    pub(crate) async fn at(auth_url: &str, invoice_url: &str) -> Self {
        Self::start(
            auth_url,
            invoice_url,
            EdgeConfig::default(),
            CallLimits::default(),
        )
        .await
    }

    async fn start(auth_url: &str, invoice_url: &str, edge: EdgeConfig, calls: CallLimits) -> Self {
        let config = Config {
            edge: EdgeConfig {
                gateway_listen: "127.0.0.1:0".parse().unwrap(),
                gateway_allowed_origins: vec![ALLOWED.to_owned()],
                ..edge
            },
            upstreams: UpstreamConfig {
                auth_url: auth_url.to_owned(),
                invoice_url: invoice_url.to_owned(),
                tls: ClientFlags::default(),
            },
            connections: ConnectionLimits::default(),
            metrics: telemetry::Metrics::new(),
            calls,
        };
        let app = App::build(config).await.unwrap();
        let addr = app.local_addr();
        let shutdown = Shutdown::manual();
        tokio::spawn(app.run(shutdown.clone()));
        Self { addr, shutdown }
    }

    pub(crate) async fn channel(&self) -> Channel {
        let url = format!("http://{}", self.addr);
        Channel::from_shared(url).unwrap().connect().await.unwrap()
    }

    /// A native gRPC call.
    pub(crate) async fn unary(
        &self,
        method: &'static str,
        request: tonic::Request<String>,
    ) -> Result<tonic::Response<String>, Status> {
        unary(self.channel().await, method, request).await
    }
}

pub(crate) async fn unary(
    channel: Channel,
    method: &'static str,
    request: tonic::Request<String>,
) -> Result<tonic::Response<String>, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static(method);
    client.unary(request, path, ProstCodec::default()).await
}

pub(crate) async fn watch(channel: Channel) -> Result<Streaming<String>, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let request = tonic::Request::new(String::new());
    client
        .server_streaming(request, PathAndQuery::from_static(WATCH), ProstCodec::default())
        .await
        .map(tonic::Response::into_inner)
}

/// An address where nobody listens.
pub(crate) async fn nowhere() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
