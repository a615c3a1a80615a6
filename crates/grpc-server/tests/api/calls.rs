use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use grpc_server::{CallLimits, ConnectionLimits};
use rpc_error::{Details, reason};
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::fixture::{Server, start, start_with, stream, unary};

impl Server {
    /// Whether an echo was answered, on a new connection.
    pub(crate) async fn unary_or_refused(&self, text: &str) -> bool {
        let endpoint = tonic::transport::Channel::from_shared(format!("http://{}", self.addr)).unwrap();
        match endpoint.connect().await {
            Ok(channel) => unary(channel, "/test.Text/Echo", Request::new(text.to_owned()))
                .await
                .is_ok(),
            Err(_) => false,
        }
    }
}

#[tokio::test]
async fn calls_above_the_limit_are_refused_at_once_and_health_is_still_answered() {
    let limits = CallLimits {
        in_flight: 1,
        ..CallLimits::default()
    };
    let server = start_with(limits, ConnectionLimits::default()).await;
    let channel = server.channel().await;
    let waiting = tokio::spawn(unary(
        channel.clone(),
        "/test.Text/Wait",
        Request::new(String::new()),
    ));
    tokio::time::sleep(Duration::from_millis(100)).await;

    let begun = Instant::now();
    let status = server.unary("/test.Text/Echo", "x").await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_millis(500));
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(Details::of(&status).reason(), reason::OVERLOADED);
    assert!(Details::of(&status).retry_delay().is_some());
    HealthClient::new(channel)
        .check(HealthCheckRequest::default())
        .await
        .unwrap();

    let text = server.metrics.to_text();
    for line in [
        "rpc_server_refused_calls_total{service=\"test\"} 1\n",
        "rpc_server_active_calls{service=\"test\"} 1\n",
        "rpc_method=\"test.Text/Echo\",rpc_grpc_status_code=\"UNAVAILABLE\"} 1\n",
        "rpc_method=\"grpc.health.v1.Health/Check\",rpc_grpc_status_code=\"OK\"} 1\n",
    ] {
        assert!(text.contains(line), "no {line} in {text}");
    }

    server.release.send(true).unwrap();
    waiting.await.unwrap().unwrap();
    server.unary("/test.Text/Echo", "x").await.unwrap();
}

#[tokio::test]
async fn whatever_works_on_a_call_knows_its_name() {
    let server = start().await;
    let named = || {
        let mut request = Request::new(String::new());
        let id = "mine".parse().unwrap();
        request.metadata_mut().insert("x-request-id", id);
        request
    };
    let answered = unary(server.channel().await, "/test.Text/Context", named()).await;
    assert_eq!(answered.unwrap().into_inner(), "mine");
    let mut client = tonic::client::Grpc::new(server.channel().await);
    client.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/test.Text/StreamContext");
    let codec = tonic_prost::ProstCodec::<String, String>::default();
    let streamed = client.server_streaming(named(), path, codec).await;
    let mut streamed = streamed.unwrap().into_inner();
    assert_eq!(streamed.message().await.unwrap().as_deref(), Some("first"));
    assert_eq!(streamed.message().await.unwrap().as_deref(), Some("mine"));
}

#[tokio::test]
async fn an_open_stream_takes_no_place_of_a_call_and_has_a_limit_of_its_own() {
    let limits = CallLimits {
        in_flight: 1,
        streams: 1,
        ..CallLimits::default()
    };
    let server = start_with(limits, ConnectionLimits::default()).await;
    let open = stream(server.channel().await, "/test.Text/Forever", "")
        .await
        .unwrap();
    server.unary("/test.Text/Echo", "x").await.unwrap();
    let refused = stream(server.channel().await, "/test.Text/Forever", "")
        .await
        .unwrap_err();
    assert_eq!(Details::of(&refused).reason(), reason::OVERLOADED);
    drop(open);
}

