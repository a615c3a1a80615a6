//! `invoiceapp.invoice.v1.CustomerService`.

use paging::{ListIdentity, PageTokenError};
use prost::Message as _;
use rpc_error::{FieldPath, RpcError, Violations};
use tonic::{Request, Response, Status};

use proto::invoice::v1 as pb;
use proto::invoice::v1::customer_service_server;
use proto::invoice::v1::list_customers_request::OrderBy;

use super::answer::replayed;
use super::mask::{Field, Mask, Masked, address_fields, fields, party_fields};
use super::text::{Reader, optional};
use super::{applied, caller, error, etag, inward, outward, page_token};
use crate::customers::{CustomerError, Customers};
use crate::domain::content::PaymentTermsDays;
use crate::domain::customer::{Customer, CustomerContent};
use crate::domain::ids::{CustomerId, OrganizationId};
use crate::domain::money::Currency;
use crate::domain::party::Party;
use crate::search::Words;
use crate::store::{CustomerCursor, CustomerOrder, CustomerQuery};

const FIELDS: [Field<pb::Customer>; 5] = fields![
    party,
    currency_code,
    payment_terms_days,
    note,
    // Compared, never changed.
    etag,
];
const PARTY: [Field<pb::Customer>; 6] = party_fields![party: name, email, phone, tax_id, legal_id, address];
const PARTY_ADDRESS: [Field<pb::Customer>; 6] =
    address_fields![party: line1, line2, city, postal_code, region, country_code];

impl Masked for pb::Customer {
    const NAME: &'static str = "Customer";
    const FIELDS: &'static [&'static [Field<Self>]] = &[&FIELDS, &PARTY, &PARTY_ADDRESS];
    const OUTPUT_ONLY: &'static [&'static str] = &["id", "create_time", "update_time"];
}

/// `invoiceapp.invoice.v1.CustomerService`. It serves authenticated calls only: [`authn::Authenticated`] goes around it.
#[derive(Clone)]
pub(crate) struct CustomerService {
    customers: Customers,
}

impl CustomerService {
    /// The service on these use cases.
    pub(crate) fn new(customers: Customers) -> Self {
        Self { customers }
    }
}

#[tonic::async_trait]
impl customer_service_server::CustomerService for CustomerService {
    async fn create_customer(
        &self,
        request: Request<pb::CreateCustomerRequest>,
    ) -> Result<Response<pb::Customer>, Status> {
        let caller = caller(&request)?;
        let mut request = request.into_inner();
        let mut violations = Violations::new();
        let customer = request.customer.take();
        request.customer = customer.as_ref().map(settable);
        let applied = applied(
            "CreateCustomer",
            &mut request,
            |request| &mut request.request_id,
            &mut violations,
        );
        if customer.is_none() {
            violations.push(FieldPath::new("customer"), "FIELD_REQUIRED", "must be set");
        }
        let content = customer.and_then(|customer| content(&customer, &mut violations));
        let (Some(content), Some(applied)) = (content, applied) else {
            return Err(error::invalid(violations));
        };
        let outcome = self
            .customers
            .create(&caller.organization, content, applied)
            .await;
        let outcome = outcome.map_err(|error| status(error, ""))?;
        Ok(replayed(
            Response::new(shown(&outcome.customer)),
            outcome.replayed,
        ))
    }

    async fn get_customer(
        &self,
        request: Request<pb::GetCustomerRequest>,
    ) -> Result<Response<pb::Customer>, Status> {
        let caller = caller(&request)?;
        let id = customer_id(&request.get_ref().customer_id)?;
        let customer = self.customers.get(&caller.organization, &id).await;
        let customer = customer.map_err(|error| status(error, id.as_str()))?;
        Ok(Response::new(shown(&customer)))
    }

