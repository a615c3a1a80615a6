//! Peers that do not read what they asked for.

use std::time::{Duration, Instant};

use grpc_server::{CallLimits, ConnectionLimits};
use rpc_error::{Details, reason};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::fixture::{LARGE_KIB, Server, start_with};
use crate::raw_http2::{Frame, HEADERS, PING, RST_STREAM, RawClient, frame};

/// With the first, nothing of a response leaves Hyper; with the second, HTTP/2's default, all of it is in the queue of
/// the connection.
const WINDOWS: [u32; 2] = [0, 65_535];
/// Of calls on one connection.
const STREAMS: [u32; 3] = [1, 3, 5];

/// Room for the large responses of [`STREAMS`], and less than for one more.
fn tight() -> CallLimits {
    CallLimits {
        unsent_bytes: (STREAMS.len() * LARGE_KIB + LARGE_KIB / 2) * 1024,
        ..CallLimits::default()
    }
}

/// Asks for a large response on each stream, and reads nothing but heads.
async fn ask_for_all(server: &Server, window: u32) -> RawClient {
    let mut client = RawClient::connect_with_window(server.addr, window).await;
    for stream in STREAMS {
        client.call(stream, "/test.Text/Large").await;
        let is_head = |frame: &Frame| frame.stream == stream && frame.kind == HEADERS;
        let frames = client.until(is_head).await;
        assert!(frames.iter().all(|frame| !frame.ends(stream)));
    }
    client
}

/// Whether the server still waits for all of them to be taken.
async fn all_are_held(client: &mut RawClient) -> bool {
    client.send(&frame(PING, 0, 0, &[0; 8])).await;
    let frames = client.until(|frame| frame.kind == PING).await;
    let ends = |frame: &Frame| STREAMS.iter().any(|stream| frame.ends(*stream));
    !frames.iter().any(|frame| frame.kind == RST_STREAM || ends(frame))
}

#[tokio::test]
async fn responses_that_nobody_takes_are_bounded_together_and_small_calls_go_on() {
    for window in WINDOWS {
        let server = start_with(tight(), ConnectionLimits::default()).await;
        for _again_when_the_connection_is_closed in 0..2 {
            let mut client = ask_for_all(&server, window).await;
            let refused = server.unary("/test.Text/Large", "").await.unwrap_err();
            assert_eq!(refused.code(), Code::Unavailable);
            let details = Details::of(&refused);
            assert_eq!(details.reason(), reason::OVERLOADED);
            assert!(details.retry_delay().is_some());
            assert!(all_are_held(&mut client).await);

            server.unary("/test.Text/Echo", "small").await.unwrap();
            let mut health = HealthClient::new(server.channel().await);
            health.check(HealthCheckRequest::default()).await.unwrap();

            drop(client);
            let is_whole = async {
                while server.unary("/test.Text/Large", "349").await.is_err() {
                    tokio::task::yield_now().await;
                }
            };
            let in_time = tokio::time::timeout(Duration::from_secs(5), is_whole).await;
            in_time.expect("the bytes of a closed connection still count");
        }
    }
}

#[tokio::test]
async fn a_response_that_is_taken_slowly_arrives_whole() {
    for window in WINDOWS {
        let server = start_with(tight(), ConnectionLimits::default()).await;
        let mut client = ask_for_all(&server, window).await;
        assert!(all_are_held(&mut client).await);
        for stream in STREAMS {
            client.take(stream, 200 * 1024).await;
            let frames = client.until(|frame| frame.ends(stream)).await;
            let last = frames.last().unwrap();
            assert_eq!(last.kind, HEADERS, "trailers");
        }
        let answer = server.unary("/test.Text/Large", "").await.unwrap();
        assert_eq!(answer.into_inner().len(), LARGE_KIB * 1024);
    }
}

fn impatient() -> CallLimits {
    CallLimits {
        default_deadline: Duration::from_millis(300),
        taken_after_deadline: Duration::from_millis(200),
        ..tight()
    }
}

#[tokio::test]
async fn a_response_that_nobody_takes_is_given_up_after_its_deadline_and_its_connection_goes_on() {
    for window in WINDOWS {
        let server = start_with(impatient(), ConnectionLimits::default()).await;
        let begun = Instant::now();
        let mut client = ask_for_all(&server, window).await;
        for _ in STREAMS {
            client.until(|frame| frame.kind == RST_STREAM).await;
        }
        assert!(begun.elapsed() >= Duration::from_millis(500));
        client.call(7, "/test.Text/Echo").await;
        client.take(7, 1024).await;
        client.until(|frame| frame.ends(7)).await;
        let whole = server.unary("/test.Text/Large", "349").await;
        whole.expect("the bytes of a stream that was reset still count");
    }
}

#[tokio::test]
async fn over_http1_the_connection_is_closed_instead() {
    let calls = CallLimits {
        unsent_bytes: 33 * 1024 * 1024,
        ..impatient()
    };
    let server = start_with(calls, ConnectionLimits::default()).await;
    let mut client = TcpStream::connect(server.addr).await.unwrap();
    // More than the buffers of the sockets take: 32 MiB.
    let request = "POST /test.Text/Large HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc\r\nte: trailers\r\n\
                   content-length: 12\r\n\r\n\0\0\0\0\x07\x0a\x0532768";
    client.write_all(request.as_bytes()).await.unwrap();
    let held_and_given_up = async {
        while server.unary("/test.Text/Large", "2048").await.is_ok() {}
        while server.unary("/test.Text/Large", "2048").await.is_err() {}
    };
    let in_time = tokio::time::timeout(Duration::from_secs(5), held_and_given_up).await;
    in_time.expect("the response is held for ever");
    let mut received = Vec::new();
    let _closed_or_reset = client.read_to_end(&mut received).await;
    assert!(received.starts_with(b"HTTP/1.1 200 OK"));
    assert!(received.len() < 32 * 1024 * 1024);
}
