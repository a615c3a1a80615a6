//! Deadlines and refusals as pages see them.

use std::time::Duration;

use futures::future::join_all;
use grpc_server::CallLimits;
use http::Version;
use http_body_util::BodyExt as _;
use rpc_error::reason;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;

use crate::fixture::{ALLOWED, ECHO, Gateway, WAIT, WATCH};
use crate::upstream::Upstream;
use crate::web_client::{Call, read};

#[tokio::test]
async fn a_stream_of_a_page_ends_at_its_deadline_with_a_status() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let call = Call::new(WATCH, "").header("grpc-timeout", "300m").over(version);
        let (http, body) = call.open(&gateway).await.into_parts();
        assert_eq!(http.headers["access-control-allow-origin"], ALLOWED);
        let (text, trailers) = read(&body.collect().await.unwrap().to_bytes());
        assert_eq!(text, "first");
        assert_eq!(trailers.unwrap()["grpc-status"], "4");
    }
}

/// One time-out in thirty came back without CORS when a server of tonic's hosted this.
#[tokio::test]
async fn every_one_of_many_expired_deadlines_can_be_read_by_a_page() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    let calls = (0..100).map(|_| Call::new(WAIT, "").header("grpc-timeout", "200m"));
    for answer in join_all(calls.map(async |call| call.send(&gateway).await)).await {
        assert_eq!(answer.status.code(), Code::DeadlineExceeded);
        assert!(answer.is_readable());
    }
}

#[tokio::test]
async fn an_overloaded_gateway_says_so_at_once_in_a_way_that_pages_can_read() {
    let upstream = Upstream::start().await;
    let limits = CallLimits {
        in_flight: 1,
        ..CallLimits::default()
    };
    let gateway = Gateway::with(&upstream, limits).await;
    let waiting = Call::new(WAIT, "").header("grpc-timeout", "2S");
    let waiting = async { waiting.send(&gateway).await };
    let refused = async {
        while upstream.calls() == 0 {
            tokio::task::yield_now().await;
        }
        Call::new(ECHO, "x").send(&gateway).await
    };
    let (waited, answer) = tokio::join!(waiting, refused);
    assert_eq!(waited.status.code(), Code::DeadlineExceeded);
    assert_eq!(answer.status.code(), Code::Unavailable);
    assert_eq!(answer.details().reason(), reason::OVERLOADED);
    assert!(answer.details().retry_delay().is_some());
    assert!(answer.is_readable());
}

fn head(length: usize) -> String {
    format!(
        "POST {ECHO} HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc-web\r\nx-grpc-web: 1\r\n\
         connection: close\r\ncontent-length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn requests_that_arrive_slowly_take_no_place_of_a_call() {
    let upstream = Upstream::start().await;
    let limits = CallLimits {
        in_flight: 1,
        slow_arrivals_per_peer: 2,
        ..CallLimits::default()
    };
    let gateway = Gateway::with(&upstream, limits).await;
    let mut slow = Vec::new();
    for _ in 0..3 {
        let mut socket = TcpStream::connect(gateway.addr).await.unwrap();
        socket.write_all(head(9).as_bytes()).await.unwrap();
        slow.push(socket);
    }
    // The third is one too many of this peer.
    let answers = slow.iter_mut().map(async |socket| {
        let mut answer = String::new();
        let read = tokio::time::timeout(Duration::from_secs(2), socket.read_to_string(&mut answer));
        read.await.is_ok().then_some(answer)
    });
    let answers: Vec<String> = join_all(answers).await.into_iter().flatten().collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(answers[0].contains("grpc-status: 14"), "{answers:?}");
    assert_eq!(Call::new(ECHO, "x").send(&gateway).await.text, "x");
}

#[tokio::test]
async fn a_page_that_sends_on_after_its_message_reads_the_answer() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    let mut socket = TcpStream::connect(gateway.addr).await.unwrap();
    let messages = vec![0; 10 * 1024 * 1024];
    socket.write_all(head(messages.len()).as_bytes()).await.unwrap();
    socket.write_all(&messages).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("grpc-status: 3"), "{answer}");
    assert_eq!(upstream.calls(), 0);
}
