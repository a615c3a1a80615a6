//! The gRPC face of the service: handlers and conversions.

mod answer;
mod credit_notes;
mod customer;
mod defaults;
mod error;
mod events;
mod inward;
mod lifecycle;
mod list;
mod mask;
mod outward;
mod page_token;
mod payments;
mod profile;
mod summary;
mod text;
mod violation;
mod watch;

use authn::Principal;
use prost::Message;
use rpc_error::{FieldPath, Violations};
use tonic::{Request, Response, Status};

use proto::invoice::v1 as pb;
use proto::invoice::v1::invoice_service_server;

use self::answer::View;
pub(crate) use self::customer::CustomerService;
use self::defaults::{CUSTOMER_UNKNOWN, with_customer};
pub(crate) use self::error::{content_violations, issue_violations};
pub(crate) use self::inward::content as content_of;
use self::list::List;
use self::mask::Mask;
pub(crate) use self::outward::invoice as message_of;
pub(crate) use self::profile::ProfileService;
use self::text::Reader;
use crate::domain::content::InvoiceContent;
use crate::domain::customer::Customer;
use crate::domain::date::CalendarDate;
use crate::domain::ids::{Etag, InvoiceId, OrganizationId, SessionId, UserId};
use crate::domain::invoice::Invoice;
use crate::idempotency::{AppliedRequest, Fingerprint, RequestId};
use crate::invoices::{Caller, Invoices, Target, party_of};
use crate::store::{Cursor, ListPage};

/// Stands in where an update leaves the currency as it is.
const ANY_CURRENCY: &str = "EUR";

/// `invoiceapp.invoice.v1.InvoiceService`. It serves authenticated calls only: [`authn::Authenticated`] goes around it.
#[derive(Clone)]
pub(crate) struct InvoiceService {
    invoices: Invoices,
}

impl InvoiceService {
    /// The service on these use cases.
    pub(crate) fn new(invoices: Invoices) -> Self {
        Self { invoices }
    }
}

#[tonic::async_trait]
impl invoice_service_server::InvoiceService for InvoiceService {
    async fn create_invoice(
        &self,
        request: Request<pb::CreateInvoiceRequest>,
    ) -> Result<Response<pb::Invoice>, Status> {
        let caller = caller(&request)?;
        let mut request = request.into_inner();
        let mut violations = Violations::new();
        let invoice = request.invoice.take();
        request.invoice = invoice.as_ref().map(mask::settable);
        let applied = applied(
            "CreateInvoice",
            &mut request,
            |request| &mut request.request_id,
            &mut violations,
        );
        let content = self
            .new_content(&caller, invoice.as_ref(), &mut violations)
            .await?;
        let (Some(content), Some(applied)) = (content, applied) else {
            return Err(error::invalid(violations));
        };
        let outcome = self.invoices.create(&caller, content, applied).await;
        let outcome = outcome.map_err(|error| error::status(error, ""))?;
        self.answer(&caller, &outcome).await
    }

    async fn preview_invoice(
        &self,
        request: Request<pb::PreviewInvoiceRequest>,
    ) -> Result<Response<pb::Invoice>, Status> {
        let caller = caller(&request)?;
        let mut violations = Violations::new();
        let invoice = request.get_ref().invoice.as_ref();
        let content = self.new_content(&caller, invoice, &mut violations).await?;
        let Some(content) = content else {
            return Err(error::invalid(violations));
        };
        let preview = Invoices::preview(&caller, content).map_err(|error| error::status(error, ""))?;
        // What is not stored has no identity and no history yet.
        let preview = pb::Invoice {
            id: String::new(),
            etag: String::new(),
            create_time: None,
            update_time: None,
            ..self.shown(&caller, &preview).await?
        };
        Ok(Response::new(preview))
    }

    async fn get_invoice(
        &self,
        request: Request<pb::GetInvoiceRequest>,
    ) -> Result<Response<pb::Invoice>, Status> {
        let caller = caller(&request)?;
        let id = invoice_id(&request.get_ref().invoice_id, "invoice_id")?;
        let invoice = self.invoices.get(&caller, &id).await;
        let invoice = invoice.map_err(|error| error::status(error, id.as_str()))?;
        Ok(Response::new(self.shown(&caller, &invoice).await?))
    }

