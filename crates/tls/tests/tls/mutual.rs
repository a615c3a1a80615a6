//! What a server demands of a client.

use certificates::{Authority, DnType, Identity};
use tls::{HandshakeError, Server};

use crate::support::{Outcome, Place, handshake};

async fn as_client(place: &Place, server: &Server, identity: &Identity) -> Outcome {
    let files = place.write(identity, "client");
    handshake(server, &place.client(Some(&files)), "localhost").await
}

/// The names of the client that the server found on no list. The client must have been told by an alert.
fn not_allowed(outcome: Outcome) -> Vec<String> {
    let alert = outcome.client.unwrap_err().to_string();
    assert!(alert.contains("alert"), "{alert}");
    match outcome.server {
        Err(HandshakeError::PeerNotAllowed(refused)) => refused.presented,
        other => panic!("{other:?}"),
    }
}

/// What the server says of a client that it does not even ask the list about; the client was told by an alert.
fn failure(outcome: Outcome) -> String {
    let alert = outcome.client.unwrap_err().to_string();
    assert!(alert.contains("alert"), "{alert}");
    match outcome.server {
        Err(HandshakeError::Failed(error)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_listed_client_is_let_in_and_known_by_the_listed_name() {
    let place = Place::new();
    let server = place.mutual_server(&["gateway", "spiffe://example.org/invoice"]);
    for (names, known_as) in [
        (&["gateway"][..], "gateway"),
        (&["other", "gateway"], "gateway"),
        (&["spiffe://example.org/invoice"], "spiffe://example.org/invoice"),
        (&["spiffe://example.org/x", "gateway"], "gateway"),
    ] {
        let outcome = as_client(&place, &server, &place.authority.issue(names)).await;
        assert!(outcome.client.is_ok(), "{names:?}: {:?}", outcome.client);
        assert_eq!(outcome.server.unwrap().1.as_deref(), Some(known_as));
    }
}

#[tokio::test]
async fn a_client_that_is_not_listed_byte_by_byte_is_refused_with_an_alert() {
    let place = Place::new();
    let server = place.mutual_server(&["gateway", "spiffe://example.org/gateway"]);
    for names in [
        &["stranger"][..],
        &["gateway.example"],
        &["my-gateway"],
        &["Gateway"],
        &["*.gateway"],
        &["spiffe://example.org/gateway/x"],
        &["spiffe://example.com/gateway"],
        &[],
    ] {
        let outcome = as_client(&place, &server, &place.authority.issue(names)).await;
        assert_eq!(not_allowed(outcome), names);
    }
}

#[tokio::test]
async fn the_common_name_is_no_name() {
    let place = Place::new();
    let identity = place.authority.issue_with(&["stranger"], |params| {
        params.distinguished_name.push(DnType::CommonName, "gateway");
    });
    let outcome = as_client(&place, &place.mutual_server(&["gateway"]), &identity).await;
    assert_eq!(not_allowed(outcome), ["stranger"]);
}

#[tokio::test]
async fn without_a_list_every_client_of_the_authority_is_let_in_under_its_first_name() {
    let place = Place::new();
    let server = place.mutual_server(&[]);
    for (names, known_as) in [(&["one", "two"][..], Some("one")), (&[], None)] {
        let outcome = as_client(&place, &server, &place.authority.issue(names)).await;
        assert!(outcome.client.is_ok());
        assert_eq!(outcome.server.unwrap().1.as_deref(), known_as);
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    let place = Place::new();
    for peers in [&["gateway"][..], &[]] {
        let outcome = handshake(&place.mutual_server(peers), &place.client(None), "localhost").await;
        assert!(failure(outcome).contains("sent no certificates"));
    }
}

#[tokio::test]
async fn a_client_of_another_authority_is_refused_whatever_its_name() {
    let place = Place::new();
    let foreign = Authority::new().issue(&["gateway"]);
    let outcome = as_client(&place, &place.mutual_server(&["gateway"]), &foreign).await;
    let error = failure(outcome);
    assert!(
        error.contains("UnknownIssuer") || error.contains("BadSignature"),
        "{error}"
    );
}

#[tokio::test]
async fn a_client_whose_certificate_expired_is_refused() {
    let place = Place::new();
    let expired = place.authority.issue_expired(&["gateway"]);
    let outcome = as_client(&place, &place.mutual_server(&["gateway"]), &expired).await;
    assert!(failure(outcome).contains("expired"));
}

#[tokio::test]
async fn a_certificate_for_servers_only_is_no_clients() {
    let place = Place::new();
    let server_only = place.authority.issue_with(&["gateway"], |params| {
        params.extended_key_usages.truncate(1);
    });
    let outcome = as_client(&place, &place.mutual_server(&["gateway"]), &server_only).await;
    assert!(failure(outcome).contains("certificate"));
}
