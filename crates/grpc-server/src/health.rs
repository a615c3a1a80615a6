use std::future::Future;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use tokio::sync::watch;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::HealthReporter;

use crate::Shutdown;

/// How often checks run, and the longest that one may take; in between their last result counts.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// Until every check has passed once: a process that has just started is ready within moments, and somebody waits.
const CHECK_EVERY_AT_START: Duration = Duration::from_millis(50);
/// So many failures in a row make a service unready: one slow answer is not an outage.
const STRIKES: u32 = 3;
/// Health requests name a service; nothing longer is a name.
const MAX_HEALTH_REQUEST_BYTES: usize = 1024;

/// The tonic service behind `grpc.health.v1.Health`, for `Routes::add_service`.
pub type HealthService = HealthServer<tonic_health::server::HealthService>;

type Probe = Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// Whether this process, and each service in it, wants calls. Served as `grpc.health.v1.Health`.
///
/// A name is `NOT_SERVING` until each of its checks has passed once, again after a check failed three times
/// in a row, and for good as soon as the shutdown begins. A name without checks serves from the start.
pub struct Readiness {
    reporter: HealthReporter,
    /// Every name, the process's empty one first, and what was last reported for it.
    names: Vec<(String, Option<ServingStatus>)>,
    checks: Vec<Check>,
    view: watch::Sender<ReadinessReport>,
}

/// What the checks said last, for others than gRPC clients; it follows the [`Readiness`] it comes from.
#[derive(Debug, Clone)]
pub struct ReadinessView(watch::Receiver<ReadinessReport>);

impl ReadinessView {
    /// How it is now.
    pub fn report(&self) -> ReadinessReport {
        self.0.borrow().clone()
    }
}

/// Whether a server wants calls, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadinessReport {
    /// What `grpc.health.v1.Health` says of the process: all checks pass that every service depends on, and the
    /// shutdown has not begun.
    pub ready: bool,
    /// Every check, in the order in which they were added.
    pub checks: Vec<CheckReport>,
}

/// How one check is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// Its label: `store`.
    pub check: String,
    /// The one service that depends on it; `None` when the process does.
    pub service: Option<String>,
    /// Whether it passes; it has not failed before it failed three times in a row.
    pub passes: bool,
}

struct Check {
    label: String,
    /// The service it speaks for; `None` for all, and for the process.
    service: Option<String>,
    probe: Probe,
    state: State,
}

/// What the last probes of a check said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    NotYetPassed,
    /// Passed, then failed this many times in a row.
    Passed {
        failures: u32,
    },
}

impl State {
    fn after(self, passed: bool) -> Self {
        match (self, passed) {
            (_, true) => Self::Passed { failures: 0 },
            (Self::NotYetPassed, false) => Self::NotYetPassed,
            (Self::Passed { failures }, false) => Self::Passed {
                failures: failures.saturating_add(1),
            },
        }
    }

    fn is_ready(self) -> bool {
        match self {
            Self::NotYetPassed => false,
            Self::Passed { failures } => failures < STRIKES,
        }
    }
}

impl Readiness {
    /// For the process (the empty name) and for `services`, full names such as
    /// `invoiceapp.auth.v1.AuthService`.
    pub fn new<N: Into<String>>(services: impl IntoIterator<Item = N>) -> Self {
        Self {
            reporter: HealthReporter::new(),
            names: std::iter::once(String::new())
                .chain(services.into_iter().map(Into::into))
                .map(|name| (name, None))
                .collect(),
            checks: Vec::new(),
            view: watch::Sender::new(ReadinessReport {
                ready: false,
                checks: Vec::new(),
            }),
        }
    }

    /// A view for others than gRPC clients. It says "not ready" until [`Readiness::service`] was called.
    pub fn view(&self) -> ReadinessView {
        ReadinessView(self.view.subscribe())
    }

    /// Adds a check that the process and every service in it depend on: "the store answers a ping".
    /// `label` names it in the log.
    #[must_use]
    pub fn check<F, Fut>(self, label: &str, probe: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        self.with(None, label, probe)
    }

