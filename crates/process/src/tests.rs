//! The admin port as probes, scrapers and others meet it.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use grpc_server::{DrainPace, Listener, Readiness, Shutdown};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use telemetry::Metrics;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::HealthCommand;
use crate::admin::AdminServer;
use crate::readyz::Checks;

/// A process with nothing but its admin port.
struct Admin {
    address: SocketAddr,
    checks: Checks,
    shutdown: Shutdown,
    metrics: Metrics,
    server: AdminServer,
}

impl Admin {
    async fn start() -> Self {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr();
        let shutdown = Shutdown::manual();
        let checks = Checks::new(shutdown.clone());
        let metrics = Metrics::new();
        let server = AdminServer::start(listener, checks.clone(), metrics.clone());
        Self {
            address,
            checks,
            shutdown,
            metrics,
            server,
        }
    }

    async fn ask(&self, method: Method, path: &str) -> Response<Bytes> {
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
        let uri = format!("http://{}{path}", self.address);
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .body(Empty::new())
            .unwrap();
        let (parts, body) = client.request(request).await.unwrap().into_parts();
        Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let response = self.ask(Method::GET, path).await;
        let text = String::from_utf8(response.body().to_vec()).unwrap();
        (response.status().as_u16(), text)
    }

    async fn readyz(&self) -> (u16, Value) {
        let (status, text) = self.get("/readyz").await;
        (status, serde_json::from_str(&text).unwrap())
    }

    /// Waits until `/readyz` answers with `status`, and returns what it says.
    async fn readyz_becomes(&self, status: u16) -> Value {
        let wanted = async {
            loop {
                let (now, report) = self.readyz().await;
                if now == status {
                    return report;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wanted)
            .await
            .expect("in time")
    }

    async fn health(&self) -> ExitCode {
        health_of(&format!("http://{}", self.address)).await
    }
}

async fn health_of(admin_url: &str) -> ExitCode {
    let admin_url = admin_url.parse().unwrap();
    HealthCommand { admin_url }.run().await
}

/// Readiness whose check `store` passes while the returned switch says so.
fn with_a_store(shutdown: &Shutdown) -> (grpc_server::ReadinessView, watch::Sender<bool>) {
    let (switch, passes) = watch::channel(false);
    let readiness = Readiness::new(["a.A"])
        .check("store", move || std::future::ready(*passes.borrow()))
        .check_service("a.A", "upstream", || std::future::ready(false));
    let view = readiness.view();
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        let mut readiness = readiness;
        let _service = readiness.service().await;
        readiness.run(shutdown).await;
    });
    (view, switch)
}

#[tokio::test]
async fn readyz_names_every_check_and_says_whether_the_process_wants_calls() {
    let admin = Admin::start().await;
    assert_eq!(
        admin.readyz().await,
        (503, json!({"state": "starting", "checks": []}))
    );

    let (view, switch) = with_a_store(&admin.shutdown);
    admin.checks.set(vec![("invoice-service", view)]);
    assert_eq!(admin.readyz_becomes(503).await["state"], "not ready");
    assert_eq!(admin.health().await, ExitCode::FAILURE);

    switch.send_replace(true);
    let checks = json!([
        {"service": "invoice-service", "check": "store", "passes": true, "required": true},
        {"service": "invoice-service", "check": "upstream", "passes": false, "required": false, "for": "a.A"},
    ]);
    let ready = admin.readyz_becomes(200).await;
    assert_eq!(ready, json!({"state": "ready", "checks": checks}));
    assert_eq!(admin.health().await, ExitCode::SUCCESS);

    admin.shutdown.begin(DrainPace::DEPLOYED);
    let (status, report) = admin.readyz().await;
    assert_eq!((status, &report["state"]), (503, &json!("shutting down")));
    assert_eq!(admin.get("/livez").await, (200, "alive\n".to_owned()));
    assert_eq!(admin.health().await, ExitCode::FAILURE);
}

#[tokio::test]
async fn metrics_are_served_as_openmetrics_text() {
    let admin = Admin::start().await;
    admin.metrics.server("test", []).count_refused();
    let response = admin.ask(Method::GET, "/metrics").await;
    assert_eq!(
        response.headers()["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let text = str::from_utf8(response.body()).unwrap();
    assert!(
        text.contains("rpc_server_refused_calls_total{service=\"test\"} 1\n"),
        "{text}"
    );
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[tokio::test]
async fn nothing_but_get_and_head_of_the_three_pages_is_answered() {
    let admin = Admin::start().await;
    for path in ["/livez", "/metrics"] {
        let head = admin.ask(Method::HEAD, path).await;
        assert_eq!(head.status(), 200, "{path}");
        assert!(
            head.body().is_empty() && head.headers()["content-length"] != "0",
            "{path}"
        );
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let refused = admin.ask(method.clone(), path).await;
            assert_eq!(refused.status(), 405, "{method} {path}");
            assert_eq!(refused.headers()["allow"], "GET, HEAD");
        }
    }
    for path in ["/", "/livez/", "/metrics/x", "/debug"] {
        assert_eq!(admin.get(path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn the_end_waits_for_nobody_who_says_nothing() {
    let admin = Admin::start().await;
    let mut silent = TcpStream::connect(admin.address).await.unwrap();
    assert_eq!(admin.get("/livez").await.0, 200);
    tokio::time::timeout(Duration::from_secs(2), admin.server.end())
        .await
        .expect("in time");
    let mut nothing = Vec::new();
    assert!(silent.read_to_end(&mut nothing).await.is_ok_and(|read| read == 0));
    assert!(TcpStream::connect(admin.address).await.is_err());
}

#[tokio::test]
async fn health_fails_in_time_where_nobody_answers() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let asked = tokio::time::timeout(Duration::from_secs(10), health_of(&url));
    assert_eq!(asked.await.expect("in time"), ExitCode::FAILURE);
    for wrong in ["https://127.0.0.1:9090", "/readyz"] {
        assert_eq!(health_of(wrong).await, ExitCode::FAILURE, "{wrong}");
    }
}
