//! What is said about flags and files that make no sense.

use std::fs;
use std::path::PathBuf;

use settings::Mistakes;
use tls::{ClientFlags, Protocols, ServerFiles};

use crate::support::{Place, server_files};

fn of_server(files: &ServerFiles) -> Vec<String> {
    let mut mistakes = Mistakes::new();
    files.load(Protocols::Grpc, &mut mistakes);
    let checked = mistakes.unless_any(Some(()));
    checked.map_or_else(|error| error.mistakes().to_vec(), |()| Vec::new())
}

fn of_client(flags: &ClientFlags) -> Vec<String> {
    let mut mistakes = Mistakes::new();
    flags.load(&mut mistakes);
    let checked = mistakes.unless_any(Some(()));
    checked.map_or_else(|error| error.mistakes().to_vec(), |()| Vec::new())
}

#[test]
fn nothing_set_is_no_tls_and_no_mistake() {
    assert_eq!(of_server(&ServerFiles::none("auth")), Vec::<String>::new());
    assert_eq!(of_client(&ClientFlags::default()), Vec::<String>::new());
}

#[test]
fn flags_that_need_others_say_which() {
    let place = Place::new();
    let complete = server_files(&place.identity(&["localhost"]));
    let without_key = ServerFiles {
        key: None,
        ..complete.clone()
    };
    assert_eq!(of_server(&without_key), ["--test-tls-cert: needs --test-tls-key"]);
    let without_certificate = ServerFiles {
        certificate: None,
        ..complete.clone()
    };
    assert_eq!(
        of_server(&without_certificate),
        ["--test-tls-key: needs --test-tls-cert"]
    );
    let peers = vec!["gateway".to_owned()];
    let alone = ServerFiles {
        client_authorities: Some(place.ca()),
        peers: peers.clone(),
        ..ServerFiles::none("auth")
    };
    let said = of_server(&alone);
    assert!(
        said[0].starts_with("--auth-tls-client-ca: needs --auth-tls-cert"),
        "{said:?}"
    );
    assert!(
        said[1].starts_with("--auth-tls-peers: needs --auth-tls-cert"),
        "{said:?}"
    );
    let said = of_server(&ServerFiles { peers, ..complete });
    assert!(
        said[0].starts_with("--test-tls-peers: needs --test-tls-client-ca"),
        "{said:?}"
    );
    let half = ClientFlags {
        tls_cert: Some(place.ca()),
        ..ClientFlags::default()
    };
    assert_eq!(of_client(&half), ["--tls-cert: needs --tls-key"]);
}

#[test]
fn every_file_that_cannot_be_used_is_reported_at_once_with_its_flag() {
    let place = Place::new();
    let folder = place.path();
    fs::write(folder.join("empty.crt"), "").unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n";
    fs::write(folder.join("broken.pem"), broken).unwrap();
    let files = ServerFiles {
        client_authorities: Some(folder.join("broken.pem")),
        peers: vec!["*.example.com".to_owned(), String::new()],
        certificate: Some(folder.join("empty.crt")),
        key: Some(place.ca()),
        ..ServerFiles::none("auth")
    };
    let said = of_server(&files);
    let expected = [
        ("--auth-tls-peers: \"*.example.com\"", "without wildcards"),
        ("--auth-tls-peers: \"\"", "is not a name"),
        ("--auth-tls-cert: ", "empty.crt holds no certificate"),
        ("--auth-tls-key: ", "ca.pem holds no private key"),
        ("--auth-tls-client-ca: ", "broken.pem is not PEM"),
    ];
    assert_eq!(said.len(), expected.len(), "{said:?}");
    for (said, (flag, what)) in said.iter().zip(expected) {
        assert!(said.starts_with(flag) && said.contains(what), "{said}");
    }

    let flags = ClientFlags {
        tls_ca: Some(PathBuf::from("/nowhere/ca.pem")),
        tls_cert: Some(folder.to_owned()),
        tls_key: Some(folder.join("none.key")),
        ..ClientFlags::default()
    };
    let said = of_client(&flags);
    let expected = [
        ("--tls-cert: ", "is not a regular file"),
        ("--tls-key: ", "cannot be read: No such file"),
        ("--tls-ca: /nowhere/ca.pem", "cannot be read: No such file"),
    ];
    assert_eq!(said.len(), expected.len(), "{said:?}");
    for (said, (flag, what)) in said.iter().zip(expected) {
        assert!(said.starts_with(flag) && said.contains(what), "{said}");
    }
}

#[test]
fn a_key_of_another_certificate_is_found_out() {
    let place = Place::new();
    let (one, other) = (place.identity(&["one"]), place.identity(&["other"]));
    let files = ServerFiles {
        key: Some(other.key),
        ..server_files(&one)
    };
    let said = of_server(&files);
    assert_eq!(said.len(), 1, "{said:?}");
    let certificate = one.certificate.display().to_string();
    assert!(
        said[0].starts_with("--test-tls-key: ") && said[0].ends_with(&certificate),
        "{said:?}"
    );
}

#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    let place = Place::new();
    let huge = place.path().join("huge.pem");
    fs::File::create(&huge).unwrap().set_len(1024 * 1024 + 1).unwrap();
    let flags = ClientFlags {
        tls_ca: Some(huge),
        ..ClientFlags::default()
    };
    assert!(of_client(&flags)[0].contains("larger than 1 MiB"));
}

#[test]
fn an_unencrypted_url_beyond_this_machine_needs_a_word() {
    let said = |url: &str, plaintext_upstreams| {
        let flags = ClientFlags {
            plaintext_upstreams,
            ..ClientFlags::default()
        };
        let mut mistakes = Mistakes::new();
        let url = flags.service_url("--auth-url", url, &mut mistakes);
        mistakes.unless_any(url).err().map(|error| error.to_string())
    };
    for fine in [
        "http://127.0.0.1:1",
        "http://localhost:1",
        "https://auth-service:50051",
    ] {
        assert_eq!(said(fine, false), None, "{fine}");
    }
    for unsafe_url in ["http://auth-service:50051", "http://10.0.0.1:1"] {
        let text = said(unsafe_url, false).unwrap();
        assert!(
            text.starts_with("--auth-url: ") && text.contains("--plaintext-upstreams"),
            "{text}"
        );
        assert_eq!(said(unsafe_url, true), None);
    }
    assert!(
        said("auth-service:50051", true)
            .unwrap()
            .contains("https://host:port")
    );
}
