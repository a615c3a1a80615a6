//! Connections to URLs.

use std::error::Error;
use std::net::SocketAddr;

use http::Uri;
use hyper_util::rt::TokioIo;
use tls::{Connector, Server, Stream};
use tokio::net::TcpListener;
use tower_service::Service as _;

use crate::support::Place;

type Connected = Result<TokioIo<Stream>, Box<dyn Error + Send + Sync>>;

/// A port at which `server` does handshakes, one after the other.
async fn listen(server: Server) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        loop {
            let accepted = listener.accept().await.unwrap().0;
            kept.push(server.accept(accepted).await);
        }
    });
    address
}

async fn connect(mut connector: Connector, url: String) -> Connected {
    connector.call(url.parse::<Uri>().unwrap()).await
}

/// How an error begins.
fn refusal(connected: Connected) -> String {
    connected.map(drop).unwrap_err().to_string()
}

#[tokio::test]
async fn the_scheme_decides_and_the_host_must_be_proven() {
    let place = Place::new();
    let address = listen(place.server()).await;
    let connector = Connector::new(place.client(None));
    let (name, number) = (format!("localhost:{}", address.port()), address.to_string());
    let connected = connect(connector.clone(), format!("https://{name}")).await;
    assert!(matches!(connected.unwrap().inner(), Stream::Tls(_)));
    let connected = connect(connector.clone(), format!("http://{name}")).await;
    assert!(matches!(connected.unwrap().inner(), Stream::Plain(_)));
    let wrong = refusal(connect(connector, format!("https://{number}")).await);
    assert!(wrong.contains("not valid for name"), "{wrong}");
}

#[tokio::test]
async fn one_address_behind_a_name_must_still_prove_the_name() {
    let place = Place::new();
    let address = listen(place.server()).await;
    // The name says where nobody listens; the address is what counts.
    let at = Connector::new(place.client(None)).at(address);
    let connected = connect(at.clone(), "https://localhost:1".to_owned()).await;
    assert!(matches!(connected.unwrap().inner(), Stream::Tls(_)));
    let wrong = refusal(connect(at, "https://auth-service:1".to_owned()).await);
    assert!(wrong.contains("not valid for name"), "{wrong}");
}

#[tokio::test]
async fn a_server_that_never_finishes_its_handshake_is_given_up() {
    let place = Place::new();
    // It accepts by its backlog, and never says a word.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let given_up = refusal(connect(Connector::new(place.client(None)), url).await);
    assert!(
        given_up.contains("did not finish the TLS handshake"),
        "{given_up}"
    );
}
