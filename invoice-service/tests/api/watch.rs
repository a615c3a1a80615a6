//! WatchInvoices: what there is, and what becomes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use harness::{Person, Refusal, RunningProduct, build};
use proto::auth::v1::LogoutRequest;
use proto::invoice::v1::invoice::State;
use proto::invoice::v1::list_invoices_request::Filter;
use proto::invoice::v1::watch_invoices_response::Event;
use proto::invoice::v1::{
    DeleteInvoiceRequest, Invoice, IssueInvoiceRequest, ListInvoicesRequest, RecordPaymentRequest,
    WatchInvoicesRequest, WatchInvoicesResponse,
};
use rpc_error::Details;
use tonic::{Code, Status, Streaming};

use crate::created;

/// For a message to come on a busy machine; less than the time between two heartbeats would do on a quiet one.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Watch {
    stream: Streaming<WatchInvoicesResponse>,
    pub(crate) token: String,
}

impl Watch {
    pub(crate) async fn open(person: &mut Person, request: WatchInvoicesRequest) -> Result<Self, Status> {
        let stream = person.invoices.watch_invoices(request).await?.into_inner();
        let token = String::new();
        Ok(Self { stream, token })
    }

    pub(crate) async fn resume(person: &mut Person, token: &str) -> Result<Self, Status> {
        let request = WatchInvoicesRequest {
            resume_token: token.to_owned(),
            ..WatchInvoicesRequest::default()
        };
        Self::open(person, request).await
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Result<Event, Status> {
        let message = tokio::time::timeout(PATIENCE, self.stream.message()).await;
        let message = message.unwrap()?;
        let message = message.unwrap();
        assert!(!message.resume_token.is_empty(), "{message:?}");
        self.token = message.resume_token;
        Ok(message.event.unwrap())
    }

    /// The next message that is no heartbeat.
    pub(crate) async fn event(&mut self) -> Result<Event, Status> {
        loop {
            let event = self.message().await?;
            if !matches!(event, Event::Heartbeat(_)) {
                return Ok(event);
            }
        }
    }

    /// The next event, which must be a change.
    pub(crate) async fn changed(&mut self) -> Invoice {
        let event = self.event().await.unwrap();
        let Event::Changed(changed) = event else {
            panic!("{event:?}")
        };
        changed.invoice.unwrap()
    }

    async fn deleted(&mut self) -> String {
        let event = self.event().await.unwrap();
        let Event::Deleted(deleted) = event else {
            panic!("{event:?}")
        };
        deleted.invoice_id
    }

    pub(crate) async fn snapshot(&mut self) -> Vec<Invoice> {
        let mut invoices = Vec::new();
        loop {
            let event = self.event().await.unwrap();
            if matches!(event, Event::SnapshotEnd(_)) {
                return invoices;
            }
            let Event::Changed(changed) = event else {
                panic!("{event:?}")
            };
            invoices.extend(changed.invoice);
        }
    }

    /// How it ends.
    async fn end(&mut self) -> Status {
        loop {
            if let Err(status) = self.message().await {
                return status;
            }
        }
    }
}

async fn listed(person: &mut Person) -> Vec<Invoice> {
    let list = person.invoices.list_invoices(ListInvoicesRequest {
        page_size: 200,
        ..ListInvoicesRequest::default()
    });
    list.await.unwrap().into_inner().invoices
}

async fn deleted(person: &mut Person, id: &str) {
    let request = DeleteInvoiceRequest {
        invoice_id: id.to_owned(),
        ..DeleteInvoiceRequest::default()
    };
    person.invoices.delete_invoice(request).await.unwrap();
}

async fn issued(person: &mut Person, id: &str) -> Invoice {
    let request = IssueInvoiceRequest {
        invoice_id: id.to_owned(),
        ..IssueInvoiceRequest::default()
    };
    person.invoices.issue_invoice(request).await.unwrap().into_inner()
}

fn all() -> WatchInvoicesRequest {
    WatchInvoicesRequest::default()
}

#[tokio::test]
async fn a_watch_shows_what_there_is_and_then_what_becomes_of_it() {
    let product = RunningProduct::start().await;
    let mut ann = product.person_at_the_gateway().await;
    let mut bob = product.person().await;
    for _ in 0..45 {
        created(&mut ann, build::invoice()).await;
    }
    created(&mut bob, build::invoice()).await;
    let mut watch = Watch::open(&mut ann, all()).await.unwrap();
    assert_eq!(watch.snapshot().await, listed(&mut ann).await);

    let new = created(&mut ann, build::invoice()).await;
    assert_eq!(watch.changed().await, new);
    let foreign = created(&mut bob, build::invoice()).await;
    deleted(&mut bob, &foreign.id).await;
    issued(&mut ann, &new.id).await;
    assert_eq!(watch.changed().await, listed(&mut ann).await[0]);
    let payment = RecordPaymentRequest {
        invoice_id: new.id,
        ..RecordPaymentRequest::default()
    };
    ann.invoices.record_payment(payment).await.unwrap();
    let paid = watch.changed().await;
    assert_eq!((paid.state(), paid.payments.len()), (State::Paid, 0));
    let draft = created(&mut ann, build::invoice()).await;
    assert_eq!(watch.changed().await.id, draft.id);
    deleted(&mut ann, &draft.id).await;
    assert_eq!(watch.deleted().await, draft.id);
}

#[tokio::test]
async fn a_watch_of_some_invoices_says_when_one_is_no_longer_among_them() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let draft = created(&mut ann, build::invoice()).await;
    let other = created(&mut ann, build::invoice()).await;
    issued(&mut ann, &other.id).await;
    let filter = Filter {
        states: vec![State::Draft.into()],
        ..Filter::default()
    };
    let request = WatchInvoicesRequest {
        filter: Some(filter.clone()),
        ..all()
    };
    let mut watch = Watch::open(&mut ann, request.clone()).await.unwrap();
    assert_eq!(watch.snapshot().await, std::slice::from_ref(&draft));
    issued(&mut ann, &draft.id).await;
    let event = watch.event().await.unwrap();
    let Event::LeftFilter(left) = event else {
        panic!("{event:?}")
    };
    assert_eq!(left.invoice_id, draft.id);
    let next = created(&mut ann, build::invoice()).await;
    let going_on = WatchInvoicesRequest {
        resume_token: watch.token.clone(),
        ..request
    };
    drop(watch);
    let mut watch = Watch::open(&mut ann, going_on).await.unwrap();
    assert_eq!(watch.changed().await, next);
}