    async fn list_customers(
        &self,
        request: Request<pb::ListCustomersRequest>,
    ) -> Result<Response<pb::ListCustomersResponse>, Status> {
        let caller = caller(&request)?;
        let mut violations = Violations::new();
        let query = query(request.get_ref(), &caller.organization, &mut violations);
        let Some((query, identity)) = query else {
            return Err(error::invalid(violations));
        };
        let order = query.order;
        let page = self.customers.list(&caller.organization, query).await;
        let page = page.map_err(|error| status(error, ""))?;
        let last = page.customers.last().filter(|_| page.more);
        let next = last.map(|last| {
            let CustomerCursor { key, id } = CustomerCursor::of(last, order);
            page_token::encode_place(&key, id.as_str(), identity)
        });
        Ok(Response::new(pb::ListCustomersResponse {
            customers: page.customers.iter().map(shown).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }

    async fn update_customer(
        &self,
        request: Request<pb::UpdateCustomerRequest>,
    ) -> Result<Response<pb::Customer>, Status> {
        let caller = caller(&request)?;
        let mut request = request.into_inner();
        let mut violations = Violations::new();
        let update = request.customer.take().unwrap_or_default();
        request.customer = Some(pb::Customer {
            id: update.id.clone(),
            etag: update.etag.clone(),
            ..settable(&update)
        });
        let applied = applied(
            "UpdateCustomer",
            &mut request,
            |request| &mut request.request_id,
            &mut violations,
        );
        if update.id.is_empty() {
            let at = FieldPath::new("customer").field("id");
            violations.push(at, "FIELD_REQUIRED", "must name the customer to update");
        }
        let mask = Mask::resolve(request.update_mask.as_ref(), &update, &mut violations);
        // What is wrong with the new values by themselves is reported together with the rest.
        let mut alone = pb::Customer::default();
        mask.apply(&mut alone, &update);
        content(&alone, &mut violations);
        let (Some(applied), true) = (applied, violations.is_empty()) else {
            return Err(error::invalid(violations));
        };
        let id = CustomerId::parse(&update.id).map_err(|_| error::customer_not_found(&update.id))?;
        let patch = |customer: &Customer| {
            let mut merged = shown(customer);
            mask.apply(&mut merged, &update);
            let mut violations = Violations::new();
            content(&merged, &mut violations).ok_or(violations)
        };
        let etag = etag(&update.etag);
        let outcome = self.customers.update(&caller, &id, etag.as_ref(), applied, patch);
        let outcome = outcome
            .await
            .map_err(|error| refused(error, id.as_str(), error::invalid))?;
        Ok(replayed(
            Response::new(shown(&outcome.customer)),
            outcome.replayed,
        ))
    }

    async fn delete_customer(
        &self,
        request: Request<pb::DeleteCustomerRequest>,
    ) -> Result<Response<()>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = customer_id(&request.customer_id)?;
        let etag = etag(&request.etag);
        let deleted = self
            .customers
            .delete(&caller.organization, &id, etag.as_ref())
            .await;
        deleted.map_err(|error| status(error, id.as_str()))?;
        Ok(Response::new(()))
    }
}

/// Reads a required id; one that cannot be ours names no customer.
fn customer_id(id: &str) -> Result<CustomerId, Status> {
    if id.is_empty() {
        let mut violations = Violations::new();
        let at = FieldPath::new("customer_id");
        violations.push(at, "FIELD_REQUIRED", "must name a customer");
        return Err(error::invalid(violations));
    }
    CustomerId::parse(id).map_err(|_| error::customer_not_found(id))
}

fn status(error: CustomerError, id: &str) -> Status {
    refused(error, id, |never| match never {})
}

fn refused<P>(error: CustomerError<P>, id: &str, patch: impl FnOnce(P) -> Status) -> Status {
    match error {
        CustomerError::NotFound => error::customer_not_found(id),
        CustomerError::EtagMismatch => {
            let text = "the customer has changed since it was read; read it again and decide again";
            RpcError::aborted(error::ETAG_MISMATCH, text).into()
        }
        CustomerError::RequestIdReused => {
            let text = "the request id was used before with other content; make a new one";
            RpcError::invalid_argument(error::REQUEST_ID_REUSED, text).into()
        }
        CustomerError::Patch(refusal) => patch(refusal),
        CustomerError::Store(error) => error::store(&error),
    }
}

/// What a client says about a customer, without what only the service sets.
fn settable(customer: &pb::Customer) -> pb::Customer {
    pb::Customer {
        id: String::new(),
        etag: String::new(),
        create_time: None,
        update_time: None,
        ..customer.clone()
    }
}

/// The content of a customer, or `None` with everything that is wrong with it in `violations`.
fn content(customer: &pb::Customer, violations: &mut Violations) -> Option<CustomerContent> {
    let at = FieldPath::new("customer");
    let mut read = Reader::new(&at, violations);
    let currency = read.optional("currency_code", &customer.currency_code, Currency::parse);
    let terms = customer
        .payment_terms_days
        .map(|days| PaymentTermsDays::new(i64::from(days)));
    let payment_terms_days = read.value("payment_terms_days", terms.transpose());
    let note = read.paragraph("note", &customer.note);
    let party = optional(customer.party.as_ref(), |party| {
        inward::party(party, &at.field("party"), violations)
    });
    Some(CustomerContent {
        party: party?.unwrap_or_default(),
        currency: currency?,
        payment_terms_days: payment_terms_days?,
        note: note?,
    })
}

/// The customer as clients see it.
fn shown(customer: &Customer) -> pb::Customer {
    let content = &customer.content;
    pb::Customer {
        id: customer.id.to_string(),
        party: (content.party != Party::default()).then(|| outward::party(&content.party)),
        currency_code: content
            .currency
            .map(|currency| currency.to_string())
            .unwrap_or_default(),
        payment_terms_days: content.payment_terms_days.map(|terms| i32::from(terms.get())),
        note: content.note.to_string(),
        etag: customer.etag().to_string(),
        create_time: Some(outward::timestamp(customer.create_time)),
        update_time: Some(outward::timestamp(customer.update_time)),
    }
}

/// The page that a request asks for, and what the next page's token is bound to.
fn query(
    request: &pb::ListCustomersRequest,
    organization: &OrganizationId,
    violations: &mut Violations,
) -> Option<(CustomerQuery, ListIdentity)> {
    let root = FieldPath::root();
    let order = match OrderBy::try_from(request.order_by) {
        Ok(OrderBy::Unspecified | OrderBy::NameAsc) => Some(CustomerOrder::NameAscending),
        Ok(OrderBy::CreateTimeDesc) => Some(CustomerOrder::CreateTimeDescending),
        Err(_) => {
            let at = FieldPath::new("order_by");
            violations.push(at, "ENUM_UNKNOWN", "must be a value of OrderBy");
            None
        }
    };
    let identity = identity(request, organization);
    let page_size = violations.check(FieldPath::new("page_size"), paging::size(request.page_size));
    let mut read = Reader::new(&root, violations);
    let words = read.value("query", Words::of_query(&request.query));
    let after = page_token::decode_place(&request.page_token, identity);
    let after = after.and_then(|place| place.map(cursor).transpose());
    let after = read.value("page_token", after);
    let query = CustomerQuery {
        words: words?,
        order: order?,
        after: after?,
        limit: page_size?,
    };
    Some((query, identity))
}

fn cursor((key, id): (crate::store::CursorKey, String)) -> Result<CustomerCursor, PageTokenError> {
    let id = CustomerId::parse(&id).map_err(|_| PageTokenError::Malformed)?;
    Ok(CustomerCursor { key, id })
}

/// What the list is of, however it was asked for: an order that is not set is the default one.
fn identity(request: &pb::ListCustomersRequest, organization: &OrganizationId) -> ListIdentity {
    let order_by = match request.order_by {
        0 => OrderBy::NameAsc.into(),
        order_by => order_by,
    };
    let list = pb::ListCustomersRequest {
        query: request.query.clone(),
        order_by,
        ..pb::ListCustomersRequest::default()
    };
    let content = [b"customers".as_slice(), &list.encode_to_vec()].concat();
    ListIdentity::new(organization.as_str(), &content)
}
