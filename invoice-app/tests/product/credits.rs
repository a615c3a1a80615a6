//! kill -9 while invoices are credited, of the process and of MongoDB's primary: no credit without a note, no note without a
//! credit, no gap, no number twice, and never more than the invoice.

mod books;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use harness::mongo::ReplicaSet;
use harness::{RunningProduct, build};
use tokio::sync::{Notify, watch};
use tonic::Code;

use self::books::{Creditor, assert_the_books_balance, open_invoices};
use crate::binary::{Home, Running};
use crate::crash::assert_cut_off;
use crate::writers::invoices;

/// Two of them at each invoice.
const CREDITORS: usize = 8;
const INVOICES: usize = 4;
/// The process is killed when this many more credits have been answered.
const CREDITS_BEFORE_EACH_KILL: [usize; 3] = [5, 20, 40];
/// Credits that each creditor waits for after a primary was killed.
const CREDITS_AFTER: usize = 3;
/// Two creditors stay below the hundred notes that an invoice takes.
const MOST: usize = 45;
const DEADLINE: Duration = Duration::from_secs(3);

fn creditors(open: &[proto::invoice::v1::Invoice]) -> Vec<Creditor> {
    (0..CREDITORS)
        .map(|number| Creditor::of(&open[number % open.len()]))
        .collect()
}

/// Credits until enough is answered; then kill -9.
async fn credit_and_kill(running: Running, access_token: &str, creditors: &mut [Creditor], wanted: usize) {
    let (answered, enough) = (AtomicUsize::new(0), Notify::new());
    let gateway = running.gateway;
    let crediting = join_all(creditors.iter_mut().map(async |creditor| {
        let mut client = invoices(gateway, access_token);
        loop {
            match creditor.credit(&mut client, DEADLINE * 10).await {
                Ok(()) if answered.fetch_add(1, Ordering::SeqCst) + 1 == wanted => enough.notify_one(),
                Ok(()) => {}
                Err(status) => return assert_cut_off(&status),
            }
        }
    }));
    let killing = async {
        enough.notified().await;
        running.kill().await;
    };
    futures::join!(crediting, killing);
}

async fn settle(gateway: SocketAddr, access_token: &str, creditors: &mut [Creditor]) {
    let mut client = invoices(gateway, access_token);
    for creditor in creditors.iter_mut() {
        creditor.settle(&client).await;
    }
    assert_the_books_balance(&mut client, creditors).await;
}

#[tokio::test]
async fn credits_and_notes_stay_together_when_the_process_is_killed() {
    let home = Home::new();
    let mut running = home.start().await;
    let channel = harness::channel(running.gateway).await;
    let ann = harness::register(channel, build::registration()).await.unwrap();
    let access_token = ann.tokens.unwrap().access_token;
    let open = open_invoices(&mut invoices(running.gateway, &access_token), INVOICES).await;
    let mut creditors = creditors(&open);
    for wanted in CREDITS_BEFORE_EACH_KILL {
        credit_and_kill(running, &access_token, &mut creditors, wanted).await;
        running = home.start().await;
    }
    let answered: usize = creditors.iter().map(|creditor| creditor.notes.len()).sum();
    assert!(answered >= CREDITS_BEFORE_EACH_KILL.iter().sum(), "{answered}");
    settle(running.gateway, &access_token, &mut creditors).await;
}

/// Credits until `enough` says so and a few more were answered; repeats what was refused.
async fn credit_on(
    creditor: &mut Creditor,
    gateway: SocketAddr,
    token: &str,
    enough: &watch::Receiver<bool>,
) {
    let mut client = invoices(gateway, token);
    let mut left = CREDITS_AFTER;
    while left > 0 && creditor.notes.len() < MOST {
        match creditor.credit(&mut client, DEADLINE).await {
            Ok(()) => left -= usize::from(*enough.borrow()),
            Err(status) => {
                // Calls of an organization that take a number wait for each other, so that time may be up; the client's own
                // clock says that with CANCELLED.
                let in_doubt = [Code::Unavailable, Code::DeadlineExceeded, Code::Cancelled];
                assert!(in_doubt.contains(&status.code()), "{status:?}");
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn credits_and_notes_stay_together_when_the_primary_is_killed() {
    let mut set = ReplicaSet::start_three().await;
    let url = set.url("invoiceapp_invoice");
    let product = RunningProduct::start_with(&["--invoice-store-url", &url]).await;
    let ann = product.person_at_the_gateway().await;
    let (gateway, token) = (product.addresses().gateway, ann.access_token());
    let open = open_invoices(&mut invoices(gateway, token), INVOICES).await;
    let mut creditors = creditors(&open);
    let (enough, wait) = watch::channel(false);
    let crediting = join_all(
        creditors
            .iter_mut()
            .map(|creditor| credit_on(creditor, gateway, token, &wait)),
    );
    let failing = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let primary = set.wait_for_primary().await;
        set.kill(primary);
        set.wait_for_primary().await;
        set.restart(primary).await;
        enough.send(true).unwrap();
    };
    futures::join!(crediting, failing);
    settle(gateway, token, &mut creditors).await;
    product.stop().await;
}
