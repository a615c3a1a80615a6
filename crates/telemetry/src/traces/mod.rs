//! Spans, and their way to a collector.

mod exporter;
mod headers;
mod queue;

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::trace::{SpanBuilder, Status, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider, Span};

pub(crate) use headers::{Extract, Inject};
pub(crate) use queue::spans_lost;

use exporter::Counted;
use queue::{Bounded, Waiting};

/// Spans leave the process this often, or when so many wait that they fill a request.
const EXPORT_EVERY: Duration = Duration::from_secs(1);
/// For one request to the collector with its repetitions.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// The provider of this process, once [`start`] was called with an endpoint.
static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();
/// So that only the first [`finish`] waits.
static FINISHED: Mutex<bool> = Mutex::new(false);

/// Begins to export the spans of this process to the OTLP collector at `endpoint`. The connection is made in the
/// background, again and again; a collector that is not there is logged.
///
/// # Errors
/// When `endpoint` is not `http://host:port`.
///
/// # Panics
/// Outside a tokio runtime.
pub(crate) fn start(service: &'static str, endpoint: &str) -> Result<(), ExporterBuildError> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_TIMEOUT)
        .build()?;
    let waiting = Waiting::default();
    let batches = BatchSpanProcessor::builder(Counted::new(exporter, waiting.clone())).with_batch_config(
        BatchConfigBuilder::default()
            .with_max_queue_size(queue::LIMIT)
            .with_scheduled_delay(EXPORT_EVERY)
            .build(),
    );
    let resource = Resource::builder()
        .with_service_name(service)
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_span_processor(Bounded::new(batches.build(), waiting))
        .build();
    let _second = PROVIDER.set(provider);
    Ok(())
}

/// Exports what waits, for at most `patience`. Spans that end later are lost.
pub(crate) fn finish(patience: Duration) {
    let mut finished = FINISHED.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(provider) = PROVIDER.get().filter(|_| !*finished) else {
        return;
    };
    *finished = true;
    let begun = Instant::now();
    if provider.shutdown_with_timeout(patience).is_err() {
        let waited_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(waited_ms, "the last spans were not exported");
    }
}

/// Makes the spans of one service; none at all when this process does not export.
#[derive(Debug, Clone)]
pub(crate) struct Tracer(Option<SdkTracer>);

impl Tracer {
    /// `service` becomes the instrumentation scope, which tells apart the services of one process.
    pub(crate) fn of_process(service: &'static str) -> Self {
        Self(PROVIDER.get().map(|provider| provider.tracer(service)))
    }

    /// Begins the span that `describe` describes, as a child of the span in `parent` or as the root of a new trace.
    pub(crate) fn begin(&self, parent: &Context, describe: impl FnOnce() -> SpanBuilder) -> Option<Span> {
        let tracer = self.0.as_ref()?;
        Some(tracer.build_with_context(describe(), parent))
    }
}

/// What a span says of an operation that failed: its `error.type` and the status.
pub(crate) fn set_error(span: &opentelemetry::trace::SpanRef<'_>, error_type: &'static str) {
    span.set_attribute(KeyValue::new("error.type", error_type));
    span.set_status(Status::error(""));
}
