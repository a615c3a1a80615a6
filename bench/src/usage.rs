//! What a process has used, as Linux tells it in /proc (proc_pid_stat(5), proc_pid_status(5)).

use std::fs;
use std::io;
use std::time::Duration;

/// Clock ticks per second in /proc/PID/stat: 100 on x86-64 and aarch64.
const TICKS_PER_SECOND: u64 = 100;

/// CPU time and memory of one process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Of all threads since the process began, in user and in kernel mode. Steps are 10 ms.
    pub(crate) cpu: Duration,
    /// Resident now.
    pub(crate) resident_kib: u64,
    /// The most that was ever resident.
    pub(crate) most_resident_kib: u64,
}

impl Usage {
    /// Of a process that runs.
    ///
    /// # Errors
    /// There is no such process, or /proc is not Linux's.
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}"));
        let (stat, status) = (read("stat")?, read("status")?);
        Self::parse(&stat, &status)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc is not as Linux writes it"))
    }

    fn parse(stat: &str, status: &str) -> Option<Self> {
        Some(Self {
            cpu: cpu(stat)?,
            resident_kib: kib(status, "VmRSS:")?,
            most_resident_kib: kib(status, "VmHWM:")?,
        })
    }
}

/// The 14th and 15th field. The second is the program's name, which may hold blanks and parentheses.
fn cpu(stat: &str) -> Option<Duration> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + kernel) * 1_000 / TICKS_PER_SECOND))
}

fn kib(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "4242 (a (b) c) S 1 4242 4242 0 -1 4194560 1500 0 3 0 \
        250 75 9 9 20 0 5 0 8812 123456789 4321 18446744073709551615 1 1 0 0 0 0 0";
    const STATUS: &str =
        "Name:\tinvoice\nVmPeak:\t  999999 kB\nVmHWM:\t   51200 kB\nVmRSS:\t   40960 kB\nThreads:\t5\n";

    #[test]
    fn cpu_time_is_user_and_kernel_time_whatever_the_program_is_called() {
        let usage = Usage::parse(STAT, STATUS).unwrap();
        assert_eq!(usage.cpu, Duration::from_millis(3_250));
    }

    #[test]
    fn memory_is_what_is_resident_and_not_what_is_mapped() {
        let usage = Usage::parse(STAT, STATUS).unwrap();
        assert_eq!((usage.resident_kib, usage.most_resident_kib), (40_960, 51_200));
    }

    #[test]
    fn text_of_another_shape_is_refused() {
        assert_eq!(Usage::parse("4242 (x) S 1", STATUS), None);
        assert_eq!(Usage::parse(STAT, "Name:\tx\n"), None);
    }

    #[test]
    fn this_process_can_be_read_and_uses_memory() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.resident_kib > 0 && usage.resident_kib <= usage.most_resident_kib);
        assert!(Usage::of(u32::MAX).is_err());
    }
}
