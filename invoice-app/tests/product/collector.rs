//! An OpenTelemetry collector that keeps the spans it is sent.

use std::net::SocketAddr;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// Spans leave a process every second; only one that exports nothing takes this long.
const PATIENCE: Duration = Duration::from_secs(15);

/// The real protocol on a port of its own.
pub(crate) struct Collector {
    address: SocketAddr,
    requests: watch::Receiver<Vec<ExportTraceServiceRequest>>,
}

/// A span and which service of the process made it.
#[derive(Debug, Clone)]
pub(crate) struct Exported {
    pub(crate) scope: String,
    pub(crate) span: Span,
}

impl Exported {
    /// The text of an attribute; empty when it has none.
    pub(crate) fn attribute(&self, key: &str) -> &str {
        let mut attributes = self.span.attributes.iter();
        let found = attributes.find(|attribute| attribute.key == key);
        match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
            Some(Value::StringValue(text)) => text,
            Some(other) => panic!("{key} is {other:?}"),
            None => "",
        }
    }
}

struct Keep(watch::Sender<Vec<ExportTraceServiceRequest>>);

#[tonic::async_trait]
impl TraceService for Keep {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.send_modify(|requests| requests.push(request.into_inner()));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (keep, requests) = watch::channel(Vec::new());
        let service = TraceServiceServer::new(Keep(keep));
        let incoming = TcpIncoming::from(listener);
        tokio::spawn(
            Server::builder()
                .add_service(service)
                .serve_with_incoming(incoming),
        );
        Self { address, requests }
    }

    /// The value of `--otlp-endpoint`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that was sent, as text.
    pub(crate) fn text(&self) -> String {
        format!("{:?}", self.requests.borrow())
    }

    /// The spans of a trace, once there are `count` of them.
    pub(crate) async fn trace(&self, id: &[u8], count: usize) -> Vec<Exported> {
        let of_trace = |requests: &[ExportTraceServiceRequest]| {
            let mut spans = spans_in(requests);
            spans.retain(|exported| exported.span.trace_id == id);
            spans
        };
        let mut requests = self.requests.clone();
        let arrived = requests.wait_for(|requests| of_trace(requests).len() >= count);
        let arrived = timeout(PATIENCE, arrived).await;
        let arrived = arrived.unwrap_or_else(|_| panic!("fewer than {count} spans of {id:02x?}"));
        of_trace(&arrived.unwrap())
    }
}

fn spans_in(requests: &[ExportTraceServiceRequest]) -> Vec<Exported> {
    let scopes = requests
        .iter()
        .flat_map(|request| &request.resource_spans)
        .flat_map(|resource| &resource.scope_spans);
    scopes
        .flat_map(|of_scope| {
            let scope = of_scope.scope.clone().unwrap_or_default().name;
            of_scope.spans.iter().map(move |span| Exported {
                scope: scope.clone(),
                span: span.clone(),
            })
        })
        .collect()
}
