//! The collections and their indexes.

use mongo_engine::bson::{Document, doc};
use mongo_engine::{Index, Schema};

use crate::store::ListOrder;

pub(in crate::store) const INVOICES: &str = "invoices";
pub(in crate::store) const PROFILES: &str = "profiles";
pub(in crate::store) const CUSTOMERS: &str = "customers";
pub(in crate::store) const CUSTOMER_BY_ID: &str = "customer_by_id";
pub(super) const CUSTOMER_BY_REQUEST: &str = "customer_by_request";
pub(super) const CUSTOMER_BY_NAME: &str = "customer_by_name";
pub(super) const CUSTOMER_BY_CREATE_TIME: &str = "customer_by_create_time";
pub(in crate::store) const BY_ID: &str = "by_id";
pub(super) const BY_FIGURES: &str = "by_figures";
pub(in crate::store) const BY_ORGANIZATION: &str = "by_organization";
pub(super) const BY_PLACE: &str = "by_place";
pub(super) const BY_REQUEST: &str = "by_request";

/// Every index begins with the organization, which is the shard key, `{ org_id: 1 }`: a query goes to one shard, and a
/// unique index holds over all of them.
///
/// The index of an order goes on with every field that a list can filter by. What a filter leaves out is then left out
/// by its key, and only documents that are shown are read (docs/adr/0009).
pub(in crate::store) fn schema() -> Schema {
    let mut indexes = vec![
        Index::new(INVOICES, BY_ID, doc! { "org_id": 1, "_id": 1 }).unique(),
        Index::new(INVOICES, BY_REQUEST, doc! { "org_id": 1, "create_request_id": 1 })
            .unique()
            .partial(doc! { "create_request_id": { "$exists": true } }),
        // Descending, because the last number of a series is asked for.
        Index::new(
            INVOICES,
            BY_PLACE,
            doc! { "org_id": 1, "series": 1, "period": -1, "sequence": -1 },
        )
        .unique()
        .partial(doc! { "sequence": { "$exists": true } }),
        // No number is printed twice, whatever series it comes from.
        Index::new(INVOICES, "by_issued_number", doc! { "org_id": 1, "number": 1 })
            .unique()
            .partial(doc! { "sequence": { "$exists": true } }),
        Index::new(PROFILES, BY_ORGANIZATION, doc! { "org_id": 1 }).unique(),
    ];
    indexes.push(by_figures());
    indexes.extend(LIST_ORDERS.into_iter().map(|order| {
        let OrderIndex { name, key, direction } = index(order);
        let mut keys = doc! { "org_id": 1, key: direction, "_id": direction };
        keys.extend(
            FILTERED
                .iter()
                .filter(|field| **field != key)
                .map(|field| ((*field).to_owned(), 1.into())),
        );
        Index::new(INVOICES, name, keys).partial(doc! { "deleted": false })
    }));
    indexes.extend(of_customers());
    Schema {
        name: INVOICES,
        version: 1,
        indexes,
    }
}

/// All that a summary filters by and sums, so that it reads no document. What is paid and credited stands in the document
/// alone, and what was stored before is in the index too.
fn by_figures() -> Index {
    let mut keys = doc! { "org_id": 1 };
    // As the filter of the index says it, but what a query asks for must be in the key to be answered from it.
    keys.insert("deleted", 1);
    keys.extend(FILTERED.iter().map(|field| ((*field).to_owned(), 1.into())));
    for figure in [
        "gross_minor",
        "document.totals.paid_minor",
        "document.totals.credited_minor",
    ] {
        keys.insert(figure, 1);
    }
    Index::new(INVOICES, BY_FIGURES, keys).partial(doc! { "deleted": false })
}

/// The words that are searched for stand at the end of each order's index, for the same reason.
fn of_customers() -> [Index; 4] {
    let live = doc! { "deleted": false };
    let by_request = doc! { "org_id": 1, "create_request_id": 1 };
    let by_name = doc! { "org_id": 1, "name_key": 1, "_id": 1, "words": 1 };
    let by_create_time = doc! { "org_id": 1, "create_time_ms": -1, "_id": -1, "words": 1 };
    [
        Index::new(CUSTOMERS, CUSTOMER_BY_ID, doc! { "org_id": 1, "_id": 1 }).unique(),
        Index::new(CUSTOMERS, CUSTOMER_BY_REQUEST, by_request)
            .unique()
            .partial(doc! { "create_request_id": { "$exists": true } }),
        Index::new(CUSTOMERS, CUSTOMER_BY_NAME, by_name).partial(live.clone()),
        Index::new(CUSTOMERS, CUSTOMER_BY_CREATE_TIME, by_create_time).partial(live),
    ]
}

/// What a list can filter by.
const FILTERED: [&str; 8] = [
    "state",
    "kind",
    "customer_id",
    "currency_code",
    "issue_date",
    "due_date",
    "remaining_minor",
    "words",
];

const LIST_ORDERS: [ListOrder; 5] = [
    ListOrder::CreateTimeDescending,
    ListOrder::IssueDateDescending,
    ListOrder::DueDateAscending,
    ListOrder::NumberAscending,
    ListOrder::GrossDescending,
];

/// The index that has an order.
pub(super) struct OrderIndex {
    pub(super) name: &'static str,
    /// The field that the order is by; ties are broken by `_id`.
    pub(super) key: &'static str,
    /// 1 or -1, of both.
    pub(super) direction: i32,
}

impl OrderIndex {
    pub(super) fn sort(&self) -> Document {
        doc! { self.key: self.direction, "_id": self.direction }
    }
}

pub(super) const fn index(order: ListOrder) -> OrderIndex {
    let (name, key, direction) = match order {
        ListOrder::CreateTimeDescending => ("by_create_time", "create_time_ms", -1),
        ListOrder::IssueDateDescending => ("by_issue_date", "issue_date", -1),
        ListOrder::DueDateAscending => ("by_due_date", "due_date", 1),
        ListOrder::NumberAscending => ("by_number", "number", 1),
        ListOrder::GrossDescending => ("by_gross", "gross_minor", -1),
    };
    OrderIndex { name, key, direction }
}
