//! The real `invoice-app` binary as a child process.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The last line that the binary prints before it only serves.
const LAST_LINE: &str = "Ctrl-C ends it.";
/// A busy machine is slow; only a process that hangs takes this long.
const PATIENCE: Duration = Duration::from_mins(1);

/// A place for one product's data, and its log.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Not there before the first start.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// What the last process wrote to standard error.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap()
    }

    fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_invoice-app"));
        command.arg("--data-dir").arg(self.data_dir());
        for listen in ["--gateway-listen", "--auth-listen", "--invoice-listen"] {
            if !flags.contains(&listen) {
                command.args([listen, "127.0.0.1:0"]);
            }
        }
        command.args(flags).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Starts it and waits until it serves.
    pub(crate) async fn start(&self) -> Running {
        self.start_with(&[]).await
    }

    /// Starts it with `flags` and waits until it serves.
    pub(crate) async fn start_with(&self, flags: &[&str]) -> Running {
        let mut child = self
            .command(flags)
            .stdout(Stdio::piped())
            .stderr(File::create(self.log_path()).unwrap())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut printed = String::new();
        while !printed.ends_with(&format!("{LAST_LINE}\n")) {
            match timeout(PATIENCE, lines.next_line()).await {
                Ok(Ok(Some(line))) => printed.extend([line.as_str(), "\n"]),
                end => panic!("no banner ({end:?}) but {printed:?}; log: {}", self.log()),
            }
        }
        Running {
            gateway: address(&printed, "gateway"),
            auth: address(&printed, "auth-service"),
            invoice: address(&printed, "invoice-service"),
            printed,
            child,
        }
    }

    /// Starts it with `flags` and kills it as soon as its log holds `text`, which comes before it serves.
    pub(crate) async fn kill_once_it_logs(&self, flags: &[&str], text: &str) {
        self.signal_once_it_logs(flags, text, Signal::KILL).await;
    }

    /// Starts it with `flags` and sends `signal` as soon as its log holds `text`, which comes before it serves. How it
    /// ended then, and after how long.
    pub(crate) async fn signal_once_it_logs(
        &self,
        flags: &[&str],
        text: &str,
        signal: Signal,
    ) -> (ExitStatus, Duration) {
        let log = File::create(self.log_path()).unwrap();
        let mut child = self.command(flags).stderr(log).spawn().unwrap();
        let logged = async {
            while !self.log().contains(text) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let logged = timeout(PATIENCE, logged).await;
        assert!(logged.is_ok(), "no {text:?} in {}", self.log());
        let begun = Instant::now();
        let id = child.id().unwrap();
        kill_process(Pid::from_raw(id.try_into().unwrap()).unwrap(), signal).unwrap();
        let ended = timeout(PATIENCE, child.wait()).await;
        (ended.unwrap().unwrap(), begun.elapsed())
    }

    /// Starts it with `flags` and waits until it has ended, which it must do by itself.
    pub(crate) async fn run(&self, flags: &[&str]) -> Output {
        let ended = self.command(flags).output();
        let ended = timeout(PATIENCE, ended).await;
        ended
            .unwrap_or_else(|_| panic!("{flags:?} do not end it"))
            .unwrap()
    }
}

/// The address in the line of the banner that begins with `name`.
fn address(printed: &str, name: &str) -> SocketAddr {
    let mut lines = printed.lines().map(str::split_whitespace);
    let url = lines.find_map(|mut words| (words.next() == Some(name)).then(|| words.next())?);
    let url = url.unwrap_or_else(|| panic!("no {name} in {printed:?}"));
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

/// A process that serves; killed when dropped.
pub(crate) struct Running {
    pub(crate) gateway: SocketAddr,
    pub(crate) auth: SocketAddr,
    pub(crate) invoice: SocketAddr,
    /// Its standard output, to the end of the banner.
    pub(crate) printed: String,
    child: Child,
}

impl Running {
    /// Ctrl-C.
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = self.child.id().unwrap();
        kill_process(Pid::from_raw(id.try_into().unwrap()).unwrap(), signal).unwrap();
    }

    /// Waits for its end, which must come `within`.
    pub(crate) async fn ended(mut self, within: Duration) -> ExitStatus {
        let ended = timeout(within, self.child.wait()).await;
        ended
            .unwrap_or_else(|_| panic!("still there after {within:?}"))
            .unwrap()
    }

    /// Waits for its end, which must come `within` and be a success.
    pub(crate) async fn ends_with_success(self, within: Duration) {
        let status = self.ended(within).await;
        assert!(status.success(), "{status}");
    }

    /// kill -9.
    pub(crate) async fn kill(self) {
        self.signal(Signal::KILL);
        let status = self.ended(PATIENCE).await;
        assert_eq!(
            status.signal(),
            Some(Signal::KILL.as_raw()),
            "it had ended by itself: {status}"
        );
    }
}
