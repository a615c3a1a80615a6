//! What a process really writes: the test runs itself as a child and reads the child's standard error.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail and print as tests do"
)]

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader};
use std::panic::catch_unwind;
use std::process::{Child, Command, ExitCode, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const CHILD: &str = "TELEMETRY_TEST_CHILD";

/// Lines of about 170 bytes.
const COUNTED: u64 = 2000;

const LOGGED: &str = "everything is logged";

/// More than an ordinary exit ever takes; a process that hangs takes longer.
const DEADLINE: Duration = Duration::from_secs(20);

/// Not a test of its own: the body of the child process.
#[test]
fn child_process() -> ExitCode {
    let Some(part) = part_of_this_process() else {
        return ExitCode::SUCCESS;
    };
    if part == "refuse" {
        return telemetry::exit_code(Err("no log yet".into()));
    }
    init().unwrap();
    match part.as_str() {
        "panic" => log_and_panic(),
        "count" => count(),
        "fail" => {
            count();
            return telemetry::exit_code(Err("disk full".into()));
        }
        "die" => {
            let _payload = catch_unwind(|| panic!("last words"));
            std::process::abort();
        }
        // Twice what may wait in the process, and far more than a pipe holds.
        "flood" => {
            let text = "x".repeat(8 << 10);
            (0..1000).for_each(|number| tracing::info!(number, text, "flood"));
            log_and_panic();
        }
        // More lines than the queue has places.
        "chatter" => (0..40_000).for_each(|number| tracing::info!(number)),
        unknown => panic!("no such child: {unknown}"),
    }
    telemetry::exit_code(Ok(()))
}

fn init() -> Result<(), telemetry::InitError> {
    telemetry::init(
        "test-child",
        &telemetry::LogConfig::default(),
        &telemetry::TraceConfig::default(),
    )
}

/// Logs more than a pipe holds and then tells the parent.
fn count() {
    (0..COUNTED).for_each(|number| tracing::info!(number, "counted"));
    println!("{LOGGED}");
}

fn log_and_panic() {
    tracing::info!("ready");
    tracing::debug!("below the default filter");
    assert!(init().is_err());
    std::thread::spawn(|| panic!("first line\nsecond line"))
        .join()
        .unwrap_err();
}

#[expect(
    clippy::disallowed_methods,
    reason = "how the parent test tells its child what it is"
)]
fn part_of_this_process() -> Option<String> {
    std::env::var(CHILD).ok()
}

/// This program as the child that plays `part`.
fn child(part: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "child_process", "--nocapture"])
        .env(CHILD, part)
        .env_remove("INVOICE_APP_LOG")
        .stdout(Stdio::null());
    command
}

/// The child's lines, each of which has to be JSON.
fn lines(output: &Output) -> Vec<serde_json::Value> {
    let stderr = str::from_utf8(&output.stderr).unwrap();
    stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .collect()
}

/// The output of a child that [`count`]s, read only after it has logged everything, so that most of it still
/// waits in the child.
fn output_read_late(part: &str) -> Output {
    let mut child = child(part)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(LOGGED) {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "the child ended early");
    }
    let output = child.wait_with_output().unwrap();
    drop(stdout);
    output
}

/// How the child ended.
///
/// # Panics
/// When it has not ended by [`DEADLINE`].
fn ended(mut child: Child) -> ExitStatus {
    let (report, ending) = mpsc::channel();
    let id = child.id();
    std::thread::spawn(move || report.send(child.wait()));
    ending
        .recv_timeout(DEADLINE)
        .unwrap_or_else(|_| panic!("process {id} does not end"))
        .unwrap()
}

#[test]
fn a_process_without_a_terminal_logs_json_lines_and_a_panic_is_one_of_them() {
    let output = child("panic").output().unwrap();

    let lines = lines(&output);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0]["message"], "ready");
    assert_eq!(lines[0]["service"], "test-child");
    assert_eq!(lines[1]["level"], "ERROR");
    assert_eq!(lines[1]["cause"], "first line second line");
    assert!(lines[1]["place"].as_str().unwrap().contains("process.rs"));
}

#[test]
fn every_line_is_written_in_order_before_a_process_ends() {
    let output = output_read_late("count");

    assert!(output.status.success(), "{}", output.status);
    let numbers: Vec<u64> = lines(&output)
        .iter()
        .map(|line| line["number"].as_u64().unwrap())
        .collect();
    assert!(numbers.iter().copied().eq(0..COUNTED), "{} lines", numbers.len());
}

#[test]
fn the_error_that_ends_a_process_is_its_last_line() {
    let output = output_read_late("fail");

    assert!(!output.status.success());
    let lines = lines(&output);
    let last = lines.last().unwrap();
    assert_eq!(last["error"], "disk full", "{last}");
}

#[test]
fn an_error_from_before_the_log_is_set_up_is_written() {
    let output = child("refuse").output().unwrap();

    assert!(!output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("no log yet"), "{stderr}");
}

#[test]
fn the_panic_of_a_process_that_dies_of_it_is_written() {
    let output = child("die").output().unwrap();

    assert!(!output.status.success());
    let lines = lines(&output);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["cause"], "last words");
}

#[test]
fn a_process_goes_on_after_the_reader_of_its_log_has_gone() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = child("flood").stderr(writer).spawn().unwrap();

    let status = ended(child);

    assert!(status.success(), "{status}");
}

#[test]
fn a_process_goes_on_when_the_disk_of_its_log_is_full() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let child = child("flood").stderr(full).spawn().unwrap();

    let status = ended(child);

    assert!(status.success(), "{status}");
}

#[test]
fn a_process_whose_log_nobody_reads_ends_all_the_same() {
    let (unread, writer) = std::io::pipe().unwrap();
    let started = Instant::now();
    let child = child("flood").stderr(writer).spawn().unwrap();

    let status = ended(child);

    assert!(status.success(), "{status} after {:?}", started.elapsed());
    drop(unread);
}

#[test]
fn a_stalled_log_says_nothing_on_standard_output() {
    let (unread, writer) = std::io::pipe().unwrap();
    let output = child("chatter")
        .stderr(writer)
        .stdout(Stdio::piped())
        .output()
        .unwrap();

    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(!stdout.contains("Failed"), "{stdout}");
    drop(unread);
}

#[test]
fn an_unreadable_filter_is_refused_with_the_name_of_its_flag() {
    let config = telemetry::LogConfig {
        filter: "info,gateway=loud".to_owned(),
        ..telemetry::LogConfig::default()
    };
    let error = telemetry::init("test", &config, &telemetry::TraceConfig::default()).unwrap_err();
    assert!(error.to_string().contains("INVOICE_APP_LOG"), "{error}");
}
