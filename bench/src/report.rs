//! Figures of one rpc as lines of text.

use std::fmt;
use std::time::Duration;

use crate::drive::Run;
use crate::usage::Usage;

/// Connections with which the driver watches a server, beside those of its pool: one for changes, one for round trips.
const WATCHING: i64 = 2;

/// Every process with its name.
type Usages = Vec<(&'static str, Usage)>;

/// What one run over one rpc showed.
pub(crate) struct Report {
    name: String,
    at_a_time: usize,
    run: Run,
    processes: Vec<Cost>,
    connections: Option<i64>,
}

/// What a process used.
struct Cost {
    process: &'static str,
    cpu: Duration,
    at_end: Usage,
}

impl Report {
    /// `connections` are those of invoice-service to mongod.
    pub(crate) fn new(
        name: &str,
        at_a_time: usize,
        run: Run,
        usage: Option<(Usages, Usages)>,
        connections: Option<i64>,
    ) -> Self {
        let (before, after) = usage.unwrap_or_default();
        let cost = |((process, before), (_, after)): ((&'static str, Usage), (_, Usage))| Cost {
            process,
            cpu: after.cpu.saturating_sub(before.cpu),
            at_end: after,
        };
        Self {
            name: name.to_owned(),
            at_a_time,
            run,
            processes: before.into_iter().zip(after).map(cost).collect(),
            connections,
        }
    }
}

/// Microseconds of CPU time per call.
pub(crate) fn micros_per_call(cpu: Duration, calls: u64) -> u128 {
    cpu.as_micros() / u128::from(calls.max(1))
}

/// What is known of the pool of invoice-service from the number of its connections to mongod.
pub(crate) fn pool(connections: i64) -> String {
    let pool = connections - WATCHING;
    format!("invoice-service had at most {pool} connections to mongod in its pool")
}

/// With one decimal.
fn mebibytes(kib: u64) -> String {
    format!("{}.{} MiB", kib / 1024, kib % 1024 * 10 / 1024)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name, at_a_time, run, ..
        } = self;
        let (rate, calls) = (run.rate(), run.calls());
        let errors: Vec<_> = run
            .errors
            .iter()
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        let errors = if errors.is_empty() {
            "none".to_owned()
        } else {
            errors.join(", ")
        };
        writeln!(f, "  {name:15} {rate:>6} calls/s  {}", run.latencies)?;
        writeln!(f, "    {calls} calls, {at_a_time} at a time; errors: {errors}")?;
        for Cost { process, cpu, at_end } in &self.processes {
            let cpu = micros_per_call(*cpu, calls);
            let [now, most] = [at_end.resident_kib, at_end.most_resident_kib].map(mebibytes);
            writeln!(
                f,
                "    {process:15} {cpu:>6} µs CPU/call  resident {now:>10}, at most {most:>10}"
            )?;
        }
        if let Some(connections) = self.connections {
            writeln!(f, "    {}", pool(connections))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(millis: u64) -> Usages {
        let usage = Usage {
            cpu: Duration::from_millis(millis),
            resident_kib: 20 * 1024 + 512,
            most_resident_kib: 99 * 1024,
        };
        vec![("invoice-service", usage)]
    }

    fn run(calls: usize) -> Run {
        let mut run = Run {
            took: Duration::from_secs(2),
            ..Run::default()
        };
        for _ in 0..calls {
            run.latencies.record(Duration::from_millis(1));
        }
        run
    }

    #[test]
    fn cpu_time_counts_from_the_beginning_of_the_run_and_per_call() {
        let report = Report::new("GetMe", 32, run(100), Some((usage(500), usage(530))), Some(66));
        let text = report.to_string();
        assert!(text.contains("    50 calls/s"), "{text}");
        assert!(text.contains("   300 µs CPU/call"), "{text}");
        assert!(text.contains("20.5 MiB") && text.contains("99.0 MiB"), "{text}");
        assert!(
            text.contains("at most 64 connections") && text.contains("errors: none"),
            "{text}"
        );
    }

    #[test]
    fn errors_are_shown_by_code() {
        let mut run = run(1);
        run.errors.insert("UNAVAILABLE", 7);
        let text = Report::new("GetMe", 32, run, None, None).to_string();
        assert!(
            text.contains("1 calls, 32 at a time; errors: 7 UNAVAILABLE"),
            "{text}"
        );
    }

    #[test]
    fn a_run_without_calls_divides_nothing_by_zero() {
        assert_eq!(micros_per_call(Duration::from_secs(1), 0), 1_000_000);
    }
}
