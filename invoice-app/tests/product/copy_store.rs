//! `invoice-app copy-store`: an installation in another database is the same installation, also when the copy was cut
//! off, and what is not the same is found.

mod interrupted;
mod person;
mod refusals;
mod round_trip;
pub(crate) mod source;

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use harness::mongo::ReplicaSet;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::binary::Home;

/// Copies take seconds; only one that hangs takes this long.
const PATIENCE: Duration = Duration::from_mins(1);

/// The command, not started.
fn command(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_invoice-app"));
    command.arg("copy-store").args(flags);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// The command, running.
fn begin(from: &str, to: &str) -> Child {
    let mut command = command(&["--from", from, "--to", to]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// How it ended, which it must do by itself.
async fn end(child: Child) -> Ended {
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    Ended::of(output.unwrap().unwrap())
}

/// Runs it with these flags.
async fn run(flags: &[&str]) -> Ended {
    let output = timeout(PATIENCE, command(flags).output()).await;
    Ended::of(output.unwrap().unwrap())
}

async fn copy(from: &str, to: &str) -> Ended {
    run(&["--from", from, "--to", to]).await
}

/// A command that has ended.
#[derive(Debug)]
struct Ended {
    is_success: bool,
    report: String,
    log: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            is_success: output.status.success(),
            report: String::from_utf8(output.stdout).unwrap(),
            log: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// It has copied and verified: how many records of each collection.
    fn verified(&self) -> [u64; 7] {
        assert!(self.is_success && self.report.contains("Verified"), "{self:?}");
        let mut counts = [0; 7];
        let mut lines = self.report.lines();
        for (count, collection) in counts.iter_mut().zip([
            "users",
            "sessions",
            "security_events",
            "signing_keys",
            "invoices",
            "profiles",
            "customers",
        ]) {
            let mut side = |name| {
                let words: Vec<_> = lines.next().unwrap().split_whitespace().collect();
                let [of, side, records, hash] = words[..] else {
                    panic!("{words:?}")
                };
                assert_eq!((of, side), (collection, name));
                assert_eq!(hash.strip_prefix("sha256:").map(str::len), Some(64), "{hash}");
                (records.parse().unwrap(), hash)
            };
            let (source, target): ((u64, _), _) = (side("source"), side("target"));
            assert_eq!(source, target);
            *count = source.0;
        }
        counts
    }

    /// It was refused, with one line that says all of this, and no secret.
    fn refused(&self, sayings: &[&str]) {
        assert!(!self.is_success && !self.report.contains("Verified"), "{self:?}");
        let errors: Vec<_> = self.log.lines().filter(|line| line.contains("ERROR")).collect();
        let [error] = errors[..] else { panic!("{self:?}") };
        for saying in sayings {
            assert!(error.contains(saying), "no {saying:?} in {error}");
        }
        assert!(
            !self.log.contains("s3cret") && !self.log.contains("panicked"),
            "{self:?}"
        );
    }
}

/// What `--from` and `--to` call the installation in MongoDB.
fn cluster(set: &ReplicaSet) -> String {
    set.url("")
}

/// The same as flags of the product.
fn store_flags(set: &ReplicaSet) -> [String; 2] {
    [
        format!("--auth-store-url={}", set.url("invoiceapp_auth")),
        format!("--invoice-store-url={}", set.url("invoiceapp_invoice")),
    ]
}

/// What `--from` and `--to` call the installation in a data directory.
fn directory(home: &Home) -> String {
    format!("sqlite:{}", home.data_dir().display())
}

/// The master key is in no store: an operator carries it along.
fn carry_master_key(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.join("keys")).unwrap();
    std::fs::copy(from.join("keys/master.key"), to.join("keys/master.key")).unwrap();
}
