//! The product encrypted: three services that know each other by certificate, and a gateway for browsers.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use clap::Parser as _;
use grpc_server::{DrainPace, Shutdown};
use harness::certificates::{Authority, IdentityFiles};
use harness::{Bearer, build};
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use proto::auth::v1::GetJwksRequest;
use proto::auth::v1::token_service_client::TokenServiceClient;
use proto::invoice::v1::Invoice;
use proto::invoice::v1::invoice_service_client::InvoiceServiceClient;
use settings::Mistakes;
use telemetry::Metrics;
use tempfile::TempDir;
use tls::{ClientFlags, Connector};
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use crate::grpcurl::grpcurl;

const PATIENCE: Duration = Duration::from_secs(20);

/// Two authorities: one for the machines among themselves, one that browsers trust.
struct Certificates {
    folder: TempDir,
    inside: Authority,
}

impl Certificates {
    fn new() -> Self {
        let certificates = Self {
            folder: tempfile::tempdir().unwrap(),
            inside: Authority::new(),
        };
        certificates.inside.write(certificates.path(), "inside");
        let outside = Authority::new();
        outside.write(certificates.path(), "outside");
        outside
            .issue(&["localhost", "127.0.0.1"])
            .write(certificates.path(), "edge");
        certificates
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, name: &str) -> String {
        self.path().join(name).to_str().unwrap().to_owned()
    }

    /// A certificate of the inside, for a server on this machine and for a client of that name.
    fn machine(&self, name: &str) -> IdentityFiles {
        self.inside.issue(&["localhost", name]).write(self.path(), name)
    }

    /// The flags of a client of that name.
    fn as_client(&self, name: &str) -> Vec<String> {
        self.machine(name);
        vec![
            format!("--tls-ca={}", self.file("inside.pem")),
            format!("--tls-cert={}", self.file(&format!("{name}.crt"))),
            format!("--tls-key={}", self.file(&format!("{name}.key"))),
        ]
    }

    /// The flags of a server of that name which lets `peers` in.
    fn as_server(&self, flag: &str, name: &str, peers: &str) -> Vec<String> {
        self.machine(name);
        vec![
            format!("--{flag}-listen=127.0.0.1:0"),
            format!("--{flag}-tls-cert={}", self.file(&format!("{name}.crt"))),
            format!("--{flag}-tls-key={}", self.file(&format!("{name}.key"))),
            format!("--{flag}-tls-client-ca={}", self.file("inside.pem")),
            format!("--{flag}-tls-peers={peers}"),
        ]
    }

    /// What somebody needs to connect: the authority, and perhaps a certificate.
    fn connector(&self, ca: &str, name: Option<&str>) -> Connector {
        let identity = name.map(|name| self.machine(name));
        let flags = ClientFlags {
            tls_ca: Some(PathBuf::from(self.file(ca))),
            tls_cert: identity.as_ref().map(|files| files.certificate.clone()),
            tls_key: identity.as_ref().map(|files| files.key.clone()),
            ..ClientFlags::default()
        };
        let mut mistakes = Mistakes::new();
        let client = flags.load(&mut mistakes);
        Connector::new(mistakes.unless_any(client).unwrap())
    }
}

/// auth-service, invoice-service and gateway as three processes would run them.
struct Services {
    gateway: SocketAddr,
    auth: SocketAddr,
    shutdown: Shutdown,
    ended: Vec<JoinHandle<()>>,
}

impl Services {
    async fn start(certificates: &Certificates) -> Self {
        let shutdown = Shutdown::manual();
        let folder = certificates.path();
        let auth_flags = certificates.as_server("auth", "auth-service", "gateway,invoice-service");
        let mut auth = auth_service::Command::parse_from(with_name(auth_flags)).into_config(Metrics::new());
        auth.hashing.deadline = Duration::from_mins(1);
        let auth = auth_service::App::build(auth, folder).await.unwrap();
        let auth_address = auth.local_addr();

        let auth_url = format!("--auth-url=https://localhost:{}", auth_address.port());
        let mut invoice = certificates.as_server("invoice", "invoice-service", "gateway");
        invoice.extend(certificates.as_client("invoice-service"));
        invoice.push(auth_url.clone());
        let invoice = invoice_service::Command::parse_from(with_name(invoice)).into_config(Metrics::new());
        let invoice = invoice_service::App::build(invoice, folder).await.unwrap();

        let mut gateway = certificates.as_client("gateway");
        gateway.push(auth_url);
        gateway.push(format!(
            "--invoice-url=https://localhost:{}",
            invoice.local_addr().port()
        ));
        gateway.push("--gateway-listen=127.0.0.1:0".to_owned());
        gateway.push(format!("--gateway-tls-cert={}", certificates.file("edge.crt")));
        gateway.push(format!("--gateway-tls-key={}", certificates.file("edge.key")));
        let gateway = gateway::Config::parse_from(with_name(gateway));
        let gateway = gateway::App::build(gateway).await.unwrap();
        let gateway_address = gateway.local_addr();

        let auth = tokio::spawn(auth.run(shutdown.clone()));
        let keys = async {
            while !invoice.has_keys() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, keys)
            .await
            .unwrap_or_else(|_| panic!("invoice-service got no keys from auth-service"));
        let invoice = tokio::spawn(invoice.run(shutdown.clone()));
        let gateway = tokio::spawn(gateway.run(shutdown.clone()));
        Self {
            gateway: gateway_address,
            auth: auth_address,
            shutdown,
            ended: vec![auth, invoice, gateway],
        }
    }

    async fn stop(self) {
        self.shutdown.begin(DrainPace::INTERACTIVE);
        for service in self.ended {
            service.await.unwrap();
        }
    }
}

