//! Numbers of a series, and the histories that go with them.

use futures::future::join_all;

use super::Documents;
use super::sample::{complete, date, deed, draft, organization, text};
use super::writes::{assert_same, inserted, read};
use crate::domain::content::InvoiceContent;
use crate::domain::history::Verdict;
use crate::domain::ids::OrganizationId;
use crate::domain::invoice::{Invoice, InvoiceKind, SeriesId};
use crate::domain::money::MinorUnits;
use crate::domain::number::{LastNumber, Reset, Series};
use crate::domain::payment::NewPayment;
use crate::domain::template::Template;
use crate::idempotency::AppliedRequests;
use crate::store::document::Origin;
use crate::store::{InvoiceStore, ListFilter, ListOrder, ListQuery, StoreError, StoredInvoice};

/// A draft that can be issued.
pub(super) async fn drafted(store: &impl InvoiceStore, organization: &OrganizationId) -> Invoice {
    let InvoiceContent { header, lines } = complete();
    let invoice = draft(organization, header, lines);
    inserted(store, invoice.recorded(None, deed("CreateInvoice")).unwrap()).await
}

/// `draft` issued on a day, after `last`.
pub(super) fn issued(
    draft: &Invoice,
    series: &Series,
    last: Option<&LastNumber>,
    day: &str,
) -> StoredInvoice {
    let issued = draft
        .issue(date(day), series, last, date(day), jiff::Timestamp::now())
        .unwrap();
    StoredInvoice {
        invoice: issued.recorded(Some(draft), deed("IssueInvoice")).unwrap(),
        created_by_request: None,
        applied: AppliedRequests::default(),
        origin: Origin::default(),
    }
}

pub(super) async fn last(store: &impl InvoiceStore, name: &str, series: &str) -> Option<LastNumber> {
    let series = SeriesId::parse(series).unwrap();
    store.last_number(&organization(name), &series).await.unwrap()
}

pub(in crate::store) async fn an_issued_invoice_reads_back_with_its_number_and_its_history(
    store: &impl InvoiceStore,
) {
    let draft = drafted(store, &organization("a")).await;
    assert_eq!(read(store, &draft).await.unwrap().invoice, draft);
    let issued = issued(&draft, &Series::standard(), None, "2026-03-01");
    store.replace(issued.clone(), draft.version).await.unwrap();
    let found = read(store, &draft).await.unwrap();
    assert_same(&found, &issued);
    assert_eq!(found.invoice.history.entries().len(), 2);
}

pub(in crate::store) async fn payments_read_back_equal(store: &impl InvoiceStore) {
    let draft = drafted(store, &organization("a")).await;
    let mut stored = issued(&draft, &Series::standard(), None, "2026-03-01");
    for amount in [1, 2] {
        let payment = NewPayment {
            amount: Some(MinorUnits::new(amount).unwrap()),
            allow_overpayment: false,
            paid_on: date("2026-03-02"),
            method: text("cash"),
            reference: text("ref \"1\""),
        };
        stored.invoice = stored.invoice.pay(payment, jiff::Timestamp::now()).unwrap();
    }
    let first = stored.invoice.payments[0].id.clone();
    stored.invoice = stored.invoice.reverse(&first, jiff::Timestamp::now()).unwrap();
    store.replace(stored.clone(), draft.version).await.unwrap();
    assert_same(&read(store, &draft).await.unwrap(), &stored);
}

pub(in crate::store) async fn who_only_shows_an_invoice_does_not_read_its_history(store: &impl InvoiceStore) {
    let org = organization("a");
    let draft = drafted(store, &org).await;
    let shown = store.get_without_history(&org, &draft.identity.id).await.unwrap();
    assert_eq!(shown.history.entries(), []);
    assert_eq!(
        Invoice {
            history: draft.history.clone(),
            ..shown
        },
        draft
    );
    let foreign = store
        .get_without_history(&organization("b"), &draft.identity.id)
        .await;
    assert!(matches!(foreign, Err(StoreError::NotFound)), "{foreign:?}");
}

pub(in crate::store) async fn lists_leave_histories_out(store: &impl InvoiceStore) {
    let draft = drafted(store, &organization("a")).await;
    let query = ListQuery {
        filter: ListFilter::default(),
        order: ListOrder::CreateTimeDescending,
        after: None,
        limit: 9,
    };
    let listed = store.list(&organization("a"), query).await.unwrap().invoices;
    assert_eq!(listed[0].identity, draft.identity);
    assert_eq!(listed[0].history.entries(), []);
}

