//! Several replicas of each service on one database, replaced one after the other while clients work.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use gateway::{EdgeConfig, UpstreamConfig};
use grpc_server::{CallLimits, ConnectionLimits, DrainPace, Shutdown};
use harness::mongo::ReplicaSet;
use harness::{Bearer, build};
use invoice_service::TrustConfig;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{GetMeRequest, LoginRequest, RefreshTokenRequest, Tokens};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::writers::{Writer, assert_exactly_what_was_answered, assert_old_etags_are_stale, invoices, lazy};

const CLIENTS: usize = 8;
/// As in deployment, with less time: nothing here takes a second.
const PACE: DrainPace = DrainPace {
    announce: Duration::from_millis(300),
    finish: Duration::from_secs(5),
};
/// A client that retries waits so long; the services ask for a second at most.
const PAUSE: Duration = Duration::from_millis(100);

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// Where all replicas keep their data.
struct Site {
    set: ReplicaSet,
    folder: TempDir,
}

impl Site {
    async fn new() -> Self {
        Self {
            set: ReplicaSet::start().await,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn key_file(&self) -> PathBuf {
        self.folder.path().join("auth.key")
    }

    async fn auth_service(&self, listen: SocketAddr) -> Replica {
        let config = auth_service::Config {
            listen,
            store_url: Some(self.set.url("invoiceapp_auth").into()),
            key_file: Some(self.key_file()),
            ..auth_service::Config::default()
        };
        let app = auth_service::App::build(config, self.folder.path())
            .await
            .unwrap();
        let address = app.local_addr();
        let readiness = app.readiness();
        Replica::run(
            address,
            move || readiness.report().ready,
            |shutdown| Box::pin(app.run(shutdown)),
        )
        .await
    }

    async fn invoice_service(&self, listen: SocketAddr, auth: SocketAddr) -> Replica {
        let trust = TrustConfig {
            auth_url: format!("http://{auth}"),
            ..TrustConfig::default()
        };
        let config = invoice_service::Config {
            listen,
            store_url: Some(self.set.url("invoiceapp_invoice").into()),
            trust,
            ..invoice_service::Config::default()
        };
        let app = invoice_service::App::build(config, self.folder.path())
            .await
            .unwrap();
        let address = app.local_addr();
        let readiness = app.readiness();
        Replica::run(
            address,
            move || readiness.report().ready,
            |shutdown| Box::pin(app.run(shutdown)),
        )
        .await
    }

    async fn gateway(&self, auth: [SocketAddr; 2], invoice: [SocketAddr; 2]) -> Replica {
        let urls =
            |addresses: [SocketAddr; 2]| addresses.map(|address| format!("http://{address}")).join(",");
        let app = gateway::App::build(gateway::Config {
            edge: EdgeConfig {
                gateway_listen: any_port(),
                ..EdgeConfig::default()
            },
            upstreams: UpstreamConfig {
                auth_url: urls(auth),
                invoice_url: urls(invoice),
                tls: tls::ClientFlags::default(),
            },
            connections: ConnectionLimits::default(),
            metrics: ::telemetry::Metrics::default(),
            calls: CallLimits::default(),
        });
        let app = app.await.unwrap();
        let address = app.local_addr();
        Replica::run(address, || true, |shutdown| Box::pin(app.run(shutdown))).await
    }
}

/// One running server.
struct Replica {
    address: SocketAddr,
    shutdown: Shutdown,
    running: JoinHandle<()>,
}

impl Replica {
    /// Runs it and waits until it is ready, as an orchestrator does before it goes on to the next.
    async fn run(
        address: SocketAddr,
        is_ready: impl Fn() -> bool,
        run: impl FnOnce(Shutdown) -> BoxFuture<'static, ()>,
    ) -> Self {
        let shutdown = Shutdown::manual();
        let running = tokio::spawn(run(shutdown.clone()));
        let ready = async {
            while !is_ready() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), ready)
            .await
            .unwrap();
        Self {
            address,
            shutdown,
            running,
        }
    }

    async fn stop(self) -> SocketAddr {
        self.shutdown.begin(PACE);
        self.running.await.unwrap();
        self.address
    }
}

/// What the clients count.
#[derive(Default)]
struct Counts {
    stop: AtomicBool,
    answered: AtomicUsize,
    retried: AtomicUsize,
}

impl Counts {
    /// The answer to `call`, which is repeated while it is UNAVAILABLE. Anything else is a failed call.
    async fn answer<T>(&self, mut call: impl AsyncFnMut() -> Result<T, Status>) -> T {
        loop {
            match call().await {
                Ok(answer) => {
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    return answer;
                }
                Err(status) if status.code() == Code::Unavailable => {
                    self.retried.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(PAUSE).await;
                }
                Err(status) => panic!("a call failed: {status:?}"),
            }
        }
    }
}

/// Registers, and then refreshes, asks who it is, signs in, and writes invoices, until told to stop.
async fn work(channel: Channel, gateway: SocketAddr, writer: &mut Writer, counts: &Counts) -> Tokens {
    let registration = build::registration();
    let registered = harness::register(channel.clone(), registration.clone())
        .await
        .unwrap();
    let mut tokens = registered.tokens.unwrap();
    let mut auth = AuthServiceClient::new(channel.clone());
    let mut round = 0;
    while !counts.stop.load(Ordering::Relaxed) {
        let refresh = RefreshTokenRequest {
            refresh_token: tokens.refresh_token.clone(),
        };
        let refreshed = counts.answer(async || auth.refresh_token(refresh.clone()).await);
        tokens = refreshed.await.into_inner().tokens.unwrap();
        let bearer = Bearer::new(&tokens.access_token);
        let mut signed = AuthServiceClient::with_interceptor(channel.clone(), bearer);
        let me = counts.answer(async || signed.get_me(GetMeRequest {}).await).await;
        assert_eq!(me.into_inner().user, registered.user);
        if round % 10 == 0 {
            let login = LoginRequest {
                email: registration.email.clone(),
                password: registration.password.clone(),
                client_label: String::new(),
                device_token: String::new(),
            };
            counts.answer(async || auth.login(login.clone()).await).await;
        }
        let mut client = invoices(gateway, &tokens.access_token);
        for _ in 0..5 {
            let write = writer.next();
            let invoice = counts.answer(async || write.send(&mut client).await).await;
            writer.answered(&write, invoice);
        }
        round += 1;
    }
    tokens
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replacing_every_replica_under_load_fails_no_call_of_a_client_that_retries() {
    let site = Site::new().await;
    let mut auth = vec![
        site.auth_service(any_port()).await,
        site.auth_service(any_port()).await,
    ];
    let issuer = auth[0].address;
    let mut invoice = vec![
        site.invoice_service(any_port(), issuer).await,
        site.invoice_service(any_port(), issuer).await,
    ];
    let addresses = |of: &[Replica]| [of[0].address, of[1].address];
    let gateway = site.gateway(addresses(&auth), addresses(&invoice)).await;

    let counts = Counts::default();
    let working = join_all((0..CLIENTS).map(async |number| {
        let mut writer = Writer::new(number);
        let tokens = work(lazy(gateway.address), gateway.address, &mut writer, &counts).await;
        (writer, tokens)
    }));
    let replacing = async {
        for _ in 0..2 {
            let address = auth.remove(0).stop().await;
            auth.push(site.auth_service(address).await);
            let address = invoice.remove(0).stop().await;
            invoice.push(site.invoice_service(address, issuer).await);
        }
        counts.stop.store(true, Ordering::Relaxed);
    };
    let (clients, ()) = futures::join!(working, replacing);

    let (answered, retried) = (&counts.answered, &counts.retried);
    println!("{answered:?} calls answered, {retried:?} UNAVAILABLE and repeated");
    assert!(answered.load(Ordering::Relaxed) > CLIENTS * 20);
    for (writer, tokens) in clients {
        let mut client = invoices(gateway.address, &tokens.access_token);
        let writers = [writer];
        assert_exactly_what_was_answered(&mut client, &writers).await;
        assert_old_etags_are_stale(&mut client, &writers).await;
    }
}
