//! What the invoices of an organization come to, as one statement on one index.

use sqlite_engine::rusqlite::types::Value;
use sqlite_engine::rusqlite::{Connection, Row, params_from_iter};

use super::list::Statement;
use crate::domain::ids::OrganizationId;
use crate::domain::invoice::InvoiceKind;
use crate::domain::money::Currency;
use crate::domain::state::State;
use crate::domain::summary::{DueAge, DueAges, Sums, Tally};
use crate::store::document::{self, kind_name};
use crate::store::{ListFilter, StoreError, broken};

/// Amounts are summed in two parts, above and below this many minor units, because SQLite's sum of integers fails beyond
/// an i64. Of amounts below 10^14 the parts stay within one for 10^11 invoices.
const PART: i128 = 10_000_000;

/// The groups of the invoices that `filter` names.
pub(super) fn tallies(
    connection: &Connection,
    organization: &OrganizationId,
    filter: &ListFilter,
    ages: DueAges,
) -> Result<Vec<Tally>, StoreError> {
    let statement = statement(organization, filter, ages);
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let mut rows = prepared.query(params_from_iter(&statement.values))?;
    let mut tallies = Vec::new();
    while let Some(row) = rows.next()? {
        tallies.push(tally(row)?);
    }
    Ok(tallies)
}

fn statement(organization: &OrganizationId, filter: &ListFilter, ages: DueAges) -> Statement {
    let mut values = vec![Value::Text(ages.today().to_string())];
    let mut cases = Vec::new();
    for (position, (_, first)) in ages.first_due_dates().into_iter().enumerate() {
        cases.push(format!("WHEN due_date >= ? THEN {}", position + 1));
        values.push(Value::Text(first.to_string()));
    }
    let amounts = ["gross_minor", "paid_minor", "credited_minor", "remaining_minor"];
    let sums = amounts.map(|amount| format!("sum({amount} / {PART}), sum({amount} % {PART})"));
    let sql = format!(
        "SELECT currency_code, kind, state, CASE
             WHEN kind <> '{}' OR state <> '{}' OR remaining_minor <= 0 THEN NULL
             WHEN due_date > ? THEN 0 {} ELSE 5 END, count(*), {}
         FROM invoice INDEXED BY invoice_by_figures WHERE deleted = 0 AND org_id = ?",
        kind_name(InvoiceKind::Invoice),
        State::Open.name(),
        cases.join(" "),
        sums.join(", "),
    );
    values.push(Value::Text(organization.to_string()));
    let mut statement = Statement { sql, values };
    statement.filter(filter);
    statement.sql.push_str(" GROUP BY 1, 2, 3, 4");
    statement
}

fn tally(row: &Row<'_>) -> Result<Tally, StoreError> {
    let text = |column| row.get::<_, String>(column);
    let age: Option<u8> = row.get(3)?;
    let amount = |column: usize| -> Result<i128, StoreError> {
        let (above, below): (i64, i64) = (row.get(column)?, row.get(column + 1)?);
        Ok(i128::from(above) * PART + i128::from(below))
    };
    Ok(Tally {
        currency: Currency::parse(&text(0)?).map_err(broken)?,
        kind: document::kind(&text(1)?).map_err(broken)?,
        state: document::state(&text(2)?).map_err(broken)?,
        age: age.and_then(|position| DueAge::ALL.get(usize::from(position)).copied()),
        count: u64::try_from(row.get::<_, i64>(4)?).map_err(broken)?,
        sums: Sums {
            gross: amount(5)?,
            paid: amount(7)?,
            credited: amount(9)?,
            remaining: amount(11)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::date::CalendarDate;
    use crate::search::Words;
    use crate::store::sqlite::MIGRATIONS;

    #[test]
    fn a_summary_walks_the_organization_in_one_index_and_reads_no_row() {
        let connection = Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            connection.execute_batch(migration.sql).unwrap();
        }
        let day = CalendarDate::parse("2026-06-15").unwrap();
        let filters = [
            ListFilter::default(),
            ListFilter {
                states: vec![State::Open, State::Draft],
                kind: Some(InvoiceKind::Invoice),
                currency: Some(Currency::parse("EUR").unwrap()),
                words: Words::of_query("a b").unwrap(),
                issued_from: Some(day),
                due_from: Some(day),
                overdue_on: Some(day),
                ..ListFilter::default()
            },
        ];
        for filter in filters {
            let organization = OrganizationId::parse("org_a").unwrap();
            let Statement { sql, values } = statement(&organization, &filter, DueAges::on(day));
            let mut explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps = explained
                .query_map(params_from_iter(&values), |row| row.get::<_, String>(3))
                .unwrap();
            let plan: Vec<String> = steps.collect::<Result<_, _>>().unwrap();
            let wanted = "SEARCH invoice USING COVERING INDEX invoice_by_figures (org_id=?";
            assert!(plan[0].starts_with(wanted), "{plan:?}");
        }
    }
}
