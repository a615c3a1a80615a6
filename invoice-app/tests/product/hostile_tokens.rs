//! Hostile access tokens at every door of the real product: both services, and the gateway in front of them.
//!
//! They are signed with the product's own key wherever a signature is not the point, so nothing but the check that a row
//! is about can refuse it.

mod rows;
mod signing_key;

use std::net::SocketAddr;

use futures::StreamExt as _;
use harness::{Bearer, build};
use proto::auth::v1::GetMeRequest;
use proto::auth::v1::ValidateTokenRequest;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::token_service_client::TokenServiceClient;
use proto::invoice::v1::ListInvoicesRequest;
use proto::invoice::v1::invoice_service_client::InvoiceServiceClient;
use rpc_error::Details;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use self::rows::{Row, flipped, rows};
use self::signing_key::SigningKey;
use crate::binary::{Home, Running};

/// Calls at a time; a row that hangs would hold up the others.
const AT_A_TIME: usize = 32;

/// How a call reaches the services.
#[derive(Debug, Clone, Copy)]
enum Way {
    Straight,
    ThroughGateway,
}

/// Where a token is shown.
struct Doors {
    auth: Channel,
    invoice: Channel,
    gateway: Channel,
}

impl Doors {
    async fn of(running: &Running) -> Self {
        let channel = async |address: SocketAddr| harness::channel(address).await;
        Self {
            auth: channel(running.auth).await,
            invoice: channel(running.invoice).await,
            gateway: channel(running.gateway).await,
        }
    }

    /// What a call with these `authorization` values gets from each service, and what each is called.
    async fn outcomes(&self, way: Way, values: &[Vec<u8>]) -> [(&'static str, Result<(), Status>); 2] {
        let (auth, invoice) = match way {
            Way::Straight => (&self.auth, &self.invoice),
            Way::ThroughGateway => (&self.gateway, &self.gateway),
        };
        let mut auth = AuthServiceClient::new(auth.clone());
        let mut invoice = InvoiceServiceClient::new(invoice.clone());
        let me = auth.get_me(carrying(GetMeRequest {}, values)).await;
        let create = carrying(build::create(build::invoice()), values);
        let created = invoice.create_invoice(create).await;
        [
            ("auth-service", me.map(drop)),
            ("invoice-service", created.map(drop)),
        ]
    }
}

fn carrying<T>(message: T, values: &[Vec<u8>]) -> Request<T> {
    let mut request = Request::new(message);
    for value in values {
        let value = MetadataValue::try_from(value.as_slice()).unwrap();
        request.metadata_mut().append("authorization", value);
    }
    request
}

/// The running product, somebody who has registered there, and the product's key.
struct Site {
    home: Home,
    running: Running,
    doors: Doors,
    key: SigningKey,
    real_token: String,
}

impl Site {
    async fn start() -> Self {
        let home = Home::new();
        let running = home.start().await;
        let registered = harness::register(harness::channel(running.auth).await, build::registration()).await;
        let key = SigningKey::of_data(&home.data_dir());
        Self {
            doors: Doors::of(&running).await,
            home,
            running,
            key,
            real_token: registered.unwrap().tokens.unwrap().access_token,
        }
    }

    async fn refuse_all(&self, way: Way, rows: impl IntoIterator<Item = &Row>) {
        let judged = futures::stream::iter(rows).map(async |row| {
            for (service, outcome) in self.doors.outcomes(way, &row.values).await {
                let what = format!("{} at {service}, {way:?}", row.what);
                let status = outcome.err().unwrap_or_else(|| panic!("let in: {what}"));
                let reason = Details::of(&status).reason().to_owned();
                let expected = (Code::Unauthenticated, row.reason);
                assert_eq!((status.code(), reason.as_str()), expected, "{what}");
            }
        });
        judged.buffer_unordered(AT_A_TIME).collect::<()>().await;
    }

    /// No handler was entered: one would have made an invoice.
    async fn assert_nothing_was_done(&self) {
        let bearer = Bearer::new(&self.real_token);
        let mut invoices = InvoiceServiceClient::with_interceptor(self.doors.invoice.clone(), bearer);
        let listed = invoices.list_invoices(ListInvoicesRequest::default()).await;
        assert_eq!(listed.unwrap().into_inner().invoices, []);
        let log = self.home.log();
        assert!(!log.contains("panicked"), "{log}");
    }
}

#[tokio::test]
async fn every_hostile_token_is_refused_at_every_door_and_does_nothing() {
    let site = Site::start().await;
    let rows = rows(&site.key, &site.real_token);
    assert!(rows.len() > 150, "{}", rows.len());
    site.refuse_all(Way::Straight, &rows).await;
    site.refuse_all(Way::ThroughGateway, &rows).await;
    site.assert_nothing_was_done().await;

    // What the rows are made from is let in.
    let resigned = site.key.resigned(&site.real_token);
    for value in [
        format!("Bearer {resigned}"),
        format!("bEARER {resigned}"),
        format!("Bearer {}", site.real_token),
    ] {
        let values = [value.into_bytes()];
        for way in [Way::Straight, Way::ThroughGateway] {
            for (service, outcome) in site.doors.outcomes(way, &values).await {
                assert!(outcome.is_ok(), "{service}, {way:?}: {outcome:?}");
            }
        }
    }
    site.running.kill().await;
}

#[tokio::test]
async fn a_token_with_one_changed_bit_is_refused_at_every_door() {
    let site = Site::start().await;
    let rows = flipped(&site.real_token);
    assert!(rows.len() > 500);
    site.refuse_all(Way::Straight, &rows).await;
    // It passes on what it is given: a part of them shows that.
    site.refuse_all(Way::ThroughGateway, rows.iter().step_by(5)).await;
    site.assert_nothing_was_done().await;
    site.running.kill().await;
}

#[tokio::test]
async fn validate_token_says_of_every_hostile_token_what_the_doors_say() {
    let site = Site::start().await;
    let mut tokens = TokenServiceClient::new(site.doors.auth.clone());
    let mut asked = 0;
    for row in rows(&site.key, &site.real_token) {
        let Some(token) = row.token() else {
            continue;
        };
        let request = ValidateTokenRequest {
            access_token: token,
            audience: String::new(),
        };
        let status = tokens.validate_token(request).await.expect_err(&row.what);
        let reason = Details::of(&status).reason().to_owned();
        assert_eq!(
            (status.code(), reason.as_str()),
            (Code::Unauthenticated, row.reason),
            "{}",
            row.what
        );
        asked += 1;
    }
    assert!(asked > 140, "{asked}");
    site.running.kill().await;
}
