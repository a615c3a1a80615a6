use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::queue::{Waiting, count_lost};

/// One line per this time about a collector that does not take spans.
const LOG_EVERY: Duration = Duration::from_mins(1);

/// Exports through `inner`, counts what fails and logs it once in a while.
#[derive(Debug)]
pub(super) struct Counted<E> {
    inner: E,
    waiting: Waiting,
    logged: Mutex<Option<Instant>>,
}

impl<E> Counted<E> {
    pub(super) fn new(inner: E, waiting: Waiting) -> Self {
        Self {
            inner,
            waiting,
            logged: Mutex::new(None),
        }
    }

    fn is_worth_a_line(&self) -> bool {
        let now = Instant::now();
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = logged.is_none_or(|last| now.duration_since(last) >= LOG_EVERY);
        if is_due {
            *logged = Some(now);
        }
        is_due
    }
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let exported = self.inner.export(batch).await;
        self.waiting.release(spans);
        if let Err(error) = &exported {
            count_lost(spans);
            if self.is_worth_a_line() {
                tracing::warn!(%error, spans, "spans were lost: the collector at --otlp-endpoint does not take them");
            }
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
