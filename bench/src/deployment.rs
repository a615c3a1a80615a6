//! The three release binaries as processes of their own, so that CPU time and memory can be told apart.

use std::error::Error;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use harness::mongo::ReplicaSet;
use mongodb::bson::{Document, doc};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::cores;
use crate::usage::Usage;

/// For a process to listen and to become ready.
pub(crate) const START: Duration = Duration::from_secs(30);
/// For a process to end by itself: 3 s are for load balancers.
const END: Duration = Duration::from_secs(10);
pub(crate) const PAUSE: Duration = Duration::from_millis(10);
const ANY_PORT: &str = "127.0.0.1:0";
const MONGOD: &str = "mongod";
/// The log lines that tell addresses, whatever else is logged.
const ADDRESSES: &str =
    "auth_service::app=info,invoice_service::app=info,gateway::app=info,process::admin=info";

/// Where the services keep their data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Store {
    /// Two files in a temporary folder.
    Sqlite,
    /// A replica set of one member, on this machine.
    Mongodb,
}

/// What is started.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DeploymentOptions {
    /// Folder of the release binaries. Unset: that of this one.
    #[arg(long, value_name = "DIR")]
    binaries: Option<PathBuf>,
    /// What the processes log, as their flag of this name.
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: String,
}

impl Default for DeploymentOptions {
    fn default() -> Self {
        Self {
            binaries: None,
            log: "info".to_owned(),
        }
    }
}

/// auth-service, invoice-service and gateway, and what they keep their data in. Dropping it ends every process.
pub(crate) struct Deployment {
    pub(crate) auth: Service,
    pub(crate) invoice: Service,
    pub(crate) gateway: Service,
    mongodb: Option<(ReplicaSet, u32)>,
    _folder: TempDir,
}

/// The database of invoice-service in MongoDB.
pub(crate) const INVOICE_DATABASE: &str = "bench_invoice";

impl Deployment {
    /// Starts everything and waits until it is ready.
    ///
    /// # Errors
    /// A binary is missing, or ends, or is not ready after 30 s.
    pub(crate) async fn start(store: Store, options: &DeploymentOptions) -> Result<Self, Box<dyn Error>> {
        let mongodb = match store {
            Store::Sqlite => None,
            Store::Mongodb => {
                let set = ReplicaSet::start().await;
                let status = set.command(0, doc! { "serverStatus": 1 }).await?;
                let pid = u32::try_from(integer(&status, "pid").unwrap_or_default())?;
                Some((set, pid))
            }
        };
        let folder = tempfile::tempdir()?;
        let start = Start {
            binaries: match &options.binaries {
                Some(folder) => folder.clone(),
                None => folder_of_this_binary()?,
            },
            folder: folder.path(),
            log: format!("{},{ADDRESSES}", options.log),
        };
        let url = |flag, database| {
            let set = mongodb.as_ref();
            set.map(|(set, _)| format!("{flag}={}&appName={database}", set.url(database)))
        };
        let listen = |service| vec![format!("--{service}-listen={ANY_PORT}")];
        let mut flags = listen("auth");
        // Everybody here has one address.
        flags.extend(
            [
                "--auth-sign-ins-per-minute=1000000",
                "--auth-sign-in-burst=1000000",
            ]
            .map(str::to_owned),
        );
        flags.extend(url("--auth-store-url", "bench_auth"));
        let auth = start.service("auth-service", flags).await?;
        let mut flags = listen("invoice");
        flags.extend(url("--invoice-store-url", INVOICE_DATABASE));
        flags.push(format!("--auth-url=http://{}", auth.address));
        let invoice = start.service("invoice-service", flags).await?;
        let mut flags = listen("gateway");
        flags.push(format!("--auth-url=http://{}", auth.address));
        flags.push(format!("--invoice-url=http://{}", invoice.address));
        let gateway = start.service("gateway", flags).await?;
        Ok(Self {
            auth,
            invoice,
            gateway,
            mongodb,
            _folder: folder,
        })
    }

    /// Every process with its name, mongod and this one among them.
    ///
    /// # Errors
    /// One has ended.
    pub(crate) fn usage(&self) -> io::Result<Vec<(&'static str, Usage)>> {
        self.processes()
            .into_iter()
            .map(|(name, pid)| Ok((name, Usage::of(pid)?)))
            .collect()
    }

    /// Gives mongod half of the cores for itself, and all other processes the other half. Whether there are two.
    ///
    /// # Errors
    /// taskset is missing.
    pub(crate) fn give_mongod_its_own_cores(&self) -> io::Result<bool> {
        let Some((of_mongod, of_others)) = cores::halves(thread::available_parallelism()?.get()) else {
            return Ok(false);
        };
        for (name, pid) in self.processes() {
            cores::pin(pid, if name == MONGOD { &of_mongod } else { &of_others })?;
        }
        Ok(true)
    }

    fn processes(&self) -> Vec<(&'static str, u32)> {
        let services = [&self.auth, &self.invoice, &self.gateway];
        let mut processes: Vec<_> = services
            .into_iter()
            .map(|service| (service.name, service.pid()))
            .collect();
        processes.extend(self.mongodb.as_ref().map(|(_, pid)| (MONGOD, *pid)));
        processes.push(("bench", std::process::id()));
        processes
    }

    /// The store URL of another database of the same server.
    pub(crate) fn mongodb_url(&self, database: &str) -> Option<String> {
        self.mongodb.as_ref().map(|(set, _)| set.url(database))
    }