#[tokio::test]
async fn a_watch_without_the_first_state_begins_with_a_heartbeat() {
    let product = RunningProduct::start().await;
    let mut ann = product.person_at_the_gateway().await;
    created(&mut ann, build::invoice()).await;
    let request = WatchInvoicesRequest {
        skip_snapshot: true,
        ..all()
    };
    let mut watch = Watch::open(&mut ann, request).await.unwrap();
    let first = watch.message().await.unwrap();
    assert!(matches!(first, Event::Heartbeat(_)), "{first:?}");
    let new = created(&mut ann, build::invoice()).await;
    assert_eq!(watch.changed().await, new);
}

#[tokio::test]
async fn a_watch_that_was_cut_off_in_the_middle_of_the_first_state_goes_on_there_and_misses_nothing() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let mut invoices = Vec::new();
    for _ in 0..30 {
        invoices.push(created(&mut ann, build::invoice()).await);
    }
    let mut watch = Watch::open(&mut ann, all()).await.unwrap();
    let mut known = BTreeMap::new();
    for _ in 0..5 {
        let invoice = watch.changed().await;
        known.insert(invoice.id.clone(), invoice);
    }
    let token = watch.token.clone();
    drop(watch);
    // The newest were told; the oldest were not.
    issued(&mut ann, &invoices[29].id).await;
    deleted(&mut ann, &invoices[28].id).await;
    issued(&mut ann, &invoices[0].id).await;
    deleted(&mut ann, &invoices[1].id).await;
    let new = created(&mut ann, build::invoice()).await;

    let mut watch = Watch::resume(&mut ann, &token).await.unwrap();
    let rest = watch.snapshot().await;
    assert_eq!(rest.len(), 24, "what was told is not told again");
    known.extend(rest.into_iter().map(|invoice| (invoice.id.clone(), invoice)));
    while !known.contains_key(&new.id) {
        let event = watch.event().await.unwrap();
        if let Event::Deleted(deleted) = event {
            known.remove(&deleted.invoice_id);
        } else if let Event::Changed(changed) = event {
            let invoice = changed.invoice.unwrap();
            known.insert(invoice.id.clone(), invoice);
        }
    }
    let stored = listed(&mut ann).await;
    let stored: BTreeMap<_, _> = stored
        .into_iter()
        .map(|invoice| (invoice.id.clone(), invoice))
        .collect();
    assert_eq!(known, stored);
}

