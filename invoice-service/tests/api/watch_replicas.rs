//! WatchInvoices at two replicas of invoice-service on one MongoDB.

use std::path::Path;

use grpc_server::{DrainPace, Shutdown};
use harness::mongo::ReplicaSet;
use harness::{Bearer, Person, RunningProduct, build, channel};
use invoice_service::{App, Config, TrustConfig};
use proto::invoice::v1::WatchInvoicesRequest;
use proto::invoice::v1::invoice_service_client::InvoiceServiceClient;

use crate::created;
use crate::watch::Watch;

/// A further replica, which trusts the product's auth-service.
struct Replica {
    app: std::net::SocketAddr,
    shutdown: Shutdown,
}

impl Replica {
    async fn start(product: &RunningProduct, store_url: &str, folder: &Path) -> Self {
        let trust = TrustConfig {
            auth_url: format!("http://{}", product.addresses().auth),
            ..TrustConfig::default()
        };
        let config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            store_url: Some(store_url.parse().unwrap()),
            trust,
            ..Config::default()
        };
        let app = App::build(config, folder).await.unwrap();
        while !app.has_keys() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let shutdown = Shutdown::manual();
        let replica = Self {
            app: app.local_addr(),
            shutdown: shutdown.clone(),
        };
        tokio::spawn(app.run(shutdown));
        replica
    }

    /// The same person, whose calls go to this replica.
    async fn meets(&self, person: &Person) -> Person {
        let bearer = Bearer::new(person.access_token());
        Person {
            invoices: InvoiceServiceClient::with_interceptor(channel(self.app).await, bearer),
            ..person.clone()
        }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.shutdown.begin(DrainPace::INTERACTIVE);
    }
}

#[tokio::test]
async fn a_change_at_one_replica_is_told_at_another_and_a_watch_goes_on_at_any() {
    let set = ReplicaSet::start().await;
    let url = set.url("invoiceapp_invoice");
    let product = RunningProduct::start_with(&["--invoice-store-url", &url]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut here = product.person().await;
    let other = Replica::start(&product, &url, folder.path()).await;
    let mut there = other.meets(&here).await;

    let first = created(&mut there, build::invoice()).await;
    let mut watch = Watch::open(&mut here, WatchInvoicesRequest::default())
        .await
        .unwrap();
    assert_eq!(watch.snapshot().await, [first]);
    let second = created(&mut there, build::invoice()).await;
    assert_eq!(watch.changed().await, second);

    // The other replica has not followed the store before: it finds in its log what was missed.
    let token = watch.token.clone();
    drop(watch);
    let third = created(&mut here, build::invoice()).await;
    let fourth = created(&mut there, build::invoice()).await;
    let mut watch = Watch::resume(&mut there, &token).await.unwrap();
    assert_eq!(watch.changed().await, third);
    assert_eq!(watch.changed().await, fourth);
    let fifth = created(&mut here, build::invoice()).await;
    assert_eq!(watch.changed().await, fifth);
    product.stop().await;
}
