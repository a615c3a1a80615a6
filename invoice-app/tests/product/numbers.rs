//! Numbers of invoices while processes are killed: 1..n, with the calendar, whatever was under way.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use harness::mongo::ReplicaSet;
use harness::{Refusal, build};
use proto::invoice::v1::list_invoices_request::OrderBy;
use proto::invoice::v1::{Invoice, IssueInvoiceRequest, ListInvoicesRequest};
use tokio::time::timeout;
use tonic::{Code, Request, Status};

use crate::binary::{Home, Running};
use crate::writers::{Invoices, invoices};

const ISSUES: usize = 200;
/// From this one on, they are of the next day.
const NEXT_DAY: usize = 180;
/// After so many answers, a process is killed.
const KILLS: [usize; 3] = [20, 70, 120];
/// After so many, the next day begins. Those of the day before that are not issued by then are refused.
const MIDNIGHT: usize = 150;
/// A client that was cut off waits so long.
const PAUSE: Duration = Duration::from_millis(50);
/// For all of it; only what hangs takes so long.
const PATIENCE: Duration = Duration::from_mins(1);

/// The services that run, each of which may die and come back elsewhere.
struct Site {
    homes: Vec<Home>,
    flags: Vec<String>,
    running: Mutex<Vec<Option<Running>>>,
    clients: Mutex<Vec<Invoices>>,
    answered: AtomicUsize,
}

impl Site {
    /// One process per home, all with these flags.
    async fn start(homes: Vec<Home>, flags: Vec<String>) -> Self {
        let site = Self {
            homes,
            flags,
            running: Mutex::default(),
            clients: Mutex::default(),
            answered: AtomicUsize::default(),
        };
        for home in &site.homes {
            let process = site.process(home).await;
            locked(&site.running).push(Some(process));
        }
        site
    }

    async fn process(&self, home: &Home) -> Running {
        let flags: Vec<_> = self.flags.iter().map(String::as_str).collect();
        home.start_with(&flags).await
    }

    /// Registers somebody, whose clients reach every process.
    async fn register(&self) -> String {
        let [auth, services] = {
            let running = locked(&self.running);
            let addresses = |of: fn(&Running) -> _| running.iter().flatten().map(of).collect::<Vec<_>>();
            [
                addresses(|process| process.auth),
                addresses(|process| process.invoice),
            ]
        };
        let channel = harness::channel(auth[0]).await;
        let registered = harness::register(channel, build::registration()).await.unwrap();
        let token = registered.tokens.unwrap().access_token;
        *locked(&self.clients) = services
            .into_iter()
            .map(|service| invoices(service, &token))
            .collect();
        token
    }

    /// kill -9 of one process, and its restart, on the same data and at another port.
    async fn kill(&self, nth: usize, token: &str) {
        let nth = nth % self.homes.len();
        let process = locked(&self.running)[nth].take().unwrap();
        process.kill().await;
        let process = self.process(&self.homes[nth]).await;
        locked(&self.clients)[nth] = invoices(process.invoice, token);
        locked(&self.running)[nth] = Some(process);
    }

    fn client(&self, nth: usize) -> Invoices {
        let clients = locked(&self.clients);
        clients[nth % clients.len()].clone()
    }

    async fn draft(&self, nth: usize) -> Invoice {
        let draft = self
            .client(nth)
            .create_invoice(build::create(build::invoice()))
            .await;
        draft.unwrap().into_inner()
    }

    /// Issues a draft, however often the call is cut off, at whichever process; every fourth caller gives up on its first call
    /// after a moment. The number, or none when a later day was issued meanwhile.
    async fn issue(&self, nth: usize, draft: Invoice) -> Option<String> {
        let is_of_next_day = nth >= NEXT_DAY;
        if is_of_next_day {
            self.answers(MIDNIGHT).await;
        }
        let day = if is_of_next_day {
            "2026-03-02"
        } else {
            "2026-03-01"
        };
        let request = IssueInvoiceRequest {
            invoice_id: draft.id,
            issue_date: day.to_owned(),
            request_id: build::request_id(),
            ..IssueInvoiceRequest::default()
        };
        for attempt in nth.. {
            let mut client = self.client(attempt);
            let mut call = Request::new(request.clone());
            call.set_timeout(Duration::from_secs(10));
            let give_up = async {
                if nth.is_multiple_of(4) && attempt == nth {
                    tokio::time::sleep(a_moment()).await;
                } else {
                    pending::<()>().await;
                }
            };
            let answer = tokio::select! {
                answer = client.issue_invoice(call) => answer,
                () = give_up => continue,
            };
            match answer {
                Ok(issued) => {
                    self.answered.fetch_add(1, Ordering::SeqCst);
                    return Some(issued.into_inner().number);
                }
                Err(status) if is_late(&status) => return None,
                Err(status) => assert_passing(&status),
            }
            tokio::time::sleep(PAUSE).await;
        }
        None
    }

