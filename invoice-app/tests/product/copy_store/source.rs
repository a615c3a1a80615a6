//! A source that takes some time to copy.

use std::path::Path;
use std::time::Duration;

use sqlite_engine::rusqlite::{Connection, OpenFlags};

use super::person::Person;
use crate::binary::Home;

/// Five pages: a copy is in the middle of them for long enough to be met there.
pub(super) const INVOICES: u64 = 2_500;

/// An installation with [`INVOICES`] more than a person has made.
pub(super) async fn large() -> Home {
    let home = Home::new();
    let running = home.start().await;
    Person::at_work(&running).await;
    running.interrupt();
    running.ends_with_success(Duration::from_secs(10)).await;
    let connection = open(&home.data_dir());
    let multiplied = format!(
        "WITH RECURSIVE n (nth) AS (SELECT 1 UNION ALL SELECT nth + 1 FROM n WHERE nth < {INVOICES}),
             one AS (SELECT * FROM invoice WHERE deleted = 0 ORDER BY id LIMIT 1),
             many AS (SELECT one.*, substr(id, 1, length(id) - 6) || printf('%06d', nth) AS new_id FROM one, n)
         INSERT INTO invoice
         SELECT org_id, new_id, version, deleted, state, kind, customer_id, currency_code, number, issue_date, due_date,
             gross_minor, remaining_minor, create_time_ms, words, NULL, NULL,
             CAST(json_set(CAST(document AS TEXT), '$.id', new_id) AS BLOB), NULL, NULL, NULL, NULL,
             paid_minor, credited_minor
         FROM many"
    );
    assert_eq!(connection.execute(&multiplied, []).unwrap(), 2_500);
    home
}

/// The invoices of a data directory, behind the back of the product.
pub(super) fn open(data_dir: &Path) -> Connection {
    let connection = Connection::open_with_flags(
        data_dir.join("invoices.db"),
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    );
    let connection = connection.unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection
}

/// How many invoices the data directory holds already; its schema may not be there yet.
pub(crate) fn count(data_dir: &Path) -> u64 {
    let count = open(data_dir).query_row("SELECT count(*) FROM invoice", [], |row| row.get::<_, i64>(0));
    count.unwrap_or_default().try_into().unwrap()
}