fn with_name(flags: Vec<String>) -> impl Iterator<Item = String> {
    std::iter::once("command".to_owned()).chain(flags)
}

async fn channel(address: SocketAddr, connector: Connector) -> Result<Channel, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(format!("https://localhost:{}", address.port())).unwrap();
    endpoint.connect_with_connector(connector).await
}

/// Registers somebody and creates an invoice.
async fn register_and_create(gateway: Channel) -> Result<Invoice, Status> {
    let ann = harness::register(gateway.clone(), build::registration()).await?;
    let bearer = Bearer::new(&ann.tokens.unwrap_or_default().access_token);
    let mut invoices = InvoiceServiceClient::with_interceptor(gateway, bearer);
    let created = invoices.create_invoice(build::create(build::invoice())).await?;
    Ok(created.into_inner())
}

#[tokio::test]
async fn an_invoice_is_created_through_three_services_that_know_each_other_by_certificate() {
    let certificates = Certificates::new();
    let services = Services::start(&certificates).await;
    let gateway = channel(services.gateway, certificates.connector("outside.pem", None)).await;
    let created = register_and_create(gateway.unwrap()).await.unwrap();
    assert_eq!(created.totals.unwrap().gross_minor, 23_800);
    services.stop().await;
}

#[tokio::test]
async fn nobody_but_the_listed_reaches_a_service_and_nobody_without_tls_the_gateway() {
    let certificates = Certificates::new();
    let services = Services::start(&certificates).await;
    for (ca, name, gets_in) in [
        ("inside.pem", Some("gateway"), true),
        ("inside.pem", Some("stranger"), false),
        ("inside.pem", None, false),
        ("outside.pem", Some("gateway"), false),
    ] {
        let connector = certificates.connector(ca, name);
        // With TLS 1.3 a refusal may come only with the first answer.
        let answer = async {
            let channel = channel(services.auth, connector).await.ok()?;
            TokenServiceClient::new(channel)
                .get_jwks(GetJwksRequest {})
                .await
                .ok()
        };
        assert_eq!(answer.await.is_some(), gets_in, "{ca} {name:?}");
    }
    let plain = Endpoint::from_shared(format!("http://{}", services.gateway)).unwrap();
    let plain = plain.connect_lazy();
    let status = harness::register(plain, build::registration()).await.unwrap_err();
    assert!(
        matches!(status.code(), Code::Unavailable | Code::Unknown),
        "{status}"
    );
    services.stop().await;
}

#[tokio::test]
async fn grpcurl_and_a_reader_of_the_token_keys_trust_the_gateways_certificate() {
    let certificates = Certificates::new();
    let services = Services::start(&certificates).await;
    let address = format!("localhost:{}", services.gateway.port());
    let ca = certificates.file("outside.pem");
    let listed = grpcurl(&["-cacert", &ca, &address, "list"]).await;
    assert!(
        listed.succeeded && listed.out.contains("invoiceapp.invoice.v1.InvoiceService"),
        "{listed:?}"
    );
    let registration =
        r#"{"email": "ann@example.com", "password": "tulip harbour violin", "display_name": "Ann"}"#;
    let method = "invoiceapp.auth.v1.AuthService/Register";
    let registered = grpcurl(&["-cacert", &ca, "-d", registration, &address, method])
        .await
        .answer();
    assert_eq!(registered["user"]["email"], "ann@example.com");
    let untrusted = grpcurl(&[&address, "list"]).await;
    untrusted.fails_with(&["certificate"]);
    let plain = grpcurl(&["-plaintext", "-connect-timeout", "2", &address, "list"]).await;
    assert!(!plain.succeeded, "{plain:?}");

    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build::<_, Empty<Bytes>>(certificates.connector("outside.pem", None));
    let keys = format!("https://{address}/.well-known/jwks.json");
    let answer = client
        .request(Request::get(keys).body(Empty::new()).unwrap())
        .await
        .unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let keys: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(keys["keys"][0]["alg"], "EdDSA");
    services.stop().await;
}

#[tokio::test]
async fn the_product_in_one_process_speaks_tls_to_browsers_and_plaintext_to_itself() {
    let certificates = Certificates::new();
    let flags = [
        format!("--gateway-tls-cert={}", certificates.file("edge.crt")),
        format!("--gateway-tls-key={}", certificates.file("edge.key")),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let product = harness::RunningProduct::start_with(&flags).await;
    let addresses = product.addresses();
    assert!(addresses.encrypted.gateway && !addresses.encrypted.auth);
    let connector = certificates.connector("outside.pem", None);
    let gateway = channel(addresses.gateway, connector).await.unwrap();
    register_and_create(gateway).await.unwrap();
    product.stop().await;
}

#[tokio::test]
async fn the_product_in_one_process_can_encrypt_what_it_says_to_itself_too() {
    let certificates = Certificates::new();
    let mut flags = certificates.as_client("product");
    for service in ["auth", "invoice"] {
        // In one process the services are called by their address.
        let name = format!("{service}-server");
        certificates
            .inside
            .issue(&["127.0.0.1"])
            .write(certificates.path(), &name);
        flags.extend([
            format!(
                "--{service}-tls-cert={}",
                certificates.file(&format!("{name}.crt"))
            ),
            format!(
                "--{service}-tls-key={}",
                certificates.file(&format!("{name}.key"))
            ),
            format!("--{service}-tls-client-ca={}", certificates.file("inside.pem")),
            format!("--{service}-tls-peers=product"),
        ]);
    }
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let product = harness::RunningProduct::start_with(&flags).await;
    let gateway = harness::channel(product.addresses().gateway).await;
    register_and_create(gateway).await.unwrap();
    product.stop().await;
}
