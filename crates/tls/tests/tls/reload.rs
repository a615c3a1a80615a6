//! Files that change while they are used.

use std::fs;
use std::os::unix::fs::symlink;

use certificates::Authority;
use telemetry::Metrics;
use tls::{Server, ServerFiles};

use crate::support::{Place, client, handshake, is_open, server, server_files, until};

/// The first name of the certificate that the server presents now.
fn presents(server: &Server) -> String {
    server.certificate().unwrap().names.concat()
}

#[tokio::test]
async fn a_new_authority_replaces_the_old_while_connections_stay_open() {
    let place = Place::new();
    let identity = place.identity(&["localhost"]);
    let server = server(&server_files(&identity));
    server.keep_fresh();
    let old_client = place.client(None);
    let outcome = handshake(&server, &old_client, "localhost").await;
    let (mut at_server, mut at_client) = (outcome.server.unwrap().0, outcome.client.unwrap());

    let other = Authority::new();
    other.issue(&["localhost", "new"]).replace(&identity);
    until("the new certificate is presented", || {
        presents(&server) == "localhostnew"
    })
    .await;

    let new_client = client(&other.write(place.path(), "other"), None);
    assert!(handshake(&server, &new_client, "localhost").await.client.is_ok());
    assert!(handshake(&server, &old_client, "localhost").await.client.is_err());
    assert!(is_open(&mut at_server, &mut at_client).await);
    assert!(is_open(&mut at_client, &mut at_server).await);
}

#[tokio::test]
async fn a_client_trusts_what_its_file_says_now() {
    let place = Place::new();
    let client = place.client(None);
    client.keep_fresh();
    let other = Place::new();
    assert!(
        handshake(&other.server(), &client, "localhost")
            .await
            .client
            .is_err()
    );
    fs::write(place.ca(), other.authority.pem()).unwrap();
    let trusted = async {
        while handshake(&other.server(), &client, "localhost")
            .await
            .client
            .is_err()
        {}
    };
    tokio::time::timeout(crate::support::PATIENCE, trusted)
        .await
        .unwrap();
    assert!(
        handshake(&place.server(), &client, "localhost")
            .await
            .client
            .is_err()
    );
}

#[tokio::test]
async fn a_client_whose_authority_was_taken_away_gets_in_no_more() {
    let place = Place::new();
    let server = place.mutual_server(&["gateway"]);
    server.keep_fresh();
    let gateway = place.identity(&["gateway"]);
    let client = place.client(Some(&gateway));
    assert!(handshake(&server, &client, "localhost").await.client.is_ok());
    // The server itself keeps its certificate; only its clients must come from elsewhere.
    fs::write(place.ca(), Authority::new().pem()).unwrap();
    let refused = async { while handshake(&server, &client, "localhost").await.server.is_ok() {} };
    tokio::time::timeout(crate::support::PATIENCE, refused)
        .await
        .unwrap();
}

#[tokio::test]
async fn broken_files_change_nothing_and_the_trouble_names_them() {
    let place = Place::new();
    let identity = place.identity(&["localhost"]);
    let server = server(&server_files(&identity));
    server.keep_fresh();
    let client = place.client(None);
    let other = place.authority.issue(&["localhost"]);
    for (content, what) in [
        ("", "holds no certificate"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "cannot be used",
        ),
        ("-----BEGIN CERTIFICATE-----\n", "is not PEM"),
        (other.certificate.as_str(), "is not the key of the certificate in"),
    ] {
        fs::write(&identity.certificate, content).unwrap();
        let names_it = || server.trouble().is_some_and(|trouble| trouble.contains(what));
        until(what, names_it).await;
        assert_eq!(presents(&server), "localhost");
        assert!(
            handshake(&server, &client, "localhost").await.client.is_ok(),
            "{what}"
        );
    }
    fs::remove_file(&identity.certificate).unwrap();
    until("the file is missed", || {
        server
            .trouble()
            .is_some_and(|trouble| trouble.contains("No such file"))
    })
    .await;
    assert!(handshake(&server, &client, "localhost").await.client.is_ok());

    place.authority.issue(&["localhost", "mended"]).replace(&identity);
    until("the mended files are used", || {
        presents(&server) == "localhostmended"
    })
    .await;
    assert_eq!(server.trouble(), None);
}

#[tokio::test]
async fn metrics_tell_when_the_certificate_in_use_expires_and_whether_reloading_fails() {
    let place = Place::new();
    let identity = place.identity(&["localhost"]);
    let server = server(&server_files(&identity));
    let metrics = Metrics::new();
    server.measure(&metrics);
    server.keep_fresh();
    let file = identity.certificate.display();
    // The first second of the year 4096 and of 2020.
    let tells = |seconds: i64, failing: u8| {
        let text = metrics.to_text();
        [
            format!("tls_certificate_not_after_seconds{{file=\"{file}\",role=\"test\"}} {seconds}\n"),
            format!("tls_reload_failing{{role=\"test\"}} {failing}\n"),
        ]
        .iter()
        .all(|line| text.contains(line))
    };
    assert!(tells(67_090_118_400, 0), "{}", metrics.to_text());
    fs::write(&identity.key, "").unwrap();
    until("a failure is told", || tells(67_090_118_400, 1)).await;
    place.authority.issue_expired(&["localhost"]).replace(&identity);
    until("the new end is told", || tells(1_577_836_800, 0)).await;
    drop(server);
    until("nothing is told any more", || !metrics.to_text().contains("tls_")).await;
}

#[tokio::test]
async fn the_link_that_kubernetes_swaps_is_followed() {
    let place = Place::new();
    let root = place.path();
    let write = |version: &str, names: &[&str]| {
        let folder = root.join(version);
        fs::create_dir(&folder).unwrap();
        place.authority.issue(names).write(&folder, "tls");
        let new = root.join("..data_tmp");
        symlink(version, &new).unwrap();
        fs::rename(new, root.join("..data")).unwrap();
    };
    write("..2026_01", &["localhost"]);
    for file in ["tls.crt", "tls.key"] {
        symlink(root.join("..data").join(file), root.join(file)).unwrap();
    }
    let server = server(&ServerFiles {
        certificate: Some(root.join("tls.crt")),
        key: Some(root.join("tls.key")),
        ..server_files(&place.identity(&["unused"]))
    });
    server.keep_fresh();
    write("..2026_02", &["localhost", "swapped"]);
    until("the swapped files are used", || {
        presents(&server) == "localhostswapped"
    })
    .await;
}

#[tokio::test]
async fn files_are_left_alone_when_nobody_needs_them_any_more() {
    let place = Place::new();
    let server = place.server();
    server.keep_fresh();
    server.keep_fresh();
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    assert_eq!(tasks(), 1);
    drop(server);
    until("the looking ends", || tasks() == 0).await;
}
