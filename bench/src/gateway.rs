//! What the gateway costs a browser's call, against Envoy with its grpc_web filter in front of the same service.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::deployment::{Deployment, DeploymentOptions, Store};
use crate::drive::{Until, drive};
use crate::envoy::{self, Envoy, Log};
use crate::grpc::Format;
use crate::latencies::Latencies;
use crate::load::{Client, Pace, RpcCaller, warm};
use crate::report::micros_per_call;
use crate::rpc::Rpc;
use crate::usage::Usage;

const RPCS: [&str; 2] = ["GetInvoice", "CreateInvoice"];
/// Invoices to ask for.
const INVOICES: usize = 1_000;

/// How much, and which Envoy.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct GatewayOptions {
    /// How often each has its turn with each rpc. Turns alternate, so that all meet the same machine.
    #[arg(long, value_name = "N", default_value_t = 4)]
    rounds: u32,
    /// How long a turn takes.
    #[arg(long, value_name = "S", default_value_t = 3)]
    seconds: u64,
    /// Calls at a time, on four connections.
    #[arg(long, value_name = "N", default_value_t = 32)]
    concurrency: usize,
    /// Worker threads of Envoy. Unset: as many as there are cores, as our gateway has them.
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Envoy 1.40. Unset: that of `scripts/provision envoy`, which is asked for it.
    #[arg(long, value_name = "FILE")]
    envoy: Option<PathBuf>,
    #[command(flatten)]
    deployment: DeploymentOptions,
}

/// One of those that are compared.
struct Proxy {
    name: &'static str,
    address: SocketAddr,
    pid: u32,
}

/// What all turns of one proxy with one rpc showed.
#[derive(Default)]
struct Seen {
    took: Duration,
    cpu: Duration,
    latencies: Latencies,
    errors: u64,
}

/// Measures all and prints figures with their ratios.
pub(crate) async fn measure(options: &GatewayOptions) -> Result<(), Box<dyn Error>> {
    let binary = match &options.envoy {
        Some(binary) => binary.clone(),
        None => envoy::provisioned()?,
    };
    let workers = match options.workers {
        Some(workers) => workers,
        None => thread::available_parallelism()?.get(),
    };
    let deployment = Deployment::start(Store::Sqlite, &options.deployment).await?;
    let service = deployment.invoice.address;
    let silent = Envoy::start(&binary, service, workers, Log::None).await?;
    let logging = Envoy::start(&binary, service, workers, Log::Json).await?;
    let proxies = [
        Proxy {
            name: "gateway",
            address: deployment.gateway.address,
            pid: deployment.gateway.pid(),
        },
        Proxy {
            name: "Envoy",
            address: silent.address,
            pid: silent.pid(),
        },
        Proxy {
            name: "Envoy, log",
            address: logging.address,
            pid: logging.pid(),
        },
    ];
    let client = Client::register(deployment.auth.address, deployment.invoice.address, INVOICES).await?;
    println!(
        "gRPC-Web through the gateway and through Envoy with {workers} workers, {} turns of {} s each, {} at a time:",
        options.rounds, options.seconds, options.concurrency
    );
    for name in RPCS {
        let seen = compare(&client, &Rpc::named(name)?, &proxies, options).await?;
        print(name, &proxies, &seen);
    }
    drop((silent, logging));
    deployment.stop().await;
    Ok(())
}

/// Lets all have their turns with one rpc.
async fn compare(
    client: &Client,
    rpc: &Rpc,
    proxies: &[Proxy; 3],
    options: &GatewayOptions,
) -> Result<[Seen; 3], Box<dyn Error>> {
    let pace = Pace {
        concurrency: options.concurrency,
        connections: 4,
        seconds: options.seconds,
        calls: None,
    };
    let requests = client.usual_requests(rpc)?;
    let mut callers = Vec::new();
    for proxy in proxies {
        let mut of_one = client
            .callers_at(proxy.address, Format::GrpcWeb, rpc, &requests, &pace)
            .await?;
        warm(&mut of_one).await;
        callers.push(of_one);
    }
    let mut seen = [(); 3].map(|()| Seen::default());
    for _ in 0..options.rounds {
        for ((proxy, callers), seen) in proxies.iter().zip(&mut callers).zip(&mut seen) {
            seen.turn(proxy, callers, Duration::from_secs(options.seconds))
                .await?;
        }
    }
    Ok(seen)
}

impl Seen {
    async fn turn(
        &mut self,
        proxy: &Proxy,
        callers: &mut Vec<RpcCaller>,
        time: Duration,
    ) -> Result<(), Box<dyn Error>> {
        let before = Usage::of(proxy.pid)?;
        let run = drive(callers, Until::Elapsed(time)).await;
        self.cpu += Usage::of(proxy.pid)?.cpu.saturating_sub(before.cpu);
        self.took += run.took;
        self.errors += run.errors.values().sum::<u64>();
        self.latencies.add(&run.latencies);
        Ok(())
    }

    fn rate(&self) -> u128 {
        u128::from(self.latencies.count()) * 1_000_000_000 / self.took.as_nanos().max(1)
    }

    fn micros_per_call(&self) -> u128 {
        micros_per_call(self.cpu, self.latencies.count())
    }
}

fn print(rpc: &str, proxies: &[Proxy; 3], seen: &[Seen; 3]) {
    for (Proxy { name, .. }, seen) in proxies.iter().zip(seen) {
        let (rate, cpu) = (seen.rate(), seen.micros_per_call());
        let (latencies, errors) = (&seen.latencies, seen.errors);
        println!(
            "  {rpc:13} {name:10} {rate:>6} calls/s  {latencies}  {cpu:>4} µs CPU/call  errors: {errors}"
        );
    }
    let [gateway, others @ ..] = seen;
    for (Proxy { name, .. }, other) in proxies.iter().skip(1).zip(others) {
        println!(
            "  {rpc:13} gateway ÷ {name}: CPU per call {}, rate {}",
            hundredths(gateway.micros_per_call(), other.micros_per_call()),
            hundredths(gateway.rate(), other.rate()),
        );
    }
}

/// `a ÷ b` with two decimals.
fn hundredths(a: u128, b: u128) -> String {
    let hundredths = a * 100 / b.max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_has_two_decimals_and_nothing_is_divided_by_zero() {
        assert_eq!(hundredths(63, 90), "0.70");
        assert_eq!(hundredths(105, 100), "1.05");
        assert_eq!(hundredths(1, 0), "1.00");
    }

    #[test]
    fn cpu_time_is_per_call_that_succeeded() {
        let mut seen = Seen {
            took: Duration::from_secs(2),
            cpu: Duration::from_millis(90),
            ..Seen::default()
        };
        for _ in 0..1_000 {
            seen.latencies.record(Duration::from_millis(1));
        }
        assert_eq!((seen.rate(), seen.micros_per_call()), (500, 90));
    }
}