    async fn list_invoices(
        &self,
        request: Request<pb::ListInvoicesRequest>,
    ) -> Result<Response<pb::ListInvoicesResponse>, Status> {
        let caller = caller(&request)?;
        let overdue_only = request
            .get_ref()
            .filter
            .as_ref()
            .is_some_and(|filter| filter.overdue_only);
        let today = if overdue_only {
            self.today(&caller).await?
        } else {
            // It is not looked at.
            CalendarDate::FIRST
        };
        let mut violations = Violations::new();
        let list = List::of(request.get_ref(), &caller.organization, today, &mut violations);
        let Some(List { query, identity }) = list else {
            return Err(error::invalid(violations));
        };
        let order = query.order;
        let page = self.invoices.list(&caller, query).await;
        let ListPage { invoices, more } = page.map_err(|error| error::status(error, ""))?;
        let view = self.view(&caller, &invoices).await?;
        let shown = invoices.iter().map(|invoice| view.listed(invoice)).collect();
        let last = invoices.last().filter(|_| more);
        let next = last.map(|last| page_token::encode(&Cursor::of(last, order), identity));
        Ok(Response::new(pb::ListInvoicesResponse {
            invoices: shown,
            next_page_token: next.unwrap_or_default(),
        }))
    }

    async fn summarize_invoices(
        &self,
        request: Request<pb::SummarizeInvoicesRequest>,
    ) -> Result<Response<pb::SummarizeInvoicesResponse>, Status> {
        self.summarize(request).await
    }

    type WatchInvoicesStream = watch::Messages;

    async fn watch_invoices(
        &self,
        request: Request<pb::WatchInvoicesRequest>,
    ) -> Result<Response<Self::WatchInvoicesStream>, Status> {
        self.watch(request).await
    }

    async fn update_invoice(
        &self,
        request: Request<pb::UpdateInvoiceRequest>,
    ) -> Result<Response<pb::Invoice>, Status> {
        let caller = caller(&request)?;
        let mut request = request.into_inner();
        let mut violations = Violations::new();
        let update = request.invoice.take().unwrap_or_default();
        request.invoice = Some(mask::compared(&update));
        let applied = applied(
            "UpdateInvoice",
            &mut request,
            |request| &mut request.request_id,
            &mut violations,
        );
        if update.id.is_empty() {
            let at = FieldPath::new("invoice").field("id");
            violations.push(at, "FIELD_REQUIRED", "must name the invoice to update");
        }
        let mask = Mask::resolve(request.update_mask.as_ref(), &update, &mut violations);
        check_masked(&mask, &update, &mut violations);
        let (Some(applied), true) = (applied, violations.is_empty()) else {
            return Err(error::invalid(violations));
        };
        let id = InvoiceId::parse(&update.id).map_err(|_| error::not_found(&update.id))?;
        let etag = etag(&update.etag);
        let target = Target {
            id: &id,
            etag: etag.as_ref(),
            request: applied,
        };
        let view = self.whole_view(&caller).await?;
        let customer = self.named_customer(&caller, &update.customer_id).await?;
        let patch = |invoice: &Invoice| patched(invoice, &view, customer.as_ref(), &mask, &update);
        let outcome = self.invoices.update(&caller, target, patch).await;
        let outcome = outcome.map_err(|error| error::update_status(error, id.as_str()))?;
        self.answer(&caller, &outcome).await
    }

    async fn delete_invoice(
        &self,
        request: Request<pb::DeleteInvoiceRequest>,
    ) -> Result<Response<()>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = invoice_id(&request.invoice_id, "invoice_id")?;
        let deleted = self
            .invoices
            .delete(&caller, &id, etag(&request.etag).as_ref())
            .await;
        deleted.map_err(|error| error::status(error, id.as_str()))?;
        Ok(Response::new(()))
    }

    async fn issue_invoice(
        &self,
        request: Request<pb::IssueInvoiceRequest>,
    ) -> Result<Response<pb::Invoice>, Status> {
        self.issue(request).await
    }

    async fn void_invoice(
        &self,
        request: Request<pb::VoidInvoiceRequest>,
    ) -> Result<Response<pb::Invoice>, Status> {
        self.void(request).await
    }

    async fn mark_invoice_uncollectible(
        &self,
        request: Request<pb::MarkInvoiceUncollectibleRequest>,
    ) -> Result<Response<pb::Invoice>, Status> {
        self.mark_uncollectible(request).await
    }

    async fn record_payment(
        &self,
        request: Request<pb::RecordPaymentRequest>,
    ) -> Result<Response<pb::Invoice>, Status> {
        self.pay(request).await
    }

    async fn reverse_payment(
        &self,
        request: Request<pb::ReversePaymentRequest>,
    ) -> Result<Response<pb::Invoice>, Status> {
        self.reverse(request).await
    }

    async fn create_credit_note(
        &self,
        request: Request<pb::CreateCreditNoteRequest>,
    ) -> Result<Response<pb::CreateCreditNoteResponse>, Status> {
        self.credit(request).await
    }

    async fn duplicate_invoice(
        &self,
        request: Request<pb::DuplicateInvoiceRequest>,
    ) -> Result<Response<pb::Invoice>, Status> {
        self.duplicate(request).await
    }

    async fn list_invoice_events(
        &self,
        request: Request<pb::ListInvoiceEventsRequest>,
    ) -> Result<Response<pb::ListInvoiceEventsResponse>, Status> {
        self.events(request).await
    }

    async fn verify_invoice_history(
        &self,
        request: Request<pb::VerifyInvoiceHistoryRequest>,
    ) -> Result<Response<pb::VerifyInvoiceHistoryResponse>, Status> {
        self.verify_history(request).await
    }
}

