use std::time::{Duration, Instant};

use grpc_server::{CallLimits, ConnectionLimits};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture::{Server, start, start_with, stream, unary};
use crate::raw_http2::{GOAWAY, PING, PREFACE, RawClient, SETTINGS};

fn impatient() -> ConnectionLimits {
    ConnectionLimits {
        first_bytes: Duration::from_millis(200),
        http1_head: Duration::from_millis(200),
        ..ConnectionLimits::default()
    }
}

/// What arrives until the server closes.
async fn until_closed(mut stream: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut received = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut received)).await;
    let _reset_or_closed = closed.expect("the server kept the connection open");
    received
}

#[tokio::test]
async fn a_peer_that_says_nothing_or_not_enough_is_closed() {
    let server = start_with(CallLimits::default(), impatient()).await;
    let half = &PREFACE[..12];
    let beginnings: [&[u8]; 4] = [b"", half, PREFACE, b"POST / HTTP/1.1\r\nhost: x"];
    for beginning in beginnings {
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        let begun = Instant::now();
        until_closed(stream).await;
        assert!(begun.elapsed() >= Duration::from_millis(100), "{beginning:?}");
    }
}

#[test]
fn servers_start_with_the_values_of_the_design() {
    let connections = ConnectionLimits::default();
    let ten_seconds = Duration::from_secs(10);
    assert_eq!(
        (connections.first_bytes, connections.http1_head),
        (ten_seconds, ten_seconds)
    );
    assert_eq!(
        (connections.ping_interval, connections.ping_timeout),
        (ten_seconds * 3, ten_seconds)
    );
    assert_eq!(connections.max_connections, 4096);
    let calls = CallLimits::default();
    let cores = std::thread::available_parallelism().unwrap().get();
    assert_eq!((calls.in_flight, calls.arriving), (256 * cores, 256 * cores));
    assert_eq!(calls.slow_arrivals_per_peer, 64 * cores);
    assert_eq!(calls.default_deadline, Duration::from_secs(5));
    assert_eq!(calls.longest_deadline, Duration::from_secs(30));
}

#[tokio::test]
async fn a_peer_that_drips_its_first_bytes_gets_no_more_time() {
    let server = start_with(CallLimits::default(), impatient()).await;
    for beginning in [PREFACE, b"POST /test.Text/Echo HTTP/1.1\r\nhost: x\r\n"] {
        let (reading, mut writing) = TcpStream::connect(server.addr).await.unwrap().into_split();
        let dripping = tokio::spawn(async move {
            for byte in beginning {
                tokio::time::sleep(Duration::from_millis(100)).await;
                if writing.write_all(&[*byte]).await.is_err() {
                    return;
                }
            }
            // Not to the end: the server has closed before.
            std::future::pending::<()>().await;
        });
        let begun = Instant::now();
        until_closed(reading).await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        dripping.abort();
    }
}

