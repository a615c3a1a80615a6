//! One page of a list, as one statement that walks one index.

use sqlite_engine::rusqlite::types::Value;
use sqlite_engine::rusqlite::{Connection, params_from_iter};

use crate::domain::ids::OrganizationId;
use crate::domain::state::State;
use crate::store::document::kind_name;
use crate::store::indexed::or_last;
use crate::store::{Cursor, CursorKey, ListFilter, ListOrder, ListQuery, PAGE_BYTES, StoreError};

/// The documents of the page, and whether another one comes after them.
pub(super) fn documents(
    connection: &Connection,
    organization: &OrganizationId,
    query: &ListQuery,
) -> Result<(Vec<Vec<u8>>, bool), StoreError> {
    let statement = Statement::of(organization, query);
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let mut rows = prepared.query(params_from_iter(&statement.values))?;
    let mut documents: Vec<Vec<u8>> = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        if documents.len() == query.limit || bytes >= PAGE_BYTES {
            return Ok((documents, true));
        }
        let document: Vec<u8> = row.get(0)?;
        bytes += document.len();
        documents.push(document);
    }
    Ok((documents, false))
}

/// SQL text and the values of its placeholders. No text of a caller ever becomes part of the SQL.
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Statement {
    pub(super) fn of(organization: &OrganizationId, query: &ListQuery) -> Self {
        let mut statement = Self {
            sql: String::new(),
            values: Vec::new(),
        };
        let index = index(query.order);
        statement.sql.push_str("SELECT document FROM invoice INDEXED BY ");
        statement.sql.push_str(index.name);
        statement.sql.push_str(" WHERE deleted = 0");
        statement.and("org_id = ?", [text(organization.as_str())]);
        if let Some(cursor) = &query.after {
            statement.after(&index, cursor);
        }
        statement.filter(&query.filter);
        statement.sql.push_str(" ORDER BY ");
        statement.sql.push_str(index.order_by);
        // One more than the page holds, which tells whether there is another page.
        let limit = i64::try_from(query.limit.saturating_add(1)).unwrap_or(i64::MAX);
        statement.sql.push_str(" LIMIT ?");
        statement.values.push(Value::Integer(limit));
        statement
    }

    fn and<const N: usize>(&mut self, condition: &str, values: [Value; N]) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
        self.values.extend(values);
    }

    /// Row values compare column by column, which is what a keyset needs, and SQLite seeks the index with them.
    fn after(&mut self, index: &Index, cursor: &Cursor) {
        let key = match &cursor.key {
            CursorKey::Integer(key) => Value::Integer(*key),
            CursorKey::Text(key) if index.blank_last => text(or_last(key)),
            CursorKey::Text(key) => text(key),
        };
        self.and(index.after, [key, text(cursor.id.as_str())]);
    }

    /// Narrows the statement, whose text has come to the conditions of its WHERE.
    pub(super) fn filter(&mut self, filter: &ListFilter) {
        if !filter.states.is_empty() {
            let places = vec!["?"; filter.states.len()].join(", ");
            self.and(&format!("state IN ({places})"), []);
            self.values
                .extend(filter.states.iter().map(|state| text(state.name())));
        }
        if let Some(kind) = filter.kind {
            self.and("kind = ?", [text(kind_name(kind))]);
        }
        if let Some(customer) = &filter.customer {
            self.and("customer_id = ?", [text(customer.as_str())]);
        }
        if let Some(currency) = filter.currency {
            self.and("currency_code = ?", [text(currency.code())]);
        }
        let bounds = [
            ("issue_date >= ?", filter.issued_from),
            ("issue_date <> '' AND issue_date <= ?", filter.issued_to),
            ("due_date < char(0x10FFFF) AND due_date >= ?", filter.due_from),
            ("due_date <= ?", filter.due_to),
        ];
        for (condition, date) in bounds {
            if let Some(date) = date {
                self.and(condition, [Value::Text(date.to_string())]);
            }
        }
        if let Some(today) = filter.overdue_on {
            self.and("state = ? AND remaining_minor > 0", [text(State::Open.name())]);
            self.and(
                "due_date <> '' AND due_date < ?",
                [Value::Text(today.to_string())],
            );
        }
        for word in filter.words.iter() {
            // Words are stored as " one two": a blank before each, so that only beginnings match.
            self.and("instr(words, ' ' || ?) > 0", [text(word)]);
        }
    }
}

