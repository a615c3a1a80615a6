//! Load on any rpc: rate, latency, errors, and what each process used for it.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use harness::Person;
use prost_reflect::prost::Message as _;
use proto::auth::v1::{LoginRequest, RefreshTokenResponse};

use crate::deployment::{Deployment, DeploymentOptions, Store};
use crate::drive::{Caller, Until, drive};
use crate::fill::fill;
use crate::grpc::{self, Connection, Format, Target};
use crate::report::Report;
use crate::requests::{Requests, User, built_in, usual};
use crate::rpc::{Owner, Rpc};

/// Before anything is counted: connections, pools and caches fill.
const WARM_UP: Duration = Duration::from_millis(500);
/// What is sent to nobody in particular carries no access token.
const UNSIGNED: [&str; 5] = ["Register", "Login", "RefreshToken", "ValidateToken", "GetJwks"];
/// Rpcs that hash a password, and how many of them are called at a time when all usual ones are: as many as may wait for
/// one hashing thread. More would be refused at once, again and again.
const HASHING: [&str; 2] = ["Register", "Login"];
const HASHING_AT_A_TIME: usize = 16;
/// Invoices that are there to be deleted, unless a number of calls is given.
const TO_DELETE: usize = 5_000;

/// Which way calls go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Through {
    /// Straight to the service that answers.
    Service,
    /// Through the gateway, as gRPC.
    Gateway,
}

impl fmt::Display for Through {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Service => "at the service",
            Self::Gateway => "through the gateway",
        })
    }
}

/// What is called, how, and where.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LoadOptions {
    /// Rpc to call: Method, Service/Method or package.Service/Method; may be given several times. Unset: all usual ones,
    /// one after the other.
    #[arg(long = "rpc", value_name = "SERVICE/METHOD")]
    pub(crate) rpcs: Vec<String>,
    /// The request in JSON; see bench/README.md for the words in it that stand for values. Unset: a usual one.
    #[arg(long, value_name = "JSON", requires = "rpcs")]
    pub(crate) request: Option<String>,
    /// Which way.
    #[arg(long, value_enum, default_value_t = Through::Service)]
    pub(crate) through: Through,
    #[command(flatten)]
    pub(crate) pace: Pace,
    /// Where the services keep their data.
    #[arg(long, value_enum, default_value_t = Store::Sqlite)]
    pub(crate) store: Store,
    /// Invoices to make beforehand, for rpcs that ask for existing ones.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) invoices: usize,
    /// Address of a gateway that runs already: its product is called, and nothing is started.
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["store", "binaries", "log"])]
    pub(crate) address: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) deployment: DeploymentOptions,
}

/// How much.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Pace {
    /// Calls at a time.
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub(crate) concurrency: usize,
    /// HTTP/2 connections that the calls share.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) connections: usize,
    /// How long each rpc is called.
    #[arg(long, value_name = "S", default_value_t = 5)]
    pub(crate) seconds: u64,
    /// How many times each rpc is called, however long it takes.
    #[arg(long, value_name = "N", conflicts_with = "seconds")]
    pub(crate) calls: Option<u64>,
}

impl Pace {
    fn until(&self) -> Until {
        match self.calls {
            Some(calls) => Until::Calls(calls),
            None => Until::Elapsed(Duration::from_secs(self.seconds)),
        }
    }
}

/// Starts what is to be called, calls it, prints what was seen, and ends it.
pub(crate) async fn measure(options: &LoadOptions) -> Result<(), Box<dyn Error>> {
    let rpcs: Vec<String> = if options.rpcs.is_empty() {
        usual().map(str::to_owned).collect()
    } else {
        options.rpcs.clone()
    };
    let deployment = match options.address {
        Some(_) => None,
        None => Some(Deployment::start(options.store, &options.deployment).await?),
    };
    let (auth, invoice) = match (&deployment, options.address) {
        (Some(deployment), _) => match options.through {
            Through::Service => (deployment.auth.address, deployment.invoice.address),
            Through::Gateway => (deployment.gateway.address, deployment.gateway.address),
        },
        (None, Some(address)) => (address, address),
        (None, None) => return Err("nothing to call".into()),
    };
    let client = Client::register(auth, invoice, options.invoices).await?;
    match &deployment {
        Some(_) => println!(
            "load {}, store {:?}, {}:",
            options.through,
            options.store,
            describe(&options.pace)
        ),
        None => println!("load at {auth}, {}:", describe(&options.pace)),
    }
    for name in rpcs {
        let rpc = Rpc::named(&name)?;
        let mut options = options.clone();
        if options.rpcs.is_empty() && HASHING.contains(&rpc.name()) {
            options.pace.concurrency = options.pace.concurrency.min(HASHING_AT_A_TIME);
        }
        let report = client.measure(&rpc, &options, deployment.as_ref()).await?;
        println!("{report}");
    }
    if let Some(deployment) = deployment {
        deployment.stop().await;
    }
    Ok(())
}

fn describe(pace: &Pace) -> String {
    format!(
        "{} calls at a time on {} connections",
        pace.concurrency, pace.connections
    )
}

/// Somebody who has registered, and has invoices.
pub(crate) struct Client {
    auth: SocketAddr,
    invoice: SocketAddr,
    pub(crate) person: Person,
    user: User,
    invoices: Vec<String>,
}

