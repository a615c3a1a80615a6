//! Numbers under fire: many issues at a time, some of which are given up half way.

use std::time::Duration;

use harness::mongo::ReplicaSet;
use tokio::task::JoinSet;

use super::*;
use crate::domain::lifecycle::IssueProblem;
use crate::domain::number::NumberError;
use crate::store::{self, ListFilter, ListOrder};

const ISSUES: usize = 200;

fn numbering(day: &str) -> Numbering {
    Numbering {
        series: None,
        issue_date: Some(CalendarDate::parse(day).unwrap()),
    }
}

/// Whether an issue was refused because a later day had been issued meanwhile.
fn is_late(error: &InvoiceError) -> bool {
    let late =
        |problem: &IssueProblem| matches!(problem, IssueProblem::Number(NumberError::DateBeforeLast { .. }));
    matches!(error, InvoiceError::Issue(problems) if problems.iter().all(late))
}

/// Issues 200 drafts at a time, spread over `instances` and two days; every fourth caller goes away after a moment.
async fn issue_in_parallel(instances: &[Invoices]) -> usize {
    let mut issues = JoinSet::new();
    let mut aborted = Vec::new();
    for number in 0..ISSUES {
        let invoices = instances[number % instances.len()].clone();
        let draft = invoices
            .create(&caller(), complete(), None)
            .await
            .unwrap()
            .invoice;
        let day = if number % 10 == 9 {
            "2026-03-02"
        } else {
            "2026-03-01"
        };
        let issue = issues.spawn(async move {
            let (id, numbering) = (draft.identity.id, numbering(day));
            invoices.issue(&caller(), target(&id, None), &numbering).await
        });
        if number % 4 == 0 {
            aborted.push((Duration::from_micros(a_moment()), issue));
        }
    }
    for (delay, issue) in aborted {
        tokio::time::sleep(delay).await;
        issue.abort();
    }
    let mut answered = 0;
    while let Some(issue) = issues.join_next().await {
        match issue {
            Ok(Ok(_)) => answered += 1,
            Ok(Err(error)) => assert!(is_late(&error), "{error}"),
            Err(given_up) => assert!(given_up.is_cancelled()),
        }
    }
    answered
}

/// Up to 2 ms.
pub(super) fn a_moment() -> u64 {
    u64::from(uuid::Uuid::new_v4().as_bytes()[0]) * 8
}

async fn has_no_gap_and_runs_with_the_calendar(invoices: &Invoices, answered: usize) {
    let query = ListQuery {
        filter: ListFilter {
            states: vec![crate::domain::state::State::Open],
            ..ListFilter::default()
        },
        order: ListOrder::NumberAscending,
        after: None,
        limit: 2 * ISSUES,
    };
    let issued = invoices.list(&caller(), query).await.unwrap().invoices;
    assert!(
        issued.len() >= answered && answered > 0,
        "{answered} of {}",
        issued.len()
    );
    let mut last_day = CalendarDate::FIRST;
    for (invoice, sequence) in issued.iter().zip(1..) {
        assert_eq!(invoice.number_place.as_ref().unwrap().sequence, sequence);
        let day = invoice.header.issue_date.unwrap();
        assert!(
            day >= last_day,
            "{} is of {day}",
            invoice.number.as_ref().unwrap()
        );
        last_day = day;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_parallel_issues_with_aborts_leave_no_gap_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("invoices.db").display());
    let url = url.parse().unwrap();
    let store = store::open(&url).await.unwrap();
    let answered = issue_in_parallel(&[Invoices::new(Arc::clone(&store))]).await;
    store.close().await;
    let again = Invoices::new(store::open(&url).await.unwrap());
    has_no_gap_and_runs_with_the_calendar(&again, answered).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_parallel_issues_with_aborts_at_two_services_leave_no_gap_in_mongodb() {
    let set = ReplicaSet::start().await;
    let url = set.url("invoices").parse().unwrap();
    let stores = [store::open(&url).await.unwrap(), store::open(&url).await.unwrap()];
    let instances = stores.clone().map(Invoices::new);
    let answered = issue_in_parallel(&instances).await;
    for store in stores {
        store.close().await;
    }
    let again = Invoices::new(store::open(&url).await.unwrap());
    has_no_gap_and_runs_with_the_calendar(&again, answered).await;
}