/// The index that has an order.
struct Index {
    name: &'static str,
    order_by: &'static str,
    /// What comes after a cursor.
    after: &'static str,
    /// Whether a blank key is the last, not the first.
    blank_last: bool,
}

const fn index(order: ListOrder) -> Index {
    let (name, order_by, after, blank_last) = match order {
        ListOrder::CreateTimeDescending => (
            "invoice_by_create_time",
            "create_time_ms DESC, id DESC",
            "(create_time_ms, id) < (?, ?)",
            false,
        ),
        ListOrder::IssueDateDescending => (
            "invoice_by_issue_date",
            "issue_date DESC, id DESC",
            "(issue_date, id) < (?, ?)",
            false,
        ),
        ListOrder::DueDateAscending => (
            "invoice_by_due_date",
            "due_date, id",
            "(due_date, id) > (?, ?)",
            true,
        ),
        ListOrder::NumberAscending => ("invoice_by_number", "number, id", "(number, id) > (?, ?)", true),
        ListOrder::GrossDescending => (
            "invoice_by_gross",
            "gross_minor DESC, id DESC",
            "(gross_minor, id) < (?, ?)",
            false,
        ),
    };
    Index {
        name,
        order_by,
        after,
        blank_last,
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[cfg(test)]
mod tests {
    use sqlite_engine::rusqlite::{Connection, params_from_iter};

    use super::*;
    use crate::domain::ids::InvoiceId;
    use crate::search::Words;
    use crate::store::sqlite::MIGRATIONS;

    /// The steps of the plan that SQLite makes for a page.
    fn plan(connection: &Connection, query: &ListQuery) -> Vec<String> {
        let statement = Statement::of(&OrganizationId::parse("org_a").unwrap(), query);
        let mut explained = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {}", statement.sql))
            .unwrap();
        let steps = explained
            .query_map(params_from_iter(&statement.values), |row| row.get(3))
            .unwrap();
        steps.collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn every_page_seeks_its_place_in_one_index_of_the_organization_and_sorts_nothing() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(MIGRATIONS[0].sql).unwrap();
        let filters = [
            ListFilter::default(),
            ListFilter {
                states: vec![State::Open, State::Draft],
                ..ListFilter::default()
            },
            ListFilter {
                words: Words::of_query("a b").unwrap(),
                ..ListFilter::default()
            },
        ];
        for order in ListOrder::ALL {
            let key = match order {
                ListOrder::CreateTimeDescending | ListOrder::GrossDescending => CursorKey::Integer(1),
                ListOrder::IssueDateDescending | ListOrder::DueDateAscending | ListOrder::NumberAscending => {
                    CursorKey::Text("2026-01-01".into())
                }
            };
            for after in [
                None,
                Some(Cursor {
                    key,
                    id: InvoiceId::generate(),
                }),
            ] {
                let seek = if after.is_some() {
                    "(org_id=? AND "
                } else {
                    "(org_id=?)"
                };
                for filter in &filters {
                    let query = ListQuery {
                        filter: filter.clone(),
                        order,
                        after: after.clone(),
                        limit: 51,
                    };
                    let plan = plan(&connection, &query);
                    let index = index(order).name;
                    assert_eq!(plan.len(), 1, "{order:?} {plan:?}");
                    assert!(
                        plan[0].starts_with(&format!("SEARCH invoice USING INDEX {index}")),
                        "{plan:?}"
                    );
                    assert!(plan[0].contains(seek), "{order:?} {plan:?}");
                }
            }
        }
    }
}
