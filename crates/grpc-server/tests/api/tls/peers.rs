//! Who a peer is, and peers that nobody wants.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use grpc_server::{CallLimits, ConnectionInfo, ConnectionLimits, Listener, Shutdown, serve};
use http::{Request, Response, Version};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rpc_error::{Details, reason};
use tls::{Connector, Protocols};
use tonic::Status;
use tower::service_fn;

use super::support::Place;
use crate::fixture::start_on;

/// Answers with what is known of the peer.
async fn who(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let info = request.extensions().get::<ConnectionInfo>().unwrap();
    let name = match &info.tls {
        None => "plaintext".to_owned(),
        Some(tls) => format!("{:?}", tls.peer_name),
    };
    Ok(Response::new(Full::from(name)))
}

async fn start(tls: Option<tls::Server>) -> SocketAddr {
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let listener = listener.with_tls(tls);
    let address = listener.local_addr();
    let limits = ConnectionLimits::default();
    tokio::spawn(serve(listener, service_fn(who), limits, Shutdown::manual()));
    address
}

async fn ask(client: tls::Client, url: String) -> Option<String> {
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build::<_, Full<Bytes>>(Connector::new(client));
    let request = Request::get(url).body(Full::default()).unwrap();
    let answer = client.request(request).await.ok()?;
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    Some(String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_request_knows_whether_it_came_through_tls_and_the_verified_name_of_its_peer() {
    let place = Place::new();
    for (tls, scheme, known) in [
        (None, "http", "plaintext"),
        (Some(place.server(Protocols::Grpc, &[])), "https", "None"),
        (
            Some(place.server(Protocols::Grpc, &["gateway"])),
            "https",
            "Some(\"gateway\")",
        ),
    ] {
        let address = start(tls).await;
        let url = format!("{scheme}://localhost:{}/", address.port());
        assert_eq!(ask(place.gateway(), url).await.as_deref(), Some(known));
    }
}

#[tokio::test]
async fn browsers_that_find_the_port_of_a_service_are_sent_away() {
    let place = Place::new();
    let origin = ("origin", "https://app.example.com");
    let mode = ("sec-fetch-mode", "cors");
    for (protocols, header, status) in [
        (Protocols::Grpc, ("user-agent", "grpc-go"), 200),
        (Protocols::Grpc, origin, 415),
        (Protocols::Grpc, mode, 415),
        // The gateway asks who it is before.
        (Protocols::Web, origin, 200),
        (Protocols::Web, mode, 200),
    ] {
        let server = place.server(protocols, &[]);
        let server = start_on(Some(server), CallLimits::default(), ConnectionLimits::default()).await;
        let client = Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build::<_, Full<Bytes>>(Connector::new(place.gateway()));
        let request = Request::post(format!("https://localhost:{}/test.Text/Echo", server.addr.port()))
            .version(Version::HTTP_2)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header(header.0, header.1)
            .body(Full::from(&b"\0\0\0\0\x03\x0a\x01x"[..]))
            .unwrap();
        let answer = client.request(request).await.unwrap();
        assert_eq!(answer.status(), status, "{protocols:?} {header:?}");
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_flood_of_peers_that_are_not_listed_is_one_line_with_address_and_name() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let place = Place::new();
    let address = start(Some(place.server(Protocols::Grpc, &["gateway"]))).await;
    for _ in 0..5 {
        let url = format!("https://localhost:{}/", address.port());
        assert_eq!(ask(place.client("stranger"), url).await, None);
    }
    // The server may still be about to say what the client knows already.
    let said = async {
        loop {
            let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
            if text.contains("allow-list") {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let text = tokio::time::timeout(Duration::from_secs(5), said).await.unwrap();
    let refused: Vec<&str> = text.lines().filter(|line| line.contains("allow-list")).collect();
    assert_eq!(refused.len(), 1, "{text}");
    assert!(
        refused[0].contains("peer=127.0.0.1:") && refused[0].contains("[\"stranger\"]"),
        "{text}"
    );
}

/// What becomes of a request that never arrives whole.
async fn send_slowly(client: tls::Client, port: u16) -> String {
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build::<_, StreamBody<_>>(Connector::new(client));
    let beginning = Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"\0")));
    let body = StreamBody::new(stream::iter([beginning]).chain(stream::pending()));
    let request = Request::post(format!("https://localhost:{port}/test.Text/Echo"))
        .header("content-type", "application/grpc")
        .body(body)
        .unwrap();
    let answer = client.request(request).await.unwrap();
    let status = Status::from_header_map(answer.headers()).unwrap();
    Details::of(&status).reason().to_owned()
}

#[tokio::test]
async fn the_share_of_slow_requests_is_for_addresses_not_for_known_peers() {
    let place = Place::new();
    let calls = CallLimits {
        arrival: Duration::from_millis(600),
        slow_arrivals_per_peer: 1,
        ..CallLimits::default()
    };
    for (peers, second) in [
        (&[][..], reason::OVERLOADED),
        (&["gateway"], reason::DEADLINE_EXCEEDED),
    ] {
        let tls = Some(place.server(Protocols::Grpc, peers));
        let server = start_on(tls, calls.clone(), ConnectionLimits::default()).await;
        let port = server.addr.port();
        let both = tokio::join!(
            send_slowly(place.gateway(), port),
            send_slowly(place.gateway(), port)
        );
        let mut both = [both.0, both.1];
        both.sort_unstable();
        assert_eq!(both, [reason::DEADLINE_EXCEEDED, second], "{peers:?}");
    }
}
