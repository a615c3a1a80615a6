use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use grpc_server::{ConnectionLimits, DrainPace, Drained, Listener, Shutdown, serve};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use telemetry::Metrics;
use tokio::task::JoinHandle;

use crate::readyz::Checks;

/// OpenMetrics 1.0, section "Content type".
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
/// Probes and scrapers; a browser or two.
const MAX_CONNECTIONS: usize = 64;
/// For a scrape that is under way when everything else has ended.
const LAST_ANSWERS: DrainPace = DrainPace {
    announce: Duration::ZERO,
    finish: Duration::from_millis(200),
};

/// The admin port, serving until [`AdminServer::end`]: longer than any service, so that it can tell of their end.
#[derive(Debug)]
pub(crate) struct AdminServer {
    shutdown: Shutdown,
    served: JoinHandle<Drained>,
}

impl AdminServer {
    /// Serves at once.
    pub(crate) fn start(listener: Listener, checks: Checks, metrics: Metrics) -> Self {
        tracing::info!(address = %listener.local_addr(), "admin port listens");
        let limits = ConnectionLimits {
            max_connections: MAX_CONNECTIONS,
            ..ConnectionLimits::default()
        };
        let shutdown = Shutdown::manual();
        let service = tower::service_fn(move |request: Request<Incoming>| {
            let answered = answer(&request, &checks, &metrics);
            std::future::ready(Ok::<_, Infallible>(answered))
        });
        let served = tokio::spawn(serve(listener, service, limits, shutdown.clone()));
        Self { shutdown, served }
    }

    /// Answers what is under way and closes the port.
    pub(crate) async fn end(self) {
        self.shutdown.begin(LAST_ANSWERS);
        if let Err(error) = self.served.await {
            tracing::error!(%error, "the admin port ended in a panic");
        }
    }
}

fn answer<B>(request: &Request<B>, checks: &Checks, metrics: &Metrics) -> Response<Full<Bytes>> {
    let page = match request.uri().path() {
        "/livez" => Page::new(StatusCode::OK, TEXT, "alive\n"),
        "/readyz" => {
            let (ready, report) = checks.report();
            let status = if ready {
                StatusCode::OK
            } else {
                StatusCode::SERVICE_UNAVAILABLE
            };
            Page::new(status, JSON, format!("{report}\n"))
        }
        "/metrics" => Page::new(StatusCode::OK, OPEN_METRICS, metrics.to_text()),
        _ => Page::new(StatusCode::NOT_FOUND, TEXT, "/livez, /readyz, /metrics\n"),
    };
    if *request.method() == Method::GET || *request.method() == Method::HEAD {
        // Hyper leaves the body out for HEAD.
        return page.into_response();
    }
    let refused = Page::new(StatusCode::METHOD_NOT_ALLOWED, TEXT, "GET and HEAD only\n");
    let mut response = refused.into_response();
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

struct Page {
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
}

impl Page {
    fn new(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type,
            body: body.into(),
        }
    }

    fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
