use std::time::Duration;

use harness::mongo::ReplicaSet;

use super::person::Person;
use super::{carry_master_key, cluster, copy, directory, store_flags};
use crate::binary::{Home, Running};

async fn stop(running: Running) {
    running.interrupt();
    running.ends_with_success(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn an_installation_is_the_same_in_mongodb_and_back_in_another_directory() {
    let (embedded, deployed, back) = (Home::new(), Home::new(), Home::new());
    let running = embedded.start().await;
    let mut person = Person::at_work(&running).await;
    stop(running).await;

    let set = ReplicaSet::start().await;
    let copied = copy(&directory(&embedded), &cluster(&set)).await;
    // The deleted draft is copied too: its request id is used for ever.
    assert_eq!(copied.verified(), [1, 1, 1, 2, 5, 1, 0]);
    let key = embedded.data_dir().join("keys/master.key");
    assert!(copied.report.contains(key.to_str().unwrap()), "{}", copied.report);
    assert!(
        copied.log.contains("\"copying invoices\"") && !copied.log.contains(['\u{1b}', '\r']),
        "lines of a log and no bar: {}",
        copied.log
    );

    carry_master_key(&embedded.data_dir(), &deployed.data_dir());
    let flags = store_flags(&set);
    let running = deployed.start_with(&flags.each_ref().map(String::as_str)).await;
    person.sees_the_same(&running).await;
    stop(running).await;

    let copied = copy(&cluster(&set), back.data_dir().to_str().unwrap()).await;
    assert_eq!(copied.verified(), [1, 2, 2, 2, 5, 1, 0]);
    carry_master_key(&deployed.data_dir(), &back.data_dir());
    let running = back.start().await;
    person.sees_the_same(&running).await;
    stop(running).await;
}
