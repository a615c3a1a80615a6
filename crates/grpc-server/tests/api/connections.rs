use std::time::{Duration, Instant};

use grpc_server::{CallLimits, ConnectionLimits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture::{start, start_with, unary};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn impatient() -> ConnectionLimits {
    ConnectionLimits {
        first_bytes: Duration::from_millis(200),
        http1_head: Duration::from_millis(200),
        ..ConnectionLimits::default()
    }
}

/// What arrives until the server closes.
async fn until_closed(mut stream: TcpStream) -> Vec<u8> {
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

#[tokio::test]
async fn a_connection_that_has_spoken_stays_open_past_the_first_bytes_deadline() {
    let server = start_with(CallLimits::default(), impatient()).await;
    let channel = server.channel().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let request = tonic::Request::new("still here".to_owned());
    let answer = unary(channel, "/test.Text/Echo", request).await;
    assert_eq!(answer.unwrap().into_inner(), "still here");
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
