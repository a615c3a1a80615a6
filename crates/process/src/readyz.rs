use std::sync::{Arc, OnceLock};

use grpc_server::{CheckReport, ReadinessView, Shutdown};
use serde_json::{Value, json};

/// The services of this process, each with how it is.
type Services = Vec<(&'static str, ReadinessView)>;

/// Whether this process wants calls, and which check says so.
#[derive(Debug, Clone)]
pub(crate) struct Checks {
    services: Arc<OnceLock<Services>>,
    shutdown: Shutdown,
}

impl Checks {
    /// Of a process that is still starting.
    pub(crate) fn new(shutdown: Shutdown) -> Self {
        Self {
            services: Arc::default(),
            shutdown,
        }
    }

    /// The process has started with these services.
    pub(crate) fn set(&self, services: Services) {
        self.services.get_or_init(|| services);
    }

    /// Whether the process is ready, and the answer of `/readyz`.
    pub(crate) fn report(&self) -> (bool, Value) {
        let services = self.services.get().map_or(&[][..], Vec::as_slice);
        let reports: Vec<_> = services
            .iter()
            .map(|(service, view)| (*service, view.report()))
            .collect();
        let state = if self.shutdown.has_begun() {
            "shutting down"
        } else if reports.is_empty() {
            "starting"
        } else if reports.iter().all(|(_, report)| report.ready) {
            "ready"
        } else {
            "not ready"
        };
        let checks: Vec<_> = reports
            .iter()
            .flat_map(|(service, report)| report.checks.iter().map(|check| describe(service, check)))
            .collect();
        (state == "ready", json!({ "state": state, "checks": checks }))
    }
}

fn describe(service: &str, check: &CheckReport) -> Value {
    let mut described = json!({
        "service": service,
        "check": check.check,
        "passes": check.passes,
        "required": check.service.is_none(),
    });
    if let (Some(members), Some(dependent)) = (described.as_object_mut(), &check.service) {
        members.insert("for".to_owned(), Value::from(dependent.as_str()));
    }
    described
}