impl Client {
    /// Registers and makes invoices.
    pub(crate) async fn register(
        auth: SocketAddr,
        invoice: SocketAddr,
        invoices: usize,
    ) -> Result<Self, Box<dyn Error>> {
        let person = Person::try_register(auth, invoice).await?;
        let registered = &person.registered;
        let tokens = registered.tokens.clone().ok_or("registered without tokens")?;
        let email = registered.user.clone().unwrap_or_default().email;
        let password = person.password.clone();
        Ok(Self {
            auth,
            invoice,
            invoices: fill(&person, invoices).await?,
            person,
            user: User {
                email,
                password,
                access_token: tokens.access_token,
                refresh_token: tokens.refresh_token,
            },
        })
    }

    async fn measure(
        &self,
        rpc: &Rpc,
        options: &LoadOptions,
        deployment: Option<&Deployment>,
    ) -> Result<Report, Box<dyn Error>> {
        let requests = self.requests(rpc, options).await?;
        let mut callers = self.callers(rpc, &requests, &options.pace).await?;
        if !requests.is_bounded() {
            warm(&mut callers).await;
        }
        let before = deployment.map(Deployment::usage).transpose()?;
        let run = drive(&mut callers, options.pace.until()).await;
        let after = deployment.map(Deployment::usage).transpose()?;
        let connections = match deployment {
            Some(deployment) => deployment.invoice_connections().await?,
            None => None,
        };
        let usage = before.zip(after);
        Ok(Report::new(
            rpc.name(),
            options.pace.concurrency,
            run,
            usage,
            connections,
        ))
    }

    async fn requests(&self, rpc: &Rpc, options: &LoadOptions) -> Result<Requests, Box<dyn Error>> {
        let json = match &options.request {
            Some(json) => json,
            None => built_in(rpc.name())?,
        };
        let deletes = rpc.name() == "DeleteInvoice";
        let invoices = if deletes {
            let calls = options.pace.calls.map(usize::try_from).transpose()?;
            fill(&self.person, calls.unwrap_or(TO_DELETE)).await?
        } else {
            self.invoices.clone()
        };
        Ok(Requests::new(rpc.input(), json, &self.user, invoices, deletes)?)
    }

    /// Callers of an rpc, spread over the connections.
    pub(crate) async fn callers(
        &self,
        rpc: &Rpc,
        requests: &Requests,
        pace: &Pace,
    ) -> Result<Vec<RpcCaller>, Box<dyn Error>> {
        let address = match rpc.owner() {
            Owner::Auth => self.auth,
            Owner::Invoice => self.invoice,
        };
        self.callers_at(address, Format::Grpc, rpc, requests, pace).await
    }

    /// Callers who go another way.
    pub(crate) async fn callers_at(
        &self,
        address: SocketAddr,
        format: Format,
        rpc: &Rpc,
        requests: &Requests,
        pace: &Pace,
    ) -> Result<Vec<RpcCaller>, Box<dyn Error>> {
        let mut connections = Vec::new();
        for _ in 0..pace.connections.clamp(1, pace.concurrency.max(1)) {
            connections.push(Connection::open(address, format).await?);
        }
        let token = (!UNSIGNED.contains(&rpc.name())).then_some(self.user.access_token.as_str());
        let mut callers = Vec::new();
        for connection in connections.iter().cycle().take(pace.concurrency) {
            callers.push(RpcCaller {
                target: connection.target(&rpc.path(), token)?,
                connection: connection.clone(),
                requests: requests.clone(),
                refresh_token: self.refresh_token(requests).await?,
            });
        }
        Ok(callers)
    }

    /// That of a new session, when the requests need one.
    async fn refresh_token(&self, requests: &Requests) -> Result<String, Box<dyn Error>> {
        if !requests.steps_a_session() {
            return Ok(String::new());
        }
        let login = LoginRequest {
            email: self.user.email.clone(),
            password: self.user.password.clone(),
            client_label: "bench".to_owned(),
            device_token: String::new(),
        };
        let signed_in = self.person.clone().auth.login(login).await?.into_inner();
        Ok(signed_in.tokens.unwrap_or_default().refresh_token)
    }

    /// Requests of one of the usual kinds.
    pub(crate) fn usual_requests(&self, rpc: &Rpc) -> Result<Requests, String> {
        let json = built_in(rpc.name())?;
        Requests::new(rpc.input(), json, &self.user, self.invoices.clone(), false)
    }

    /// Existing invoices.
    pub(crate) fn invoices(&self) -> &[String] {
        &self.invoices
    }
}

/// Calls one rpc.
pub(crate) struct RpcCaller {
    connection: Connection,
    target: Target,
    requests: Requests,
    refresh_token: String,
}

impl Caller for RpcCaller {
    async fn call(&mut self) -> Option<Result<(), &'static str>> {
        let request = self.requests.next(&self.refresh_token)?;
        let answered = self.connection.call(&self.target, &request).await;
        Some(answered.map(|answer| {
            if self.requests.steps_a_session() {
                let answer = RefreshTokenResponse::decode(grpc::message(&answer)).unwrap_or_default();
                self.refresh_token = answer.tokens.unwrap_or_default().refresh_token;
            }
        }))
    }
}

/// Lets callers call for a moment that does not count.
pub(crate) async fn warm<C: Caller>(callers: &mut Vec<C>) {
    drive(callers, Until::Elapsed(WARM_UP)).await;
}
