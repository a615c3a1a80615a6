use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use clap::Parser as _;
use grpc_server::{DrainPace, Shutdown};
use invoice_app::{Addresses, Command, Product};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

use crate::Person;

/// The whole product in this process: auth-service, invoice-service and gateway on ports of their own, with their data
/// in a temporary folder.
pub struct RunningProduct {
    product: Product,
    shutdown: Shutdown,
    folder: TempDir,
}

impl RunningProduct {
    /// Starts it in a new folder.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts it in a new folder with further flags.
    pub async fn start_with(flags: &[&str]) -> Self {
        Self::start_in(
            tempfile::tempdir().expect("a temporary folder can be made"),
            flags,
        )
        .await
    }

    async fn start_in(folder: TempDir, flags: &[&str]) -> Self {
        let data_dir = folder
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
        let mut command = Command::parse_from(fixed.iter().chain(flags));
        // A machine that is busy with many tests hashes late; a test that is about shedding sets its own.
        command.auth.hashing.deadline = Duration::from_mins(1);
        let shutdown = Shutdown::manual();
        let product = Product::start(command, shutdown.clone()).await;
        let product = product.unwrap_or_else(|error| panic!("the product does not start: {error}"));
        Self {
            product,
            shutdown,
            folder,
        }
    }

    /// Stops it as Ctrl-C does, and starts it again on the same data.
    pub async fn restart(self) -> Self {
        self.shutdown.begin(DrainPace::INTERACTIVE);
        self.product.ended().await;
        Self::start_in(self.folder, &[]).await
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
        self.folder.path()
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
