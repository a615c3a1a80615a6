//! Credits under fire: many at a time, at several services, some of which are given up half way.

use std::collections::BTreeSet;
use std::time::Duration;

use harness::mongo::ReplicaSet;
use tokio::task::JoinSet;

use super::*;
use crate::domain::credit::{CreditError, Extent, LineToCredit};
use crate::domain::date::CalendarDate;
use crate::domain::history::Verdict;
use crate::domain::invoice::InvoiceKind;
use crate::domain::money::MinorUnits;
use crate::store::{self, ListFilter, ListOrder};

const INVOICES: usize = 5;
/// Of each invoice, a tenth at a time: more than there is.
const CREDITS: usize = 12;

fn order(invoice: &Invoice) -> CreditOrder {
    CreditOrder {
        lines: vec![LineToCredit {
            line_id: invoice.lines[0].id.clone(),
            extent: Extent::Amount(MinorUnits::new(800).unwrap()),
        }],
        issue_date: Some(CalendarDate::parse("2026-03-02").unwrap()),
        reason: Reason::default(),
    }
}

async fn open_invoices(invoices: &Invoices) -> Vec<Invoice> {
    let numbering = Numbering {
        series: None,
        issue_date: None,
    };
    let mut open = Vec::new();
    for _ in 0..INVOICES {
        let id = issued(invoices, &caller(), &numbering).await;
        open.push(invoices.get(&caller(), &id).await.unwrap());
    }
    open
}

/// Credits every invoice at all instances at a time; every fourth caller goes away after a moment. Gives the notes answered.
async fn credit_in_parallel(instances: &[Invoices]) -> BTreeSet<InvoiceId> {
    let open = open_invoices(&instances[0]).await;
    let mut credits = JoinSet::new();
    let mut aborted = Vec::new();
    for number in 0..INVOICES * CREDITS {
        let invoices = instances[number % instances.len()].clone();
        let invoice = open[number % INVOICES].clone();
        let credit = credits.spawn(async move {
            let order = order(&invoice);
            let target = target(&invoice.identity.id, None);
            invoices.credit(&caller(), target, &order, None).await
        });
        if number % 4 == 0 {
            aborted.push((Duration::from_micros(gapless::a_moment()), credit));
        }
    }
    for (delay, credit) in aborted {
        tokio::time::sleep(delay).await;
        credit.abort();
    }
    let mut answered = BTreeSet::new();
    while let Some(credit) = credits.join_next().await {
        match credit {
            Ok(Ok(outcome)) => assert!(answered.insert(outcome.note.identity.id)),
            // What the store does not answer in time is in doubt, as what was given up is.
            Ok(Err(
                InvoiceError::Credit(CreditError::NothingLeft)
                | InvoiceError::Store(StoreError::Unavailable(_) | StoreError::Overloaded),
            )) => {}
            Ok(Err(error)) => panic!("{error}"),
            Err(given_up) => assert!(given_up.is_cancelled()),
        }
    }
    answered
}

async fn listed(invoices: &Invoices, kind: InvoiceKind) -> Vec<Invoice> {
    let query = ListQuery {
        filter: ListFilter {
            kind: Some(kind),
            ..ListFilter::default()
        },
        order: ListOrder::NumberAscending,
        after: None,
        limit: 2 * INVOICES * CREDITS,
    };
    invoices.list(&caller(), query).await.unwrap().invoices
}

/// Every note is named by its invoice and every credit has its note, numbers have no gap, and nothing is credited twice.
async fn is_balanced(invoices: &Invoices, answered: &BTreeSet<InvoiceId>) {
    let notes = listed(invoices, InvoiceKind::CreditNote).await;
    for (note, sequence) in notes.iter().zip(1..) {
        assert_eq!(note.number_place.as_ref().unwrap().sequence, sequence);
    }
    let mut named = BTreeSet::new();
    for invoice in listed(invoices, InvoiceKind::Invoice).await {
        let whole = invoices.get_with_history(&caller(), &invoice.identity.id).await;
        let whole = whole.unwrap();
        assert_eq!(whole.history.verify(&whole), Verdict::Intact);
        let amounts = whole.credits.iter().map(|credit| credit.amount.get());
        assert_eq!(whole.totals.credited.get(), amounts.sum::<i64>());
        assert!(whole.credits.len() <= 10 && whole.totals.overpaid == MinorUnits::ZERO);
        named.extend(whole.credits.into_iter().map(|credit| credit.note_id));
    }
    let stored: BTreeSet<InvoiceId> = notes.into_iter().map(|note| note.identity.id).collect();
    assert_eq!(named, stored);
    assert!(!answered.is_empty() && answered.is_subset(&stored));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_credits_with_aborts_balance_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("invoices.db").display());
    let url = url.parse().unwrap();
    let store = store::open(&url).await.unwrap();
    let answered = credit_in_parallel(&[Invoices::new(Arc::clone(&store))]).await;
    store.close().await;
    is_balanced(&Invoices::new(store::open(&url).await.unwrap()), &answered).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_credits_with_aborts_at_two_services_balance_in_mongodb() {
    let set = ReplicaSet::start().await;
    let url = set.url("invoices").parse().unwrap();
    let stores = [store::open(&url).await.unwrap(), store::open(&url).await.unwrap()];
    let answered = credit_in_parallel(&stores.clone().map(Invoices::new)).await;
    for store in stores {
        store.close().await;
    }
    is_balanced(&Invoices::new(store::open(&url).await.unwrap()), &answered).await;
}