    /// Kills one process after the other, each time after some more answers.
    async fn kills(&self, token: &str) {
        for (nth, answers) in KILLS.into_iter().enumerate() {
            self.answers(answers).await;
            self.kill(nth, token).await;
        }
    }

    /// Waits for so many answers.
    async fn answers(&self, count: usize) {
        while self.answered.load(Ordering::SeqCst) < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Up to 25 ms: before, in and after the time that an issue takes.
fn a_moment() -> Duration {
    let byte = build::request_id().bytes().next().unwrap_or_default();
    Duration::from_micros(u64::from(byte % 25) * 1_000)
}

/// Whether a later day had been issued meanwhile.
fn is_late(status: &Status) -> bool {
    status.code() == Code::InvalidArgument
        && Refusal::of(status) == Refusal::fields(&["issue_date ISSUE_DATE_BEFORE_LAST"])
}

/// A connection was lost, or given up by a server that had to reset too many calls.
fn assert_passing(status: &Status) {
    let is_passing = match status.code() {
        Code::Unavailable | Code::Unknown | Code::Cancelled | Code::DeadlineExceeded => true,
        Code::ResourceExhausted => status.details().is_empty(),
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss
        | Code::Unauthenticated => false,
    };
    assert!(is_passing, "{status:?}");
}

/// Every issued invoice, by number.
async fn issued(client: &mut Invoices) -> Vec<Invoice> {
    let mut all = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListInvoicesRequest {
            order_by: OrderBy::NumberAsc.into(),
            page_size: 200,
            page_token,
            ..ListInvoicesRequest::default()
        };
        let page = client.list_invoices(request).await.unwrap().into_inner();
        all.extend(
            page.invoices
                .into_iter()
                .filter(|invoice| !invoice.number.is_empty()),
        );
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

/// Issues 200 drafts at a time while processes are killed, and looks at what is there then.
async fn two_hundred_issues_and_three_kills(site: Site) {
    let token = site.register().await;
    let drafts = join_all((0..ISSUES).map(|nth| site.draft(nth))).await;
    let issues = join_all(
        drafts
            .into_iter()
            .enumerate()
            .map(|(nth, draft)| site.issue(nth, draft)),
    );
    let done = timeout(PATIENCE, async { futures::join!(issues, site.kills(&token)) }).await;
    let Ok((numbers, ())) = done else {
        panic!("{} answers", site.answered.load(Ordering::SeqCst));
    };

    let mut answered: Vec<_> = numbers.into_iter().flatten().collect();
    answered.sort();
    assert!(answered.len() >= MIDNIGHT, "{}", answered.len());
    let issued = issued(&mut site.client(0)).await;
    let stored: Vec<_> = issued.iter().map(|invoice| invoice.number.clone()).collect();
    let expected: Vec<_> = (1..=stored.len())
        .map(|nth| format!("INV-2026-{nth:04}"))
        .collect();
    assert_eq!(stored, expected);
    assert_eq!(answered, stored, "every issue was repeated until it was answered");
    assert!(issued.is_sorted_by_key(|invoice| &invoice.issue_date));
}

#[tokio::test]
async fn issues_in_sqlite_while_the_process_is_killed_leave_no_gap() {
    let site = Site::start(vec![Home::new()], Vec::new()).await;
    two_hundred_issues_and_three_kills(site).await;
}

#[tokio::test]
async fn issues_in_mongodb_at_two_processes_that_are_killed_leave_no_gap() {
    let set = ReplicaSet::start().await;
    let key = tempfile::tempdir().unwrap();
    let flags = vec![
        format!("--auth-store-url={}", set.url("invoiceapp_auth")),
        format!("--invoice-store-url={}", set.url("invoiceapp_invoice")),
        format!("--auth-key-file={}", key.path().join("master.key").display()),
    ];
    let site = Site::start(vec![Home::new(), Home::new()], flags).await;
    two_hundred_issues_and_three_kills(site).await;
}
