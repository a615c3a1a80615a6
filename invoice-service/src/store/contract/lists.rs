//! Lists, against a definition of them that needs no database.

use std::cmp::{Ordering, Reverse};

use super::sample::{blank, date, draft, line, organization, party, text};
use super::writes::inserted;
use crate::domain::content::InvoiceHeader;
use crate::domain::date::CalendarDate;
use crate::domain::ids::{CustomerId, OrganizationId};
use crate::domain::invoice::{Invoice, InvoiceKind};
use crate::domain::money::{Currency, MinorUnits};
use crate::domain::state::State;
use crate::search::Words;
use crate::store::{Cursor, InvoiceStore, ListFilter, ListOrder, ListQuery};

pub(super) const TODAY: &str = "2026-06-15";

/// Invoices that differ in everything a list looks at, with many ties and blanks.
pub(super) async fn filled(store: &impl InvoiceStore, org: &OrganizationId) -> Vec<Invoice> {
    inserted(store, blank(&organization("other"))).await;
    let customers = [CustomerId::generate(), CustomerId::generate()];
    let mut invoices = Vec::new();
    for position in 0..60_usize {
        let pick = |of: usize| position * 7 % of;
        let mut header = InvoiceHeader::blank(Currency::parse(["EUR", "JPY", "KWD"][pick(3)]).unwrap());
        let days = [
            "",
            "2026-05-01",
            "2026-05-31",
            "2026-06-14",
            "2026-06-15",
            "2026-06-16",
        ];
        header.issue_date = Some(days[pick(6)]).filter(|day| !day.is_empty()).map(date);
        header.due_date = Some(days[pick(5)]).filter(|day| !day.is_empty()).map(date);
        header.customer_id = (pick(4) > 0).then(|| customers[pick(2)].clone());
        header.buyer = (pick(2) > 0).then(|| party(["Ann Straße", "annabel GmbH", "Bo"][pick(3)]));
        header.purchase_order = text(["", "PO-17", "po 18"][pick(3)]);
        let mut invoice = draft(org, header, vec![line(["0", "10", "9.5"][pick(3)])]);
        invoice.state = State::ALL[pick(State::ALL.len())];
        if invoice.state != State::Draft {
            invoice.number = Some(text(&format!("INV-2026-{:04}", 60 - position)));
        }
        if pick(8) == 0 {
            invoice.kind = InvoiceKind::CreditNote;
        }
        if pick(10) == 0 {
            invoice.totals.remaining = MinorUnits::ZERO;
        }
        invoices.push(inserted(store, invoice).await);
    }
    invoices
}

/// What the order of a list means.
fn compare(order: ListOrder, a: &Invoice, b: &Invoice) -> Ordering {
    let by_id = a.identity.id.cmp(&b.identity.id);
    let blank_last = |a: Option<String>, b: Option<String>| (a.is_none(), a).cmp(&(b.is_none(), b));
    let number = |invoice: &Invoice| invoice.number.as_ref().map(ToString::to_string);
    let due = |invoice: &Invoice| invoice.header.effective_due_date().map(|date| date.to_string());
    match order {
        ListOrder::CreateTimeDescending => Reverse(a.create_time)
            .cmp(&Reverse(b.create_time))
            .then(by_id.reverse()),
        ListOrder::IssueDateDescending => Reverse(a.header.issue_date)
            .cmp(&Reverse(b.header.issue_date))
            .then(by_id.reverse()),
        ListOrder::DueDateAscending => blank_last(due(a), due(b)).then(by_id),
        ListOrder::NumberAscending => blank_last(number(a), number(b)).then(by_id),
        ListOrder::GrossDescending => Reverse(a.totals.gross)
            .cmp(&Reverse(b.totals.gross))
            .then(by_id.reverse()),
    }
}

