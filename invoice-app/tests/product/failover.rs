//! MongoDB losing members under the running product: what was answered is there, once, and what was not is refused in
//! time and can be repeated.

use std::error::Error as _;
use std::time::{Duration, Instant};

use futures::future::join_all;
use harness::mongo::ReplicaSet;
use harness::{Refusal, RunningProduct};
use proto::invoice::v1::{GetInvoiceRequest, ListInvoicesRequest};
use rpc_error::Details;
use tokio::sync::watch;
use tonic::{Code, Request, Status};

use crate::writers::{
    Invoices, Write, Writer, assert_exactly_what_was_answered, assert_old_etags_are_stale, everything,
    invoices,
};

const WRITERS: usize = 16;
/// Every call of a writer has this deadline.
const DEADLINE: Duration = Duration::from_secs(2);
/// How late an answer may be on a busy machine. That the server answered before the deadline shows in the code: the
/// deadline's own would be DEADLINE_EXCEEDED.
const SLACK: Duration = Duration::from_secs(3);
/// Answers that each writer waits for before, during and after the failure.
const ANSWERS: usize = 25;

async fn product_on(set: &ReplicaSet) -> RunningProduct {
    let url = set.url("invoiceapp_invoice");
    RunningProduct::start_with(&["--invoice-store-url", &url]).await
}

/// A refusal that a client may answer by trying again: in time, in our words, with the time to wait.
fn assert_to_be_repeated(status: &Status, took: Duration) {
    assert_eq!(
        Refusal::of(status),
        Refusal::new(Code::Unavailable, "BACKEND_UNAVAILABLE"),
        "{status:?}"
    );
    assert!(Details::of(status).retry_info.is_some(), "{status:?}");
    assert!(took < DEADLINE + SLACK, "{took:?}");
}

/// What a writer saw.
#[derive(Default)]
struct Seen {
    refused: usize,
    longest_gap: Duration,
}

/// Writes until `enough` says so and `ANSWERS` more were answered; repeats what was refused.
async fn write_on(writer: &mut Writer, client: &mut Invoices, enough: &watch::Receiver<bool>) -> Seen {
    let mut seen = Seen::default();
    let mut last_answer = Instant::now();
    let mut left = ANSWERS;
    while left > 0 {
        let write = writer.in_doubt.take().unwrap_or_else(|| writer.next());
        let sent = Instant::now();
        match write.send_within(DEADLINE, client).await {
            Ok(invoice) => {
                writer.answered(&write, invoice);
                seen.longest_gap = seen.longest_gap.max(last_answer.elapsed());
                last_answer = Instant::now();
                left -= usize::from(*enough.borrow());
            }
            Err(status) => {
                assert_to_be_repeated(&status, sent.elapsed());
                seen.refused += 1;
                writer.in_doubt = Some(write);
            }
        }
    }
    seen
}

#[tokio::test]
async fn nothing_answered_is_lost_or_doubled_when_the_primary_is_killed_under_sixteen_writers() {
    let mut set = ReplicaSet::start_three().await;
    let product = product_on(&set).await;
    let ann = product.person_at_the_gateway().await;
    let gateway = product.addresses().gateway;
    let mut writers: Vec<Writer> = (0..WRITERS).map(Writer::new).collect();

    let (enough, wait) = watch::channel(false);
    let access_token = ann.access_token();
    let writing = join_all(writers.iter_mut().map(async |writer| {
        let mut client = invoices(gateway, access_token);
        write_on(writer, &mut client, &wait).await
    }));
    let failing = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let primary = set.wait_for_primary().await;
        set.kill(primary);
        let killed = Instant::now();
        set.wait_for_primary().await;
        let elected = killed.elapsed();
        set.restart(primary).await;
        enough.send(true).unwrap();
        elected
    };
    let (seen, elected) = futures::join!(writing, failing);

    let answered: usize = writers.iter().map(|writer| writer.versions.len()).sum();
    let refused: usize = seen.iter().map(|seen| seen.refused).sum();
    let gap = seen.iter().map(|seen| seen.longest_gap).max().unwrap();
    println!(
        "{answered} answered, {refused} refused, a new primary after {elected:?}, longest without an answer {gap:?}"
    );
    assert!(answered >= WRITERS * ANSWERS, "{answered}");
    assert!(
        gap >= elected,
        "the primary was killed under the writers: {gap:?} {elected:?}"
    );
    let mut client = invoices(gateway, access_token);
    assert_exactly_what_was_answered(&mut client, &writers).await;
    assert_old_etags_are_stale(&mut client, &writers).await;
    product.stop().await;
}

