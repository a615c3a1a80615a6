//! 81 invoices that others published, through a real gateway and back (docs/ARCHITECTURE.md, "Money").

use harness::{Person, RunningProduct, build};
use proto::invoice::v1::{GetInvoiceRequest, Invoice, ListInvoicesRequest, PreviewInvoiceRequest};

use crate::published::Published;

const PUBLISHED: usize = 81;
const REPRODUCIBLE: usize = 71;
/// Stated roundings that a usual cash step explains; the other five are of something else.
const CASH_ROUNDED: usize = 7;

async fn created(person: &mut Person, entry: &Published) -> Invoice {
    let request = build::create(entry.invoice());
    match person.invoices.create_invoice(request).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => panic!("{}: {status:?}", entry.source()),
    }
}

async fn read(person: &mut Person, invoice_id: &str) -> Invoice {
    let request = GetInvoiceRequest {
        invoice_id: invoice_id.to_owned(),
    };
    person.invoices.get_invoice(request).await.unwrap().into_inner()
}

/// Every id of the organization.
async fn listed(person: &mut Person) -> Vec<String> {
    let request = ListInvoicesRequest {
        page_size: 200,
        ..ListInvoicesRequest::default()
    };
    let page = person.invoices.list_invoices(request).await.unwrap().into_inner();
    assert_eq!(page.next_page_token, "");
    page.invoices.into_iter().map(|invoice| invoice.id).collect()
}

#[tokio::test]
async fn every_published_figure_comes_back_through_the_gateway_or_differs_as_known() {
    let product = RunningProduct::start().await;
    let mut ann = product.person_at_the_gateway().await;
    let entries = Published::all();
    let mut ids = Vec::new();
    let (mut exact, mut differing) = (0, 0);
    for entry in &entries {
        let answered = created(&mut ann, entry).await;
        let stored = read(&mut ann, &answered.id).await;
        assert_eq!(stored, answered, "{}", entry.source());
        let found = entry.differences(&stored);
        assert_eq!(found, entry.known_differences(), "{}", entry.source());
        if found.is_empty() {
            exact += 1;
        } else {
            differing += 1;
        }
        ids.push(stored.id);
    }
    assert_eq!((exact, differing), (REPRODUCIBLE, PUBLISHED - REPRODUCIBLE));
    let mut listed = listed(&mut ann).await;
    listed.sort();
    ids.sort();
    ids.dedup();
    assert_eq!(listed.len(), PUBLISHED);
    assert_eq!(listed, ids);
}

#[tokio::test]
async fn a_preview_of_every_published_invoice_has_the_same_figures_and_stores_nothing() {
    let product = RunningProduct::start().await;
    let mut ann = product.person_at_the_gateway().await;
    let mut previewed = 0;
    for entry in Published::all() {
        let request = PreviewInvoiceRequest {
            invoice: Some(entry.invoice()),
        };
        let preview = ann.invoices.preview_invoice(request).await.unwrap().into_inner();
        assert_eq!(
            entry.differences(&preview),
            entry.known_differences(),
            "{}",
            entry.source()
        );
        previewed += 1;
    }
    assert_eq!(previewed, PUBLISHED);
    assert_eq!(listed(&mut ann).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_stated_cash_roundings_are_computed_by_the_service() {
    let product = RunningProduct::start().await;
    let mut ann = product.person_at_the_gateway().await;
    let mut rounded = 0;
    for entry in Published::all() {
        let Some(step) = entry.cash_rounding_step() else {
            continue;
        };
        let totals = created(&mut ann, &entry).await.totals.unwrap();
        assert_ne!(totals.rounding_minor, 0, "{}", entry.source());
        assert_eq!(
            totals.remaining_minor,
            totals.gross_minor + totals.rounding_minor,
            "{}",
            entry.source()
        );
        assert_eq!(totals.remaining_minor % step, 0, "{}", entry.source());
        rounded += 1;
    }
    assert_eq!(rounded, CASH_ROUNDED);
}
