//! What operators see of the real binary: traces, log lines, the admin port.

use std::net::SocketAddr;
use std::time::Duration;

use harness::build;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use proto::invoice::v1::invoice_service_client::InvoiceServiceClient;
use proto::invoice::v1::{CreateInvoiceRequest, GetInvoiceRequest};
use rustix::process::Signal;
use serde_json::Value;
use tonic::Request;

use crate::binary::{Home, Running};
use crate::collector::{Collector, Exported};
use crate::wire::{Call, Native};

const CREATE_INVOICE: &str = "invoiceapp.invoice.v1.InvoiceService/CreateInvoice";
/// For the end of a process at a terminal.
const INTERACTIVE: Duration = Duration::from_secs(5);
const DEPLOYED: Duration = Duration::from_secs(30);

/// Somebody new who creates an invoice at the gateway, with `headers`; the request id that came back.
async fn create_invoice(running: &Running, headers: &[(&'static str, &str)]) -> String {
    let channel = harness::channel(running.gateway).await;
    let registered = harness::register(channel.clone(), build::registration()).await;
    let token = registered.unwrap().tokens.unwrap().access_token;
    let request = signed(build::create(build::invoice()), &token, headers);
    let created = InvoiceServiceClient::new(channel).create_invoice(request).await;
    let id = created.unwrap().metadata().get("x-request-id").cloned();
    id.unwrap().to_str().unwrap().to_owned()
}

fn signed<T>(message: T, token: &str, headers: &[(&'static str, &str)]) -> Request<T> {
    let mut request = Request::new(message);
    let metadata = request.metadata_mut();
    metadata.insert("authorization", format!("Bearer {token}").parse().unwrap());
    for (name, value) in headers {
        metadata.insert(*name, value.parse().unwrap());
    }
    request
}

/// The lines of the log whose member `name` is `value`.
fn lines(log: &str, name: &str, value: &str) -> Vec<Value> {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line[name] == value).collect()
}

/// The one span that `scope` made with this kind.
fn the<'a>(spans: &'a [Exported], scope: &str, kind: SpanKind, name: &str) -> &'a Exported {
    let mut found = spans.iter().filter(|exported| {
        exported.scope == scope && exported.span.kind() == kind && exported.span.name == name
    });
    match (found.next(), found.next()) {
        (Some(only), None) => only,
        other => panic!("{scope} {kind:?} {name}: {other:?} in {spans:?}"),
    }
}

#[tokio::test]
async fn a_call_is_one_trace_from_the_client_through_gateway_and_service_to_the_store() {
    let collector = Collector::start().await;
    let home = Home::new();
    let running = home.start_with(&["--otlp-endpoint", &collector.url()]).await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = "b7ad6b7169203331";
    let traceparent = format!("00-{trace}-{parent}-01");
    let id = create_invoice(&running, &[("traceparent", &traceparent)]).await;

    let bytes = u128::from_str_radix(trace, 16).unwrap().to_be_bytes();
    let spans = collector.trace(&bytes, 5).await;
    assert_eq!(spans.len(), 5, "{spans:?}");
    let gateway = the(&spans, "gateway", SpanKind::Server, CREATE_INVOICE);
    let upstream = the(&spans, "gateway", SpanKind::Client, CREATE_INVOICE);
    let service = the(&spans, "invoice-service", SpanKind::Server, CREATE_INVOICE);
    // A new draft takes its defaults from there.
    let profile = the(&spans, "invoice-service", SpanKind::Client, "profile");
    let store = the(&spans, "invoice-service", SpanKind::Client, "insert");
    let client = u64::from_str_radix(parent, 16).unwrap().to_be_bytes();
    assert_eq!(gateway.span.parent_span_id, client);
    assert_eq!(upstream.span.parent_span_id, gateway.span.span_id);
    assert_eq!(service.span.parent_span_id, upstream.span.span_id);
    assert_eq!(profile.span.parent_span_id, service.span.span_id);
    assert_eq!(store.span.parent_span_id, service.span.span_id);
    for call in [gateway, upstream, service] {
        assert_eq!(call.attribute("rpc.system.name"), "grpc");
        assert_eq!(call.attribute("rpc.method"), CREATE_INVOICE);
        assert_eq!(call.attribute("rpc.grpc.status_code"), "OK");
    }
    assert_eq!(upstream.attribute("server.address"), "127.0.0.1");
    assert_eq!(store.attribute("db.system.name"), "sqlite");
    assert_eq!(store.attribute("db.operation.name"), "insert");

    running.interrupt();
    running.ends_with_success(INTERACTIVE).await;
    let calls = lines(&home.log(), "request_id", &id);
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(calls.iter().all(|line| line["trace_id"] == trace), "{calls:?}");
}

#[tokio::test]
async fn a_call_without_a_trace_begins_one_and_a_failed_one_says_so() {
    let collector = Collector::start().await;
    let home = Home::new();
    let running = home.start_with(&["--otlp-endpoint", &collector.url()]).await;
    let nobody = Call {
        path: "/invoiceapp.invoice.v1.InvoiceService/GetInvoice",
        access_token: None,
        headers: vec![("x-request-id", "unsigned"), ("traceparent", "not a traceparent")],
    };
    let refused = Native::connect(running.gateway)
        .await
        .send(&nobody, vec![0; 5])
        .await;
    assert_eq!(refused.status.code(), tonic::Code::Unauthenticated);
    // The last spans are sent before the end.
    running.interrupt();
    running.ends_with_success(INTERACTIVE).await;

    let line = lines(&home.log(), "request_id", "unsigned").remove(0);
    let trace = u128::from_str_radix(line["trace_id"].as_str().unwrap(), 16).unwrap();
    let spans = collector.trace(&trace.to_be_bytes(), 3).await;
    let name = "invoiceapp.invoice.v1.InvoiceService/GetInvoice";
    let root = the(&spans, "gateway", SpanKind::Server, name);
    assert!(root.span.parent_span_id.is_empty());
    assert_eq!(root.attribute("rpc.grpc.status_code"), "UNAUTHENTICATED");
    assert_eq!(root.attribute("error.type"), "", "it is the caller's");
    let upstream = the(&spans, "gateway", SpanKind::Client, name);
    assert_eq!(upstream.attribute("error.type"), "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_collector_that_is_not_there_changes_nothing_for_calls_and_the_end() {
    let home = Home::new();
    let running = home.start_with(&["--otlp-endpoint", "http://127.0.0.1:1"]).await;
    create_invoice(&running, &[]).await;
    running.interrupt();
    running.ends_with_success(INTERACTIVE).await;
    assert!(home.log().contains("--otlp-endpoint"), "{}", home.log());
}

#[tokio::test]
async fn a_request_id_is_the_same_in_the_lines_of_gateway_and_service_and_comes_back() {
    let home = Home::new();
    let running = home.start().await;
    assert_eq!(
        create_invoice(&running, &[("x-request-id", "from_a-page")]).await,
        "from_a-page"
    );
    let made = create_invoice(&running, &[("x-request-id", "not valid!")]).await;
    let mut invoices = InvoiceServiceClient::new(harness::channel(running.gateway).await);
    let request = signed(
        GetInvoiceRequest::default(),
        "no-token",
        &[("x-request-id", "failed_1")],
    );
    let refused = invoices.get_invoice(request).await.unwrap_err();
    assert_eq!(refused.metadata().get("x-request-id").unwrap(), "failed_1");

    running.interrupt();
    running.ends_with_success(INTERACTIVE).await;
    let log = home.log();
    for (id, code) in [
        ("from_a-page", "OK"),
        (made.as_str(), "OK"),
        ("failed_1", "UNAUTHENTICATED"),
    ] {
        let calls = lines(&log, "request_id", id);
        let said = |line: &Value| (line["server"].to_string(), line["code"].to_string());
        let mut said: Vec<_> = calls.iter().map(said).collect();
        said.sort();
        let quoted = |text: &str| format!("\"{text}\"");
        let expected = ["gateway", "invoice-service"].map(|server| (quoted(server), quoted(code)));
        assert_eq!(said, expected, "{id} in {log}");
    }
}

/// Where the admin port of the process is that wrote this log.
fn admin_of(home: &Home) -> SocketAddr {
    let line = lines(&home.log(), "message", "admin port listens").remove(0);
    line["address"].as_str().unwrap().parse().unwrap()
}

async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<bytes::Bytes>>();
    let response = client.get(format!("http://{address}{path}").parse().unwrap());
    let (head, body) = response.await.unwrap().into_parts();
    let text = body.collect().await.unwrap().to_bytes().to_vec();
    (head.status.as_u16(), String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn one_admin_port_tells_of_all_three_services_until_the_very_end() {
    let home = Home::new();
    let running = home.start_with(&["--admin-listen", "127.0.0.1:0"]).await;
    let admin = admin_of(&home);
    create_invoice(&running, &[]).await;

    let asks = ["health", "--admin-url", &format!("http://{admin}")];
    while !home.run(&asks).await.status.success() {}
    let (status, report) = get(admin, "/readyz").await;
    assert_eq!(status, 200, "{report}");
    for service in ["gateway", "auth-service", "invoice-service"] {
        assert!(report.contains(&format!("\"service\":\"{service}\"")), "{report}");
    }
    let (_, metrics) = get(admin, "/metrics").await;
    for series in [
        "rpc_server_call_duration_seconds_count{service=\"gateway\",rpc_method=\"invoiceapp.invoice.v1.\
         InvoiceService/CreateInvoice\",rpc_grpc_status_code=\"OK\"} 1\n",
        "rpc_server_call_duration_seconds_count{service=\"invoice-service\",rpc_method=\"invoiceapp.invoice.v1.\
         InvoiceService/CreateInvoice\",rpc_grpc_status_code=\"OK\"} 1\n",
        "db_client_operation_duration_seconds_count{service=\"invoice-service\",db_system_name=\"sqlite\",\
         db_operation_name=\"insert\",error_type=\"\"} 1\n",
        "db_client_operation_duration_seconds_count{service=\"auth-service\",db_system_name=\"sqlite\",\
         db_operation_name=\"insert_user\",error_type=\"\"} 1\n",
    ] {
        assert!(metrics.contains(series), "no {series} in {metrics}");
    }

    // A call that is under way keeps the process, and the admin port outlives it.
    let connection = Native::connect(running.invoice).await;
    let call = Call {
        path: "/invoiceapp.invoice.v1.InvoiceService/CreateInvoice",
        access_token: None,
        headers: Vec::new(),
    };
    let (half, answer) = connection.begin(&call).await;
    let answer = tokio::spawn(answer);
    running.signal(Signal::TERM);
    while get(admin, "/readyz").await.0 == 200 {}
    assert_eq!(get(admin, "/livez").await.0, 200);
    let asked = home.run(&asks).await;
    assert!(!asked.status.success());
    let reason = String::from_utf8(asked.stderr).unwrap();
    assert!(
        reason.contains("503") && reason.contains("shutting down"),
        "{reason}"
    );
    half.write(crate::wire::framed(&CreateInvoiceRequest::default()));
    drop(half);
    answer.await.unwrap();
    running.ends_with_success(DEPLOYED).await;
}
