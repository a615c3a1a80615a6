//! Rate and latency of calls.

use std::error::Error;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use harness::{Person, RunningProduct, build};
use proto::invoice::v1::GetInvoiceRequest;
use tonic::Status;

use crate::figures::{Figures, ratio};

/// Measures creations and reads, at the service and through the gateway.
pub(crate) async fn measure(concurrency: usize, count: usize) -> Result<(), Box<dyn Error>> {
    let product = RunningProduct::start().await;
    let direct = product.person().await;
    let through = product.person_at_the_gateway().await;
    println!("{count} calls of each kind, {concurrency} at a time:");
    for (kind, call) in [("create", Kind::Create), ("get", Kind::Get)] {
        let at_service = run(&direct, call, concurrency, count).await?;
        let at_gateway = run(&through, call, concurrency, count).await?;
        println!("  {kind:6} at the service: {at_service}");
        println!("  {kind:6} at the gateway: {at_gateway}");
        println!(
            "  {kind:6} time ratio:     {}",
            ratio(at_gateway.took, at_service.took)
        );
    }
    product.stop().await;
    Ok(())
}

#[derive(Clone, Copy)]
enum Kind {
    Create,
    Get,
}

struct Run {
    took: Duration,
    count: usize,
    p50: Duration,
    p99: Duration,
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rate = self.count as u128 * 1_000_000_000 / self.took.as_nanos().max(1);
        write!(f, "{rate} per second, p50 {:?}, p99 {:?}", self.p50, self.p99)
    }
}

async fn run(person: &Person, kind: Kind, concurrency: usize, count: usize) -> Result<Run, Status> {
    let created = person
        .clone()
        .invoices
        .create_invoice(build::create(build::invoice()))
        .await?;
    let id = created.into_inner().id;
    let began = Instant::now();
    let durations: Vec<Duration> = stream::iter(0..count)
        .map(|_| {
            let (mut person, invoice_id) = (person.clone(), id.clone());
            async move {
                let began = Instant::now();
                match kind {
                    Kind::Create => {
                        person
                            .invoices
                            .create_invoice(build::create(build::invoice()))
                            .await?
                    }
                    Kind::Get => {
                        person
                            .invoices
                            .get_invoice(GetInvoiceRequest { invoice_id })
                            .await?
                    }
                };
                Ok::<_, Status>(began.elapsed())
            }
        })
        .buffer_unordered(concurrency)
        .try_collect()
        .await?;
    let took = began.elapsed();
    let mut figures: Figures = durations.into_iter().collect();
    Ok(Run {
        took,
        count,
        p50: figures.percentile(50),
        p99: figures.percentile(99),
    })
}
