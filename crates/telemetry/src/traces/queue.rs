use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

/// Spans that may wait for the collector; one more is lost.
pub(super) const LIMIT: usize = 2048;

/// Spans that ended and were never exported, since the start of the process.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Spans that ended and were never exported, since the start of the process.
pub(crate) fn spans_lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

pub(super) fn count_lost(spans: usize) {
    LOST.fetch_add(u64::try_from(spans).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// How many spans wait.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    /// Counts a span in, unless so many wait already.
    fn admit(&self) -> bool {
        let admitted = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
                (waiting < LIMIT).then(|| waiting + 1)
            });
        admitted.is_ok()
    }

    pub(super) fn release(&self, spans: usize) {
        self.0.fetch_sub(spans, Ordering::Relaxed);
    }
}

/// Keeps the bound of the queue in front of `inner`, and counts what it costs.
#[derive(Debug)]
pub(super) struct Bounded<P> {
    inner: P,
    waiting: Waiting,
}

impl<P> Bounded<P> {
    pub(super) fn new(inner: P, waiting: Waiting) -> Self {
        Self { inner, waiting }
    }
}

impl<P: SpanProcessor> SpanProcessor for Bounded<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        if self.waiting.admit() {
            self.inner.on_end(span);
        } else {
            count_lost(1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::{LIMIT, Waiting};

    #[test]
    fn a_full_queue_takes_spans_again_once_some_are_exported() {
        let waiting = Waiting::default();
        assert_eq!((0..LIMIT + 5).filter(|_| waiting.admit()).count(), LIMIT);
        waiting.release(2);
        assert_eq!((0..5).filter(|_| waiting.admit()).count(), 2);
    }
}
