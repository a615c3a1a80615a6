//! What a client demands of a server.

use certificates::Authority;

use crate::support::{Place, client, handshake, server, server_files};

/// Why the client refuses a server with this identity that it calls `localhost`.
async fn refusal(place: &Place, identity: &certificates::Identity) -> String {
    let server = server(&server_files(&place.write(identity, "server")));
    let outcome = handshake(&server, &place.client(None), "localhost").await;
    assert!(outcome.server.is_err(), "the server was not told");
    outcome.client.unwrap_err().to_string()
}

#[tokio::test]
async fn a_server_of_the_right_authority_and_name_is_trusted() {
    let place = Place::new();
    for host in ["localhost", "127.0.0.1", "::1", "[::1]"] {
        let names = ["localhost", "127.0.0.1", "::1"];
        let server = server(&server_files(&place.identity(&names)));
        let outcome = handshake(&server, &place.client(None), host).await;
        assert!(outcome.client.is_ok(), "{host}: {:?}", outcome.client);
        assert_eq!(outcome.server.unwrap().1, None, "nobody was asked for a name");
    }
}

#[tokio::test]
async fn a_server_of_another_authority_is_refused() {
    let place = Place::new();
    let error = refusal(&place, &Authority::new().issue(&["localhost"])).await;
    assert!(
        error.contains("UnknownIssuer") || error.contains("BadSignature"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_whose_certificate_expired_is_refused() {
    let place = Place::new();
    let error = refusal(&place, &place.authority.issue_expired(&["localhost"])).await;
    assert!(error.contains("expired"), "{error}");
}

#[tokio::test]
async fn a_server_of_another_name_is_refused() {
    let place = Place::new();
    for names in [&["other"][..], &["localhost.example"], &["127.0.0.1"], &[]] {
        let error = refusal(&place, &place.authority.issue(names)).await;
        assert!(error.contains("not valid for name"), "{names:?}: {error}");
    }
}

#[tokio::test]
async fn without_a_file_of_authorities_only_public_ones_are_trusted() {
    let place = Place::new();
    let flags = tls::ClientFlags::default();
    let public = flags.load(&mut settings::Mistakes::new()).unwrap();
    let outcome = handshake(&place.server(), &public, "localhost").await;
    assert!(outcome.client.unwrap_err().to_string().contains("UnknownIssuer"));
}

#[tokio::test]
async fn every_authority_in_the_file_is_trusted() {
    let (place, other) = (Place::new(), Place::new());
    let both = place.path().join("both.pem");
    std::fs::write(&both, place.authority.pem() + &other.authority.pem()).unwrap();
    for server in [place.server(), other.server()] {
        let outcome = handshake(&server, &client(&both, None), "localhost").await;
        assert!(outcome.client.is_ok(), "{:?}", outcome.client);
    }
}
