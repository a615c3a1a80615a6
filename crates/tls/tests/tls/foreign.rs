//! Peers that speak something else, or rustls as others set it up.

use std::sync::Arc;

use tls::{HandshakeError, Protocols, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{
    ClientConfig, HandshakeKind, ProtocolVersion, RootCertStore, SupportedProtocolVersion, crypto, version,
};

use crate::support::{Place, server_files, server_of, tcp};

/// A client of rustls as it comes, which resumes sessions.
fn plain_client(place: &Place, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(place.ca()).unwrap())
        .unwrap();
    let identity = place.identity(&["gateway"]);
    let chain = vec![CertificateDer::from_pem_file(&identity.certificate).unwrap()];
    let key = PrivateKeyDer::from_pem_file(&identity.key).unwrap();
    ClientConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap()
}

struct Agreed {
    version: ProtocolVersion,
    alpn: Option<Vec<u8>>,
    kind: HandshakeKind,
}

/// What a client and the server agree on, after a byte has gone each way.
async fn agree(server: &Server, config: &Arc<ClientConfig>) -> Result<Agreed, std::io::Error> {
    let (accepted, connected) = tcp().await;
    let server = async {
        if let Ok((mut stream, _)) = server.accept(accepted).await {
            stream.write_all(b"!").await.unwrap();
            stream.flush().await.unwrap();
            stream.read_u8().await.unwrap();
        }
    };
    let client = async {
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(Arc::clone(config))
            .connect(name, connected)
            .await?;
        stream.read_u8().await?;
        stream.write_all(b"?").await?;
        stream.flush().await?;
        let tls = stream.get_ref().1;
        Ok(Agreed {
            version: tls.protocol_version().unwrap(),
            alpn: tls.alpn_protocol().map(<[u8]>::to_vec),
            kind: tls.handshake_kind().unwrap(),
        })
    };
    tokio::join!(server, client).1
}

#[tokio::test]
async fn tls_1_3_is_chosen_and_1_2_is_spoken() {
    let place = Place::new();
    for server in [place.server(), place.mutual_server(&["gateway"])] {
        for (versions, chosen) in [
            (&[&version::TLS12, &version::TLS13][..], ProtocolVersion::TLSv1_3),
            (&[&version::TLS12], ProtocolVersion::TLSv1_2),
        ] {
            let config = Arc::new(plain_client(&place, versions));
            assert_eq!(agree(&server, &config).await.unwrap().version, chosen);
        }
    }
}

#[tokio::test]
async fn tls_1_1_is_refused_with_an_alert() {
    let place = Place::new();
    let (accepted, mut connected) = tcp().await;
    let mut hello = vec![0x03, 0x02];
    hello.extend([7; 32]);
    // No session, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, no compression.
    hello.extend([0, 0, 2, 0xC0, 0x2B, 1, 0]);
    // Extensions: signature_algorithms with ecdsa_secp256r1_sha256, so that only the version is wrong.
    hello.extend([0, 8, 0, 0x0D, 0, 4, 0, 2, 0x04, 0x03]);
    let length = u8::try_from(hello.len()).unwrap();
    let mut record = vec![0x16, 0x03, 0x01, 0, length + 4, 1, 0, 0, length];
    record.extend(hello);
    connected.write_all(&record).await.unwrap();
    assert!(matches!(
        place.server().accept(accepted).await,
        Err(HandshakeError::Failed(_))
    ));
    let mut alert = Vec::new();
    connected.read_to_end(&mut alert).await.unwrap();
    // An alert record: fatal, protocol_version (RFC 8446, 6).
    assert_eq!((alert[0], &alert[5..]), (0x15, &[2, 70][..]), "{alert:?}");
}

#[tokio::test]
async fn a_client_without_tls_is_refused_at_its_first_bytes() {
    let place = Place::new();
    for hello in [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\n\r\n",
    ] {
        let (accepted, mut connected) = tcp().await;
        connected.write_all(hello).await.unwrap();
        assert!(matches!(
            place.server().accept(accepted).await,
            Err(HandshakeError::Failed(_))
        ));
    }
}

#[tokio::test]
async fn a_web_server_speaks_both_versions_of_http_and_a_grpc_server_one() {
    let place = Place::new();
    let files = server_files(&place.identity(&["localhost"]));
    for (protocols, offered, chosen) in [
        (Protocols::Web, &["h2", "http/1.1"][..], Some("h2")),
        (Protocols::Web, &["http/1.1"], Some("http/1.1")),
        (Protocols::Grpc, &["http/1.1", "h2"], Some("h2")),
        (Protocols::Grpc, &["http/1.1"], None),
    ] {
        let mut config = plain_client(&place, &[&version::TLS13]);
        config.alpn_protocols = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
        let agreed = agree(&server_of(&files, protocols), &Arc::new(config)).await;
        let alpn = agreed.ok().and_then(|agreed| agreed.alpn);
        assert_eq!(
            alpn,
            chosen.map(|name| name.as_bytes().to_vec()),
            "{protocols:?} {offered:?}"
        );
    }
}

#[tokio::test]
async fn no_session_is_resumed_where_clients_have_certificates() {
    let place = Place::new();
    for versions in [&[&version::TLS13][..], &[&version::TLS12]] {
        let config = Arc::new(plain_client(&place, versions));
        for (server, second) in [
            (place.server(), HandshakeKind::Resumed),
            (place.mutual_server(&["gateway"]), HandshakeKind::Full),
        ] {
            agree(&server, &config).await.unwrap();
            assert_eq!(
                agree(&server, &config).await.unwrap().kind,
                second,
                "{versions:?}"
            );
        }
    }
}