    /// Adds a check that only `service` depends on.
    #[must_use]
    pub fn check_service<F, Fut>(self, service: &str, label: &str, probe: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        self.with(Some(service.to_owned()), label, probe)
    }

    fn with<F, Fut>(mut self, service: Option<String>, label: &str, probe: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        self.checks.push(Check {
            label: label.to_owned(),
            service,
            probe: Box::new(move || probe().boxed()),
            state: State::NotYetPassed,
        });
        self
    }

    /// The service to put into the routes. Names with checks are `NOT_SERVING` from here on.
    pub async fn service(&mut self) -> HealthService {
        self.report().await;
        let health = tonic_health::server::HealthService::from_health_reporter(self.reporter.clone());
        HealthServer::new(health).max_decoding_message_size(MAX_HEALTH_REQUEST_BYTES)
    }

    /// Runs the checks until `shutdown` begins, then reports `NOT_SERVING` for every name and returns. Spawn
    /// it before serving; the first checks run at once.
    pub async fn run(mut self, shutdown: Shutdown) {
        tokio::select! {
            () = self.watch() => {}
            _ = shutdown.begun() => {}
        }
        self.view.send_modify(|report| report.ready = false);
        for (name, _) in &self.names {
            let not_serving = ServingStatus::NotServing;
            self.reporter.set_service_status(name, not_serving).await;
        }
    }

    async fn watch(&mut self) {
        loop {
            self.run_checks().await;
            self.report().await;
            let starting = self
                .checks
                .iter()
                .any(|check| matches!(check.state, State::NotYetPassed));
            tokio::time::sleep(if starting {
                CHECK_EVERY_AT_START
            } else {
                CHECK_EVERY
            })
            .await;
        }
    }

    async fn run_checks(&mut self) {
        let probes = self.checks.iter().map(|check| {
            let passed = tokio::time::timeout(CHECK_EVERY, (check.probe)());
            passed.map(|passed| passed.unwrap_or(false))
        });
        let results = join_all(probes).await;
        for (check, passed) in self.checks.iter_mut().zip(results) {
            let before = check.state.is_ready();
            check.state = check.state.after(passed);
            if check.state.is_ready() != before {
                let service = check.service.as_deref().unwrap_or("all");
                tracing::info!(check = check.label, service, ready = !before, "readiness changed");
            }
        }
    }

    /// Reports what has changed; a status set again would wake every watcher.
    async fn report(&mut self) {
        self.view.send_if_modified(|report| {
            let now = report_of(&self.checks);
            let is_new = *report != now;
            *report = now;
            is_new
        });
        for (name, reported) in &mut self.names {
            let mut of_name = self
                .checks
                .iter()
                .filter(|check| check.service.as_ref().is_none_or(|service| service == name));
            let status = if of_name.all(|check| check.state.is_ready()) {
                ServingStatus::Serving
            } else {
                ServingStatus::NotServing
            };
            if *reported != Some(status) {
                self.reporter.set_service_status(&*name, status).await;
                *reported = Some(status);
            }
        }
    }
}

fn report_of(checks: &[Check]) -> ReadinessReport {
    let reports = checks.iter().map(|check| CheckReport {
        check: check.label.clone(),
        service: check.service.clone(),
        passes: check.state.is_ready(),
    });
    ReadinessReport {
        ready: checks
            .iter()
            .all(|check| check.service.is_some() || check.state.is_ready()),
        checks: reports.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{STRIKES, State};

    #[test]
    fn a_check_is_ready_after_one_pass_and_unready_after_three_failures_in_a_row() {
        assert!(!State::NotYetPassed.after(false).is_ready());
        let mut state = State::NotYetPassed.after(true);
        for _ in 1..STRIKES {
            state = state.after(false);
            assert!(state.is_ready());
        }
        assert!(!state.after(false).is_ready());
        assert!(state.after(false).after(true).is_ready());
    }
}
