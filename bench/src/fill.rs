//! Collections to measure on.

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use harness::{Person, build};
use tonic::Status;

/// Creations under way at a time: enough for the group commit to fill its transactions.
const AT_A_TIME: usize = 64;

/// Creates `count` invoices in the organization of `person`; their ids.
pub(crate) async fn fill(person: &Person, count: usize) -> Result<Vec<String>, Status> {
    stream::iter(0..count)
        .map(|number| {
            let mut person = person.clone();
            async move {
                let mut invoice = build::invoice();
                invoice.note = format!("Order {number}");
                person
                    .invoices
                    .create_invoice(build::create(invoice))
                    .await
                    .map(|created| created.into_inner().id)
            }
        })
        .buffer_unordered(AT_A_TIME)
        .try_collect()
        .await
}
