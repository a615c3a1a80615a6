//! The metrics of a process: one registry, filled by every service in it.

mod certificates;
mod connections;
mod feeds;
mod labels;
mod process;
mod sign_ins;

use std::fmt;
use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

pub use certificates::TlsStanding;
pub use connections::{Connections, OpenConnection};
pub use feeds::FeedStanding;
pub(crate) use labels::{CallLabels, OperationLabels, ServiceLabel};
pub use sign_ins::{Refusal, SignIns};

use self::certificates::Certificates;
use self::connections::AllConnections;
use self::feeds::Feeds;
use self::sign_ins::AllSignIns;
use crate::{Database, Server};

/// Upper bounds in seconds. A call on loopback takes a millisecond, the longest deadline is 30 s.
const BUCKETS: [f64; 16] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 30.0,
];

pub(crate) type Durations<L> = Family<L, Histogram, fn() -> Histogram>;

/// The metrics of one process; a handle that is cheap to clone. The services of a process share one, tests have one
/// each.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    calls: Durations<CallLabels>,
    active: Family<ServiceLabel, Gauge>,
    refused: Family<ServiceLabel, Counter>,
    operations: Durations<OperationLabels>,
    certificates: Certificates,
    connections: AllConnections,
    feeds: Feeds,
    sign_ins: AllSignIns,
}

impl Metrics {
    /// An empty registry, but for what the process tells of itself.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let calls = Durations::new_with_constructor(durations);
        registry.register_with_unit(
            "rpc_server_call_duration",
            "How long calls took, from their head to the end of their response",
            Unit::Seconds,
            calls.clone(),
        );
        let active = Family::<ServiceLabel, Gauge>::default();
        registry.register(
            "rpc_server_active_calls",
            "Calls that have begun and not ended",
            active.clone(),
        );
        let refused = Family::<ServiceLabel, Counter>::default();
        registry.register(
            "rpc_server_refused_calls",
            "Calls refused at once because too many were in flight",
            refused.clone(),
        );
        let operations = Durations::new_with_constructor(durations);
        registry.register_with_unit(
            "db_client_operation_duration",
            "How long operations of the store took",
            Unit::Seconds,
            operations.clone(),
        );
        registry.register(
            "build",
            "The version that runs",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        registry.register_collector(Box::new(process::Process::new()));
        let certificates = Certificates::default();
        registry.register_collector(Box::new(certificates.clone()));
        let connections = AllConnections::default();
        connections.register(&mut registry);
        let feeds = Feeds::default();
        registry.register_collector(Box::new(feeds.clone()));
        let sign_ins = AllSignIns::default();
        sign_ins.register(&mut registry);
        Self(Arc::new(Inner {
            registry,
            calls,
            active,
            refused,
            operations,
            certificates,
            connections,
            feeds,
            sign_ins,
        }))
    }

    /// Measures and traces the calls of `service`, whose full methods are `methods` (`/package.Service/Method`).
    pub fn server(&self, service: &'static str, methods: impl IntoIterator<Item = String>) -> Server {
        let label = ServiceLabel { service };
        Server::new(
            service,
            methods,
            &self.0.calls,
            self.0.active.get_or_create_owned(&label),
            self.0.refused.get_or_create_owned(&label),
        )
    }

    /// Counts the connections of `service`.
    pub fn connections(&self, service: &'static str) -> Connections {
        self.0.connections.of(service)
    }

    /// Measures and traces what `service` asks of its store. `system` is the store's `db.system.name`.
    pub fn database(&self, service: &'static str, system: &'static str) -> Database {
        Database::new(service, system, self.0.operations.clone())
    }

    /// Counts what sign-ins cost `service`, and which it refuses.
    pub fn sign_ins(&self, service: &'static str) -> SignIns {
        self.0.sign_ins.of(service)
    }

    /// Asks `standing` about the TLS of a server or client (`role`) whenever the metrics are read; `None` when that is
    /// gone.
    pub fn tls(
        &self,
        role: &'static str,
        standing: impl Fn() -> Option<TlsStanding> + Send + Sync + 'static,
    ) {
        self.0.certificates.add(role, Box::new(standing));
    }

    /// Asks `standing` about the revocation feed of `service` whenever the metrics are read; `None` when that is gone.
    pub fn revocation_feed(
        &self,
        service: &'static str,
        standing: impl Fn() -> Option<FeedStanding> + Send + Sync + 'static,
    ) {
        self.0.feeds.add(service, Box::new(standing));
    }

    /// Everything in the text format of OpenMetrics 1.0.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        // A `String` takes everything, and nothing registered here refuses to be written.
        let _infallible = encode(&mut text, &self.0.registry);
        text
    }
}

fn durations() -> Histogram {
    Histogram::new(BUCKETS)
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn what_the_process_tells_of_itself_is_there_from_the_start() {
        let text = Metrics::new().to_text();
        for line in [
            concat!("build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1\n"),
            "log_lines_lost_total 0\n",
            "trace_spans_lost_total 0\n",
            "# TYPE process_cpu_seconds counter\n",
            "# UNIT process_cpu_seconds seconds\n",
            "# EOF\n",
        ] {
            assert!(text.contains(line), "no {line:?} in {text}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_figures_of_the_process_are_of_this_process() {
        let figure = |name: &str| {
            let text = Metrics::new().to_text();
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("no {name} in {text}"))
                .parse::<f64>()
                .unwrap()
        };
        let held: Vec<_> = (0..50)
            .map(|_| std::fs::File::open("/dev/null").unwrap())
            .collect();
        assert!((50.0..10_000.0).contains(&figure("process_open_fds")));
        drop(held);
        assert!(figure("process_max_fds") >= figure("process_open_fds"));
        assert!((1e6..1e10).contains(&figure("process_resident_memory_bytes")));
        assert!(figure("process_threads") >= 1.0);
        assert!(figure("process_start_time_seconds") > 1.7e9);
        let before = figure("process_cpu_seconds_total");
        while figure("process_cpu_seconds_total") <= before {}
    }
}
