//! Sessions that end at auth-service, as another process feels it.

mod processes;
mod proxy;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use harness::mongo::ReplicaSet;
use harness::{Bearer, build};
use invoice_service::WhenStale;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{LoginRequest, LogoutRequest, Tokens};
use proto::invoice::v1::ListInvoicesRequest;
use proto::invoice::v1::invoice_service_client::InvoiceServiceClient;
use rpc_error::Details;
use tempfile::TempDir;
use tonic::Code;
use tonic::transport::Channel;

use self::processes::{Process, Store};
use self::proxy::Proxy;

/// Sessions that are ended one after another.
const RUNS: usize = 60;
/// Between the answer to Logout and the first refusal: what a busy machine with a debug build is allowed. The figure
/// that is meant, of a quiet one, is printed.
const FELT_WITHIN: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(30);

/// auth-service as somebody with an account meets it.
struct Account {
    auth: AuthServiceClient<Channel>,
    email: String,
    password: String,
}

impl Account {
    async fn register(auth: SocketAddr) -> Self {
        let request = build::registration();
        let (email, password) = (request.email.clone(), request.password.clone());
        let channel = harness::channel(auth).await;
        harness::register(channel.clone(), request).await.unwrap();
        Self {
            auth: AuthServiceClient::new(channel),
            email,
            password,
        }
    }

    async fn sign_in(&mut self) -> Tokens {
        let request = LoginRequest {
            email: self.email.clone(),
            password: self.password.clone(),
            ..LoginRequest::default()
        };
        self.auth
            .login(request)
            .await
            .unwrap()
            .into_inner()
            .tokens
            .unwrap()
    }

    async fn sign_out(&mut self, tokens: &Tokens) {
        sign_out(&mut self.auth, tokens).await;
    }
}

async fn sign_out(auth: &mut AuthServiceClient<Channel>, tokens: &Tokens) {
    let request = LogoutRequest {
        refresh_token: tokens.refresh_token.clone(),
    };
    auth.logout(request).await.unwrap();
}

/// invoice-service as somebody with a token meets it.
struct Invoices(Channel);

impl Invoices {
    async fn at(address: SocketAddr) -> Self {
        Self(harness::channel(address).await)
    }

    /// The reason of the refusal; empty when the token is accepted.
    async fn outcome(&self, tokens: &Tokens) -> String {
        let bearer = Bearer::new(&tokens.access_token);
        let mut client = InvoiceServiceClient::with_interceptor(self.0.clone(), bearer);
        match client.list_invoices(ListInvoicesRequest::default()).await {
            Ok(_) => String::new(),
            Err(status) => Details::of(&status).reason().to_owned(),
        }
    }

    /// Waits until the token is refused as revoked.
    async fn until_refused(&self, tokens: &Tokens) {
        let refused = async {
            loop {
                match self.outcome(tokens).await.as_str() {
                    "" => tokio::time::sleep(Duration::from_millis(1)).await,
                    "TOKEN_REVOKED" => return,
                    other => panic!("{other}"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, refused).await.unwrap();
    }
}

/// From the answer to each Logout to the first refusal.
async fn measured(
    account: &mut Account,
    at: &mut AuthServiceClient<Channel>,
    invoices: &Invoices,
) -> Vec<Duration> {
    let mut felt = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let tokens = account.sign_in().await;
        assert_eq!(invoices.outcome(&tokens).await, "");
        sign_out(at, &tokens).await;
        let answered = Instant::now();
        invoices.until_refused(&tokens).await;
        felt.push(answered.elapsed());
    }
    felt.sort_unstable();
    felt
}

#[expect(clippy::print_stdout, reason = "the figure that docs/adr/0012 gives")]
fn assert_felt(what: &str, felt: &[Duration]) {
    let (median, p99, longest) = (felt[RUNS / 2], felt[RUNS * 99 / 100 - 1], felt[RUNS - 1]);
    println!("{what}: {RUNS} sign-outs felt after {median:?} (median), {p99:?} (p99), {longest:?} (longest)");
    assert!(longest < FELT_WITHIN, "{felt:?}");
}

#[tokio::test]
async fn a_sign_out_is_felt_in_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let auth = Process::auth_service(&Store::in_folder(&folder), None).await;
    let invoice = Process::invoice_service(&Store::in_folder(&folder), auth.address, WhenStale::Allow).await;
    let mut account = Account::register(auth.address).await;
    let mut at = account.auth.clone();
    let felt = measured(&mut account, &mut at, &Invoices::at(invoice.address).await).await;
    assert_felt("SQLite, one auth-service", &felt);
}

#[tokio::test]
async fn a_sign_out_at_one_auth_service_is_felt_by_who_listens_to_another() {
    let (set, folder) = (ReplicaSet::start().await, tempfile::tempdir().unwrap());
    let store = Store::in_mongodb(&folder, &set);
    let one = Process::auth_service(&store, None).await;
    let other = Process::auth_service(&store, None).await;
    let invoice = Process::invoice_service(&store, other.address, WhenStale::Allow).await;
    let mut account = Account::register(one.address).await;
    let mut at = account.auth.clone();
    let felt = measured(&mut account, &mut at, &Invoices::at(invoice.address).await).await;
    assert_felt("MongoDB, two auth-services", &felt);
}

/// auth-service, a proxy in front of it, and an invoice-service that hears auth-service only through the proxy.
struct Site {
    folder: TempDir,
    auth: Process,
    proxy: Proxy,
    _invoice: Process,
    invoices: Invoices,
    account: Account,
    /// Whose tokens were refused once.
    ended: Vec<Tokens>,
}

impl Site {
    async fn start(when_stale: WhenStale) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let auth = Process::auth_service(&Store::in_folder(&folder), None).await;
        let proxy = Proxy::to(auth.address).await;
        let invoice = Process::invoice_service(&Store::in_folder(&folder), proxy.address, when_stale).await;
        Self {
            invoices: Invoices::at(invoice.address).await,
            account: Account::register(auth.address).await,
            folder,
            auth,
            proxy,
            _invoice: invoice,
            ended: Vec::new(),
        }
    }

