//! Clients that do not read their responses, or do not send their requests.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use grpc_server::CallLimits;
use http::Request;
use rpc_error::{Details, reason};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tonic::{Code, Status};

use crate::fixture::{ECHO, Gateway, unary, watch};
use crate::upstream::Upstream;
use crate::web_client::message;

const FLOOD: &str = "/invoiceapp.invoice.v1.InvoiceService/Flood";
const PAGE: &str = "/invoiceapp.invoice.v1.InvoiceService/Page";
/// The length of each of Flood's messages.
const FLOOD_BYTES: usize = 64 * 1024;

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

/// A client with room for every response, that stops reading its socket as soon as it has sent `calls` requests.
async fn that_leaves_its_socket_unread(gateway: &Gateway, calls: usize) -> impl Sized {
    let socket = TcpStream::connect(gateway.addr).await.unwrap();
    let mut builder = h2::client::Builder::new();
    let builder = builder
        .initial_window_size(1 << 30)
        .initial_connection_window_size(1 << 30);
    let (mut client, connection) = builder.handshake(socket).await.unwrap();
    let mut connection = Box::pin(connection);
    let mut responses = Vec::new();
    for _ in 0..calls {
        let (response, mut body) = client.send_request(head(FLOOD, "30S"), false).unwrap();
        body.send_data(Bytes::from(message("")), true).unwrap();
        responses.push(response);
    }
    let _sent = tokio::time::timeout(Duration::from_millis(3), connection.as_mut()).await;
    (client, connection, responses)
}

#[tokio::test]
async fn what_a_client_does_not_read_is_a_quarter_of_a_megabyte_of_each_response() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    let made_in = |calls| upstream.floods.messages.load(Ordering::SeqCst) * FLOOD_BYTES / calls;

    // The upstream has begun one message more than is here.
    let slow = SlowReader::of(&gateway, &upstream, 8, "30S").await;
    assert!(made_in(8) <= 384 * 1024, "{}", made_in(8));
    slow.connection.abort();
    until(|| open(&upstream) == 0).await;

    // Here 64 KiB more wait for the socket, and many calls share the few megabytes that the kernel keeps.
    upstream.floods.messages.store(0, Ordering::SeqCst);
    let _unread = that_leaves_its_socket_unread(&gateway, 100).await;
    until_full(&upstream).await;
    assert_eq!(open(&upstream), 100);
    assert!(made_in(100) <= 512 * 1024, "{}", made_in(100));
}

#[tokio::test]
async fn responses_that_wait_for_their_clients_are_bounded_together() {
    let upstream = Upstream::start().await;
    // Each is 256 KiB and the frame that its client would get next.
    let room_for_two = CallLimits {
        unsent_bytes: 2 * (256 + 16) * 1024 + 10 * 1024,
        ..CallLimits::default()
    };
    let gateway = Gateway::with(&upstream, room_for_two).await;
    let slow = SlowReader::of(&gateway, &upstream, 3, "30S").await;
    assert_eq!(open(&upstream), 2, "the third is let go");
    let page = || async { unary(gateway.channel().await, PAGE, tonic::Request::new(String::new())).await };
    let refused = page().await.unwrap_err();
    assert_eq!(Details::of(&refused).reason(), reason::OVERLOADED);
    gateway
        .unary(ECHO, tonic::Request::new("small".to_owned()))
        .await
        .unwrap();

    slow.connection.abort();
    until(|| open(&upstream) == 0).await;
    page().await.expect("the room of a client that is gone is free");
}

#[tokio::test]
async fn a_page_of_a_megabyte_arrives_without_waiting() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    let channel = gateway.channel().await;
    let mut times = Vec::new();
    for _ in 0..21 {
        let begun = Instant::now();
        let page = unary(channel.clone(), PAGE, tonic::Request::new(String::new()))
            .await
            .unwrap();
        times.push(begun.elapsed());
        assert_eq!(page.into_inner().len(), 1024 * 1024);
    }
    // On a machine that has other things to do, too. Waiting for a window that comes late takes 40 ms each time.
    let fastest = times.into_iter().min().unwrap();
    assert!(fastest < Duration::from_millis(40), "{fastest:?}");
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
