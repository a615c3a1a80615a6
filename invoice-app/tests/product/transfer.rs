//! `invoice-app import` and `invoice-app export`: what goes out comes in again, what others wrote comes in exactly, and of a
//! bad file nothing.

mod express;
mod interrupted;
mod refusals;
mod round_trip;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use harness::build;
use harness::mongo::ReplicaSet;
use proto::auth::v1::RegisterResponse;
use tokio::process::Command;
use tokio::time::timeout;

use crate::binary::{Home, Running};

/// Imports take seconds; only one that hangs takes this long.
const PATIENCE: Duration = Duration::from_mins(1);

/// An installation, stopped or not, and a folder for files beside its data.
struct Books {
    home: Home,
    mongodb: Option<ReplicaSet>,
}

impl Books {
    /// With one organization, of somebody who has registered, in SQLite; nothing runs.
    async fn of_one_organization() -> Self {
        let books = Self {
            home: Home::new(),
            mongodb: None,
        };
        let running = books.start().await;
        register(&running).await;
        stop(running).await;
        books
    }

    /// The same in MongoDB.
    async fn in_mongodb() -> Self {
        let books = Self {
            home: Home::new(),
            mongodb: Some(ReplicaSet::start().await),
        };
        let running = books.start().await;
        register(&running).await;
        stop(running).await;
        books
    }

    fn store_flags(&self) -> Vec<String> {
        let set = self.mongodb.iter();
        set.flat_map(|set| {
            [
                format!("--auth-store-url={}", set.url("invoiceapp_auth")),
                format!("--invoice-store-url={}", set.url("invoiceapp_invoice")),
            ]
        })
        .collect()
    }

    async fn start(&self) -> Running {
        let flags = self.store_flags();
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        self.home.start_with(&flags).await
    }

    /// A file with this content.
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let folder = self.home.data_dir().parent().unwrap().to_owned();
        let path = folder.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn command(&self, command: &str, arguments: &[&str]) -> Command {
        let mut process = Command::new(env!("CARGO_BIN_EXE_invoice-app"));
        process.arg("--data-dir").arg(self.home.data_dir());
        process.args(self.store_flags()).arg(command).args(arguments);
        process.stdin(Stdio::null()).kill_on_drop(true);
        process
    }

    async fn run(&self, command: &str, arguments: &[&str]) -> Ended {
        let output = timeout(PATIENCE, self.command(command, arguments).output()).await;
        Ended::of(output.unwrap().unwrap())
    }

    async fn import(&self, file: &Path, flags: &[&str]) -> Ended {
        let arguments = [&[file.to_str().unwrap()], flags].concat();
        self.run("import", &arguments).await
    }

    /// What an export writes.
    async fn export(&self, flags: &[&str]) -> String {
        let exported = self.run("export", flags).await;
        assert_eq!(exported.code, 0, "{exported:?}");
        exported.printed
    }

    /// Each exported invoice as JSON, the oldest number first.
    async fn invoices(&self) -> Vec<serde_json::Value> {
        let exported = self.export(&[]).await;
        let parsed = exported.lines().map(|line| serde_json::from_str(line).unwrap());
        let mut invoices: Vec<serde_json::Value> = parsed.collect();
        invoices.sort_by_key(|invoice| invoice["number"].to_string());
        invoices
    }
}

async fn register(running: &Running) -> RegisterResponse {
    let channel = harness::channel(running.auth).await;
    harness::register(channel, build::registration()).await.unwrap()
}

async fn stop(running: Running) {
    running.interrupt();
    running.ends_with_success(Duration::from_secs(10)).await;
}

/// A command that has ended.
#[derive(Debug)]
struct Ended {
    code: i32,
    printed: String,
    log: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        let ended = Self {
            code: output.status.code().unwrap_or(-1),
            printed: String::from_utf8(output.stdout).unwrap(),
            log: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!ended.log.contains("panicked"), "{ended:?}");
        ended
    }

    /// It ended with `code`, and its last line is this.
    fn summed_up(&self, code: i32, summary: &str) {
        assert_eq!(
            (self.code, self.printed.lines().last().unwrap_or_default()),
            (code, summary),
            "{self:?}"
        );
    }

    /// It was not carried out, and says why.
    fn failed(&self, saying: &str) {
        let errors: Vec<_> = self.log.lines().filter(|line| line.contains("ERROR")).collect();
        let [error] = errors[..] else { panic!("{self:?}") };
        assert_eq!((self.code, self.printed.as_str()), (2, ""), "{self:?}");
        assert!(error.contains(saying), "no {saying:?} in {error}");
    }
}

/// What two installations must agree on: everything but what is given anew.
fn comparable(mut invoice: serde_json::Value) -> serde_json::Value {
    let members = invoice.as_object_mut().unwrap();
    for given_anew in ["id", "etag", "createTime", "updateTime", "issueTime"] {
        assert!(
            members.remove(given_anew).is_some() || given_anew == "issueTime",
            "{given_anew}"
        );
    }
    if let Some(payments) = members
        .get_mut("payments")
        .and_then(|payments| payments.as_array_mut())
    {
        for payment in payments {
            let payment = payment.as_object_mut().unwrap();
            payment.remove("id");
            payment.remove("createTime");
        }
    }
    invoice
}
