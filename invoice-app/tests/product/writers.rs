//! Writers at the same time that know what they were answered, and what must be stored afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use harness::{Bearer, Refusal, build};
use prost_types::FieldMask;
use proto::invoice::v1::invoice_service_client::InvoiceServiceClient;
use proto::invoice::v1::profile_service_client::ProfileServiceClient;
use proto::invoice::v1::{CreateInvoiceRequest, Invoice, ListInvoicesRequest, UpdateInvoiceRequest};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

pub(crate) type Invoices = InvoiceServiceClient<InterceptedService<Channel, Bearer>>;
pub(crate) type Profiles = ProfileServiceClient<InterceptedService<Channel, Bearer>>;

/// Every draft gets this many changes, then its writer begins another.
const CHANGES: usize = 4;

/// A connection that may also fail to be made: the server is about to die.
pub(crate) fn lazy(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect_lazy()
}

pub(crate) fn invoices(address: SocketAddr, access_token: &str) -> Invoices {
    InvoiceServiceClient::with_interceptor(lazy(address), Bearer::new(access_token))
}

/// A write that may be repeated: its request id stays.
#[derive(Debug, Clone)]
pub(crate) enum Write {
    Create(CreateInvoiceRequest),
    Update(UpdateInvoiceRequest),
}

impl Write {
    pub(crate) fn create(note: String) -> Self {
        let mut invoice = build::invoice();
        invoice.note = note;
        Self::Create(build::create(invoice))
    }

    /// Appends to the note of `invoice` as it was last seen.
    fn change(invoice: &Invoice) -> Self {
        Self::Update(UpdateInvoiceRequest {
            invoice: Some(Invoice {
                id: invoice.id.clone(),
                etag: invoice.etag.clone(),
                note: format!("{}+", invoice.note),
                ..Invoice::default()
            }),
            update_mask: Some(FieldMask {
                paths: vec!["note".to_owned()],
            }),
            request_id: build::request_id(),
        })
    }

    /// What the note is when this has been done.
    pub(crate) fn note(&self) -> &str {
        let invoice = match self {
            Self::Create(request) => &request.invoice,
            Self::Update(request) => &request.invoice,
        };
        &invoice.as_ref().unwrap().note
    }

    pub(crate) async fn send(&self, client: &mut Invoices) -> Result<Invoice, Status> {
        self.send_within(Duration::from_secs(30), client).await
    }

    pub(crate) async fn send_within(
        &self,
        timeout: Duration,
        client: &mut Invoices,
    ) -> Result<Invoice, Status> {
        let answer = match self.clone() {
            Self::Create(request) => client.create_invoice(within(timeout, request)).await?,
            Self::Update(request) => client.update_invoice(within(timeout, request)).await?,
        };
        Ok(answer.into_inner())
    }
}

fn within<T>(timeout: Duration, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(timeout);
    request
}

/// One of those who write at the same time. Each owns its drafts.
pub(crate) struct Writer {
    number: usize,
    begun: usize,
    /// As last answered, by id.
    pub(crate) drafts: BTreeMap<String, Invoice>,
    /// Every version that was answered: id and etag.
    pub(crate) versions: BTreeSet<(String, String)>,
    /// The draft that is being changed, with the number of changes still to come.
    current: Option<(String, usize)>,
    /// Sent, and not answered before the process died.
    pub(crate) in_doubt: Option<Write>,
}

impl Writer {
    pub(crate) fn new(number: usize) -> Self {
        Self {
            number,
            begun: 0,
            drafts: BTreeMap::new(),
            versions: BTreeSet::new(),
            current: None,
            in_doubt: None,
        }
    }

    pub(crate) fn next(&mut self) -> Write {
        if let Some((id, _)) = &self.current {
            return Write::change(&self.drafts[id]);
        }
        self.begun += 1;
        Write::create(format!("{}/{}", self.number, self.begun))
    }

    /// Takes down what was answered to `write`.
    pub(crate) fn answered(&mut self, write: &Write, invoice: Invoice) {
        assert_eq!(invoice.note, write.note());
        let version = (invoice.id.clone(), invoice.etag.clone());
        assert!(self.versions.insert(version), "a version came twice: {invoice:?}");
        self.current = match (write, self.current.take()) {
            (Write::Create(_), _) => Some((invoice.id.clone(), CHANGES)),
            (Write::Update(_), Some((id, more))) if more > 1 => Some((id, more - 1)),
            (Write::Update(_), _) => None,
        };
        self.drafts.insert(invoice.id.clone(), invoice);
    }

    /// Repeats what is in doubt; it must succeed now.
    pub(crate) async fn settle(&mut self, client: &mut Invoices) {
        if let Some(write) = self.in_doubt.take() {
            let invoice = write.send(client).await.unwrap();
            self.answered(&write, invoice);
        }
    }
}

/// Every invoice of the organization, page by page.
pub(crate) async fn everything(client: &mut Invoices) -> Vec<Invoice> {
    let mut request = ListInvoicesRequest {
        page_size: 200,
        ..ListInvoicesRequest::default()
    };
    let mut all = Vec::new();
    loop {
        let list = || {
            let (mut client, request) = (client.clone(), request.clone());
            async move { client.list_invoices(request).await }
        };
        let page = harness::unless_busy(list).await.unwrap().into_inner();
        all.extend(page.invoices);
        if page.next_page_token.is_empty() {
            return all;
        }
        request.page_token = page.next_page_token;
    }
}

/// Everything that was answered is stored as answered, and there is nothing else.
pub(crate) async fn assert_exactly_what_was_answered(client: &mut Invoices, writers: &[Writer]) {
    let stored = everything(client).await;
    let count = stored.len();
    let stored: BTreeMap<String, Invoice> = stored
        .into_iter()
        .map(|invoice| (invoice.id.clone(), invoice))
        .collect();
    assert_eq!(stored.len(), count, "an id is listed twice");
    let answered: BTreeMap<String, Invoice> =
        writers.iter().flat_map(|writer| writer.drafts.clone()).collect();
    assert!(
        answered == stored,
        "stored {stored:#?} but answered {answered:#?}"
    );
}

/// A change on top of a version that has been replaced since is refused.
pub(crate) async fn assert_old_etags_are_stale(client: &mut Invoices, writers: &[Writer]) {
    for writer in writers {
        for (id, etag) in &writer.versions {
            let current = &writer.drafts[id];
            if *etag == current.etag {
                continue;
            }
            let old = Invoice {
                etag: etag.clone(),
                ..current.clone()
            };
            let refused = Refusal::in_result(Write::change(&old).send(client).await);
            assert_eq!(refused, Refusal::new(Code::Aborted, "ETAG_MISMATCH"), "{id}");
        }
    }
}
