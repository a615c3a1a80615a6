use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use clap::Parser as _;
use grpc_server::{DrainPace, Shutdown};
use invoice_app::{Addresses, Command, Product};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

use crate::Person;
use crate::mongo::ReplicaSet;

/// `mongodb` lets every product keep its data on a replica set of its own; unset, or `sqlite`: in SQLite. The tests are
/// the same for both.
const STORE_VARIABLE: &str = "INVOICE_APP_TEST_STORE";

/// The whole product in this process: auth-service, invoice-service and gateway on ports of their own, with their data
/// in a temporary folder, or in MongoDB (see [`STORE_VARIABLE`]).
pub struct RunningProduct {
    product: Product,
    shutdown: Shutdown,
    data: Data,
}

/// What outlives a restart.
struct Data {
    folder: TempDir,
    mongodb: Option<ReplicaSet>,
}

impl Data {
    async fn new() -> Self {
        let mongodb = match std::env::var_os(STORE_VARIABLE) {
            Some(store) if store == "mongodb" => Some(ReplicaSet::start().await),
            Some(store) if store != "sqlite" => {
                panic!("{STORE_VARIABLE} is sqlite or mongodb, not {}", store.display())
            }
            Some(_) | None => None,
        };
        Self {
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
            mongodb,
        }
    }

    /// The flags of the two stores; none for those of the data directory.
    fn store_flags(&self) -> Vec<String> {
        let url = |flag: &str, database| {
            let set = self.mongodb.as_ref();
            set.map(|set| format!("{flag}={}", set.url(database)))
        };
        let auth = url("--auth-store-url", "invoiceapp_auth");
        let invoice = url("--invoice-store-url", "invoiceapp_invoice");
        auth.into_iter().chain(invoice).collect()
    }
}

impl RunningProduct {
    /// Starts it in a new folder.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts it in a new folder with further flags.
    pub async fn start_with(flags: &[&str]) -> Self {
        Self::start_on(Data::new().await, flags).await
    }

    async fn start_on(data: Data, flags: &[&str]) -> Self {
        let data_dir = data
            .folder
            .path()
            .to_str()
            .expect("temporary folders have plain names");
        let any_port = "127.0.0.1:0";
        let fixed = [
            "invoice-app",
            "--data-dir",
            data_dir,
            "--gateway-listen",
            any_port,
            "--auth-listen",
            any_port,
            "--invoice-listen",
            any_port,
        ];
        let store_flags = data.store_flags();
        // A test that names a store of its own has it.
        let is_free = |flag: &&str| !flags.iter().any(|given| flag.starts_with(&format!("{given}=")));
        let store_flags = store_flags.iter().map(String::as_str).filter(is_free);
        let mut command =
            Command::parse_from(fixed.into_iter().chain(store_flags).chain(flags.iter().copied()));
        // A machine that is busy with many tests hashes late; a test that is about shedding sets its own.
        command.auth.hashing.deadline = Duration::from_mins(1);
        let shutdown = Shutdown::manual();
        let product = Product::start(command, shutdown.clone()).await;
        let product = product.unwrap_or_else(|error| panic!("the product does not start: {error}"));
        Self {
            product,
            shutdown,
            data,
        }
    }

    /// Stops it as Ctrl-C does, and starts it again on the same data.
    pub async fn restart(self) -> Self {
        self.shutdown.begin(DrainPace::INTERACTIVE);
        self.product.ended().await;
        Self::start_on(self.data, &[]).await
    }

    /// Stops it as Ctrl-C does.
    pub async fn stop(self) {
        self.shutdown.begin(DrainPace::INTERACTIVE);
        self.product.ended().await;
    }

    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        self.product.addresses()
    }

    /// Where its data is.
    pub fn data_dir(&self) -> &Path {
        self.data.folder.path()
    }

    /// Somebody new, signed in, with an organization of their own; calls go straight to the services.
    pub async fn person(&self) -> Person {
        let Addresses { auth, invoice, .. } = self.addresses();
        Person::register(auth, invoice).await
    }

    /// Somebody new whose calls go through the gateway.
    pub async fn person_at_the_gateway(&self) -> Person {
        let gateway = self.addresses().gateway;
        Person::register(gateway, gateway).await
    }
}

/// A connection to a server on this machine.
pub async fn channel(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address makes a URL");
    endpoint
        .connect()
        .await
        .unwrap_or_else(|error| panic!("nobody answers at {address}: {error}"))
}
