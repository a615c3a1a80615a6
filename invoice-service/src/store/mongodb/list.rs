//! One page of a list, as one query that walks one index.

use mongo_engine::OPERATION_TIME;
use mongo_engine::bson::{Bson, Document, RawDocumentBuf, doc};
use mongo_engine::mongodb::options::Hint;
use mongo_engine::mongodb::{self, Collection};

use super::schema::{OrderIndex, index};
use crate::domain::ids::OrganizationId;
use crate::domain::state::State;
use crate::store::document::kind_name;
use crate::store::indexed::or_last;
use crate::store::{Cursor, CursorKey, ListFilter, ListQuery, PAGE_BYTES};

/// A query for a page. What a caller sent is only ever a value to compare with, so no text of it is an operator.
#[derive(Debug, Clone)]
pub(super) struct Find {
    pub(super) filter: Document,
    pub(super) sort: Document,
    pub(super) index: &'static str,
    /// One more than the page holds, which tells whether there is another page.
    pub(super) limit: i64,
}

impl Find {
    pub(super) fn of(organization: &OrganizationId, query: &ListQuery) -> Self {
        let index = index(query.order);
        let conditions = conditions(organization, &query.filter);
        let filter = match &query.after {
            None => all(conditions),
            Some(cursor) => after(&index, cursor, &conditions),
        };
        Self {
            filter,
            sort: index.sort(),
            index: index.name,
            limit: i64::try_from(query.limit.saturating_add(1)).unwrap_or(i64::MAX),
        }
    }
}

/// The entries of the page, and whether another one comes after them.
pub(super) async fn documents(
    invoices: &Collection<RawDocumentBuf>,
    find: Find,
    most: usize,
) -> mongodb::error::Result<(Vec<RawDocumentBuf>, bool)> {
    let mut cursor = invoices
        .find(find.filter)
        .sort(find.sort)
        .hint(Hint::Name(find.index.to_owned()))
        .projection(doc! { "_id": 0, "document": 1 })
        .limit(find.limit)
        .max_time(OPERATION_TIME)
        .await?;
    let mut entries = Vec::new();
    let mut bytes = 0;
    while cursor.advance().await? {
        if entries.len() == most || bytes >= PAGE_BYTES {
            return Ok((entries, true));
        }
        let entry = cursor.current();
        bytes += entry.as_bytes().len();
        entries.push(entry.to_owned());
    }
    Ok((entries, false))
}

/// What comes after the cursor: a smaller (or larger) key, or the same key and a smaller (or larger) id. Each of the two
/// is one range of the index, and the server merges them in order.
fn after(index: &OrderIndex, cursor: &Cursor, conditions: &[Document]) -> Document {
    let beyond = if index.direction < 0 { "$lt" } else { "$gt" };
    let key: Bson = match &cursor.key {
        CursorKey::Integer(key) => (*key).into(),
        // In this direction blanks come last by themselves, in the other by what they are stored as.
        CursorKey::Text(key) if index.direction < 0 => key.as_str().into(),
        CursorKey::Text(key) => or_last(key).into(),
    };
    let with = |more: &[Document]| all(conditions.iter().chain(more).cloned());
    let other_key = with(&[doc! { index.key: { beyond: key.clone() } }]);
    let same_key = with(&[
        doc! { index.key: key },
        doc! { "_id": { beyond: cursor.id.as_str() } },
    ]);
    doc! { "$or": [other_key, same_key] }
}

fn all(conditions: impl IntoIterator<Item = Document>) -> Document {
    doc! { "$and": conditions.into_iter().collect::<Vec<_>>() }
}

/// What the documents of a list have in common.
pub(super) fn conditions(organization: &OrganizationId, filter: &ListFilter) -> Vec<Document> {
    let mut conditions = vec![
        doc! { "org_id": organization.as_str() },
        doc! { "deleted": false },
    ];
    if !filter.states.is_empty() {
        let states: Vec<&str> = filter.states.iter().map(|state| state.name()).collect();
        conditions.push(doc! { "state": { "$in": states } });
    }
    let equal = [
        ("kind", filter.kind.map(|kind| kind_name(kind).to_owned())),
        ("customer_id", filter.customer.as_ref().map(ToString::to_string)),
        (
            "currency_code",
            filter.currency.map(|currency| currency.code().to_owned()),
        ),
    ];
    conditions.extend(
        equal
            .into_iter()
            .filter_map(|(field, value)| value.map(|value| doc! { field: value })),
    );
    // An absent day of issue is blank and before every other, an absent due date is after every other.
    let ranges = [
        ("issue_date", "$gte", filter.issued_from),
        ("issue_date", "$lte", filter.issued_to),
        ("due_date", "$gte", filter.due_from),
        ("due_date", "$lte", filter.due_to),
        ("due_date", "$lt", filter.overdue_on),
    ];
    conditions.extend(
        ranges.into_iter().filter_map(|(field, operator, day)| {
            day.map(|day| doc! { field: { operator: day.to_string() } })
        }),
    );
    if filter.issued_to.is_some() {
        conditions.push(doc! { "issue_date": { "$gt": "" } });
    }
    if filter.due_from.is_some() {
        conditions.push(doc! { "due_date": { "$lt": or_last("") } });
    }
    if filter.overdue_on.is_some() {
        conditions.push(doc! { "state": State::Open.name() });
        conditions.push(doc! { "remaining_minor": { "$gt": 0_i64 } });
    }
    // Words are letters and digits only (see `search`), so nothing in one means anything to a pattern. Each is stored
    // with a blank before it, so that only beginnings match.
    conditions.extend(
        filter
            .words
            .iter()
            .map(|word| doc! { "words": { "$regex": format!(" {word}") } }),
    );
    conditions
}