#[tokio::test]
async fn calls_that_their_clients_give_up_are_done_once_when_they_are_repeated() {
    const CALLS: u64 = 200;
    let set = ReplicaSet::start().await;
    let product = product_on(&set).await;
    let ann = product.person().await;
    let client = invoices(product.addresses().invoice, ann.access_token());
    let calls: Vec<Write> = (0..CALLS).map(|call| Write::create(call.to_string())).collect();
    let given_up = join_all(calls.iter().zip(0..CALLS).map(async |(call, number)| {
        // Between "before it was read" and "after it was stored".
        let patience = Duration::from_micros(number * 200);
        let mut client = client.clone();
        tokio::time::timeout(patience, call.send(&mut client))
            .await
            .is_err()
    }));
    let given_up = given_up.await.into_iter().filter(|given_up| *given_up).count();
    assert!(given_up > 10, "{given_up}");

    let mut client = client;
    for call in &calls {
        let invoice = match call.send(&mut client).await {
            Ok(invoice) => invoice,
            // So many streams that were reset at once may have cost the connection (CVE-2023-44487): the channel opens
            // another one.
            Err(status) if status.source().is_some() => call.send(&mut client).await.unwrap(),
            Err(status) => panic!("{status:?}"),
        };
        assert_eq!(invoice.note, call.note());
    }
    let stored = everything(&mut client).await;
    assert_eq!(stored.len() as u64, CALLS);
    product.stop().await;
}

#[tokio::test]
async fn a_store_that_is_down_is_unavailable_in_time_and_serves_again_without_a_restart() {
    let mut set = ReplicaSet::start().await;
    let product = product_on(&set).await;
    let ann = product.person_at_the_gateway().await;
    let mut client = invoices(product.addresses().gateway, ann.access_token());
    let create = Write::create("before".to_owned());
    let invoice = create.send(&mut client).await.unwrap();

    set.kill(0);
    let while_down = Write::create("while down".to_owned());
    let begun = Instant::now();
    let refused = while_down.send_within(DEADLINE, &mut client).await.unwrap_err();
    assert_to_be_repeated(&refused, begun.elapsed());
    let mut get = Request::new(GetInvoiceRequest {
        invoice_id: invoice.id.clone(),
    });
    get.set_timeout(DEADLINE);
    let begun = Instant::now();
    let refused = client.get_invoice(get).await.unwrap_err();
    assert_to_be_repeated(&refused, begun.elapsed());
    let begun = Instant::now();
    let mut list = Request::new(ListInvoicesRequest::default());
    list.set_timeout(DEADLINE);
    assert_to_be_repeated(&client.list_invoices(list).await.unwrap_err(), begun.elapsed());

    set.restart(0).await;
    let begun = Instant::now();
    let stored = loop {
        match while_down.send_within(DEADLINE, &mut client).await {
            Ok(stored) => break stored,
            Err(status) => assert!(begun.elapsed() < Duration::from_secs(20), "{status:?}"),
        }
    };
    let mut all = everything(&mut client).await;
    all.sort_by(|a, b| a.note.cmp(&b.note));
    assert_eq!(all, [invoice, stored]);
    product.stop().await;
}
