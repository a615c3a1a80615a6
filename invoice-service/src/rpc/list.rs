//! ListInvoices: from the request to a query of the store.

use paging::ListIdentity;
use prost::Message as _;
use rpc_error::{FieldPath, Violations};

use proto::invoice::v1 as pb;
use proto::invoice::v1::list_invoices_request::{Filter, OrderBy};

use super::page_token;
use super::text::Reader;
use crate::domain::date::CalendarDate;
use crate::domain::ids::{CustomerId, OrganizationId};
use crate::domain::invoice::InvoiceKind;
use crate::domain::money::Currency;
use crate::domain::state::State;
use crate::search::Words;
use crate::store::{ListFilter, ListOrder, ListQuery};

/// More states than there are is a mistake.
const MOST_STATES: usize = 16;

/// A list request, understood.
pub(super) struct List {
    /// What to ask the store.
    pub(super) query: ListQuery,
    /// What the next page's token is bound to.
    pub(super) identity: ListIdentity,
}

impl List {
    pub(super) fn of(
        request: &pb::ListInvoicesRequest,
        organization: &OrganizationId,
        today: CalendarDate,
        violations: &mut Violations,
    ) -> Option<Self> {
        let root = FieldPath::root();
        let identity = identity(request, organization);
        let page_size = violations.check(FieldPath::new("page_size"), paging::size(request.page_size));
        let order = order(request.order_by, violations);
        let filter = filter(request.filter.as_ref(), today, violations);
        let after = page_token::decode(&request.page_token, identity);
        let after = Reader::new(&root, violations).value("page_token", after);
        let (page_size, filter, order, after) = (page_size?, filter?, order?, after?);
        let query = ListQuery {
            filter,
            order,
            after,
            limit: page_size,
        };
        Some(Self { query, identity })
    }
}

/// What the list is of, however it was asked for: an order that is not set is the default one, a filter that is not set
/// is an empty one, and states are a set.
fn identity(request: &pb::ListInvoicesRequest, organization: &OrganizationId) -> ListIdentity {
    let mut filter = request.filter.clone().unwrap_or_default();
    filter.states.sort_unstable();
    filter.states.dedup();
    let order_by = match request.order_by {
        0 => OrderBy::CreateTimeDesc.into(),
        order_by => order_by,
    };
    let list = pb::ListInvoicesRequest {
        filter: Some(filter),
        order_by,
        ..pb::ListInvoicesRequest::default()
    };
    ListIdentity::new(organization.as_str(), &list.encode_to_vec())
}

fn order(order: i32, violations: &mut Violations) -> Option<ListOrder> {
    let Ok(order) = OrderBy::try_from(order) else {
        violations.push(
            FieldPath::new("order_by"),
            "ENUM_UNKNOWN",
            "must be a value of OrderBy",
        );
        return None;
    };
    Some(match order {
        OrderBy::Unspecified | OrderBy::CreateTimeDesc => ListOrder::CreateTimeDescending,
        OrderBy::IssueDateDesc => ListOrder::IssueDateDescending,
        OrderBy::DueDateAsc => ListOrder::DueDateAscending,
        OrderBy::NumberAsc => ListOrder::NumberAscending,
        OrderBy::GrossDesc => ListOrder::GrossDescending,
    })
}

/// The field `filter` of a request; one that is not set names every invoice.
pub(super) fn filter(
    filter: Option<&Filter>,
    today: CalendarDate,
    violations: &mut Violations,
) -> Option<ListFilter> {
    let (blank, at) = (Filter::default(), &FieldPath::new("filter"));
    let filter = filter.unwrap_or(&blank);
    let states = super::text::each(
        &filter.states,
        MOST_STATES,
        "TOO_MANY_STATES",
        &at.field("states"),
        violations,
        state,
    );
    let kind = kind(filter.r#type, &at.field("type"), violations);
    let mut read = Reader::new(at, violations);
    let customer = read.optional("customer_id", &filter.customer_id, CustomerId::parse);
    let words = read.value("query", Words::of_query(&filter.query));
    let mut date = |field, text| read.optional(field, text, CalendarDate::parse);
    let issued_from = date("issue_date_from", &filter.issue_date_from);
    let issued_to = date("issue_date_to", &filter.issue_date_to);
    let due_from = date("due_date_from", &filter.due_date_from);
    let due_to = date("due_date_to", &filter.due_date_to);
    let currency = read.optional("currency_code", &filter.currency_code, Currency::parse);
    Some(ListFilter {
        states: states?,
        kind: kind?,
        customer: customer?,
        words: words?,
        issued_from: issued_from?,
        issued_to: issued_to?,
        due_from: due_from?,
        due_to: due_to?,
        overdue_on: filter.overdue_only.then_some(today),
        currency: currency?,
    })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "called for the items of a list")]
fn state(state: &i32, at: &FieldPath, violations: &mut Violations) -> Option<State> {
    match pb::invoice::State::try_from(*state) {
        Ok(pb::invoice::State::Draft) => Some(State::Draft),
        Ok(pb::invoice::State::Open) => Some(State::Open),
        Ok(pb::invoice::State::Paid) => Some(State::Paid),
        Ok(pb::invoice::State::Void) => Some(State::Void),
        Ok(pb::invoice::State::Uncollectible) => Some(State::Uncollectible),
        Ok(pb::invoice::State::Unspecified) | Err(_) => {
            violations.push(at.clone(), "ENUM_UNKNOWN", "must be a state of an invoice");
            None
        }
    }
}

fn kind(kind: i32, at: &FieldPath, violations: &mut Violations) -> Option<Option<InvoiceKind>> {
    match pb::invoice::Type::try_from(kind) {
        Ok(pb::invoice::Type::Unspecified) => Some(None),
        Ok(pb::invoice::Type::Invoice) => Some(Some(InvoiceKind::Invoice)),
        Ok(pb::invoice::Type::CreditNote) => Some(Some(InvoiceKind::CreditNote)),
        Err(_) => {
            violations.push(at.clone(), "ENUM_UNKNOWN", "must be a value of Invoice.Type");
            None
        }
    }
}
