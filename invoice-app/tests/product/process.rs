//! The binary as an operator starts and ends it.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use harness::build;
use proto::invoice::v1::Invoice;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::binary::{Home, Running};
use crate::wire::{Call, Native, framed};

const CREATE_INVOICE: &str = "/invoiceapp.invoice.v1.InvoiceService/CreateInvoice";
/// Somebody at a terminal waits for Ctrl-C.
const INTERACTIVE: Duration = Duration::from_secs(5);
/// For a call that never ends: 5 s for it, and the time to cut it.
const CUT_OFF: Duration = Duration::from_secs(8);
/// For what sends SIGTERM before it kills.
const DEPLOYED: Duration = Duration::from_secs(30);

#[tokio::test]
async fn it_prints_where_it_listens_and_where_its_data_is() {
    let home = Home::new();
    let running = home.start().await;
    let mut ports = [running.gateway, running.auth, running.invoice];
    for address in ports {
        assert!(address.ip().is_loopback() && address.port() != 0);
        harness::channel(address).await;
    }
    ports.sort();
    assert!(ports[0] < ports[1] && ports[1] < ports[2], "{ports:?}");
    let data = home.data_dir();
    let line = format!(
        "data             {}\nconsole          none (--console-dir)\n",
        data.display()
    );
    assert!(running.printed.contains(&line), "{}", running.printed);
    let lock = data.join("invoices.db.lock");
    assert!(lock.exists(), "{lock:?}");
}

#[tokio::test]
async fn it_prints_where_its_console_is_and_that_is_there() {
    let home = Home::new();
    let dist = tempfile::tempdir().unwrap();
    fs::write(dist.path().join("index.html"), "<!doctype html>here").unwrap();
    let running = home
        .start_with(&["--console-dir", dist.path().to_str().unwrap()])
        .await;
    let line = format!("\nconsole          http://{}/\n", running.gateway);
    assert!(running.printed.contains(&line), "{}", running.printed);
    let mut socket = TcpStream::connect(running.gateway).await.unwrap();
    socket
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut page = String::new();
    socket.read_to_string(&mut page).await.unwrap();
    assert!(page.ends_with("<!doctype html>here"), "{page}");
}

#[tokio::test]
async fn ctrl_c_ends_it_with_success() {
    let home = Home::new();
    let running = home.start().await;
    running.interrupt();
    running.ends_with_success(INTERACTIVE).await;
}

#[tokio::test]
async fn sigterm_ends_it_with_success() {
    let home = Home::new();
    let running = home.start().await;
    running.signal(Signal::TERM);
    running.ends_with_success(DEPLOYED).await;
}

#[tokio::test]
async fn ctrl_c_ends_it_while_connections_are_open_that_say_nothing() {
    let home = Home::new();
    let running = home.start().await;
    let mut held = Vec::new();
    let mut idle = Vec::new();
    for address in [running.gateway, running.auth, running.invoice] {
        held.push(TcpStream::connect(address).await.unwrap());
        let mut half = TcpStream::connect(address).await.unwrap();
        half.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
        held.push(half);
        let mut half = TcpStream::connect(address).await.unwrap();
        half.write_all(b"POST / HTTP/1.1\r\nhost: x\r\n").await.unwrap();
        held.push(half);
        idle.push(Native::connect(address).await);
    }
    running.interrupt();
    running.ends_with_success(INTERACTIVE).await;
}

/// Sends half of a CreateInvoice to `address`, presses Ctrl-C, waits until nobody new is let in, and sends the rest.
async fn a_call_in_flight_is_answered(running: Running, address: SocketAddr) {
    let ann = harness::register(harness::channel(running.auth).await, build::registration()).await;
    let token = ann.unwrap().tokens.unwrap().access_token;
    let call = Call {
        path: CREATE_INVOICE,
        access_token: Some(&token),
        headers: Vec::new(),
    };
    let connection = Native::connect(address).await;
    let body = framed(&build::create(build::invoice()));
    let (first, rest) = body.split_at(body.len() / 2);
    let (writer, answer) = connection.begin(&call).await;
    let answer = tokio::spawn(answer);
    writer.write(first.to_vec());
    // Answered after the first half has arrived: both are on one connection.
    let preview = Call {
        path: "/invoiceapp.invoice.v1.InvoiceService/PreviewInvoice",
        ..call.clone()
    };
    let _: Invoice = connection.send(&preview, body.clone()).await.ok();

    running.interrupt();
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    writer.write(rest.to_vec());
    drop(writer);
    let created: Invoice = answer.await.unwrap().ok();
    assert_eq!(created.totals.unwrap().gross_minor, 23_800);
    running.ends_with_success(INTERACTIVE).await;
}

#[tokio::test]
async fn ctrl_c_lets_a_call_in_flight_at_the_gateway_finish() {
    let home = Home::new();
    let running = home.start().await;
    let gateway = running.gateway;
    a_call_in_flight_is_answered(running, gateway).await;
}

#[tokio::test]
async fn ctrl_c_lets_a_call_in_flight_at_a_service_finish() {
    let home = Home::new();
    let running = home.start().await;
    let invoice = running.invoice;
    a_call_in_flight_is_answered(running, invoice).await;
}

/// A call that never gets its second half, at each port.
async fn unfinished_calls(running: &Running) -> Vec<impl Sized + use<>> {
    let mut calls = Vec::new();
    for (address, path) in [
        (running.gateway, CREATE_INVOICE),
        (running.invoice, CREATE_INVOICE),
        (running.gateway, "/invoiceapp.auth.v1.AuthService/Login"),
        (running.auth, "/invoiceapp.auth.v1.AuthService/Login"),
    ] {
        let connection = Native::connect(address).await;
        let call = Call {
            path,
            access_token: None,
            headers: vec![("grpc-timeout", "30S")],
        };
        let (writer, answer) = connection.begin(&call).await;
        writer.write(vec![0, 0]);
        calls.push((connection, writer, tokio::spawn(answer)));
    }
    calls
}

