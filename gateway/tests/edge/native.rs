use http::{Request, Version};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rpc_error::{Details, reason};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::{Code, Status};

use crate::fixture::{ECHO, FAIL, Gateway, WAIT, unary, watch};
use crate::upstream::Upstream;
use crate::web_client::Call;

async fn both() -> (Upstream, Gateway) {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    (upstream, gateway)
}

#[tokio::test]
async fn native_grpc_passes_through_with_errors_and_metadata() {
    let (_upstream, gateway) = both().await;
    let answer = gateway
        .unary(ECHO, tonic::Request::new("x".to_owned()))
        .await
        .unwrap();
    assert_eq!(answer.metadata().get("x-idempotent-replay").unwrap(), "true");
    assert!(answer.metadata().get("x-internal").is_none());
    assert_eq!(answer.into_inner(), "x");
    let status = gateway
        .unary(FAIL, tonic::Request::new(String::new()))
        .await
        .unwrap_err();
    assert_eq!(Details::of(&status).violations().len(), 2);
}

#[tokio::test]
async fn a_native_stream_is_passed_on_as_it_comes() {
    let (upstream, gateway) = both().await;
    let mut stream = watch(gateway.channel().await).await.unwrap();
    assert_eq!(stream.message().await.unwrap().unwrap(), "first");
    upstream.release.send(true).unwrap();
    assert_eq!(stream.message().await.unwrap().unwrap(), "second");
    assert_eq!(stream.message().await.unwrap(), None);
}

#[tokio::test]
async fn an_unknown_service_or_method_is_unimplemented_and_not_forwarded() {
    let (upstream, gateway) = both().await;
    for path in [
        "/other.v1.Service/Method",
        "/invoiceapp.auth.v1.TokenService/WatchRevocations",
        "/invoiceapp.invoice.v1.invoiceservice/GetInvoice",
        "/invoiceapp.invoice.v1.InvoiceService/GetInvoice/x",
    ] {
        let status = gateway
            .unary(path, tonic::Request::new(String::new()))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented, "{path}");
        assert_eq!(Details::of(&status).reason(), reason::METHOD_UNKNOWN, "{path}");
        let answer = Call::new(path, "x").send(&gateway).await;
        assert_eq!(answer.status.code(), Code::Unimplemented, "{path}");
        assert!(answer.is_readable());
    }
    assert_eq!(upstream.calls(), 0);
}

/// A native call whose body is ours to the byte.
async fn post(gateway: &Gateway, path: &str, timeout: Option<&str>, body: Vec<u8>) -> Status {
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let mut request =
        Request::post(format!("http://{}{path}", gateway.addr)).header("content-type", "application/grpc");
    if let Some(timeout) = timeout {
        request = request.header("grpc-timeout", timeout);
    }
    let request = request.body(Full::new(bytes::Bytes::from(body))).unwrap();
    let (parts, body) = client.request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap();
    Status::from_header_map(&parts.headers)
        .or_else(|| Status::from_header_map(body.trailers()?))
        .unwrap()
}

#[tokio::test]
async fn an_expired_deadline_is_said_to_native_and_web_clients_alike() {
    let (upstream, gateway) = both().await;
    let status = post(&gateway, WAIT, Some("300m"), vec![0; 5]).await;
    assert_eq!(Details::of(&status).reason(), reason::DEADLINE_EXCEEDED);
    let passed_on = upstream.last_headers()["grpc-timeout"]
        .to_str()
        .unwrap()
        .to_owned();
    let millis: u64 = passed_on.strip_suffix('m').unwrap().parse().unwrap();
    assert!((301..=400).contains(&millis), "{passed_on}");

    for call in [
        Call::new(WAIT, ""),
        Call::new(WAIT, "").in_text().over(Version::HTTP_2),
    ] {
        let answer = call.header("grpc-timeout", "300m").send(&gateway).await;
        assert_eq!(answer.status.code(), Code::DeadlineExceeded);
        assert_eq!(answer.details().reason(), reason::DEADLINE_EXCEEDED);
        assert!(answer.is_readable());
    }
}