/// What a filter means.
pub(super) fn passes(filter: &ListFilter, invoice: &Invoice) -> bool {
    let header = &invoice.header;
    let due = header.effective_due_date();
    let within = |date: Option<CalendarDate>, from: Option<CalendarDate>, to: Option<CalendarDate>| {
        (from.is_none() && to.is_none())
            || date.is_some_and(|date| from.is_none_or(|from| date >= from) && to.is_none_or(|to| date <= to))
    };
    (filter.states.is_empty() || filter.states.contains(&invoice.state))
        && filter.kind.is_none_or(|kind| invoice.kind == kind)
        && (filter.customer.is_none() || filter.customer == header.customer_id)
        && Words::of_invoice(invoice).matches(&filter.words)
        && within(header.issue_date, filter.issued_from, filter.issued_to)
        && within(due, filter.due_from, filter.due_to)
        && filter.overdue_on.is_none_or(|today| invoice.overdue(today))
        && filter.currency.is_none_or(|currency| header.currency == currency)
}

/// The ids of every page, walked to the end.
async fn walked(
    store: &impl InvoiceStore,
    org: &OrganizationId,
    order: ListOrder,
    filter: &ListFilter,
) -> Vec<String> {
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let query = ListQuery {
            filter: filter.clone(),
            order,
            after,
            limit: 7,
        };
        let page = store.list(org, query).await.unwrap();
        let last = page.invoices.last().cloned();
        assert!(
            page.invoices.len() == 7 || !page.more,
            "small invoices fill their pages"
        );
        ids.extend(
            page.invoices
                .into_iter()
                .map(|invoice| invoice.identity.id.to_string()),
        );
        match last {
            Some(last) if page.more => after = Some(Cursor::of(&last, order)),
            Some(_) | None => return ids,
        }
    }
}

fn expected(invoices: &[Invoice], order: ListOrder, filter: &ListFilter) -> Vec<String> {
    let mut invoices: Vec<_> = invoices
        .iter()
        .filter(|invoice| passes(filter, invoice))
        .collect();
    invoices.sort_by(|a, b| compare(order, a, b));
    invoices
        .iter()
        .map(|invoice| invoice.identity.id.to_string())
        .collect()
}

pub(in crate::store) async fn pages_of_every_order_show_every_invoice_once_and_in_order(
    store: &impl InvoiceStore,
) {
    let org = organization("a");
    let invoices = filled(store, &org).await;
    for order in ListOrder::ALL {
        let all = ListFilter::default();
        assert_eq!(
            walked(store, &org, order, &all).await,
            expected(&invoices, order, &all),
            "{order:?}"
        );
    }
}

/// Filters of every kind, each of which names some of the invoices and leaves out others.
pub(super) fn filters(invoices: &[Invoice]) -> Vec<ListFilter> {
    let none = ListFilter::default;
    let customer = invoices
        .iter()
        .find_map(|invoice| invoice.header.customer_id.clone());
    vec![
        ListFilter {
            states: vec![State::Open],
            ..none()
        },
        ListFilter {
            states: vec![State::Draft, State::Paid],
            ..none()
        },
        ListFilter {
            kind: Some(InvoiceKind::CreditNote),
            ..none()
        },
        ListFilter { customer, ..none() },
        ListFilter {
            issued_from: Some(date("2026-05-31")),
            ..none()
        },
        ListFilter {
            issued_to: Some(date("2026-05-31")),
            ..none()
        },
        ListFilter {
            due_from: Some(date("2026-05-31")),
            due_to: Some(date("2026-06-14")),
            ..none()
        },
        ListFilter {
            overdue_on: Some(date(TODAY)),
            ..none()
        },
        ListFilter {
            currency: Currency::parse("JPY").ok(),
            ..none()
        },
        ListFilter {
            states: vec![State::Open, State::Void],
            due_to: Some(date(TODAY)),
            words: Words::of_query("ann").unwrap(),
            ..none()
        },
    ]
}

