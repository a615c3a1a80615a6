//! The backup of docs/OPERATIONS.md: SQLite's online copy while the product is written to, restored elsewhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use harness::build;
use proto::auth::v1::LoginRequest;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::invoice::v1::Invoice;
use rustix::process::Signal;
use tokio::process::Command;
use tokio::sync::watch;

use crate::binary::Home;
use crate::writers::{Invoices, Write, everything, invoices};

const WRITERS: usize = 4;
/// Drafts that are there when the backup begins, and that come while and after it is made.
const DRAFTS: usize = 40;

/// What `sqlite3 FROM ".backup TO"` does, in a process of its own and with a SQLite of its own.
const BACKUP: &str = "
import sqlite3, sys
source = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True)
copy = sqlite3.connect(sys.argv[2])
source.backup(copy)
assert copy.execute('PRAGMA integrity_check').fetchall() == [('ok',)]
copy.close()
";

async fn back_up(data: &Path, into: &Path) {
    fs::create_dir_all(into.join("keys")).unwrap();
    // Invoices first: no organization of theirs can be missing among the users, who are copied later.
    for database in ["invoices.db", "auth.db"] {
        let command = Command::new("python3")
            .args(["-c", BACKUP])
            .args([data.join(database), into.join(database)])
            .output();
        let output = command.await.unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    fs::copy(data.join("keys/master.key"), into.join("keys/master.key")).unwrap();
}

/// Creates drafts until told to stop, and tells each one that was answered.
async fn create(
    mut client: Invoices,
    number: usize,
    stop: &AtomicBool,
    answered: &watch::Sender<Vec<Invoice>>,
) {
    for draft in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let write = Write::create(format!("{number}/{draft}"));
        let invoice = write.send(&mut client).await.unwrap();
        answered.send_modify(|invoices| invoices.push(invoice));
    }
}

fn by_id(invoices: Vec<Invoice>) -> BTreeMap<String, Invoice> {
    invoices
        .into_iter()
        .map(|invoice| (invoice.id.clone(), invoice))
        .collect()
}

#[tokio::test]
async fn a_backup_made_under_writes_holds_everything_answered_before_it_and_nothing_else() {
    let (home, restored) = (Home::new(), Home::new());
    let running = home.start().await;
    let registration = build::registration();
    let ann = harness::register(harness::channel(running.auth).await, registration.clone()).await;
    let access_token = ann.unwrap().tokens.unwrap().access_token;

    let (answered, stop) = (watch::Sender::new(Vec::new()), AtomicBool::new(false));
    let writing = join_all((0..WRITERS).map(|number| {
        let client = invoices(running.gateway, &access_token);
        create(client, number, &stop, &answered)
    }));
    let copying = async {
        let mut watcher = answered.subscribe();
        watcher.wait_for(|drafts| drafts.len() >= DRAFTS).await.unwrap();
        let before = answered.borrow().clone();
        back_up(&home.data_dir(), &restored.data_dir()).await;
        let during = answered.borrow().len();
        let enough = |drafts: &Vec<Invoice>| drafts.len() >= during + DRAFTS;
        watcher.wait_for(enough).await.unwrap();
        stop.store(true, Ordering::Relaxed);
        (before, during)
    };
    let (_, (before, during)) = futures::join!(writing, copying);
    assert!(during > before.len(), "nothing was written meanwhile");
    running.signal(Signal::TERM);
    running.ends_with_success(Duration::from_secs(30)).await;

    let running = restored.start().await;
    let login = LoginRequest {
        email: registration.email,
        password: registration.password,
        client_label: String::new(),
        device_token: String::new(),
    };
    let mut auth = AuthServiceClient::new(harness::channel(running.gateway).await);
    let signed_in = auth.login(login).await.unwrap().into_inner();
    let mut client = invoices(running.gateway, &signed_in.tokens.unwrap().access_token);
    let stored = by_id(everything(&mut client).await);
    let written = by_id(answered.borrow().clone());
    assert!(stored.len() < written.len());
    for (id, invoice) in &stored {
        assert_eq!(written.get(id), Some(invoice), "never answered like this");
    }
    for invoice in &before {
        assert_eq!(stored.get(&invoice.id), Some(invoice), "lost");
    }
    // And it can be written to.
    Write::create("after".to_owned()).send(&mut client).await.unwrap();
}