#[tokio::test]
async fn ten_megabytes_are_refused_with_a_reason_whoever_sends_them() {
    let (upstream, gateway) = both().await;
    let huge = "x".repeat(10 * 1024 * 1024);
    let status = gateway
        .unary(ECHO, tonic::Request::new(huge.clone()))
        .await
        .unwrap_err();
    assert_eq!(Details::of(&status).reason(), reason::MESSAGE_TOO_LARGE);
    for call in [
        Call::new(ECHO, &huge),
        Call::new(ECHO, &huge).in_text(),
        Call::new(ECHO, &huge).over(Version::HTTP_2),
    ] {
        let answer = call.send(&gateway).await;
        assert_eq!(answer.status.code(), Code::InvalidArgument);
        assert_eq!(answer.details().reason(), reason::MESSAGE_TOO_LARGE);
        assert!(answer.is_readable());
    }
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn a_client_that_sends_everything_before_it_reads_gets_the_answer_too() {
    let (_upstream, gateway) = both().await;
    let mut socket = TcpStream::connect(gateway.addr).await.unwrap();
    let mut body = vec![0; 5 + 10 * 1024 * 1024];
    body[1..5].copy_from_slice(&(10_u32 * 1024 * 1024).to_be_bytes());
    let head = format!(
        "POST {ECHO} HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc-web\r\nx-grpc-web: 1\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&body).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("grpc-status: 3"), "{answer}");
}

#[tokio::test]
async fn the_largest_request_passes_in_every_encoding() {
    let (_upstream, gateway) = both().await;
    // The field's tag and length take four bytes of the 256 KiB.
    let large = "x".repeat(256 * 1024 - 4);
    let native = gateway
        .unary(ECHO, tonic::Request::new(large.clone()))
        .await
        .unwrap();
    assert_eq!(native.into_inner().len(), large.len());
    for call in [Call::new(ECHO, &large), Call::new(ECHO, &large).in_text()] {
        assert_eq!(call.send(&gateway).await.text.len(), large.len());
    }
}

#[tokio::test]
async fn truncated_and_malformed_requests_get_a_short_reason() {
    let (_upstream, gateway) = both().await;
    let bodies: [&[u8]; 5] = [
        b"",
        b"\0\0",
        b"\0\0\0\0\x09abc",
        b"\x05\0\0\0\0",
        b"\0\0\0\0\x02\x08\x01",
    ];
    for body in bodies {
        let status = post(&gateway, ECHO, None, body.to_vec()).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{body:?}");
        assert_eq!(
            Details::of(&status).reason(),
            reason::MESSAGE_MALFORMED,
            "{body:?}"
        );
        let mut call = Call::new(ECHO, "");
        call.body = body.to_vec();
        let answer = call.send(&gateway).await;
        assert_eq!(answer.details().reason(), reason::MESSAGE_MALFORMED, "{body:?}");
    }
}

#[tokio::test]
async fn broken_base64_is_the_callers_fault_and_never_reaches_a_service() {
    let (upstream, gateway) = both().await;
    // Sent as it is, without encoding it.
    let mut call = Call::new(ECHO, "x").in_text();
    call.body = b"AAA".to_vec();
    let raw = Request::post(format!("http://{}{ECHO}", gateway.addr));
    let raw = call
        .headers
        .iter()
        .fold(raw, |raw, (name, value)| raw.header(name, value));
    for broken in ["%%%%", "AAAAA", "A"] {
        let request = raw_clone(&raw, broken);
        let client = Client::builder(TokioExecutor::new()).build_http();
        let (parts, _) = client.request(request).await.unwrap().into_parts();
        let status = Status::from_header_map(&parts.headers).unwrap();
        assert_eq!(
            Details::of(&status).reason(),
            reason::MESSAGE_MALFORMED,
            "{broken}"
        );
    }
    assert_eq!(upstream.calls(), 0);
}

fn raw_clone(from: &http::request::Builder, body: &'static str) -> Request<Full<bytes::Bytes>> {
    let mut request = Request::post(from.uri_ref().unwrap().clone());
    for (name, value) in from.headers_ref().unwrap() {
        request = request.header(name, value);
    }
    request.body(Full::from(body)).unwrap()
}

#[tokio::test]
async fn many_open_streams_do_not_keep_other_calls_from_their_service() {
    let (_upstream, gateway) = both().await;
    let mut open = Vec::new();
    for _ in 0..3 {
        // A connection of a client takes 128 calls, and so does one to the service.
        let channel = gateway.channel().await;
        for _ in 0..60 {
            let mut stream = watch(channel.clone()).await.unwrap();
            stream.message().await.unwrap().unwrap();
            open.push(stream);
        }
    }
    let request = tonic::Request::new("through".to_owned());
    let answer = unary(gateway.channel().await, ECHO, request).await.unwrap();
    assert_eq!(answer.into_inner(), "through");
    assert_eq!(open.len(), 180);
}