#[tokio::test]
async fn a_call_ends_at_its_callers_deadline_and_the_handler_knows_what_is_left() {
    let server = start().await;
    // Not tonic's client: that one gives up by itself.
    let request = http::Request::builder()
        .header("content-type", "application/grpc")
        .header("grpc-timeout", "300m");
    let begun = Instant::now();
    let response = server.raw(request, "/test.Text/Wait", b"\0\0\0\0\0").await;
    let status = Status::from_header_map(response.headers()).unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(Details::of(&status).reason(), reason::DEADLINE_EXCEEDED);
    assert!((250..2000).contains(&begun.elapsed().as_millis()));

    let mut request = Request::new(String::new());
    request
        .metadata_mut()
        .insert("grpc-timeout", "3S".parse().unwrap());
    let channel = server.channel().await;
    let left = unary(channel, "/test.Text/Deadline", request)
        .await
        .unwrap()
        .into_inner();
    assert!((2500..=3000).contains(&left.parse().unwrap()), "{left}");
}

#[tokio::test]
async fn a_stream_ends_at_its_deadline_with_a_status() {
    let limits = CallLimits {
        default_deadline: Duration::from_millis(300),
        ..CallLimits::default()
    };
    let server = start_with(limits, ConnectionLimits::default()).await;
    let mut open = stream(server.channel().await, "/test.Text/Stream", "")
        .await
        .unwrap();
    assert_eq!(open.message().await.unwrap().unwrap(), "first");
    let status = open.message().await.unwrap_err();
    assert_eq!(Details::of(&status).reason(), reason::DEADLINE_EXCEEDED);
}

#[tokio::test]
async fn a_panic_is_an_internal_error_with_the_request_id_and_the_server_goes_on() {
    let server = start().await;
    let mut request = Request::new(String::new());
    request
        .metadata_mut()
        .insert("x-request-id", "panicking-1".parse().unwrap());
    let status = unary(server.channel().await, "/test.Text/Panic", request)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert!(!status.message().contains("asked to"));
    assert_eq!(
        Details::of(&status).request_info.unwrap().request_id,
        "panicking-1"
    );

    let mut open = stream(server.channel().await, "/test.Text/StreamPanic", "")
        .await
        .unwrap();
    open.message().await.unwrap().unwrap();
    let status = open.message().await.unwrap_err();
    assert_eq!(Details::of(&status).reason(), reason::INTERNAL);
    server.unary("/test.Text/Echo", "x").await.unwrap();
}

#[tokio::test]
async fn the_request_id_is_echoed_on_success_and_error_and_replaced_when_it_is_unfit() {
    let server = start().await;
    let channel = server.channel().await;
    let with_id = |id: &str| {
        let mut request = Request::new(String::new());
        request.metadata_mut().insert("x-request-id", id.parse().unwrap());
        request
    };
    let answer = unary(channel.clone(), "/test.Text/Id", with_id("mine_1"))
        .await
        .unwrap();
    assert_eq!(answer.metadata().get("x-request-id").unwrap(), "mine_1");
    assert_eq!(answer.into_inner(), "mine_1");

    let status = unary(channel.clone(), "/test.Text/Fail", with_id("mine_2"))
        .await
        .unwrap_err();
    assert_eq!(status.metadata().get("x-request-id").unwrap(), "mine_2");
    assert_eq!(Details::of(&status).request_info.unwrap().request_id, "mine_2");

    let answer = unary(channel, "/test.Text/Id", with_id("not mine"))
        .await
        .unwrap();
    assert_eq!(answer.into_inner().len(), 32);
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn every_call_writes_one_log_line_and_nothing_of_its_content() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let server = start().await;
    server.unary("/test.Text/Echo", "canary-content").await.unwrap();
    server
        .unary("/test.Text/Nothing", "canary-content")
        .await
        .unwrap_err();
    drop(
        stream(server.channel().await, "/test.Text/Forever", "canary")
            .await
            .unwrap(),
    );
    server.shutdown.begin(crate::fixture::PROMPT);
    server.ended.await.unwrap();

    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let calls: Vec<&str> = text.lines().filter(|line| line.contains(" call ")).collect();
    assert_eq!(calls.len(), 3, "{text}");
    for (line, method, code) in [
        (calls[0], "/test.Text/Echo", "\"OK\""),
        (calls[1], "/test.Text/Nothing", "\"UNIMPLEMENTED\""),
        (calls[2], "/test.Text/Forever", "\"CANCELLED\""),
    ] {
        assert!(line.contains(method) && line.contains(code), "{line}");
        assert!(
            line.contains("request_id=") && line.contains("duration_us="),
            "{line}"
        );
    }
    assert!(!text.contains("canary"), "{text}");
}