#[tokio::test]
async fn an_idle_connection_of_http1_is_closed() {
    let server = start_with(CallLimits::default(), impatient()).await;
    let mut socket = TcpStream::connect(server.addr).await.unwrap();
    socket
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let received = until_closed(socket).await;
    assert!(received.starts_with(b"HTTP/1.1 415 "));
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_closed() {
    let limits = ConnectionLimits {
        ping_interval: Duration::from_millis(100),
        ping_timeout: Duration::from_millis(100),
        ..ConnectionLimits::default()
    };
    let server = start_with(CallLimits::default(), limits).await;
    let mut vanished = RawClient::connect(server.addr).await;
    let mut asked = false;
    while let Some(frame) = vanished.frame().await {
        asked |= frame.kind == PING;
    }
    assert!(asked);
}

#[tokio::test]
async fn a_connection_in_use_is_never_closed_for_its_age() {
    let limits = ConnectionLimits {
        ping_interval: Duration::from_millis(100),
        ping_timeout: Duration::from_secs(1),
        ..impatient()
    };
    let server = start_with(CallLimits::default(), limits).await;
    let channel = server.channel().await;
    let mut open = stream(channel.clone(), "/test.Text/Forever", "").await.unwrap();
    open.message().await.unwrap().unwrap();
    // Longer than all that is waited for when a connection says nothing.
    let ended = tokio::time::timeout(Duration::from_secs(1), open.message()).await;
    assert!(ended.is_err(), "the stream ended: {ended:?}");
    let request = tonic::Request::new("still here".to_owned());
    let answer = unary(channel, "/test.Text/Echo", request).await;
    assert_eq!(answer.unwrap().into_inner(), "still here");
}

#[tokio::test]
async fn a_connection_is_granted_128_calls_at_a_time() {
    const MAX_CONCURRENT_STREAMS: [u8; 2] = [0, 3];
    let server = start().await;
    let mut client = RawClient::connect(server.addr).await;
    let frames = client.until(|frame| frame.kind == SETTINGS).await;
    assert!(frames.iter().all(|frame| frame.kind != GOAWAY));
    let settings = &frames.last().unwrap().payload;
    // Each setting is a name of two bytes and a value of four.
    let granted = settings
        .chunks(6)
        .find(|setting| setting[..2] == MAX_CONCURRENT_STREAMS);
    assert_eq!(granted.unwrap()[2..], 128_u32.to_be_bytes());
}

#[tokio::test]
async fn one_connection_too_many_is_closed_at_once_and_its_place_is_free_again() {
    let limits = ConnectionLimits {
        max_connections: 1,
        ..ConnectionLimits::default()
    };
    let server = start_with(CallLimits::default(), limits).await;
    let first = server.channel().await;
    let refused = TcpStream::connect(server.addr).await.unwrap();
    assert_eq!(until_closed(refused).await, b"");
    assert_eq!(figure(&server, "rpc_server_refused_connections_total"), 1);
    assert_eq!(figure(&server, "rpc_server_active_connections"), 1);
    drop(first);
    let accepted = async {
        loop {
            if server.unary_or_refused("x").await {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), accepted)
        .await
        .unwrap();
}

/// What `/metrics` has under this name.
fn figure(server: &Server, name: &str) -> u64 {
    let text = server.metrics.to_text();
    let line = format!("{name}{{service=\"test\"}} ");
    let mut figures = text.lines().filter_map(|found| found.strip_prefix(&line));
    figures.next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn open_connections_are_counted_whether_they_say_something_or_not_until_they_end() {
    let server = start().await;
    let count = async |wanted| {
        let counted = async {
            while figure(&server, "rpc_server_active_connections") != wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), counted)
            .await
            .unwrap();
    };
    count(0).await;
    let silent = [
        TcpStream::connect(server.addr).await.unwrap(),
        TcpStream::connect(server.addr).await.unwrap(),
    ];
    let channel = server.channel().await;
    count(3).await;
    drop(silent);
    count(1).await;
    drop(channel);
    count(0).await;
    assert_eq!(figure(&server, "rpc_server_refused_connections_total"), 0);
}

#[tokio::test]
async fn http1_is_answered_on_the_same_port_but_nothing_a_page_can_send_reaches_a_handler() {
    let server = start().await;
    for content_type in ["text/plain", "application/grpc"] {
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        let request = format!(
            "POST /test.Text/Echo HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type}\r\n\
             content-length: 5\r\nconnection: close\r\n\r\n\0\0\0\0\0"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = String::from_utf8(until_closed(stream).await).unwrap();
        assert!(answer.starts_with("HTTP/1.1 415 "), "{answer}");
    }
}

#[tokio::test]
async fn a_call_of_a_connection_above_its_stream_limit_waits_for_the_others() {
    let limits = ConnectionLimits {
        max_concurrent_streams: 1,
        ..ConnectionLimits::default()
    };
    let server = start_with(CallLimits::default(), limits).await;
    let channel = server.channel().await;
    // By the first answer the client has the server's settings.
    let first = tonic::Request::new(String::new());
    unary(channel.clone(), "/test.Text/Echo", first).await.unwrap();
    let wait = tonic::Request::new(String::new());
    let waiting = tokio::spawn(unary(channel.clone(), "/test.Text/Wait", wait));
    let echo = tonic::Request::new("second".to_owned());
    let mut second = tokio::spawn(unary(channel, "/test.Text/Echo", echo));
    let early = tokio::time::timeout(Duration::from_millis(200), &mut second).await;
    assert!(early.is_err(), "answered beside the first");
    server.release.send(true).unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().into_inner(), "waited");
    assert_eq!(second.await.unwrap().unwrap().into_inner(), "second");
}
