use std::future::Future;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanBuilder, SpanKind, TraceContextExt as _};
use prometheus_client::metrics::histogram::Histogram;

use crate::CallContext;
use crate::metrics::{Durations, OperationLabels};
use crate::traces::{Tracer, set_error};

/// A failure of a store that an operator should know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFailure {
    /// More work waits than it takes.
    Overloaded,
    /// It cannot be reached, or its disk refuses.
    Unavailable,
    /// It holds what the program did not write, or refuses a statement of it.
    Broken,
}

impl StoreFailure {
    const ALL: [Self; 3] = [Self::Overloaded, Self::Unavailable, Self::Broken];

    /// The `error.type`.
    fn name(self) -> &'static str {
        match self {
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::Broken => "broken",
        }
    }
}

/// An error of a store.
pub trait StoreErrorKind {
    /// What failed; `None` when nothing did, and the error is an answer such as "not found".
    fn failure(&self) -> Option<StoreFailure>;
}

/// Measures and traces what one service asks of its store. [`Metrics::database`](crate::Metrics::database) makes it.
#[derive(Debug, Clone)]
pub struct Database {
    service: &'static str,
    system: &'static str,
    durations: Durations<OperationLabels>,
    tracer: Tracer,
}

impl Database {
    pub(crate) fn new(
        service: &'static str,
        system: &'static str,
        durations: Durations<OperationLabels>,
    ) -> Self {
        Self {
            service,
            system,
            durations,
            tracer: Tracer::of_process(service),
        }
    }

    /// An operation by its `db.operation.name`: the name of the store's method.
    pub fn operation(&self, name: &'static str) -> Operation {
        Operation {
            name,
            database: self.clone(),
            succeeded: OnceLock::new(),
            failed: std::array::from_fn(|_| OnceLock::new()),
        }
    }
}

/// One operation of a store and its time series, which come into being when they are first needed.
#[derive(Debug)]
pub struct Operation {
    name: &'static str,
    database: Database,
    succeeded: OnceLock<Histogram>,
    failed: [OnceLock<Histogram>; StoreFailure::ALL.len()],
}

impl Operation {
    /// Does `work`, measures it, and makes it a span of the current call's trace, if that has one. Work that is dropped
    /// before its end is not counted.
    ///
    /// # Errors
    /// Those of `work`.
    pub async fn observe<T, E: StoreErrorKind>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let context = self.context();
        let begun = Instant::now();
        let done = match &context {
            Some(context) => context.wrap(work).await,
            None => work.await,
        };
        let failure = done.as_ref().err().and_then(StoreErrorKind::failure);
        self.count(failure, begun.elapsed());
        if let Some(context) = context {
            let span = context.inner().span();
            if let Some(failure) = failure {
                set_error(&span, failure.name());
            }
            span.end();
        }
        done
    }

    /// The current call inside of a span for this operation; `None` outside of a trace: probes of a store are none.
    fn context(&self) -> Option<CallContext> {
        let call = CallContext::current();
        call.trace_id()?;
        let span = self.database.tracer.begin(call.inner(), || self.describe())?;
        Some(call.within(span))
    }

    fn describe(&self) -> SpanBuilder {
        SpanBuilder::from_name(self.name)
            .with_kind(SpanKind::Client)
            .with_attributes([
                KeyValue::new("db.system.name", self.database.system),
                KeyValue::new("db.operation.name", self.name),
            ])
    }

    fn count(&self, failure: Option<StoreFailure>, duration: Duration) {
        let (series, error_type) = match failure {
            None => (Some(&self.succeeded), ""),
            Some(failure) => {
                let place = StoreFailure::ALL.iter().position(|other| *other == failure);
                (place.and_then(|place| self.failed.get(place)), failure.name())
            }
        };
        let Some(series) = series else {
            return;
        };
        let database = &self.database;
        let series = series.get_or_init(|| {
            database.durations.get_or_create_owned(&OperationLabels {
                service: database.service,
                db_system_name: database.system,
                db_operation_name: self.name,
                error_type,
            })
        });
        series.observe(duration.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::{StoreErrorKind, StoreFailure};
    use crate::Metrics;

    #[derive(Debug)]
    struct Failed(Option<StoreFailure>);

    impl StoreErrorKind for Failed {
        fn failure(&self) -> Option<StoreFailure> {
            self.0
        }
    }

    #[tokio::test]
    async fn an_answer_counts_as_success_and_a_failure_under_its_name() {
        let metrics = Metrics::new();
        let get = metrics.database("test", "sqlite").operation("get");
        get.observe(async { Ok::<_, Failed>(()) }).await.unwrap();
        get.observe(async { Err::<(), _>(Failed(None)) })
            .await
            .unwrap_err();
        let down = Failed(Some(StoreFailure::Unavailable));
        get.observe(async { Err::<(), _>(down) }).await.unwrap_err();
        let text = metrics.to_text();
        for (error_type, count) in [("", 2), ("unavailable", 1)] {
            let line = format!(
                "db_client_operation_duration_seconds_count{{service=\"test\",db_system_name=\"sqlite\",\
                 db_operation_name=\"get\",error_type=\"{error_type}\"}} {count}\n"
            );
            assert!(text.contains(&line), "no {line} in {text}");
        }
    }
}
