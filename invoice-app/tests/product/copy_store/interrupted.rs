use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use harness::mongo::ReplicaSet;
use mongo_engine::bson::{Document, doc};
use mongo_engine::mongodb::{Client, Collection};
use rustix::process::{Pid, Signal, kill_process};

use super::source::INVOICES;
use super::{PATIENCE, begin, cluster, copy, directory, source, store_flags};
use crate::binary::Home;

async fn invoices(set: &ReplicaSet) -> Collection<Document> {
    let client = Client::with_uri_str(set.url("")).await.unwrap();
    client.database("invoiceapp_invoice").collection("invoices")
}

/// More than a page of them: the first page is there for certain, with the mark behind it.
const SOME: u64 = 501;

/// Waits until `count` says that the target holds [`SOME`] invoices.
async fn some_arrive(count: impl AsyncFn() -> u64) {
    let arrived = async {
        while count().await < SOME {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, arrived).await.unwrap();
}

#[tokio::test]
async fn a_copy_that_was_killed_is_not_served_and_goes_on_where_it_was() {
    let home = source::large().await;
    let set = ReplicaSet::start().await;
    let invoices = invoices(&set).await;
    let (from, to) = (directory(&home), cluster(&set));

    let mut copying = begin(&from, &to);
    some_arrive(async || invoices.count_documents(doc! {}).await.unwrap()).await;
    copying.start_kill().unwrap();
    let status = copying.wait().await.unwrap();
    assert_eq!(status.signal(), Some(9), "it had ended by itself: {status}");
    let there = invoices.count_documents(doc! {}).await.unwrap();
    assert!((SOME..INVOICES).contains(&there), "{there}");

    let deployed = Home::new();
    let refused = deployed
        .run(&store_flags(&set).each_ref().map(String::as_str))
        .await;
    let log = String::from_utf8(refused.stderr).unwrap();
    assert!(
        !refused.status.success() && log.contains("unfinished copy"),
        "{log}"
    );

    let copied = copy(&from, &to).await;
    assert_eq!(copied.verified(), [1, 1, 1, 2, INVOICES + 5, 1, 0]);
    let went_on = copied
        .log
        .lines()
        .find(|line| line.contains("copying invoices"))
        .unwrap();
    assert!(!went_on.contains("\"done\":0"), "{went_on}");
    let copied = copy(&from, &to).await;
    copied.refused(&["target of auth-service holds users already", "--into-non-empty"]);
}

#[tokio::test]
async fn ctrl_c_stops_a_copy_that_goes_on_later_and_finds_what_was_altered_meanwhile() {
    let home = source::large().await;
    let target = Home::new();
    let (from, to) = (directory(&home), directory(&target));
    let database = target.data_dir().join("invoices.db");

    let copying = begin(&from, &to);
    some_arrive(async || {
        if database.exists() {
            source::count(&target.data_dir())
        } else {
            0
        }
    })
    .await;
    let id = copying.id().unwrap().try_into().unwrap();
    kill_process(Pid::from_raw(id).unwrap(), Signal::INT).unwrap();
    super::end(copying)
        .await
        .refused(&["Run the same command again to go on"]);

    let altered = source::open(&target.data_dir());
    let (id, gross): (String, i64) = altered
        .query_row(
            "SELECT id, gross_minor FROM invoice ORDER BY id LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    let set_gross = |gross: i64| {
        let sql = "UPDATE invoice SET gross_minor = ?2 WHERE id = ?1";
        altered.execute(sql, (&id, gross)).unwrap()
    };
    assert_eq!(set_gross(gross + 1), 1);
    let found = copy(&from, &to).await;
    found.refused(&["invoices: 1 different, 0 missing", &id, "empty the target"]);
    assert!(found.report.contains("invoices      target"), "{}", found.report);
    let log = String::from_utf8(target.run(&[]).await.stderr).unwrap();
    assert!(log.contains("unfinished copy"), "not served: {log}");

    set_gross(gross);
    assert_eq!(
        copy(&from, &to).await.verified(),
        [1, 1, 1, 2, INVOICES + 5, 1, 0]
    );
}
