//! Measures the product. See the README.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod calls;
mod figures;
mod fill;
mod pages;
mod start;

use std::error::Error;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

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
    /// Everything with its defaults.
    All,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    match Command::parse().measure {
        Measure::Start { binary } => start::measure(&binary)?,
        Measure::Pages { small, large } => pages::measure(small, large).await?,
        Measure::Calls { concurrency, count } => calls::measure(concurrency, count).await?,
        Measure::All => {
            start::measure("target/release/invoice-app".as_ref())?;
            calls::measure(32, 20_000).await?;
            pages::measure(1_000, 200_000).await?;
        }
    }
    Ok(())
}
