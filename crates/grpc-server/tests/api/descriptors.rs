//! A server that runs out of file descriptors. It needs a process of its own: the test starts its own binary
//! again to run the `child_…` function alone.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use tokio::io::AsyncReadExt as _;
use tonic::transport::Channel;

use crate::fixture::{start, unary};

/// What the child may open, its own sockets and files included.
const DESCRIPTORS: u64 = 48;
/// How long it is watched while it has none left: one log line at once, and one after five seconds.
const WATCHED: Duration = Duration::from_millis(5800);
/// The kernel counts processor time in hundredths of a second.
const TICKS_PER_SECOND: u64 = 100;

/// Serves with few descriptors until the parent closes the standard input.
#[tokio::test]
#[ignore = "part of another test, in a process of its own"]
async fn child_serves_with_few_descriptors() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = Some(DESCRIPTORS);
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(std::io::stdout)
        .init();
    let server = start().await;
    println!("listens at {}", server.addr);
    tokio::io::stdin().read_to_end(&mut Vec::new()).await.unwrap();
}

fn start_child() -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "descriptors::child_serves_with_few_descriptors",
        ])
        .args(["--nocapture", "--test-threads=1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Processor time of a process, in ticks: user and system (proc(5), `stat`, fields 14 and 15).
fn ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The second field, the name in parentheses, may hold spaces.
    let (_, after_name) = stat.rsplit_once(')').unwrap();
    let fields = after_name.split_whitespace().skip(11).take(2);
    fields.map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

async fn echo(addr: SocketAddr, text: &str) -> String {
    let endpoint = Channel::from_shared(format!("http://{addr}")).unwrap();
    let channel = endpoint.connect().await.unwrap();
    let request = tonic::Request::new(text.to_owned());
    let answer = unary(channel, "/test.Text/Echo", request).await;
    answer.unwrap().into_inner()
}

#[tokio::test]
async fn a_server_without_descriptors_waits_quietly_says_so_now_and_then_and_recovers() {
    let mut child = start_child();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    let addr: SocketAddr = loop {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the child ended");
        if let Some((_, addr)) = line.split_once("listens at ") {
            break addr.trim().parse().unwrap();
        }
    };
    // Those that are not accepted wait in the kernel's queue.
    let connections: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(addr).unwrap()).collect();
    tokio::time::sleep(Duration::from_millis(300)).await;

    let before = ticks(child.id());
    tokio::time::sleep(WATCHED).await;
    let used = ticks(child.id()) - before;
    drop(connections);
    let answer = tokio::time::timeout(Duration::from_secs(5), echo(addr, "back")).await;
    drop(child.stdin.take());
    let mut log = String::new();
    output.read_to_string(&mut log).unwrap();
    assert!(child.wait().unwrap().success());

    assert_eq!(answer.expect("accepts again"), "back");
    assert_eq!(log.matches("cannot accept connections").count(), 2, "{log}");
    // A loop that spins uses all of a core.
    assert!(used < WATCHED.as_secs() * TICKS_PER_SECOND / 10, "{used} ticks");
}
