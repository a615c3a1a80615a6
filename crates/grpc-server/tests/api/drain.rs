use std::time::{Duration, Instant};

use grpc_server::{CallLimits, ConnectionLimits, DrainPace};
use rpc_error::{Details, reason};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tonic::{Code, Status, Streaming};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::fixture::{PROMPT, start, start_with, stream, unary};
use crate::raw_http2::{DATA, GOAWAY, HEADERS, RawClient, frame, head};

async fn end_of<M>(mut stream: Streaming<M>) -> Status {
    loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("ended as if complete"),
            Err(status) => return status,
        }
    }
}

#[tokio::test]
async fn an_open_stream_ends_with_unavailable_and_silent_connections_hold_nothing_up() {
    let server = start().await;
    let mut quiet = stream(server.channel().await, "/test.Text/Forever", "")
        .await
        .unwrap();
    assert_eq!(quiet.message().await.unwrap().unwrap(), "first");
    let silent = TcpStream::connect(server.addr).await.unwrap();
    let mut deaf = TcpStream::connect(server.addr).await.unwrap();
    // Preface and SETTINGS, then never an answer to GOAWAY or PING.
    deaf.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;

    let begun = Instant::now();
    server.shutdown.begin(PROMPT);
    let status = end_of(quiet).await;
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(Details::of(&status).reason(), reason::SHUTTING_DOWN);
    assert!(Details::of(&status).retry_delay().is_some());
    let drained = server.ended.await.unwrap();
    assert_eq!(drained.cut_connections, 0);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop((silent, deaf));
}

#[tokio::test]
async fn a_busy_stream_ends_between_two_messages() {
    let limits = CallLimits::default().with_long_lived(["/test.Text/Ticks"]);
    let server = start_with(limits, ConnectionLimits::default()).await;
    let mut ticks = stream(server.channel().await, "/test.Text/Ticks", "")
        .await
        .unwrap();
    for _ in 0..3 {
        ticks.message().await.unwrap().unwrap();
    }
    let begun = Instant::now();
    server.shutdown.begin(PROMPT);
    assert_eq!(Details::of(&end_of(ticks).await).reason(), reason::SHUTTING_DOWN);
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn goaway_comes_before_the_end_of_a_stream() {
    let server = start().await;
    let mut client = RawClient::connect(server.addr).await;
    client.call(1, "/test.Text/Forever").await;
    client.until(|frame| frame.kind == DATA).await;
    server.shutdown.begin(PROMPT);
    let frames = client.until(|frame| frame.ends(1)).await;
    assert!(frames.iter().any(|frame| frame.kind == GOAWAY), "{frames:?}");
    assert_eq!(frames.last().unwrap().kind, HEADERS, "trailers");
}

#[tokio::test]
async fn health_watchers_and_half_requests_hold_no_shutdown_up() {
    let limits = CallLimits {
        arrival: Duration::from_millis(500),
        ..CallLimits::default()
    };
    let server = start_with(limits, ConnectionLimits::default()).await;
    let mut health = HealthClient::new(server.channel().await);
    let watched = health.watch(HealthCheckRequest::default()).await.unwrap();
    let whole = head(1, "/test.Text/Echo");
    let half_head = [&frame(HEADERS, 0, 1, &[0; 99])[..9], &whole[9..20]].concat();
    let half_data = frame(DATA, 0, 1, &[0; 50]);
    let mut silent = Vec::new();
    for sent in [&half_head[..], &whole, &[&whole, &half_data[..20]].concat()] {
        let mut client = RawClient::connect(server.addr).await;
        client.send(sent).await;
        silent.push(client);
    }
    let mut silent_over_http1 = Vec::new();
    let head = "POST /test.Text/Echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc\r\n";
    for rest in ["", "te: trailers\r\ncontent-length: 9\r\n\r\n\0\0"] {
        let mut socket = TcpStream::connect(server.addr).await.unwrap();
        socket
            .write_all(format!("{head}{rest}").as_bytes())
            .await
            .unwrap();
        silent_over_http1.push(socket);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;

    let begun = Instant::now();
    server.shutdown.begin(PROMPT);
    let status = end_of(watched.into_inner()).await;
    assert_eq!(Details::of(&status).reason(), reason::SHUTTING_DOWN);
    assert_eq!(server.ended.await.unwrap().cut_connections, 0);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_unary_call_in_flight_is_answered() {
    let server = start().await;
    let channel = server.channel().await;
    let request = tonic::Request::new(String::new());
    let call = tokio::spawn(unary(channel, "/test.Text/Wait", request));
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.shutdown.begin(PROMPT);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    server.release.send(true).unwrap();
    assert_eq!(call.await.unwrap().unwrap().into_inner(), "waited");
    assert_eq!(server.ended.await.unwrap().cut_connections, 0);
}

#[tokio::test]
async fn a_call_that_does_not_end_is_cut_after_the_pace() {
    let limits = CallLimits::default().with_long_lived(["/test.Text/Wait"]);
    let server = start_with(limits, ConnectionLimits::default()).await;
    let request = tonic::Request::new(String::new());
    let call = tokio::spawn(unary(server.channel().await, "/test.Text/Wait", request));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    server.shutdown.begin(DrainPace {
        announce: Duration::ZERO,
        finish: Duration::from_millis(300),
    });
    assert_eq!(server.ended.await.unwrap().cut_connections, 1);
    assert!(begun.elapsed() < Duration::from_secs(2));
    call.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn while_it_is_announced_new_connections_are_served_and_an_abort_ends_it() {
    let server = start().await;
    let open = server.channel().await;
    let request = tonic::Request::new(String::new());
    unary(open.clone(), "/test.Text/Echo", request).await.unwrap();
    server.shutdown.begin(DrainPace {
        announce: Duration::from_mins(1),
        finish: Duration::from_mins(1),
    });
    assert_eq!(
        server.unary("/test.Text/Echo", "hi").await.unwrap().into_inner(),
        "hi"
    );
    let begun = Instant::now();
    server.shutdown.abort();
    server.ended.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2));
    drop(open);
}

#[tokio::test]
async fn a_server_nobody_is_connected_to_ends_at_once() {
    let server = start().await;
    let begun = Instant::now();
    server.shutdown.begin(DrainPace::DEPLOYED);
    server.ended.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1));
    TcpStream::connect(server.addr).await.unwrap_err();
}
