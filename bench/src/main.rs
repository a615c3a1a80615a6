//! Measures the product. See the README.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod bare;
mod calls;
mod cores;
mod deployment;
mod drive;
mod envoy;
mod figures;
mod fill;
mod flood;
mod gateway;
mod grpc;
mod latencies;
mod load;
mod mongo;
mod pages;
mod report;
mod requests;
mod rpc;
mod sign_in;
mod start;
mod template;
mod usage;
mod verify;

use std::error::Error;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::gateway::GatewayOptions;
use crate::load::LoadOptions;
use crate::mongo::MongoOptions;
use crate::sign_in::SignInOptions;

#[derive(Parser)]
#[command(
    name = "bench",
    about = "Measures the product; ratios against something in the same run."
)]
struct Command {
    #[command(subcommand)]
    measure: Measure,
}

#[derive(Subcommand)]
enum Measure {
    /// Time to serve and idle memory of the process.
    Start {
        /// The release binary.
        #[arg(long, default_value = "target/release/invoice-app")]
        binary: PathBuf,
    },
    /// A page of a large collection against one of a small collection.
    Pages {
        /// Invoices of the small collection.
        #[arg(long, default_value_t = 1_000)]
        small: usize,
        /// Invoices of the large collection.
        #[arg(long, default_value_t = 200_000)]
        large: usize,
    },
    /// Rate and latency of calls, at the service and through the gateway.
    Calls {
        /// Calls at a time.
        #[arg(long, default_value_t = 32)]
        concurrency: usize,
        /// Calls of each kind.
        #[arg(long, default_value_t = 20_000)]
        count: usize,
    },
    /// Load on any rpc: rate, latency, errors, CPU time and memory of every process.
    Load(LoadOptions),
    /// Create and get through invoice-service on MongoDB against the bare driver.
    Mongo(MongoOptions),
    /// Calls of browsers through our gateway against the same through Envoy with its grpc_web filter.
    Gateway(GatewayOptions),
    /// CPU time to verify an access token, against the bare signature.
    Verify,
    /// Signing in: known against unknown addresses, sign-ins against bare hashes, and a flood.
    SignIn(SignInOptions),
    /// Everything with its defaults.
    All,
}

/// The measurements of `bench all`, as command lines.
const ALL: [&[&str]; 8] = [
    &["bench", "start"],
    &["bench", "verify"],
    &["bench", "calls"],
    &["bench", "load", "--store", "sqlite", "--seconds", "3"],
    &["bench", "load", "--store", "mongodb", "--seconds", "3"],
    &[
        "bench",
        "load",
        "--store",
        "mongodb",
        "--seconds",
        "3",
        "--through",
        "gateway",
        "--rpc",
        "GetMe",
        "--rpc",
        "CreateInvoice",
        "--rpc",
        "GetInvoice",
        "--rpc",
        "ListInvoices",
    ],
    &["bench", "mongo"],
    &["bench", "pages"],
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Command { measure } = Command::parse();
    if !matches!(measure, Measure::All) {
        return run(measure).await;
    }
    for line in ALL {
        run(Command::parse_from(line).measure).await?;
    }
    Ok(())
}

async fn run(measure: Measure) -> Result<(), Box<dyn Error>> {
    match measure {
        Measure::Start { binary } => start::measure(&binary),
        Measure::Pages { small, large } => pages::measure(small, large).await,
        Measure::Calls { concurrency, count } => calls::measure(concurrency, count).await,
        Measure::Load(options) => load::measure(&options).await,
        Measure::Mongo(options) => mongo::measure(&options).await,
        Measure::Gateway(options) => gateway::measure(&options).await,
        Measure::Verify => verify::measure(),
        Measure::SignIn(options) => sign_in::measure(&options).await,
        Measure::All => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::{ALL, Command, Measure};

    #[test]
    fn the_command_line_makes_sense() {
        Command::command().debug_assert();
    }

    #[test]
    fn everything_is_a_list_of_command_lines_that_are_read() {
        for line in ALL {
            let command = Command::try_parse_from(line).unwrap();
            assert!(
                !matches!(command.measure, Measure::All),
                "{line:?} would never end"
            );
        }
    }

    #[test]
    fn seconds_and_calls_exclude_each_other_and_a_request_needs_its_rpc() {
        for wrong in [
            ["--seconds=1", "--calls=1"],
            ["--request={}", "--seconds=1"],
            ["--address=127.0.0.1:1", "--store=mongodb"],
        ] {
            let line = ["bench", "load"].into_iter().chain(wrong);
            assert!(Command::try_parse_from(line).is_err(), "{wrong:?}");
        }
    }
}
