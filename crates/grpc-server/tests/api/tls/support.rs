//! A folder with certificates of one authority, and a client and a server that use them.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use certificates::{Authority, IdentityFiles};
use settings::Mistakes;
use tempfile::TempDir;
use tls::{Client, ClientFlags, Connector, Protocols, Server, ServerFiles};
use tonic::transport::{Channel, Endpoint, Error};

pub(crate) struct Place {
    pub(crate) authority: Authority,
    pub(crate) localhost: IdentityFiles,
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
        authority.write(folder.path(), "ca");
        let localhost = authority.issue(&["localhost"]).write(folder.path(), "localhost");
        Self {
            authority,
            localhost,
            folder,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A server called `localhost`; with peers it asks its clients for certificates.
    pub(crate) fn server(&self, protocols: Protocols, peers: &[&str]) -> Server {
        let files = ServerFiles {
            certificate: Some(self.localhost.certificate.clone()),
            key: Some(self.localhost.key.clone()),
            client_authorities: (!peers.is_empty()).then(|| self.path().join("ca.pem")),
            peers: peers.iter().map(ToString::to_string).collect(),
            reload_every: Duration::from_millis(20),
            ..ServerFiles::none("test")
        };
        let mut mistakes = Mistakes::new();
        let server = files.load(protocols, &mut mistakes);
        mistakes.unless_any(server).unwrap()
    }

    /// A client called `gateway`.
    pub(crate) fn gateway(&self) -> Client {
        self.client("gateway")
    }

    /// A client of this name that trusts what `ca.pem` says.
    pub(crate) fn client(&self, name: &str) -> Client {
        let identity = self.authority.issue(&[name]).write(self.path(), name);
        let flags = ClientFlags {
            tls_ca: Some(self.path().join("ca.pem")),
            tls_cert: Some(identity.certificate),
            tls_key: Some(identity.key),
            ..ClientFlags::default()
        };
        let mut mistakes = Mistakes::new();
        let client = flags.load(&mut mistakes);
        mistakes.unless_any(client).unwrap()
    }

    /// A new connection to the server at `address`.
    pub(crate) async fn channel(&self, address: SocketAddr, client: Client) -> Result<Channel, Error> {
        let endpoint = Endpoint::from_shared(format!("https://localhost:{}", address.port())).unwrap();
        endpoint.connect_with_connector(Connector::new(client)).await
    }
}
