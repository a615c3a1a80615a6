use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mongodb::Client;
use mongodb::bson::{Document, doc};
use rustix::process::{Pid, Signal, kill_process};

use super::client;
use crate::tools::mongod;

const HOST: &str = "127.0.0.1";
/// For a server to listen, on a machine that is busy with other tests.
const START: Duration = Duration::from_mins(1);

/// One mongod. It ends with this value, and with the thread that started it: even a test that is killed leaves none.
pub(super) struct Member {
    folder: PathBuf,
    flags: Vec<String>,
    port: u16,
    child: Child,
    client: Option<Client>,
}

impl Member {
    pub(super) fn start(folder: PathBuf, flags: &[&str]) -> Self {
        std::fs::create_dir_all(&folder).expect("a folder can be made in a temporary one");
        let flags: Vec<String> = flags.iter().map(ToString::to_string).collect();
        let port = free_port();
        let child = spawn(&folder, &flags, port);
        Self {
            folder,
            flags,
            port,
            child,
            client: None,
        }
    }

    pub(super) fn address(&self) -> String {
        format!("{HOST}:{}", self.port)
    }

    pub(super) async fn wait_until_it_answers(&mut self) {
        let begun = Instant::now();
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                // Somebody else took the port between our look and the server's: it is not yet in any configuration.
                assert!(
                    self.client.is_none() && begun.elapsed() < START,
                    "mongod ended with {status}: {}",
                    self.log()
                );
                self.port = free_port();
                self.child = spawn(&self.folder, &self.flags, self.port);
            }
            if tokio::net::TcpStream::connect((HOST, self.port)).await.is_ok() {
                break;
            }
            assert!(begun.elapsed() < START, "mongod does not listen: {}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if self.client.is_none() {
            self.client = Some(client::direct(HOST, self.port));
        }
        while self.command(doc! { "ping": 1 }).await.is_err() {
            assert!(begun.elapsed() < START, "mongod does not answer: {}", self.log());
        }
    }

    pub(super) async fn command(&self, command: Document) -> mongodb::error::Result<Document> {
        let client = self.client.as_ref().expect("the member has answered before");
        client.database("admin").run_command(command).await
    }

    pub(super) async fn is_primary(&self) -> bool {
        let hello = self.command(doc! { "hello": 1 }).await;
        hello.is_ok_and(|hello| hello.get_bool("isWritablePrimary").unwrap_or(false))
    }

    /// Whether it is the primary or follows one.
    pub(super) async fn takes_part(&self) -> bool {
        let hello = self.command(doc! { "hello": 1 }).await;
        let is = |hello: &Document, role| hello.get_bool(role).unwrap_or(false);
        hello.is_ok_and(|hello| is(&hello, "isWritablePrimary") || is(&hello, "secondary"))
    }

    pub(super) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(super) fn start_again(&mut self) {
        self.kill();
        self.child = spawn(&self.folder, &self.flags, self.port);
    }

    pub(super) fn suspend(&self) {
        self.signal(Signal::STOP);
    }

    pub(super) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a child that runs can be signalled");
    }

    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join("mongod.log")).unwrap_or_default();
        let from = log.len().saturating_sub(2_000);
        log.get(log.ceil_char_boundary(from)..)
            .unwrap_or_default()
            .to_owned()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind((HOST, 0)).expect("loopback has a free port");
    listener
        .local_addr()
        .expect("a bound socket has an address")
        .port()
}

/// Small caches and journals: what a test writes fits into them many times over. `setpriv` (of util-linux, which every
/// Debian has) lets the server end with the thread that started it.
fn spawn(folder: &std::path::Path, flags: &[String], port: u16) -> Child {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(mongod());
    command.arg("--dbpath").arg(folder);
    command.arg("--logpath").arg(folder.join("mongod.log"));
    command.args([
        "--logappend",
        "--bind_ip",
        HOST,
        "--nounixsocket",
        "--oplogSize",
        "64",
    ]);
    command.args(["--port", &port.to_string()]);
    command.args(["--wiredTigerCacheSizeGB", "0.25"]);
    command.args([
        "--wiredTigerEngineConfigString",
        "log=(file_max=8MB,prealloc=false)",
    ]);
    command.args(["--setParameter", "diagnosticDataCollectionEnabled=false"]);
    command
        .args(flags)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
        .spawn()
        .unwrap_or_else(|error| panic!("setpriv cannot be run ({error}): apt-get install util-linux"))
}