#[tokio::test]
async fn a_resume_token_holds_only_with_its_organization_and_its_filter() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let mut bob = product.person().await;
    let mut watch = Watch::open(&mut ann, all()).await.unwrap();
    assert_eq!(watch.snapshot().await, []);
    let token = watch.token.clone();
    let refusal = |result: Result<Watch, Status>| Refusal::of(&result.err().unwrap());
    let other = Refusal::fields(&["resume_token RESUME_TOKEN_OTHER_WATCH"]);
    assert_eq!(refusal(Watch::resume(&mut bob, &token).await), other);
    let narrower = WatchInvoicesRequest {
        filter: Some(Filter {
            overdue_only: true,
            ..Filter::default()
        }),
        resume_token: token,
        ..all()
    };
    assert_eq!(refusal(Watch::open(&mut ann, narrower).await), other);
    let malformed = Refusal::fields(&["resume_token RESUME_TOKEN_MALFORMED"]);
    assert_eq!(refusal(Watch::resume(&mut ann, "nonsense").await), malformed);
}

#[tokio::test]
async fn a_watch_ends_when_its_session_does() {
    let product = RunningProduct::start().await;
    for mut ann in [product.person().await, product.person_at_the_gateway().await] {
        let mut watch = Watch::open(&mut ann, all()).await.unwrap();
        assert_eq!(watch.snapshot().await, []);
        ann.auth.logout(LogoutRequest::default()).await.unwrap();
        let end = Refusal::of(&watch.end().await);
        assert_eq!(end, Refusal::new(Code::Unauthenticated, "TOKEN_REVOKED"));
    }
}

#[tokio::test]
async fn an_organization_has_as_many_watches_as_it_may_and_takes_none_of_another() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let mut bob = product.person().await;
    let mut watches = Vec::new();
    for _ in 0..64 {
        watches.push(Watch::open(&mut ann, all()).await.unwrap());
    }
    let one_more = Watch::open(&mut ann, all()).await.err().unwrap();
    assert_eq!(
        Refusal::of(&one_more),
        Refusal::new(Code::ResourceExhausted, "TOO_MANY_WATCHES")
    );
    assert!(Details::of(&one_more).retry_info.is_some());
    Watch::open(&mut bob, all()).await.unwrap();
    watches.pop();
    let again = async {
        while Watch::open(&mut ann, all()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
}

#[tokio::test]
async fn watches_end_at_once_when_the_service_goes_down() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let mut watch = Watch::open(&mut ann, all()).await.unwrap();
    assert_eq!(watch.snapshot().await, []);
    // It would wait for calls that go on for 5 s, and then cut them without a status.
    let (end, ()) = tokio::join!(watch.end(), product.stop());
    assert_eq!(
        Refusal::of(&end),
        Refusal::new(Code::Unavailable, "SHUTTING_DOWN")
    );
}
