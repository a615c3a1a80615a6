//! Signing in: whether failures take the same time whoever they name, how near the rate is to that of the bare hash, and what a
//! flood does to everybody else.

use std::error::Error;
use std::hint::black_box;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use harness::build;
use prost_reflect::prost::Message as _;
use proto::auth::v1::LoginRequest;
use uuid::Uuid;

use crate::deployment::{Deployment, DeploymentOptions, Store};
use crate::drive::{Caller, Until, drive};
use crate::figures::{Figures, ratio};
use crate::flood;
use crate::grpc::{Connection, Format, Target};

pub(crate) const LOGIN: &str = "/invoiceapp.auth.v1.AuthService/Login";
/// A failure of each account and one of as many addresses that nobody has: an account waits after a second one.
const ACCOUNTS: usize = 200;
/// At a time: enough to keep every hashing thread busy, few enough to be let in.
const AT_A_TIME: usize = 8;
const SECONDS: Duration = Duration::from_secs(5);

/// What is measured with, and how many.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SignInOptions {
    /// Sign-ins at a time in the flood.
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub(crate) flood: usize,
    #[command(flatten)]
    pub(crate) deployment: DeploymentOptions,
}

/// Measures all of it at services of its own.
pub(crate) async fn measure(options: &SignInOptions) -> Result<(), Box<dyn Error>> {
    let deployment = Deployment::start(Store::Sqlite, &options.deployment).await?;
    let auth = deployment.auth.address;
    let accounts = register(auth).await?;
    alike(auth, &accounts).await?;
    rate(auth, &accounts).await?;
    flood::measure(&deployment, options.flood).await?;
    deployment.stop().await;
    Ok(())
}

/// The e-mail addresses of new accounts.
async fn register(auth: SocketAddr) -> Result<Vec<String>, Box<dyn Error>> {
    let channel = harness::channel(auth).await;
    let mut accounts = Vec::new();
    for _ in 0..ACCOUNTS {
        let request = build::registration();
        accounts.push(request.email.clone());
        harness::register(channel.clone(), request).await?;
    }
    Ok(accounts)
}

/// A sign-in as bytes.
pub(crate) fn sign_in(email: &str, password: &str) -> Vec<u8> {
    let request = LoginRequest {
        email: email.to_owned(),
        password: password.to_owned(),
        client_label: "bench".to_owned(),
        device_token: String::new(),
    };
    request.encode_to_vec()
}

/// An address that nobody has.
pub(crate) fn unknown() -> String {
    format!("{}@example.com", Uuid::new_v4().simple())
}

/// Failures with known and with unknown addresses in turn.
async fn alike(auth: SocketAddr, accounts: &[String]) -> Result<(), Box<dyn Error>> {
    let mut connection = Connection::open(auth, Format::Grpc).await?;
    let target = connection.target(LOGIN, None)?;
    let (mut known, mut nobody) = (Figures::default(), Figures::default());
    for email in accounts {
        for (figures, email) in [(&mut known, email.clone()), (&mut nobody, unknown())] {
            let began = Instant::now();
            let answer = connection
                .call(&target, &sign_in(&email, "another quiet heron"))
                .await;
            figures.add(began.elapsed());
            if answer != Err("UNAUTHENTICATED") {
                return Err(format!("{answer:?} instead of a failure").into());
            }
        }
    }
    let (known, nobody) = (known.percentile(50), nobody.percentile(50));
    println!("failed sign-ins, {ACCOUNTS} of each kind in turn:");
    println!("  known address: median {known:?}, unknown address: median {nobody:?}");
    println!("  known ÷ unknown: {}", ratio(known, nobody));
    Ok(())
}

/// Signs in with one account after the other.
struct SignIns {
    connection: Connection,
    target: Target,
    requests: Vec<Vec<u8>>,
    next: usize,
}

impl Caller for SignIns {
    async fn call(&mut self) -> Option<Result<(), &'static str>> {
        let request = self.requests.get(self.next % self.requests.len())?;
        self.next += 1;
        Some(self.connection.call(&self.target, request).await.map(drop))
    }
}

/// Sign-ins per second against hashes per second, by as many threads as hash in the service.
async fn rate(auth: SocketAddr, accounts: &[String]) -> Result<(), Box<dyn Error>> {
    let threads = thread::available_parallelism()?.get().saturating_sub(1).max(1);
    let password = build::registration().password;
    let mut callers = Vec::new();
    for part in accounts.chunks(accounts.len() / AT_A_TIME) {
        let connection = Connection::open(auth, Format::Grpc).await?;
        callers.push(SignIns {
            target: connection.target(LOGIN, None)?,
            connection,
            requests: part.iter().map(|email| sign_in(email, &password)).collect(),
            next: 0,
        });
    }
    // Before and after, since the machine may have others on it.
    let before = tokio::task::block_in_place(|| bare_hashes(threads))?;
    let run = drive(&mut callers, Until::Elapsed(SECONDS)).await;
    let after = tokio::task::block_in_place(|| bare_hashes(threads))?;
    let bare = u64::midpoint(before, after).max(1);
    println!(
        "sign-ins, {AT_A_TIME} at a time: {}/s, {}",
        run.rate(),
        run.latencies
    );
    if !run.errors.is_empty() {
        println!("  errors: {:?}", run.errors);
    }
    println!("  bare hashes on {threads} threads: {before}/s before, {after}/s after");
    println!(
        "  sign-ins ÷ bare hashes: {}.{:02}",
        run.rate() / bare,
        run.rate() * 100 / bare % 100
    );
    Ok(())
}

/// Hashes per second with the parameters of auth-service, each thread in memory that it keeps.
fn bare_hashes(threads: usize) -> Result<u64, Box<dyn Error>> {
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
    let end = Instant::now() + SECONDS;
    let hash = || {
        let mut memory = vec![Block::default(); Params::DEFAULT.block_count()];
        let (mut hashes, mut output) = (0_u64, [0; 32]);
        while Instant::now() < end {
            let hashed = hasher.hash_password_into_with_memory(
                b"seven quiet herons cross",
                &hashes.to_be_bytes().repeat(2),
                &mut output,
                &mut memory,
            );
            hashed.map_err(|error| error.to_string())?;
            black_box(&output);
            hashes += 1;
        }
        Ok::<_, String>(hashes)
    };
    let hashes = thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(hash)).collect();
        let joined = started.into_iter().map(thread::ScopedJoinHandle::join);
        joined
            .map(|hashes| hashes.unwrap_or_else(|_| Err("a thread panicked".to_owned())))
            .sum::<Result<u64, _>>()
    })?;
    Ok(hashes / SECONDS.as_secs())
}