pub(in crate::store) async fn the_last_number_is_the_highest_count_of_the_latest_period(
    store: &impl InvoiceStore,
) {
    let org = organization("a");
    let standard = Series::standard();
    let monthly = Series::new(
        SeriesId::parse("M").unwrap(),
        InvoiceKind::Invoice,
        Template::parse("M{YYYY}{MM}{SEQ:1}").unwrap(),
        Reset::Monthly,
    );
    let monthly = monthly.unwrap();
    assert_eq!(last(store, "a", "INV").await, None);
    let mut numbers = Vec::new();
    // More than nine, so that an order of texts would show.
    let days = std::iter::repeat_n("2025-12-31", 11).chain(["2026-01-01", "2026-01-02"]);
    for day in days {
        let draft = drafted(store, &org).await;
        let before = last(store, "a", "INV").await;
        let issued = issued(&draft, &standard, before.as_ref(), day);
        numbers.push(issued.invoice.number.clone().unwrap().to_string());
        store.replace(issued, draft.version).await.unwrap();
    }
    assert_eq!(numbers[10], "INV-2025-0011");
    assert_eq!(numbers[12], "INV-2026-0002");
    let found = last(store, "a", "INV").await.unwrap();
    assert_eq!(
        (
            found.place.period.as_str(),
            found.place.sequence,
            found.issue_date
        ),
        ("2026", 2, date("2026-01-02"))
    );

    let draft = drafted(store, &org).await;
    let other = issued(&draft, &monthly, None, "2026-01-01");
    store.replace(other, draft.version).await.unwrap();
    let found = last(store, "a", "M").await.unwrap();
    assert_eq!(found.place.period.as_str(), "2026-01");
    assert_eq!(last(store, "b", "INV").await, None);
}

pub(in crate::store) async fn one_place_in_a_series_is_given_to_one_invoice_of_an_organization(
    store: &impl InvoiceStore,
) {
    let series = Series::standard();
    let first = drafted(store, &organization("a")).await;
    let second = drafted(store, &organization("a")).await;
    let foreign = drafted(store, &organization("b")).await;
    let winner = issued(&first, &series, None, "2026-03-01");
    store.replace(winner.clone(), first.version).await.unwrap();
    let taken = store
        .replace(issued(&second, &series, None, "2026-03-01"), second.version)
        .await;
    assert!(matches!(taken, Err(StoreError::NumberTaken)), "{taken:?}");
    assert_eq!(read(store, &second).await.unwrap().invoice, second);
    store
        .replace(issued(&foreign, &series, None, "2026-03-01"), foreign.version)
        .await
        .unwrap();
    // Its own place stands in the way of no later change of the winner.
    let mut voided = winner.clone();
    voided.invoice = winner.invoice.void(jiff::Timestamp::now()).unwrap();
    store
        .replace(voided.clone(), winner.invoice.version)
        .await
        .unwrap();
    assert_same(&read(store, &first).await.unwrap(), &voided);
}

pub(in crate::store) async fn of_twenty_parallel_issues_with_one_number_one_wins(store: &impl InvoiceStore) {
    let org = organization("a");
    let mut drafts = Vec::new();
    for _ in 0..20 {
        drafts.push(drafted(store, &org).await);
    }
    let series = Series::standard();
    let issues = drafts.iter().map(|draft| {
        let issued = issued(draft, &series, None, "2026-03-01");
        store.replace(issued, draft.version)
    });
    let results = join_all(issues).await;
    let won = results.iter().filter(|result| result.is_ok()).count();
    let lost = results
        .iter()
        .filter(|result| matches!(result, Err(StoreError::NumberTaken)))
        .count();
    assert_eq!((won, lost), (1, 19), "{results:?}");
    assert_eq!(last(store, "a", "INV").await.unwrap().place.sequence, 1);
}

pub(in crate::store) async fn an_invoice_that_was_edited_by_hand_is_found(
    store: &(impl InvoiceStore + Documents),
) {
    let draft = drafted(store, &organization("a")).await;
    let issued = issued(&draft, &Series::standard(), None, "2026-03-01");
    store.replace(issued, draft.version).await.unwrap();
    let verdict = |stored: StoredInvoice| stored.invoice.history.verify(&stored.invoice);
    assert_eq!(verdict(read(store, &draft).await.unwrap()), Verdict::Intact);
    let mut document = store.document(&draft).await;
    document.insert("note", "forged");
    store.put_document(&draft, document).await;
    assert_eq!(verdict(read(store, &draft).await.unwrap()), Verdict::BadFrom(2));
}
