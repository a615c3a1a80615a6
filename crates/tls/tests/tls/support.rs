//! A folder with certificates, servers and clients that use them, and a handshake between two of them.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use certificates::{Authority, Identity, IdentityFiles};
use settings::Mistakes;
use tempfile::TempDir;
use tls::{Client, ClientFlags, HandshakeError, Protocols, Server, ServerFiles, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What every test waits at most.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// How often files are looked at here.
const OFTEN: Duration = Duration::from_millis(20);

/// An authority, and a folder for files.
pub(crate) struct Place {
    pub(crate) authority: Authority,
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        authority.write(folder.path(), "ca");
        Self { authority, folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The authority's certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        self.path().join("ca.pem")
    }

    /// A certificate of the authority, in files.
    pub(crate) fn identity(&self, names: &[&str]) -> IdentityFiles {
        let name = format!("identity-{}", names.join("-").replace(['/', ':', '*'], "_"));
        self.write(&self.authority.issue(names), &name)
    }

    pub(crate) fn write(&self, identity: &Identity, name: &str) -> IdentityFiles {
        identity.write(self.path(), name)
    }

    /// A server called `localhost` that asks nobody for a certificate.
    pub(crate) fn server(&self) -> Server {
        server(&server_files(&self.identity(&["localhost"])))
    }

    /// A server called `localhost` that asks for certificates of the authority with one of these names.
    pub(crate) fn mutual_server(&self, peers: &[&str]) -> Server {
        server(&ServerFiles {
            client_authorities: Some(self.ca()),
            peers: peers.iter().map(ToString::to_string).collect(),
            ..server_files(&self.identity(&["localhost"]))
        })
    }

    /// A client that trusts the authority.
    pub(crate) fn client(&self, identity: Option<&IdentityFiles>) -> Client {
        client(&self.ca(), identity)
    }
}

pub(crate) fn server_files(identity: &IdentityFiles) -> ServerFiles {
    ServerFiles {
        certificate: Some(identity.certificate.clone()),
        key: Some(identity.key.clone()),
        reload_every: OFTEN,
        ..ServerFiles::none("test")
    }
}

pub(crate) fn server(files: &ServerFiles) -> Server {
    server_of(files, Protocols::Grpc)
}

pub(crate) fn server_of(files: &ServerFiles, protocols: Protocols) -> Server {
    let mut mistakes = Mistakes::new();
    let server = files.load(protocols, &mut mistakes);
    mistakes.unless_any(server).unwrap()
}

pub(crate) fn client(ca: &Path, identity: Option<&IdentityFiles>) -> Client {
    let flags = ClientFlags {
        tls_ca: Some(ca.to_owned()),
        tls_cert: identity.map(|files| files.certificate.clone()),
        tls_key: identity.map(|files| files.key.clone()),
        tls_reload_every: OFTEN,
        ..ClientFlags::default()
    };
    let mut mistakes = Mistakes::new();
    let client = flags.load(&mut mistakes);
    mistakes.unless_any(client).unwrap()
}

/// Two ends of a TCP connection: the server's and the client's.
pub(crate) async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    let (accepted, connected) = tokio::join!(listener.accept(), TcpStream::connect(address));
    (accepted.unwrap().0, connected.unwrap())
}

/// What the server and the client each think of a handshake.
pub(crate) struct Outcome {
    /// The connection and the name of the client.
    pub(crate) server: Result<(Stream, Option<Arc<str>>), HandshakeError>,
    /// The connection, after a byte of the server has come through it.
    pub(crate) client: io::Result<Stream>,
}

/// A handshake of a client with a server that it calls `host`.
pub(crate) async fn handshake(server: &Server, client: &Client, host: &str) -> Outcome {
    let (accepted, connected) = tcp().await;
    let server = async {
        let mut shaken = server.accept(accepted).await;
        if let Ok((stream, _)) = &mut shaken {
            let _gone = stream.write_all(b"!").await;
            let _gone = stream.flush().await;
        }
        shaken
    };
    // With TLS 1.3 a client is done before the server has judged its certificate; a byte tells how that ended.
    let client = async {
        let mut stream = client.connect(host, connected).await?;
        stream.read_u8().await?;
        Ok(stream)
    };
    let both = async { tokio::join!(server, client) };
    let (server, client) = tokio::time::timeout(PATIENCE, both).await.unwrap();
    Outcome { server, client }
}

/// Sends a byte from one end to the other.
pub(crate) async fn is_open(from: &mut Stream, to: &mut Stream) -> bool {
    let sent = from.write_all(b"?").await.is_ok() && from.flush().await.is_ok();
    sent && to.read_u8().await.is_ok_and(|byte| byte == b'?')
}

/// Waits until `happened`.
pub(crate) async fn until(what: &str, happened: impl Fn() -> bool) {
    let waiting = async {
        while !happened() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(waited.is_ok(), "waited in vain until {what}");
}
