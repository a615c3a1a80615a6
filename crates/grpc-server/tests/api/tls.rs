//! Servers that speak TLS.

mod load;
mod peers;
mod support;

use std::time::{Duration, Instant};

use grpc_server::{CallLimits, ConnectionLimits};
use rpc_error::{Details, reason};
use tls::Protocols;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;

use self::support::Place;
use crate::fixture::{PROMPT, Server, start_on, stream, unary};

async fn start(place: &Place, connections: ConnectionLimits) -> Server {
    let tls = place.server(Protocols::Grpc, &["gateway"]);
    start_on(Some(tls), CallLimits::default(), connections).await
}

fn impatient() -> ConnectionLimits {
    ConnectionLimits {
        first_bytes: Duration::from_millis(300),
        ..ConnectionLimits::default()
    }
}

/// How long the server kept the connection open.
async fn closed_after(mut stream: impl tokio::io::AsyncRead + Unpin) -> Duration {
    let begun = Instant::now();
    let mut received = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut received)).await;
    let _reset_or_closed = closed.expect("the server kept the connection open");
    begun.elapsed()
}

#[tokio::test]
async fn a_peer_that_does_not_finish_its_handshake_or_says_nothing_after_it_is_closed() {
    let place = Place::new();
    let server = start(&place, impatient()).await;
    // A record that announces 512 bytes of ClientHello, of which a few follow.
    for beginning in [&b""[..], &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3]] {
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        let open = closed_after(stream).await;
        assert!(open >= Duration::from_millis(200), "{beginning:?}: {open:?}");
    }
    let tcp = TcpStream::connect(server.addr).await.unwrap();
    let shaken = place.gateway().connect("localhost", tcp).await.unwrap();
    let open = closed_after(shaken).await;
    assert!(open >= Duration::from_millis(100), "{open:?}");
}

#[tokio::test]
async fn an_unfinished_handshake_is_a_connection_that_counts() {
    let place = Place::new();
    let limits = ConnectionLimits {
        max_connections: 1,
        ..ConnectionLimits::default()
    };
    let server = start(&place, limits).await;
    let silent = TcpStream::connect(server.addr).await.unwrap();
    let refused = place.channel(server.addr, place.gateway()).await;
    assert!(refused.is_err(), "there was room for two");
    drop(silent);
    let accepted = async { while place.channel(server.addr, place.gateway()).await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(5), accepted)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_client_without_tls_is_closed_at_once() {
    let place = Place::new();
    let server = start(&place, ConnectionLimits::default()).await;
    for hello in [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        stream.write_all(hello).await.unwrap();
        assert!(closed_after(stream).await < Duration::from_secs(2));
    }
}

#[tokio::test]
async fn failed_handshakes_do_not_keep_others_out() {
    let place = Place::new();
    let server = start(&place, ConnectionLimits::default()).await;
    for _ in 0..50 {
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        stream.write_all(b"nonsense").await.unwrap();
    }
    let channel = place.channel(server.addr, place.gateway()).await.unwrap();
    let request = tonic::Request::new("still here".to_owned());
    let answer = unary(channel, "/test.Text/Echo", request).await.unwrap();
    assert_eq!(answer.into_inner(), "still here");
}

const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

/// The type of the next frame (RFC 9113, 6); a ping is answered. `None` after an orderly end, which takes a close_notify:
/// without one, reading fails.
async fn frame(stream: &mut tls::Stream) -> Option<u8> {
    let mut head = [0; 9];
    if stream.read(&mut head[..1]).await.unwrap() == 0 {
        return None;
    }
    stream.read_exact(&mut head[1..]).await.unwrap();
    let [a, b, length, kind, flags, ..] = head;
    assert_eq!((a, b), (0, 0), "a frame longer than any that is expected");
    let mut payload = vec![0; length.into()];
    stream.read_exact(&mut payload).await.unwrap();
    if kind == PING && flags == 0 {
        let pong = [&[0, 0, 8, PING, 1, 0, 0, 0, 0], payload.as_slice()].concat();
        stream.write_all(&pong).await.unwrap();
        stream.flush().await.unwrap();
    }
    Some(kind)
}

#[tokio::test]
async fn a_drain_ends_streams_with_a_status_and_connections_as_tls_does() {
    let place = Place::new();
    let server = start(&place, ConnectionLimits::default()).await;
    let channel = place.channel(server.addr, place.gateway()).await.unwrap();
    let mut open = stream(channel.clone(), "/test.Text/Forever", "").await.unwrap();
    assert_eq!(open.message().await.unwrap().unwrap(), "first");
    let waiting = tokio::spawn(unary(
        channel,
        "/test.Text/Wait",
        tonic::Request::new(String::new()),
    ));
    let silent = TcpStream::connect(server.addr).await.unwrap();
    let tcp = TcpStream::connect(server.addr).await.unwrap();
    let mut idle = place.gateway().connect("localhost", tcp).await.unwrap();
    idle.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .unwrap();
    // Its first frame: the connection is served, not only accepted.
    assert_eq!(frame(&mut idle).await, Some(SETTINGS));
    let idle = tokio::spawn(async move {
        let mut frames = Vec::new();
        while let Some(kind) = frame(&mut idle).await {
            frames.push(kind);
        }
        frames
    });

    let begun = Instant::now();
    server.shutdown.begin(PROMPT);
    let status = open.message().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(Details::of(&status).reason(), reason::SHUTTING_DOWN);
    server.release.send(true).unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().into_inner(), "waited");
    let frames = idle.await.unwrap();
    assert!(frames.contains(&GOAWAY), "{frames:?}");
    assert_eq!(server.ended.await.unwrap().cut_connections, 0);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(silent);
}

#[tokio::test]
async fn a_drain_does_not_wait_for_handshakes() {
    let place = Place::new();
    let server = start(&place, ConnectionLimits::default()).await;
    let silent = TcpStream::connect(server.addr).await.unwrap();
    // Connections are accepted in their order, so the silent one is when a later one is served.
    let channel = place.channel(server.addr, place.gateway()).await.unwrap();
    let request = tonic::Request::new("x".to_owned());
    unary(channel, "/test.Text/Echo", request).await.unwrap();
    let begun = Instant::now();
    server.shutdown.begin(PROMPT);
    server.ended.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    drop(silent);
}
