use std::fmt::Write as _;
use std::process::Stdio;
use std::time::Duration;

use mongo_engine::bson::{Document, doc};
use mongo_engine::mongodb::Client;

use serde_json::{Value, json};

use super::{Books, PATIENCE};
use crate::copy_store::source;

/// Ten batches: an import is in the middle of them for long enough to be met there.
const INVOICES: usize = 1_000;

/// Issued invoices of a year, in no order.
fn file() -> String {
    let party = |name: &str| json!({ "name": name, "address": { "countryCode": "DE" } });
    let mut lines = String::new();
    for nth in 0..INVOICES {
        let shuffled = nth * 1_009 % INVOICES;
        let invoice = json!({
            "id": format!("R{shuffled}"),
            "state": "STATE_PAID",
            "currencyCode": "EUR",
            "issueDate": format!("2025-{:02}-{:02}", shuffled * 12 / INVOICES + 1, shuffled % 28 + 1),
            "paymentTermsDays": 14,
            "seller": party("Seller"),
            "buyer": party("Buyer"),
            "lines": [{ "description": "Tea", "quantity": "1", "unitPrice": shuffled.to_string(),
                        "taxCategory": "TAX_CATEGORY_ZERO" }],
        });
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "{invoice}");
    }
    lines
}

impl Books {
    /// How many invoices are stored, behind the back of everybody.
    async fn count(&self) -> usize {
        let Some(set) = &self.mongodb else {
            return source::count(&self.home.data_dir()).try_into().unwrap();
        };
        let client = Client::with_uri_str(set.url("")).await.unwrap();
        let invoices = client
            .database("invoiceapp_invoice")
            .collection::<Document>("invoices");
        invoices
            .count_documents(doc! {})
            .await
            .unwrap()
            .try_into()
            .unwrap()
    }
}

/// Kills an import in the middle of storing, twice, then lets it finish.
async fn an_import_that_is_killed_goes_on_without_doubles(books: Books) {
    let file = books.file("a.jsonl", file());
    let path = file.to_str().unwrap();
    let mut before = 0;
    for _ in 0..2 {
        let mut importing = books.command("import", &[path]);
        importing.stdout(Stdio::null()).stderr(Stdio::null());
        let mut importing = importing.spawn().unwrap();
        let begun = async {
            while books.count().await <= before && importing.try_wait().unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, begun).await.unwrap();
        importing.start_kill().unwrap();
        importing.wait().await.unwrap();
        let there = books.invoices().await;
        assert!(
            there.len() > before && there.len() <= INVOICES,
            "{before} {}",
            there.len()
        );
        is_gapless(&there);
        before = there.len();
    }
    let finished = books.import(&file, &[]).await;
    assert_eq!(finished.code, 0, "{finished:?}");
    let there = books.invoices().await;
    assert_eq!(there.len(), INVOICES);
    is_gapless(&there);
    let mut ids: Vec<_> = there
        .iter()
        .map(|invoice| invoice["metadata"]["imported_id"].to_string())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), INVOICES);
    let again = books.import(&file, &[]).await;
    again.summed_up(
        0,
        &format!("imported 0 of {INVOICES} invoices; {INVOICES} there already"),
    );
}

/// Sorted by number: 1..n, and the days do not run backwards.
fn is_gapless(invoices: &[Value]) {
    let mut last_day = String::new();
    for (invoice, sequence) in invoices.iter().zip(1..) {
        assert_eq!(invoice["number"], format!("INV-2025-{sequence:04}"));
        let day = invoice["issueDate"].as_str().unwrap().to_owned();
        assert!(day >= last_day, "{invoice}");
        assert_eq!(invoice["state"], "STATE_PAID");
        last_day = day;
    }
}

#[tokio::test]
async fn an_import_into_sqlite_that_is_killed_goes_on_without_doubles() {
    an_import_that_is_killed_goes_on_without_doubles(Books::of_one_organization().await).await;
}

#[tokio::test]
async fn an_import_into_mongodb_that_is_killed_goes_on_without_doubles() {
    an_import_that_is_killed_goes_on_without_doubles(Books::in_mongodb().await).await;
}
