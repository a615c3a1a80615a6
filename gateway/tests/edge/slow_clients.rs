//! Clients that do not read their responses, or do not send their requests.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tonic::{Code, Status};

use crate::fixture::{ECHO, Gateway, watch};
use crate::upstream::Upstream;
use crate::web_client::message;

const FLOOD: &str = "/invoiceapp.invoice.v1.InvoiceService/Flood";

fn head(path: &str, timeout: &str) -> Request<()> {
    Request::post(format!("http://x{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", timeout)
        .body(())
        .unwrap()
}

/// A client whose window for responses is zero, with calls that never get to send it anything.
struct SlowReader {
    connection: JoinHandle<()>,
    responses: Vec<http::Response<h2::RecvStream>>,
}

impl SlowReader {
    /// Opens `calls` streams with `timeout` and waits until all of them are full.
    async fn of(gateway: &Gateway, upstream: &Upstream, calls: usize, timeout: &str) -> Self {
        let socket = TcpStream::connect(gateway.addr).await.unwrap();
        let mut builder = h2::client::Builder::new();
        let (mut client, connection) = builder.initial_window_size(0).handshake(socket).await.unwrap();
        let connection = tokio::spawn(async move {
            // Ends with an error when the test ends.
            let _ended = connection.await;
        });
        let mut responses = Vec::new();
        for _ in 0..calls {
            client = client.ready().await.unwrap();
            let (response, mut body) = client.send_request(head(FLOOD, timeout), false).unwrap();
            body.send_data(Bytes::from(message("")), true).unwrap();
            responses.push(response.await.unwrap());
        }
        until_full(upstream).await;
        Self {
            connection,
            responses,
        }
    }
}

/// Until the upstream has made no message for 200 ms.
async fn until_full(upstream: &Upstream) {
    let made = || upstream.floods.messages.load(Ordering::SeqCst);
    let mut before = 0;
    while made() == 0 || made() != before {
        before = made();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn open(upstream: &Upstream) -> usize {
    upstream.floods.open.load(Ordering::SeqCst)
}

/// Until `is_so`, for at most ten seconds.
async fn until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(10), "calls stay open");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn clients_that_do_not_read_hold_up_nobody_else_and_no_longer_than_their_deadline() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    let slow = SlowReader::of(&gateway, &upstream, 60, "4S").await;
    for _ in 0..3 {
        let mut request = tonic::Request::new("through".to_owned());
        request.set_timeout(Duration::from_secs(1));
        let answer = gateway.unary(ECHO, request).await.unwrap();
        assert_eq!(answer.into_inner(), "through");
    }
    assert_eq!(open(&upstream), 60, "the others were not held up by these");
    until(|| open(&upstream) == 0).await;
    assert!(!slow.connection.is_finished());
    assert_eq!(slow.responses.len(), 60);
}

#[tokio::test]
async fn a_call_ends_at_the_upstream_when_its_client_goes_away() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    let slow = SlowReader::of(&gateway, &upstream, 3, "30S").await;
    assert_eq!(open(&upstream), 3);
    slow.connection.abort();
    until(|| open(&upstream) == 0).await;
}

#[tokio::test]
async fn a_quiet_stream_ends_at_the_upstream_when_its_client_goes_away() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    let mut stream = watch(gateway.channel().await).await.unwrap();
    stream.message().await.unwrap().unwrap();
    let with_stream = upstream.release.receiver_count();
    drop(stream);
    until(|| upstream.release.receiver_count() < with_stream).await;
}

#[tokio::test]
async fn a_request_that_never_arrives_is_given_up_before_its_long_deadline() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    let socket = TcpStream::connect(gateway.addr).await.unwrap();
    let (mut client, connection) = h2::client::handshake(socket).await.unwrap();
    tokio::spawn(connection);
    let (response, _body) = client.send_request(head(ECHO, "30S"), false).unwrap();
    let response = tokio::time::timeout(Duration::from_secs(10), response).await;
    let status = Status::from_header_map(response.unwrap().unwrap().headers()).unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(upstream.calls(), 0);
}