    /// Waits until a session that was ended is refused, and keeps an eye on it from then on.
    async fn feels(&mut self, tokens: Tokens) {
        self.invoices.until_refused(&tokens).await;
        self.ended.push(tokens);
    }

    async fn assert_nothing_was_revived(&self) {
        for tokens in &self.ended {
            assert_eq!(self.invoices.outcome(tokens).await, "TOKEN_REVOKED");
        }
    }
}

#[tokio::test]
async fn a_feed_that_is_cut_again_and_again_misses_nothing_and_revives_nothing() {
    let mut site = Site::start(WhenStale::Allow).await;
    for _ in 0..10 {
        let tokens = [site.account.sign_in().await, site.account.sign_in().await];
        for tokens in &tokens {
            assert_eq!(site.invoices.outcome(tokens).await, "");
        }
        site.proxy.refuse();
        let [during, after] = tokens;
        site.account.sign_out(&during).await;
        site.assert_nothing_was_revived().await;
        site.proxy.pass();
        site.feels(during).await;
        site.account.sign_out(&after).await;
        site.proxy.cut();
        site.feels(after).await;
        site.assert_nothing_was_revived().await;
    }
}

#[tokio::test]
async fn a_feed_that_stalls_is_opened_again_and_what_came_late_changes_nothing() {
    let mut site = Site::start(WhenStale::Allow).await;
    let early = site.account.sign_in().await;
    let late = site.account.sign_in().await;
    site.account.sign_out(&early).await;
    site.feels(early).await;
    site.proxy.stall();
    site.account.sign_out(&late).await;
    site.assert_nothing_was_revived().await;
    // The connection that hangs is noticed and given up; the next one is let through.
    site.proxy.pass_new_connections();
    site.feels(late).await;
    // What the old one still held arrives now.
    site.proxy.pass();
    site.assert_nothing_was_revived().await;
}

#[tokio::test]
async fn an_auth_service_that_is_killed_and_started_again_revives_nothing() {
    let mut site = Site::start(WhenStale::Allow).await;
    let valid = site.account.sign_in().await;
    for _ in 0..3 {
        let ended = site.account.sign_in().await;
        site.account.sign_out(&ended).await;
        let address = site.auth.address;
        site.auth.kill().await;
        // Also what ended just before the process did.
        site.auth = Process::auth_service(&Store::in_folder(&site.folder), Some(address)).await;
        site.account.auth = AuthServiceClient::new(harness::channel(address).await);
        site.feels(ended).await;
        site.assert_nothing_was_revived().await;
        assert_eq!(site.invoices.outcome(&valid).await, "");
    }
}

#[tokio::test]
async fn changes_are_held_back_while_auth_service_is_not_heard_where_that_is_asked_for() {
    let mut site = Site::start(WhenStale::Refuse).await;
    let tokens = site.account.sign_in().await;
    let create = async || {
        let bearer = Bearer::new(&tokens.access_token);
        let mut client = InvoiceServiceClient::with_interceptor(site.invoices.0.clone(), bearer);
        let created = client.create_invoice(build::create(build::invoice())).await;
        created.map_err(|status| (status.code(), Details::of(&status).retry_delay().is_some()))
    };
    create().await.unwrap();
    site.proxy.refuse();
    let refused = async {
        loop {
            if let Err(refused) = create().await {
                return refused;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let refused = tokio::time::timeout(PATIENCE, refused).await.unwrap();
    assert_eq!(refused, (Code::Unavailable, true));
    assert_eq!(site.invoices.outcome(&tokens).await, "", "reads go on");
    site.proxy.pass();
    let accepted = async {
        while create().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, accepted).await.unwrap();
}
