//! invoice-service on MongoDB against the bare driver, in turn, at the same server.

use std::error::Error;
use std::time::Duration;

use crate::bare::{self, Bare, BareCaller};
use crate::deployment::{Deployment, DeploymentOptions, INVOICE_DATABASE, Store};
use crate::drive::{Run, Until, drive};
use crate::load::{Client, Pace, RpcCaller, warm};
use crate::report::{micros_per_call, pool};
use crate::rpc::Rpc;

/// Existing invoices that are read, on either side.
const INVOICES: usize = 1_000;
/// The least that create and get through the service are to reach of the bare driver's rate, in hundredths.
const TARGET: u64 = 80;

/// How the comparison is made.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct MongoOptions {
    /// Calls at a time.
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub(crate) concurrency: usize,
    /// HTTP/2 connections that the calls share.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) connections: usize,
    /// Rounds of each; medians are printed.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Length of a round.
    #[arg(long, value_name = "S", default_value_t = 2)]
    pub(crate) seconds: u64,
    #[command(flatten)]
    pub(crate) deployment: DeploymentOptions,
}

impl Default for MongoOptions {
    fn default() -> Self {
        Self {
            concurrency: 32,
            connections: 4,
            rounds: 5,
            seconds: 2,
            deployment: DeploymentOptions::default(),
        }
    }
}

/// Measures creations and reads, service and bare driver in turn: first with all processes on all cores, then with mongod
/// on cores of its own, as where it has a machine of its own.
pub(crate) async fn measure(options: &MongoOptions) -> Result<(), Box<dyn Error>> {
    let deployment = Deployment::start(Store::Mongodb, &options.deployment).await?;
    let client = Client::register(deployment.auth.address, deployment.invoice.address, INVOICES).await?;
    let url = deployment
        .mongodb_url("bench_bare")
        .ok_or("no MongoDB was started")?;
    let driver = bare::connect(&url).await?;
    let example = client.invoices().first().ok_or("no invoice was made")?;
    let (from, to) = (driver.database(INVOICE_DATABASE), driver.database("bench_bare"));
    let bare = Bare::like(&from, &to, example).await?;
    let existing = bare.fill(INVOICES).await?;
    println!(
        "invoice-service on MongoDB against the bare driver, {} calls at a time, medians of {} rounds of {} s each:",
        options.concurrency, options.rounds, options.seconds
    );
    println!(" all processes on all cores");
    both(&deployment, &client, &bare, &existing, options).await?;
    if deployment.give_mongod_its_own_cores()? {
        println!(" mongod on one half of the cores, all other processes on the other");
        both(&deployment, &client, &bare, &existing, options).await?;
    }
    if let Some(connections) = deployment.invoice_connections().await? {
        println!("  {}", pool(connections));
    }
    deployment.stop().await;
    Ok(())
}

/// Creations, then reads.
async fn both(
    deployment: &Deployment,
    client: &Client,
    bare: &Bare,
    existing: &[String],
    options: &MongoOptions,
) -> Result<(), Box<dyn Error>> {
    let pace = Pace {
        concurrency: options.concurrency,
        connections: options.connections,
        seconds: options.seconds,
        calls: None,
    };
    for (name, bare_callers) in [
        ("CreateInvoice", bare.creators(options.concurrency)),
        ("GetInvoice", bare.readers(options.concurrency, existing.to_vec())),
    ] {
        let rpc = Rpc::named(name)?;
        let requests = client.usual_requests(&rpc)?;
        let callers = client.callers(&rpc, &requests, &pace).await?;
        let figures = compare(deployment, callers, bare_callers, options).await?;
        figures.print(name);
    }
    Ok(())
}

