//! Summaries, against a definition of them that needs no database.

use std::collections::BTreeMap;

use super::Documents;
use super::lists::{TODAY, filled, filters, passes};
use super::sample::{blank, date, draft, line, organization, party};
use super::writes::inserted;
use crate::domain::content::InvoiceHeader;
use crate::domain::ids::OrganizationId;
use crate::domain::invoice::{Invoice, InvoiceKind};
use crate::domain::money::{Currency, MinorUnits};
use crate::domain::state::State;
use crate::domain::summary::{DueAge, DueAges, Sums, Tally};
use crate::store::{InvoiceStore, ListFilter};

/// What makes a group, and what it comes to.
type Groups = BTreeMap<(&'static str, bool, State, Option<DueAge>), (u64, [i128; 4])>;

fn key(
    currency: Currency,
    kind: InvoiceKind,
    state: State,
    age: Option<DueAge>,
) -> (&'static str, bool, State, Option<DueAge>) {
    (currency.code(), kind == InvoiceKind::CreditNote, state, age)
}

async fn summarized(store: &impl InvoiceStore, org: &OrganizationId, filter: &ListFilter) -> Groups {
    let ages = DueAges::on(date(TODAY));
    let tallies = store.summarize(org, filter.clone(), ages).await.unwrap();
    let count = tallies.len();
    let groups: Groups = tallies
        .into_iter()
        .map(
            |Tally {
                 currency,
                 kind,
                 state,
                 age,
                 count,
                 sums,
             }| {
                let Sums {
                    gross,
                    paid,
                    credited,
                    remaining,
                } = sums;
                (
                    key(currency, kind, state, age),
                    (count, [gross, paid, credited, remaining]),
                )
            },
        )
        .collect();
    assert_eq!(groups.len(), count, "a group comes once");
    groups
}

fn expected(invoices: &[Invoice], filter: &ListFilter) -> Groups {
    let mut groups = Groups::new();
    for invoice in invoices.iter().filter(|invoice| passes(filter, invoice)) {
        let days = invoice.header.effective_due_date().map(|due| {
            let today = date(TODAY).date();
            due.date().until(today).unwrap().get_days()
        });
        let age = match days {
            _ if invoice.kind == InvoiceKind::CreditNote || invoice.state != State::Open => None,
            _ if invoice.totals.remaining == MinorUnits::ZERO => None,
            None | Some(..0) => Some(DueAge::NotDue),
            Some(0) => Some(DueAge::Today),
            Some(1..=30) => Some(DueAge::UpTo30Days),
            Some(31..=60) => Some(DueAge::UpTo60Days),
            Some(61..=90) => Some(DueAge::UpTo90Days),
            Some(91..) => Some(DueAge::Over90Days),
        };
        let group = groups
            .entry(key(invoice.header.currency, invoice.kind, invoice.state, age))
            .or_default();
        group.0 += 1;
        let totals = &invoice.totals;
        let amounts = [totals.gross, totals.paid, totals.credited, totals.remaining];
        for (sum, amount) in group.1.iter_mut().zip(amounts) {
            *sum += i128::from(amount.get());
        }
    }
    groups
}

pub(in crate::store) async fn a_summary_agrees_with_the_definition_for_every_filter(
    store: &impl InvoiceStore,
) {
    let org = organization("a");
    let invoices = filled(store, &org).await;
    let all = summarized(store, &org, &ListFilter::default()).await;
    assert_eq!(all, expected(&invoices, &ListFilter::default()));
    assert!(all.len() > 20, "{all:?} proves little");
    for filter in filters(&invoices) {
        let some = summarized(store, &org, &filter).await;
        assert_eq!(some, expected(&invoices, &filter), "{filter:?}");
        assert_ne!(some, all, "{filter:?}");
    }
}

pub(in crate::store) async fn a_summary_counts_the_days_since_an_invoice_was_due(store: &impl InvoiceStore) {
    let org = organization("a");
    let mut invoices = Vec::new();
    let days = [-1, 0, 1, 30, 31, 60, 61, 90, 91, 4_000];
    for (position, days) in (1_i64..).zip(days) {
        let due = date(TODAY)
            .date()
            .checked_sub(jiff::Span::new().days(days))
            .unwrap();
        let mut header = InvoiceHeader::blank(Currency::parse("EUR").unwrap());
        header.due_date = Some(date(&due.to_string()));
        header.buyer = Some(party("Ann"));
        let mut invoice = draft(&org, header, vec![line("100")]);
        invoice.state = State::Open;
        let paid = MinorUnits::new(position).unwrap();
        invoice.totals = invoice
            .totals
            .settled(paid, MinorUnits::new(20).unwrap())
            .unwrap();
        invoices.push(inserted(store, invoice).await);
    }
    let groups = summarized(store, &org, &ListFilter::default()).await;
    assert_eq!(groups, expected(&invoices, &ListFilter::default()));
    let counts: Vec<_> = groups
        .iter()
        .map(|((.., age), (count, _))| (age.unwrap(), *count))
        .collect();
    let [not_due, today, thirty, sixty, ninety, over] = DueAge::ALL;
    assert_eq!(
        counts,
        [
            (not_due, 1),
            (today, 1),
            (thirty, 2),
            (sixty, 2),
            (ninety, 2),
            (over, 2)
        ]
    );
    let paid: i128 = groups.values().map(|(_, sums)| sums[1]).sum();
    let credited: i128 = groups.values().map(|(_, sums)| sums[2]).sum();
    assert_eq!((paid, credited), (55, 200));
}

pub(in crate::store) async fn a_summary_counts_neither_deleted_drafts_nor_other_organizations(
    store: &impl InvoiceStore,
) {
    let org = organization("a");
    inserted(store, blank(&organization("b"))).await;
    let deleted = inserted(store, blank(&org)).await;
    store
        .delete_draft(&org, &deleted.identity.id, None)
        .await
        .unwrap();
    assert_eq!(
        summarized(store, &org, &ListFilter::default()).await,
        Groups::new()
    );
}

pub(in crate::store) async fn a_sum_is_exact_beyond_what_an_integer_of_a_database_holds(
    store: &(impl InvoiceStore + Documents),
) {
    let org = organization("a");
    for _ in 0..3 {
        let invoice = inserted(store, blank(&org)).await;
        store.put_gross(&invoice, i64::MAX).await;
    }
    let groups = summarized(store, &org, &ListFilter::default()).await;
    let sums: Vec<_> = groups.values().map(|(count, sums)| (*count, sums[0])).collect();
    assert_eq!(sums, [(3, 3 * i128::from(i64::MAX))]);
}
