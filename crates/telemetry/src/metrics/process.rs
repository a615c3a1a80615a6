//! What the operating system knows of this process, read when somebody asks. What it does not tell is left out.

use std::fmt::Error;
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::{queue, traces};

/// The figures that Prometheus' client libraries give of a process, under the same names, and what telemetry lost.
#[derive(Debug)]
pub(super) struct Process {
    started: Duration,
}

impl Process {
    /// Of a process that has just started.
    pub(super) fn new() -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut figures = Figures(&mut encoder);
        figures.gauge(
            "process_start_time",
            "When the process started, since 1970",
            Some(&Unit::Seconds),
            Some(self.started.as_secs_f64()),
        )?;
        figures.counter(
            "process_cpu",
            "User and system time of the processor",
            Some(&Unit::Seconds),
            cpu_time().as_secs_f64(),
        )?;
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let resident = of_status(&status, "VmRSS:").map(|kibibytes| kibibytes.saturating_mul(1024));
        figures.gauge(
            "process_resident_memory",
            "Memory that is in RAM",
            Some(&Unit::Bytes),
            resident,
        )?;
        figures.gauge("process_threads", "Threads", None, of_status(&status, "Threads:"))?;
        figures.gauge(
            "process_open_fds",
            "Open file descriptors",
            None,
            open_descriptors(),
        )?;
        let most = getrlimit(Resource::Nofile).current;
        figures.gauge("process_max_fds", "File descriptors that may be open", None, most)?;
        let lines = queue::lines_lost();
        figures.counter(
            "log_lines_lost",
            "Log lines that were not written, because nobody read fast enough or the disk was full",
            None,
            lines,
        )?;
        let spans = traces::spans_lost();
        figures.counter("trace_spans_lost", "Spans that were not exported", None, spans)
    }
}

/// Writes one figure after another.
struct Figures<'a, 'b>(&'a mut DescriptorEncoder<'b>);

impl Figures<'_, '_> {
    fn gauge<N>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        figure: Option<N>,
    ) -> Result<(), Error>
    where
        ConstGauge<N>: EncodeMetric,
    {
        figure.map_or(Ok(()), |figure| {
            self.write(name, help, unit, &ConstGauge::new(figure))
        })
    }

    fn counter<N>(&mut self, name: &str, help: &str, unit: Option<&Unit>, figure: N) -> Result<(), Error>
    where
        ConstCounter<N>: EncodeMetric,
    {
        self.write(name, help, unit, &ConstCounter::new(figure))
    }

    fn write(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        figure: &impl EncodeMetric,
    ) -> Result<(), Error> {
        let encoder = self.0.encode_descriptor(name, help, unit, figure.metric_type())?;
        figure.encode(encoder)
    }
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds)
}

/// The number behind `key` in `/proc/self/status`.
fn of_status(status: &str, key: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(key))?;
    rest.split_whitespace().next()?.parse().ok()
}

fn open_descriptors() -> Option<u64> {
    let open = fs::read_dir("/proc/self/fd").ok()?.count();
    u64::try_from(open).ok()
}