/// Who calls.
fn caller<T>(request: &Request<T>) -> Result<Caller, Status> {
    let principal = Principal::of(request)?;
    Ok(Caller {
        organization: OrganizationId::parse(principal.organization_id.as_str())
            .map_err(|error| error::internal(&error))?,
        user: UserId::parse(principal.user_id.as_str()).map_err(|error| error::internal(&error))?,
        session: SessionId::parse(principal.session_id.as_str()).map_err(|error| error::internal(&error))?,
    })
}

/// Reads a required id; one that cannot be ours names no invoice.
fn invoice_id(id: &str, field: &str) -> Result<InvoiceId, Status> {
    if id.is_empty() {
        let mut violations = Violations::new();
        violations.push(FieldPath::new(field), "FIELD_REQUIRED", "must name an invoice");
        return Err(error::invalid(violations));
    }
    InvoiceId::parse(id).map_err(|_| error::not_found(id))
}

fn etag(text: &str) -> Option<Etag> {
    (!text.is_empty()).then(|| Etag::from_client(text))
}

/// Records what is wrong with the new values by themselves, whatever invoice they are for, so that they are reported
/// together with what is wrong with the request.
fn check_masked(mask: &Mask<pb::Invoice>, update: &pb::Invoice, violations: &mut Violations) {
    let mut alone = pb::Invoice {
        currency_code: ANY_CURRENCY.to_owned(),
        ..pb::Invoice::default()
    };
    mask.apply(&mut alone, update);
    inward::content(&alone, &FieldPath::new("invoice"), violations);
}

/// The content that a draft gets by an update of what is seen of it. What it then has in common with the profile it
/// goes on taking from there.
fn patched(
    invoice: &Invoice,
    view: &View,
    customer: Option<&Customer>,
    mask: &Mask<pb::Invoice>,
    update: &pb::Invoice,
) -> Result<InvoiceContent, Violations> {
    let mut merged = view.shown(invoice);
    mask.apply(&mut merged, update);
    let mut violations = Violations::new();
    let content = inward::content(&merged, &FieldPath::new("invoice"), &mut violations);
    let mut content = content.ok_or(violations)?;
    if invoice.header.seller.is_none() && content.header.seller == view.seller {
        content.header.seller = None;
    }
    let before = &invoice.header;
    if content.header.buyer == before.customer_party {
        content.header.buyer = None;
    }
    let id = content.header.customer_id.as_ref();
    let party = match (id, customer) {
        // It may have been deleted since.
        (Some(_), _) if id == before.customer_id.as_ref() => before.customer_party.clone(),
        (Some(id), Some(customer)) if *id == customer.id => party_of(customer),
        (Some(_), _) => {
            let at = FieldPath::new("invoice").field("customer_id");
            let mut violations = Violations::new();
            violations.push(at, CUSTOMER_UNKNOWN.0, CUSTOMER_UNKNOWN.1);
            return Err(violations);
        }
        (None, _) => None,
    };
    Ok(with_customer(content, party))
}

/// The request id with the fingerprint of everything else in the request; `Some(None)` when there is no id.
fn applied<M: Message>(
    method: &str,
    request: &mut M,
    id: impl Fn(&mut M) -> &mut String,
    violations: &mut Violations,
) -> Option<Option<AppliedRequest>> {
    let text = std::mem::take(id(request));
    let parsed =
        Reader::new(&FieldPath::root(), violations).optional("request_id", &text, RequestId::parse)?;
    Some(parsed.map(|id| AppliedRequest {
        id,
        fingerprint: Fingerprint::of(method, &request.encode_to_vec()),
    }))
}
