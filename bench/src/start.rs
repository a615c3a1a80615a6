//! The process itself: how soon it serves, and what it holds when idle.

use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::figures::Figures;

const STARTS: usize = 9;
/// Long enough for what a start allocates to be given back.
const IDLE: Duration = Duration::from_secs(3);

/// Starts the binary on one data folder again and again; the first start, which makes it, does not count.
pub(crate) fn measure(binary: &Path) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let mut starts = Figures::default();
    end(started(binary, folder.path())?.0)?;
    for _ in 0..STARTS {
        let (process, took) = started(binary, folder.path())?;
        starts.add(took);
        end(process)?;
    }
    let (process, _) = started(binary, folder.path())?;
    #[expect(clippy::disallowed_methods, reason = "nothing else runs in this process")]
    thread::sleep(IDLE);
    let status = fs::read_to_string(format!("/proc/{}/status", process.id()))?;
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap_or_default();
    end(process)?;
    println!("start on an existing database until it serves, {STARTS} starts:");
    println!(
        "  median {:?}, longest {:?}",
        starts.percentile(50),
        starts.percentile(100)
    );
    println!("resident memory when idle: {}", resident.trim());
    Ok(())
}

/// Starts the process and waits for the line that says it serves.
fn started(binary: &Path, data_dir: &Path) -> Result<(Child, Duration), Box<dyn Error>> {
    let began = Instant::now();
    let mut process = Command::new(binary)
        .arg("--data-dir")
        .arg(data_dir)
        .args(["--gateway-listen", "127.0.0.1:0", "--auth-listen", "127.0.0.1:0"])
        .args(["--invoice-listen", "127.0.0.1:0", "--log", "warn"])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}; run `make bench`, which builds it", binary.display()))?;
    let output = process
        .stdout
        .take()
        .ok_or("the process has no standard output")?;
    let first = BufReader::new(output)
        .lines()
        .next()
        .ok_or("the process ended without a word")??;
    let took = began.elapsed();
    assert!(first.starts_with("gateway"), "an unexpected first line: {first}");
    Ok((process, took))
}

/// Ends the process as Ctrl-C does.
fn end(mut process: Child) -> Result<(), Box<dyn Error>> {
    let pid = i32::try_from(process.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or("the process has no id")?;
    kill_process(pid, Signal::INT)?;
    process.wait()?;
    Ok(())
}
