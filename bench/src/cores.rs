//! Which cores processes may run on.

use std::io;
use std::process::{Command, Stdio};

/// The cores of the database, and those of everything else: two halves, as lists for taskset(1). `None` with one core.
pub(crate) fn halves(cores: usize) -> Option<(String, String)> {
    let half = cores / 2;
    (half > 0).then(|| (format!("0-{}", half - 1), format!("{half}-{}", cores - 1)))
}

/// Lets every thread of a process, and those that it starts later, run on these cores only.
///
/// # Errors
/// taskset (of util-linux) is missing, or the process is not there.
pub(crate) fn pin(pid: u32, cores: &str) -> io::Result<()> {
    let pid = pid.to_string();
    let status = Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid", cores, &pid])
        .stdout(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!(
            "taskset refuses to pin process {pid} to cores {cores}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_core_is_in_both_halves_and_none_is_left_out() {
        let halves = |cores| halves(cores).map(|(one, other)| format!("{one} {other}"));
        assert_eq!(halves(2).as_deref(), Some("0-0 1-1"));
        assert_eq!(halves(5).as_deref(), Some("0-1 2-4"));
        assert_eq!(halves(1), None);
    }

    #[test]
    fn a_process_that_is_not_there_is_not_pinned() {
        assert!(pin(u32::MAX, "0-0").is_err());
    }
}
