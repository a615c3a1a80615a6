//! auth-service and invoice-service in processes of their own: this binary, started again to run one `child_…` function.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use grpc_server::{ReadinessView, Shutdown};
use harness::mongo::ReplicaSet;
use invoice_service::{TrustConfig, WhenStale};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

const FOLDER: &str = "REVOCATION_TEST_FOLDER";
const MONGODB: &str = "REVOCATION_TEST_MONGODB";
const LISTEN: &str = "REVOCATION_TEST_LISTEN";
const AUTH: &str = "REVOCATION_TEST_AUTH";
const WHEN_STALE: &str = "REVOCATION_TEST_WHEN_STALE";
/// Before the address in the line that says that a service is ready.
const READY: &str = "ready at ";

/// Where the processes of a test keep their data.
pub(crate) struct Store {
    folder: PathBuf,
    /// The databases of auth-service and invoice-service; SQLite in the folder without them.
    mongodb: Option<[String; 2]>,
}

impl Store {
    pub(crate) fn in_folder(folder: &TempDir) -> Self {
        Self {
            folder: folder.path().to_owned(),
            mongodb: None,
        }
    }

    pub(crate) fn in_mongodb(folder: &TempDir, set: &ReplicaSet) -> Self {
        Self {
            mongodb: Some([set.url("invoiceapp_auth"), set.url("invoiceapp_invoice")]),
            ..Self::in_folder(folder)
        }
    }
}

/// A service that is ready, in a process that ends with this value.
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Process {
    /// Listens at `listen`, or at a free port.
    pub(crate) async fn auth_service(store: &Store, listen: Option<SocketAddr>) -> Self {
        let listen = listen.unwrap_or_else(|| "127.0.0.1:0".parse().unwrap());
        let mut command = child("child_auth_service", store, 0);
        command.env(LISTEN, listen.to_string());
        Self::start(command).await
    }

    /// Hears of keys and revocations from `auth`.
    pub(crate) async fn invoice_service(store: &Store, auth: SocketAddr, when_stale: WhenStale) -> Self {
        let mut command = child("child_invoice_service", store, 1);
        command.env(AUTH, format!("http://{auth}"));
        match when_stale {
            WhenStale::Allow => {}
            WhenStale::Refuse => {
                command.env(WHEN_STALE, "refuse");
            }
        }
        Self::start(command).await
    }

    /// kill -9.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    async fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some((_, address)) = line.split_once(READY) {
                    return address.trim().parse().unwrap();
                }
            }
            panic!("the child ended")
        };
        let address = tokio::time::timeout(Duration::from_mins(1), ready).await.unwrap();
        // The rest is read too, or the child would be stopped by its own output.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { address, child }
    }
}

/// The process that runs `function` on one of the two databases.
fn child(function: &str, store: &Store, database: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--ignored",
            "--exact",
            &format!("revocation::processes::{function}"),
        ])
        .args(["--nocapture", "--test-threads=1"])
        .env(FOLDER, &store.folder)
        // It ends when this process does, however that ends.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    if let Some(databases) = &store.mongodb {
        command.env(MONGODB, &databases[database]);
    }
    command
}

/// The database that this process was given.
fn database() -> Option<settings::SecretText> {
    std::env::var_os(MONGODB).map(|url| url.into_string().unwrap().into())
}

fn given(name: &str) -> String {
    std::env::var_os(name).unwrap().into_string().unwrap()
}

/// Says when the service is ready, and serves until the parent has gone.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
async fn serve(
    address: SocketAddr,
    readiness: ReadinessView,
    run: impl Future<Output = ()> + Send + 'static,
) {
    tokio::spawn(run);
    while !readiness.report().ready {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    println!("{READY}{address}");
    tokio::io::stdin().read_to_end(&mut Vec::new()).await.unwrap();
}

#[tokio::test]
#[ignore = "part of another test, in a process of its own"]
async fn child_auth_service() {
    let folder = PathBuf::from(given(FOLDER));
    let config = auth_service::Config {
        listen: given(LISTEN).parse().unwrap(),
        store_url: database(),
        key_file: Some(folder.join("auth.key")),
        ..auth_service::Config::default()
    };
    let app = auth_service::App::build(config, &folder).await.unwrap();
    let (address, readiness) = (app.local_addr(), app.readiness());
    serve(address, readiness, app.run(Shutdown::manual())).await;
}

#[tokio::test]
#[ignore = "part of another test, in a process of its own"]
async fn child_invoice_service() {
    let trust = TrustConfig {
        auth_url: given(AUTH),
        ..TrustConfig::default()
    };
    let config = invoice_service::Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        store_url: database(),
        revocation_stale: match std::env::var_os(WHEN_STALE) {
            Some(_) => WhenStale::Refuse,
            None => WhenStale::Allow,
        },
        trust,
        ..invoice_service::Config::default()
    };
    let folder = PathBuf::from(given(FOLDER));
    let app = invoice_service::App::build(config, &folder).await.unwrap();
    let (address, readiness) = (app.local_addr(), app.readiness());
    serve(address, readiness, app.run(Shutdown::manual())).await;
}
