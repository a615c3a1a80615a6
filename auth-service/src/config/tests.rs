use clap::Parser as _;

use super::*;

fn parse(arguments: &[&str]) -> Config {
    Command::parse_from(std::iter::once("auth-service").chain(arguments.iter().copied()))
        .into_config(Metrics::new())
}

fn mistakes(arguments: &[&str]) -> Vec<String> {
    parse(arguments)
        .validate(Path::new("data"))
        .map_or_else(|error| error.mistakes().to_vec(), |_| vec![])
}

#[test]
fn an_empty_command_line_is_the_default_and_valid() {
    assert_eq!(format!("{:?}", parse(&[])), format!("{:?}", Config::default()));
    assert_eq!(mistakes(&[]), Vec::<String>::new());
}

#[test]
fn every_mistake_is_reported_at_once_with_its_flag() {
    let found = mistakes(&[
        "--auth-listen=0.0.0.0:1",
        "--auth-store-url=postgres://x",
        "--auth-issuer= ",
        "--auth-access-token-seconds=3600",
        "--auth-session-idle-days=0",
        "--auth-session-days=1000",
        "--auth-key-rotation-days=0",
    ]);
    let flags: Vec<_> = found.iter().filter_map(|text| text.split(':').next()).collect();
    let expected = [
        "--auth-listen",
        "--auth-store-url",
        "--auth-issuer",
        "--auth-access-token-seconds",
    ];
    assert_eq!(flags[..4], expected);
    let days = [
        "--auth-session-idle-days",
        "--auth-session-days",
        "--auth-key-rotation-days",
    ];
    assert_eq!(flags[4..], days);
}

#[test]
fn listening_beyond_loopback_needs_a_word() {
    assert_eq!(
        mistakes(&["--auth-listen=0.0.0.0:1", "--auth-plaintext"]),
        Vec::<String>::new()
    );
}

#[test]
fn the_store_url_is_never_shown() {
    let url = "mongodb://ada:s3cret@host/auth";
    let config = parse(&[&format!("--auth-store-url={url}")]);
    let settings = config.validate(Path::new("data")).unwrap();
    let shown = format!("{config:?} {settings:?}");
    assert!(
        shown.contains("[redacted]") && !shown.contains("s3cret"),
        "{shown}"
    );
    for wrong in [
        format!("--auth-store-url={url}?x"),
        "--auth-store-url=mongo://ada:s3cret@host".to_owned(),
    ] {
        let found = mistakes(&[&wrong]);
        assert!(found.len() == 1 && !found[0].contains("s3cret"), "{found:?}");
    }
}

#[test]
fn the_store_url_can_be_read_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    std::fs::write(&file, "sqlite:elsewhere.db\n").unwrap();
    let flag = format!("--auth-store-url-file={}", file.display());
    let settings = parse(&[&flag]).validate(Path::new("data")).unwrap();
    assert_eq!(settings.store, StoreUrl::file("elsewhere.db".into()));
    let both = mistakes(&[&flag, "--auth-store-url=sqlite::memory:"]);
    assert!(
        both.len() == 1 && both[0].starts_with("--auth-store-url-file: "),
        "{both:?}"
    );
}

#[test]
fn the_flags_of_tls_are_read_and_their_mistakes_carry_them() {
    let found = mistakes(&[
        "--auth-listen=0.0.0.0:1",
        "--auth-tls-cert=/nowhere/tls.crt",
        "--auth-tls-key=/nowhere/tls.key",
        "--auth-tls-peers=gateway, invoice-service",
    ]);
    let flags: Vec<_> = found.iter().filter_map(|text| text.split(':').next()).collect();
    assert_eq!(
        flags,
        ["--auth-tls-peers", "--auth-tls-cert", "--auth-tls-key"],
        "the address needs no other word: {found:?}"
    );
    let tls = parse(&["--auth-tls-peers=gateway, invoice-service"]).tls.files();
    assert_eq!(tls.peers, ["gateway", "invoice-service"]);
    let alone = mistakes(&["--auth-tls-client-ca=/nowhere/ca.pem"]);
    assert!(
        alone[0].starts_with("--auth-tls-client-ca: needs --auth-tls-cert"),
        "{alone:?}"
    );
}

#[test]
fn files_go_into_the_data_directory_unless_said_otherwise() {
    let settings = parse(&[]).validate(Path::new("somewhere")).unwrap();
    assert_eq!(settings.key_file, Path::new("somewhere/keys/master.key"));
    let settings = parse(&["--auth-key-file=/run/secrets/key"])
        .validate(Path::new("somewhere"))
        .unwrap();
    assert_eq!(settings.key_file, Path::new("/run/secrets/key"));
}