#[tokio::test]
async fn ctrl_c_does_not_wait_for_a_call_that_never_ends() {
    let home = Home::new();
    let running = home.start().await;
    let _calls = unfinished_calls(&running).await;
    running.interrupt();
    running.ends_with_success(CUT_OFF).await;
}

#[tokio::test]
async fn a_second_ctrl_c_cuts_what_is_left() {
    let home = Home::new();
    let running = home.start().await;
    let _calls = unfinished_calls(&running).await;
    running.interrupt();
    while TcpStream::connect(running.gateway).await.is_ok() {
        tokio::task::yield_now().await;
    }
    running.interrupt();
    running.ends_with_success(Duration::from_secs(3)).await;
}

/// The one line that a process which cannot start writes, after it has ended with a failure.
fn only_line(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let errors = String::from_utf8(output.stderr.clone()).unwrap();
    let lines: Vec<&str> = errors.lines().filter(|line| line.contains("ERROR")).collect();
    assert_eq!(lines.len(), 1, "{errors}");
    lines[0].to_owned()
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused_with_one_line_that_names_the_lock() {
    let home = Home::new();
    let running = home.start().await;
    let line = only_line(&home.run(&[]).await);
    let lock = home.data_dir().join("auth.db.lock");
    assert!(line.contains(lock.to_str().unwrap()), "{line}");
    assert!(line.contains("in use by another process"), "{line}");
    harness::register(harness::channel(running.gateway).await, build::registration())
        .await
        .expect("the first goes on");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Every file and folder below `folder`, with the folder itself.
fn everything_in(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(everything_in(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn the_data_is_readable_by_its_owner_alone() {
    let home = Home::new();
    let _running = home.start().await;
    let data = home.data_dir();
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("keys/master.key")), 0o600);
    let found = everything_in(&data);
    assert!(
        found.len() >= 8,
        "keys, two databases with their logs and locks: {found:?}"
    );
    for path in found {
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), wanted, "{path:?}");
    }
}

#[tokio::test]
async fn a_key_file_that_others_can_read_is_refused_with_what_to_do() {
    let home = Home::new();
    home.start().await.kill().await;
    let key = home.data_dir().join("keys/master.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let line = only_line(&home.run(&[]).await);
    assert!(line.contains(&format!("chmod 600 {}", key.display())), "{line}");
}

#[tokio::test]
async fn a_lost_key_file_is_not_replaced_beside_the_data_that_it_protects() {
    let home = Home::new();
    home.start().await.kill().await;
    fs::remove_file(home.data_dir().join("keys/master.key")).unwrap();
    let line = only_line(&home.run(&[]).await);
    assert!(line.contains("key"), "{line}");
}

#[tokio::test]
async fn a_wrong_flag_gets_one_message_that_names_it() {
    let home = Home::new();
    for (flags, texts) in [
        (["--no-such-flag", "1"].as_slice(), ["--no-such-flag", "Usage"]),
        (
            &["--gateway-listen", "nonsense"],
            ["--gateway-listen", "nonsense"],
        ),
        (
            &["--auth-access-token-seconds", "soon"],
            ["--auth-access-token-seconds", "soon"],
        ),
        (
            &["--auth-access-token-seconds", "1"],
            ["--auth-access-token-seconds", "60 to 900"],
        ),
        (
            &["--auth-listen", "0.0.0.0:0"],
            ["--auth-listen", "--auth-plaintext"],
        ),
        (
            &["--auth-store-url", "postgres://x"],
            ["--auth-store-url", "sqlite:PATH"],
        ),
        (
            &["--invoice-store-url", "postgres://x"],
            ["--invoice-store-url", "sqlite:PATH"],
        ),
        (
            &["--gateway-allowed-origins", "not an origin"],
            ["not an origin", "origin"],
        ),
        (
            &["--console-dir", "/nowhere/dist"],
            ["--console-dir: /nowhere/dist", "No such file"],
        ),
        (&["--log", "!!"], ["--log", "not a log filter"]),
    ] {
        let output = home.run(flags).await;
        assert!(
            !output.status.success() && output.stdout.is_empty(),
            "{flags:?}: {output:?}"
        );
        let errors = String::from_utf8(output.stderr).unwrap();
        for text in texts {
            assert!(errors.contains(text), "{flags:?}: no {text:?} in {errors}");
        }
        assert!(
            !errors.contains("panicked") && !errors.contains("src/"),
            "{errors}"
        );
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for flag in ["--gateway-listen", "--auth-listen", "--invoice-listen"] {
        let line = only_line(&home.run(&[flag, &address]).await);
        assert!(
            line.contains(&address) && line.contains("in use"),
            "{flag}: {line}"
        );
    }
}

#[tokio::test]
async fn a_data_folder_that_is_a_file_is_named() {
    let home = Home::new();
    fs::write(home.data_dir(), "").unwrap();
    let line = only_line(&home.run(&[]).await);
    assert!(line.contains(home.data_dir().to_str().unwrap()), "{line}");
}

#[tokio::test]
async fn a_process_that_waits_for_its_database_ends_when_it_is_told_to() {
    let home = Home::new();
    let nobody = "mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=200";
    let flags = ["--invoice-store-url", nobody];
    let ended = home.signal_once_it_logs(&flags, "waiting for MongoDB", Signal::TERM);
    let (status, took) = ended.await;
    assert!(status.success() && took < INTERACTIVE, "{status} {took:?}");
}