    /// Connections from invoice-service to mongod, with those that only watch it. The driver closes none of a pool that
    /// works, so this is also the most that there were.
    ///
    /// # Errors
    /// What the server says.
    pub(crate) async fn invoice_connections(&self) -> Result<Option<i64>, Box<dyn Error>> {
        let Some((set, _)) = &self.mongodb else {
            return Ok(None);
        };
        let pipeline = [
            doc! { "$currentOp": { "allUsers": true, "idleConnections": true } },
            doc! { "$match": { "appName": INVOICE_DATABASE } },
            doc! { "$count": "connections" },
        ];
        let counted = doc! { "aggregate": 1, "pipeline": pipeline.to_vec(), "cursor": {} };
        let counted = set.command(0, counted).await?;
        let batch = counted.get_document("cursor")?.get_array("firstBatch")?;
        let first = batch.first().and_then(mongodb::bson::Bson::as_document);
        Ok(first.and_then(|first| integer(first, "connections")))
    }

    /// Ends everything as an orchestrator does.
    pub(crate) async fn stop(self) {
        let mut processes = [self.gateway, self.invoice, self.auth].map(|service| service.process);
        for process in &processes {
            process.interrupt();
        }
        let end = Instant::now() + END;
        for process in &mut processes {
            while matches!(process.ended(), Ok(None)) && Instant::now() < end {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// An integer of either size, or a whole number that the shell would have written as a double.
fn integer(document: &Document, name: &str) -> Option<i64> {
    let value = document.get(name)?;
    value.as_i64().or_else(|| value.as_i32().map(i64::from))
}

fn folder_of_this_binary() -> Result<PathBuf, Box<dyn Error>> {
    let binary = std::env::current_exe()?;
    Ok(binary.parent().ok_or("this binary lies in no folder")?.to_owned())
}

/// A running process that serves.
pub(crate) struct Service {
    name: &'static str,
    pub(crate) address: SocketAddr,
    process: Process,
}

impl Service {
    /// Of the process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

/// Ends with this value, and with the thread that started it.
pub(crate) struct Process(Child);

impl Process {
    /// Of this process, without arguments yet. `setpriv` (of util-linux) lets it end with the thread that started it: a
    /// bench that is killed leaves none.
    pub(crate) fn command(binary: &Path) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(binary);
        command.stdin(Stdio::null());
        command
    }

    /// Starts a [`Process::command`].
    pub(crate) fn spawn(mut command: Command) -> io::Result<Self> {
        command.spawn().map(Self)
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// How it has ended, if it has.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }

    fn interrupt(&self) {
        // It may have ended by itself.
        let _ = kill_process(Pid::from_child(&self.0), Signal::INT);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Start<'a> {
    binaries: PathBuf,
    folder: &'a Path,
    log: String,
}

impl Start<'_> {
    /// Starts one service and waits until it is ready.
    async fn service(&self, name: &'static str, flags: Vec<String>) -> Result<Service, Box<dyn Error>> {
        let log = self.folder.join(format!("{name}.log"));
        let mut process = self.spawn(name, flags, &log)?;
        let end = Instant::now() + START;
        loop {
            let written = std::fs::read_to_string(&log)?;
            let address = listens(&written, &format!("{name} listens"));
            let admin = listens(&written, "admin port listens");
            if let Some((address, admin)) = address.zip(admin)
                && is_ready(admin).await
            {
                return Ok(Service {
                    name,
                    address,
                    process,
                });
            }
            if let Some(status) = process.ended()? {
                return Err(format!("{name} ended with {status}: {written}").into());
            }
            if Instant::now() > end {
                return Err(format!("{name} is not ready: {written}").into());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn spawn(&self, name: &str, flags: Vec<String>, log: &Path) -> Result<Process, Box<dyn Error>> {
        let binary = self.binaries.join(name);
        if !binary.is_file() {
            let binary = binary.display();
            return Err(format!("{binary} is missing: run `make bench`, which builds it").into());
        }
        let log = File::create(log)?;
        let mut command = Process::command(&binary);
        if name != "gateway" {
            command.arg("--data-dir").arg(self.folder);
        }
        command
            .args([
                "--admin-listen",
                ANY_PORT,
                "--log-format",
                "json",
                "--log",
                &self.log,
            ])
            .args(flags)
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(Process::spawn(command)?)
    }
}

/// The address in the log line with this message.
fn listens(log: &str, message: &str) -> Option<SocketAddr> {
    log.lines().find_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        if line.get("message")? != message {
            return None;
        }
        line.get("address")?.as_str()?.parse().ok()
    })
}

async fn is_ready(admin: SocketAddr) -> bool {
    let answer = get(admin, "/readyz").await;
    answer.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// The whole answer to a GET at a server on this machine.
pub(crate) async fn get(server: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(server).await?;
    let question = format!("GET {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n");
    stream.write_all(question.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_from_the_line_that_tells_it() {
        let log = "starting\n\
            {\"message\":\"admin port listens\",\"address\":\"127.0.0.1:1\"}\n\
            {\"message\":\"gateway listens\",\"address\":\"127.0.0.1:2\"}\n";
        assert_eq!(
            listens(log, "gateway listens"),
            Some(SocketAddr::from(([127, 0, 0, 1], 2)))
        );
        assert_eq!(listens(log, "auth-service listens"), None);
    }
}
