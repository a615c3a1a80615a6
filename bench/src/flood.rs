//! Many sign-ins at once with addresses that nobody has, and what GetInvoice takes meanwhile.

use std::error::Error;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::deployment::Deployment;
use crate::drive::{Until, drive};
use crate::figures::ratio;
use crate::grpc::{Connection, Format, Refusal, Target};
use crate::latencies::Latencies;
use crate::load::{Client, Pace};
use crate::rpc::Rpc;
use crate::sign_in::{LOGIN, sign_in, unknown};
use crate::usage::Usage;

/// How long each part of the comparison takes, and how often both are measured in turn.
const SECONDS: u64 = 5;
const ROUNDS: usize = 3;
/// Each takes 128 calls at a time.
const CONNECTIONS: usize = 8;
const INVOICES: usize = 100;

/// What those of the flood saw.
#[derive(Debug, Default)]
struct Seen {
    tried: Latencies,
    refused: Latencies,
    other: u64,
}

impl Seen {
    fn add(&mut self, other: &Self) {
        self.tried.add(&other.tried);
        self.refused.add(&other.refused);
        self.other += other.other;
    }
}

/// Floods the services of `deployment` with so many sign-ins at a time.
pub(crate) async fn measure(deployment: &Deployment, at_a_time: usize) -> Result<(), Box<dyn Error>> {
    let client = Client::register(deployment.auth.address, deployment.invoice.address, INVOICES).await?;
    let rpc = Rpc::named("GetInvoice")?;
    let requests = client.usual_requests(&rpc)?;
    let pace = Pace {
        concurrency: 2,
        connections: 2,
        seconds: SECONDS,
        calls: None,
    };
    let mut callers = client.callers(&rpc, &requests, &pace).await?;
    let elapsed = Until::Elapsed(Duration::from_secs(SECONDS));
    drive(&mut callers, Until::Calls(1_000)).await;
    let (mut quiet, mut flooded, mut seen) = (Latencies::default(), Latencies::default(), Seen::default());
    for _ in 0..ROUNDS {
        quiet.add(&drive(&mut callers, elapsed).await.latencies);
        let flood = start(deployment, at_a_time).await?;
        flooded.add(&drive(&mut callers, elapsed).await.latencies);
        for part in flood.join_all().await {
            seen.add(&part);
        }
    }
    println!(
        "a flood of {at_a_time} sign-ins at a time, each again after its RetryInfo, {ROUNDS} times {SECONDS} s:"
    );
    println!("  refused: {}, {}", seen.refused.count(), seen.refused);
    println!(
        "  tried: {}, {}; other answers: {}",
        seen.tried.count(),
        seen.tried,
        seen.other
    );
    println!("  GetInvoice when quiet: {quiet}; meanwhile: {flooded}");
    println!("  p99 meanwhile ÷ quiet: {}", ratio(flooded.p99(), quiet.p99()));
    for (name, usage) in deployment.usage()? {
        let Usage {
            resident_kib,
            most_resident_kib,
            ..
        } = usage;
        println!(
            "  {name}: resident {} MB, at most {} MB",
            resident_kib / 1_000,
            most_resident_kib / 1_000
        );
    }
    Ok(())
}

/// Everybody signs in at the same time.
async fn start(deployment: &Deployment, at_a_time: usize) -> Result<JoinSet<Seen>, Box<dyn Error>> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(deployment.auth.address, Format::Grpc).await?);
    }
    let end = Instant::now() + Duration::from_secs(SECONDS);
    let mut flood = JoinSet::new();
    for connection in connections.iter().cycle().take(at_a_time) {
        let target = connection.target(LOGIN, None)?;
        flood.spawn(go_on(connection.clone(), target, end));
    }
    Ok(flood)
}

async fn go_on(mut connection: Connection, target: Target, end: Instant) -> Seen {
    let mut seen = Seen::default();
    while Instant::now() < end {
        let request = sign_in(&unknown(), "another quiet heron");
        let began = Instant::now();
        match connection.call_or_refusal(&target, &request).await {
            Err(Refusal {
                code: "RESOURCE_EXHAUSTED",
                retry_delay: Some(delay),
            }) => {
                seen.refused.record(began.elapsed());
                sleep(delay).await;
            }
            Err(Refusal {
                code: "UNAUTHENTICATED",
                ..
            }) => seen.tried.record(began.elapsed()),
            Ok(_) | Err(_) => seen.other += 1,
        }
    }
    seen
}
