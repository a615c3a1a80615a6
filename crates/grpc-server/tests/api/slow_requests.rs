//! Requests that do not arrive, arrive slowly, or go on after their message.

use std::time::{Duration, Instant};

use grpc_server::{CallLimits, ConnectionLimits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture::{start, start_with};
use crate::raw_http2::{DATA, RawClient, frame};

const ECHO: &str = "/test.Text/Echo";

#[tokio::test]
async fn a_request_that_has_not_arrived_takes_no_place_of_a_call() {
    let limits = CallLimits {
        in_flight: 1,
        ..CallLimits::default()
    };
    let server = start_with(limits, ConnectionLimits::default()).await;
    let mut slow = RawClient::connect(server.addr).await;
    for stream in [1, 3, 5] {
        slow.begin_call(stream, ECHO).await;
        slow.send(&frame(DATA, 0, stream, b"\0\0")).await;
    }
    // Longer than a prompt request takes: these are slow ones now.
    tokio::time::sleep(Duration::from_millis(400)).await;
    for _ in 0..3 {
        assert_eq!(server.unary(ECHO, "x").await.unwrap().into_inner(), "x");
    }
}

#[tokio::test]
async fn a_request_that_does_not_arrive_is_given_up_before_its_long_deadline() {
    let limits = CallLimits {
        arrival: Duration::from_millis(500),
        default_deadline: Duration::from_secs(30),
        ..CallLimits::default()
    };
    let server = start_with(limits, ConnectionLimits::default()).await;
    let mut slow = RawClient::connect(server.addr).await;
    let begun = Instant::now();
    slow.begin_call(1, ECHO).await;
    slow.until(|frame| frame.ends(1)).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_peer_that_sends_many_requests_slowly_is_refused_and_prompt_ones_are_not() {
    let limits = CallLimits {
        slow_arrivals_per_peer: 1,
        ..CallLimits::default()
    };
    let server = start_with(limits, ConnectionLimits::default()).await;
    let mut slow = RawClient::connect(server.addr).await;
    let begun = Instant::now();
    slow.begin_call(1, ECHO).await;
    slow.begin_call(3, ECHO).await;
    let frames = slow.until(|frame| frame.ends(1) || frame.ends(3)).await;
    assert!(begun.elapsed() < Duration::from_secs(3), "refused, not given up");
    let refused = frames.last().unwrap().stream;
    assert_eq!(server.unary(ECHO, "x").await.unwrap().into_inner(), "x");

    // The other one is still wanted.
    let other = if refused == 1 { 3 } else { 1 };
    slow.send(&frame(DATA, 1, other, &[0; 5])).await;
    let answered = slow.until(|frame| frame.ends(other)).await;
    assert!(answered.iter().any(|frame| frame.kind == DATA), "{answered:?}");
}

#[tokio::test]
async fn a_client_of_http1_that_sends_on_after_its_message_reads_the_answer() {
    let server = start().await;
    for body in [
        vec![0; 10 << 20],
        [&[0, 0, 0x9f, 0xff, 0xfb][..], &vec![b'x'; 10 << 20]].concat(),
    ] {
        let mut socket = TcpStream::connect(server.addr).await.unwrap();
        let head = format!(
            "POST {ECHO} HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc\r\nte: trailers\r\n\
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
}
