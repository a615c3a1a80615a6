//! The connections of servers.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::ServiceLabel;

/// Of every service in the process.
#[derive(Clone, Default)]
pub(super) struct AllConnections {
    active: Family<ServiceLabel, Gauge>,
    refused: Family<ServiceLabel, Counter>,
}

/// Counts the connections of one server; cheap to clone. [`Default`] counts where nobody reads.
#[derive(Debug, Clone, Default)]
pub struct Connections {
    active: Gauge,
    refused: Counter,
}

/// A connection, counted as open until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct OpenConnection(Gauge);

impl AllConnections {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "rpc_server_active_connections",
            "Connections that are open, TLS handshakes among them",
            self.active.clone(),
        );
        registry.register(
            "rpc_server_refused_connections",
            "Connections closed at once because too many were open",
            self.refused.clone(),
        );
    }

    pub(super) fn of(&self, service: &'static str) -> Connections {
        let label = ServiceLabel { service };
        Connections {
            active: self.active.get_or_create_owned(&label),
            refused: self.refused.get_or_create_owned(&label),
        }
    }
}

impl Connections {
    /// A connection is accepted.
    pub fn open(&self) -> OpenConnection {
        self.active.inc();
        OpenConnection(self.active.clone())
    }

    /// A connection is closed because too many are open.
    pub fn refuse(&self) {
        self.refused.inc();
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use crate::Metrics;

    #[test]
    fn a_connection_counts_as_long_as_it_is_open_and_a_refused_one_for_ever() {
        let metrics = Metrics::new();
        let connections = metrics.connections("gateway");
        let held = [connections.open(), connections.clone().open()];
        connections.refuse();
        let figures = || {
            let text = metrics.to_text();
            let lines = text.lines().filter(|line| line.contains("_connections"));
            let lines = lines.filter(|line| !line.starts_with('#'));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let refused = "rpc_server_refused_connections_total{service=\"gateway\"} 1";
        assert_eq!(
            figures(),
            ["rpc_server_active_connections{service=\"gateway\"} 2", refused]
        );
        drop(held);
        assert_eq!(
            figures(),
            ["rpc_server_active_connections{service=\"gateway\"} 0", refused]
        );
    }
}