async fn compare(
    deployment: &Deployment,
    mut callers: Vec<RpcCaller>,
    mut bare_callers: Vec<BareCaller>,
    options: &MongoOptions,
) -> Result<Comparison, Box<dyn Error>> {
    let until = Until::Elapsed(Duration::from_secs(options.seconds));
    let mut comparison = Comparison::default();
    warm(&mut callers).await;
    warm(&mut bare_callers).await;
    for _ in 0..options.rounds.max(1) {
        let before = deployment.usage()?;
        let run = drive(&mut callers, until).await;
        let between = deployment.usage()?;
        let bare_run = drive(&mut bare_callers, until).await;
        let after = deployment.usage()?;
        comparison.service.add(&run, &before, &between);
        comparison.bare.add(&bare_run, &between, &after);
    }
    Ok(comparison)
}

type Usages = [(&'static str, crate::usage::Usage)];

/// Both sides of one kind of call.
#[derive(Default)]
struct Comparison {
    service: Side,
    bare: Side,
}

#[derive(Default)]
struct Side {
    rates: Vec<u64>,
    calls: u64,
    errors: u64,
    /// By process.
    cpu: Vec<(&'static str, Duration)>,
    latencies: crate::latencies::Latencies,
}

impl Side {
    fn add(&mut self, run: &Run, before: &Usages, after: &Usages) {
        self.rates.push(run.rate());
        self.calls += run.calls();
        self.errors += run.errors.values().sum::<u64>();
        self.latencies.add(&run.latencies);
        if self.cpu.is_empty() {
            self.cpu = before.iter().map(|(name, _)| (*name, Duration::ZERO)).collect();
        }
        for ((_, cpu), ((_, before), (_, after))) in self.cpu.iter_mut().zip(before.iter().zip(after)) {
            *cpu += after.cpu.saturating_sub(before.cpu);
        }
    }

    fn print(&self, name: &str, side: &str) {
        let rate = median(&self.rates);
        println!(
            "  {name:14} {side:8} {rate:>6} calls/s  {}  ({} errors)",
            self.latencies, self.errors
        );
        let cpu: Vec<_> = self
            .cpu
            .iter()
            .map(|(process, cpu)| (process, micros_per_call(*cpu, self.calls)))
            .filter(|(_, cpu)| *cpu > 0)
            .map(|(process, cpu)| format!("{process} {cpu}"))
            .collect();
        println!("  {:14} {:8} µs CPU/call: {}", "", "", cpu.join(", "));
    }
}

impl Comparison {
    fn print(&self, name: &str) {
        self.service.print(name, "service");
        self.bare.print(name, "bare");
        let ratio = hundredths(median(&self.service.rates), median(&self.bare.rates));
        let verdict = if ratio >= TARGET { "reached" } else { "missed" };
        println!(
            "  {name:14} ratio    0.80 {verdict}: {}.{:02}",
            ratio / 100,
            ratio % 100
        );
    }
}

/// The middle one; of an even number the lower of the two in the middle.
fn median(rates: &[u64]) -> u64 {
    let mut rates = rates.to_vec();
    rates.sort_unstable();
    let middle = rates.len().saturating_sub(1) / 2;
    rates.get(middle).copied().unwrap_or_default()
}

/// `a ÷ b` in hundredths, rounded down.
fn hundredths(a: u64, b: u64) -> u64 {
    a * 100 / b.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::Usage;

    #[test]
    fn the_median_is_not_moved_by_one_disturbed_round() {
        assert_eq!(median(&[100, 3, 101, 99, 102]), 100);
        assert_eq!((median(&[1, 2]), median(&[])), (1, 0));
    }

    #[test]
    fn a_ratio_just_below_the_target_is_not_rounded_up_to_it() {
        assert_eq!(hundredths(7_999, 10_000), 79);
        assert_eq!(hundredths(1, 0), 100);
    }

    #[test]
    fn cpu_time_of_a_side_is_that_of_its_own_rounds() {
        let usage = |millis| {
            let cpu = Duration::from_millis(millis);
            [(
                "mongod",
                Usage {
                    cpu,
                    ..Usage::default()
                },
            )]
        };
        let mut side = Side::default();
        side.add(&Run::default(), &usage(10), &usage(30));
        side.add(&Run::default(), &usage(500), &usage(505));
        assert_eq!(side.cpu, [("mongod", Duration::from_millis(25))]);
    }
}