pub(in crate::store) async fn every_filter_agrees_with_the_definition(store: &impl InvoiceStore) {
    let org = organization("a");
    let invoices = filled(store, &org).await;
    let filters = filters(&invoices);
    for filter in &filters {
        for invoice in &invoices {
            assert_eq!(
                filter.names(invoice),
                passes(filter, invoice),
                "{filter:?} {invoice:?}"
            );
        }
        for order in ListOrder::ALL {
            let expected = expected(&invoices, order, filter);
            assert!(
                !expected.is_empty() && expected.len() < invoices.len(),
                "{filter:?} proves nothing"
            );
            assert_eq!(
                walked(store, &org, order, filter).await,
                expected,
                "{order:?} {filter:?}"
            );
        }
    }
}

pub(in crate::store) async fn a_search_agrees_with_the_definition(store: &impl InvoiceStore) {
    let org = organization("a");
    let invoices = filled(store, &org).await;
    let found = |query: &str| ListFilter {
        words: Words::of_query(query).unwrap(),
        ..ListFilter::default()
    };
    let mut hits = 0;
    for query in [
        "ann",
        "ANNA",
        "strasse ann",
        "po 17",
        "inv-2026-00",
        "gmbh po",
        "work",
        "%",
        "_",
        "nn",
        "zz",
        "'",
    ] {
        let expected = expected(&invoices, ListOrder::NumberAscending, &found(query));
        hits += usize::from(!expected.is_empty());
        let walked = walked(store, &org, ListOrder::NumberAscending, &found(query)).await;
        assert_eq!(walked, expected, "{query:?}");
    }
    assert!(hits >= 6, "the queries must find something to prove something");
}

pub(in crate::store) async fn invoices_written_between_two_pages_neither_repeat_nor_hide_another(
    store: &impl InvoiceStore,
) {
    let org = organization("a");
    let invoices = filled(store, &org).await;
    for order in ListOrder::ALL {
        let all = ListFilter::default();
        let page = |after| ListQuery {
            filter: all.clone(),
            order,
            after,
            limit: 20,
        };
        let first = store.list(&org, page(None)).await.unwrap().invoices;
        inserted(store, blank(&org)).await;
        let rest = ListQuery {
            limit: 1000,
            ..page(first.last().map(|last| Cursor::of(last, order)))
        };
        let rest = store.list(&org, rest).await.unwrap().invoices;
        let shown: Vec<_> = first
            .iter()
            .chain(&rest)
            .map(|invoice| invoice.identity.id.to_string())
            .collect();
        let untouched: Vec<_> = shown
            .iter()
            .filter(|id| invoices.iter().any(|known| known.identity.id.as_str() == *id))
            .collect();
        assert_eq!(
            untouched,
            expected(&invoices, order, &all).iter().collect::<Vec<_>>(),
            "{order:?}"
        );
    }
}

pub(in crate::store) async fn a_page_of_large_invoices_is_shorter_and_says_that_there_is_more(
    store: &impl InvoiceStore,
) {
    let org = organization("a");
    let header = || InvoiceHeader::blank(Currency::parse("EUR").unwrap());
    let mut large = line("1");
    large.content.description = text(&"x".repeat(500));
    for _ in 0..12 {
        inserted(store, draft(&org, header(), vec![large.clone(); 400])).await;
    }
    let mut query = ListQuery {
        filter: ListFilter::default(),
        order: ListOrder::CreateTimeDescending,
        after: None,
        limit: 50,
    };
    let mut shown = Vec::new();
    loop {
        let page = store.list(&org, query.clone()).await.unwrap();
        assert!((1..12).contains(&page.invoices.len()), "{}", page.invoices.len());
        query.after = page.invoices.last().map(|last| Cursor::of(last, query.order));
        shown.extend(page.invoices.into_iter().map(|invoice| invoice.identity.id));
        if !page.more {
            break;
        }
    }
    shown.dedup();
    assert_eq!(shown.len(), 12);
}
