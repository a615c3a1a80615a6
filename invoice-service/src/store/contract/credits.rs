//! Credits: the one write of two documents.

use futures::future::join_all;

use super::numbers::{drafted, issued, last};
use super::sample::{date, deed, organization, text};
use super::writes::{assert_same, read};
use crate::domain::credit::{CreditOrder, Credited, NewCreditNote};
use crate::domain::history::Verdict;
use crate::domain::ids::InvoiceId;
use crate::domain::invoice::{Invoice, InvoiceIdentity, InvoiceKind};
use crate::domain::number::{LastNumber, Series};
use crate::store::{InvoiceStore, ListFilter, ListOrder, ListQuery, StoreError, StoredInvoice};

/// An invoice that is stored, and a credit of all of it that is not.
struct Case {
    open: StoredInvoice,
    credited: StoredInvoice,
    note: Invoice,
}

impl Case {
    async fn new(store: &impl InvoiceStore) -> Self {
        let organization = organization("a");
        let draft = drafted(store, &organization).await;
        let before = last(store, "a", "INV").await;
        let open = issued(&draft, &Series::standard(), before.as_ref(), "2026-03-01");
        store.replace(open.clone(), draft.version).await.unwrap();
        Self::of(open, None)
    }

    fn of(open: StoredInvoice, last: Option<&LastNumber>) -> Self {
        let identity = InvoiceIdentity {
            id: InvoiceId::generate(),
            ..open.invoice.identity.clone()
        };
        let order = CreditOrder {
            lines: Vec::new(),
            issue_date: None,
            reason: text("damaged"),
        };
        let new = NewCreditNote {
            identity: &identity,
            series: &Series::standard_of_credit_notes(),
            last,
            today: date("2026-03-02"),
            request_id: "f81d4fae-7dec-41d0-a765-00a0c91e6bf6",
        };
        let Credited { invoice, note } = open.invoice.credit(&order, new, jiff::Timestamp::now()).unwrap();
        let deed = || deed("CreateCreditNote");
        let credited = StoredInvoice {
            invoice: invoice.recorded(Some(&open.invoice), deed()).unwrap(),
            ..open.clone()
        };
        Self {
            open,
            credited,
            note: note.recorded(None, deed()).unwrap(),
        }
    }

    async fn write(&self, store: &impl InvoiceStore) -> Result<(), StoreError> {
        let expected = self.open.invoice.version;
        store
            .credit(self.credited.clone(), expected, self.note.clone())
            .await
    }

    async fn is_not_written(&self, store: &impl InvoiceStore) {
        assert_same(&read(store, &self.open.invoice).await.unwrap(), &self.open);
        let note = read(store, &self.note).await;
        assert!(matches!(note, Err(StoreError::NotFound)), "{note:?}");
    }
}

pub(in crate::store) async fn a_credit_replaces_the_invoice_and_adds_the_note(store: &impl InvoiceStore) {
    let case = Case::new(store).await;
    case.write(store).await.unwrap();
    let found = read(store, &case.open.invoice).await.unwrap();
    assert_same(&found, &case.credited);
    assert_eq!(found.invoice.history.verify(&found.invoice), Verdict::Intact);
    let note = read(store, &case.note).await.unwrap().invoice;
    assert_eq!(note, case.note);
    assert_eq!(note.history.verify(&note), Verdict::Intact);
    assert_eq!(last(store, "a", "CN").await.unwrap().place.sequence, 1);
    let query = ListQuery {
        filter: ListFilter {
            kind: Some(InvoiceKind::CreditNote),
            ..ListFilter::default()
        },
        order: ListOrder::CreateTimeDescending,
        after: None,
        limit: 9,
    };
    let listed = store.list(&organization("a"), query).await.unwrap().invoices;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].identity, case.note.identity);
}

pub(in crate::store) async fn a_credit_of_a_stale_version_writes_neither_document(store: &impl InvoiceStore) {
    let case = Case::new(store).await;
    let mut newer = case.open.clone();
    let given_up = newer.invoice.mark_uncollectible(jiff::Timestamp::now()).unwrap();
    let deed = deed("MarkInvoiceUncollectible");
    newer.invoice = given_up.recorded(Some(&case.open.invoice), deed).unwrap();
    store
        .replace(newer.clone(), case.open.invoice.version)
        .await
        .unwrap();
    let stale = case.write(store).await;
    let current = newer.invoice.version;
    assert!(
        matches!(stale, Err(StoreError::VersionConflict { current: found }) if found == current),
        "{stale:?}"
    );
    Case { open: newer, ..case }.is_not_written(store).await;
}

pub(in crate::store) async fn a_credit_whose_number_is_taken_writes_neither_document(
    store: &impl InvoiceStore,
) {
    let first = Case::new(store).await;
    let second = Case::new(store).await;
    first.write(store).await.unwrap();
    let taken = second.write(store).await;
    assert!(matches!(taken, Err(StoreError::NumberTaken)), "{taken:?}");
    second.is_not_written(store).await;
    let last = last(store, "a", "CN").await.unwrap();
    let again = Case::of(second.open, Some(&last));
    again.write(store).await.unwrap();
    assert_same(&read(store, &again.open.invoice).await.unwrap(), &again.credited);
}

pub(in crate::store) async fn a_credit_of_an_unknown_invoice_writes_no_note(store: &impl InvoiceStore) {
    let case = Case::new(store).await;
    let mut elsewhere = case.credited.clone();
    elsewhere.invoice.identity.organization_id = organization("b");
    let expected = case.open.invoice.version;
    let unknown = store.credit(elsewhere, expected, case.note.clone()).await;
    assert!(matches!(unknown, Err(StoreError::NotFound)), "{unknown:?}");
    case.is_not_written(store).await;
}

pub(in crate::store) async fn of_ten_parallel_credits_of_one_version_one_wins(store: &impl InvoiceStore) {
    let case = Case::new(store).await;
    let cases: Vec<Case> = (0..10).map(|_| Case::of(case.open.clone(), None)).collect();
    let results = join_all(cases.iter().map(|case| case.write(store))).await;
    let won = results.iter().filter(|result| result.is_ok()).count();
    let lost = |result: &&Result<(), StoreError>| {
        matches!(
            result,
            Err(StoreError::VersionConflict { .. } | StoreError::NumberTaken)
        )
    };
    assert_eq!((won, results.iter().filter(lost).count()), (1, 9), "{results:?}");
    let now = read(store, &case.open.invoice).await.unwrap().invoice;
    let mut notes = 0;
    for case in &cases {
        if let Ok(note) = read(store, &case.note).await {
            assert_eq!(now.credits[0].note_id, note.invoice.identity.id);
            notes += 1;
        }
    }
    assert_eq!((now.credits.len(), notes), (1, 1));
}

pub(in crate::store) async fn a_watch_tells_of_both_documents_of_a_credit_and_of_none_that_is_refused(
    store: &impl InvoiceStore,
) {
    let case = Case::new(store).await;
    let mut watch = store.watch(&organization("a"), None).await.unwrap();
    case.write(store).await.unwrap();
    case.write(store).await.unwrap_err();
    let last = drafted(store, &organization("a")).await;
    let mut told = Vec::new();
    while told.last() != Some(&last.identity.id) {
        let change = tokio::time::timeout(std::time::Duration::from_secs(30), watch.next()).await;
        told.push(change.unwrap().unwrap().invoice.clone());
    }
    let written = [&case.open.invoice, &case.note, &last];
    assert_eq!(told, written.map(|invoice| invoice.identity.id.clone()));
}
