use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use http::HeaderMap;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanBuilder, SpanKind, TraceContextExt as _};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use tonic::Code;

use crate::CallContext;
use crate::metrics::{CallLabels, Durations};
use crate::status_code::{CODES, code_index, code_name, is_server_error};
use crate::traces::{Tracer, set_error};

/// What a method is called that the server does not know (OpenTelemetry, `rpc.method`): callers choose the name, and
/// every name would be a time series.
const OTHER: &str = "_OTHER";
/// Whoever probes health asks every second; nobody reads those traces.
const HEALTH: &str = "/grpc.health.";

/// Measures and traces the calls of one server. [`Metrics::server`](crate::Metrics::server) makes it; cheap to clone.
#[derive(Debug, Clone)]
pub struct Server(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// By full method as it is in a request's path.
    methods: HashMap<String, Arc<Method>>,
    other: Arc<Method>,
    active: Gauge,
    refused: Counter,
    tracer: Tracer,
}

/// A method and its time series, which come into being with the first call that ends with their code.
#[derive(Debug)]
struct Method {
    service: &'static str,
    /// `package.Service/Method`.
    name: Arc<str>,
    durations: Durations<CallLabels>,
    by_code: [OnceLock<Histogram>; CODES],
}

impl Server {
    pub(crate) fn new(
        service: &'static str,
        methods: impl IntoIterator<Item = String>,
        durations: &Durations<CallLabels>,
        active: Gauge,
        refused: Counter,
    ) -> Self {
        let method = |name: &str| {
            Arc::new(Method {
                service,
                name: name.into(),
                durations: durations.clone(),
                by_code: std::array::from_fn(|_| OnceLock::new()),
            })
        };
        let by_path = |path: String| {
            let known = method(path.trim_start_matches('/'));
            (path, known)
        };
        Self(Arc::new(Inner {
            methods: methods.into_iter().map(by_path).collect(),
            other: method(OTHER),
            active,
            refused,
            tracer: Tracer::of_process(service),
        }))
    }

    /// A call that came in for `path` with `headers`. It lasts until [`Call::end`], or until it is dropped, which
    /// counts as `CANCELLED`.
    pub fn begin(&self, path: &str, headers: &HeaderMap, request_id: &str) -> Call {
        let method = Arc::clone(self.method(path));
        let caller = CallContext::incoming(headers, request_id);
        let tracer = &self.0.tracer;
        let span = (!path.starts_with(HEALTH))
            .then(|| tracer.begin(caller.inner(), || describe(&method, SpanKind::Server)))
            .flatten();
        self.0.active.inc();
        Call {
            context: span.map_or_else(|| caller.clone(), |span| caller.within(span)),
            begun: Instant::now(),
            method,
            active: self.0.active.clone(),
            ended: false,
        }
    }

    /// A call of `path` that this server makes at the host `upstream` on behalf of the current call.
    pub fn begin_upstream(&self, path: &str, upstream: &str) -> UpstreamCall {
        let call = CallContext::current();
        let describe = || {
            let address = KeyValue::new("server.address", upstream.to_owned());
            let mut span = describe(self.method(path), SpanKind::Client);
            span.attributes.get_or_insert_default().push(address);
            span
        };
        let span = self.0.tracer.begin(call.inner(), describe);
        UpstreamCall {
            traced: span.is_some(),
            context: span.map_or_else(|| call.clone(), |span| call.within(span)),
            ended: false,
        }
    }

    /// Counts a call that was refused at once because too many were in flight.
    pub fn count_refused(&self) {
        self.0.refused.inc();
    }

    fn method(&self, path: &str) -> &Arc<Method> {
        self.0.methods.get(path).unwrap_or(&self.0.other)
    }
}

fn describe(method: &Method, kind: SpanKind) -> SpanBuilder {
    let name = method.name.to_string();
    SpanBuilder::from_name(name.clone())
        .with_kind(kind)
        .with_attributes([
            KeyValue::new("rpc.system.name", "grpc"),
            KeyValue::new("rpc.method", name),
        ])
}

impl Method {
    fn count(&self, code: Code, duration: Duration) {
        let Some(series) = self.by_code.get(code_index(code)) else {
            return;
        };
        let series = series.get_or_init(|| {
            self.durations.get_or_create_owned(&CallLabels {
                service: self.service,
                rpc_method: Arc::clone(&self.name),
                rpc_grpc_status_code: code_name(code),
            })
        });
        series.observe(duration.as_secs_f64());
    }
}

/// A call of a server, until it has ended.
#[derive(Debug)]
pub struct Call {
    context: CallContext,
    begun: Instant,
    method: Arc<Method>,
    active: Gauge,
    ended: bool,
}

impl Call {
    /// The call's names, in which its work runs.
    pub fn context(&self) -> &CallContext {
        &self.context
    }

    /// Which service answers it.
    pub fn service(&self) -> &'static str {
        self.method.service
    }

    /// The time since the call began.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Ends the call with the status that its caller gets. Only the first end counts.
    pub fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.active.dec();
        self.method.count(code, self.begun.elapsed());
        end_span(&self.context, code, is_server_error(code));
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}

/// A call that a server makes at an upstream, until it has ended. Dropped before, it was `CANCELLED`.
#[derive(Debug)]
pub struct UpstreamCall {
    context: CallContext,
    traced: bool,
    ended: bool,
}

impl UpstreamCall {
    /// Tells the upstream where in the trace it is, in the headers of the request.
    pub fn inject(&self, headers: &mut HeaderMap) {
        self.context.inject(headers);
    }

    /// Ends the call with the upstream's status. Only the first end counts.
    pub fn end(&mut self, code: Code) {
        if self.traced && !std::mem::replace(&mut self.ended, true) {
            end_span(&self.context, code, code != Code::Ok);
        }
    }
}

impl Drop for UpstreamCall {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}

fn end_span(context: &CallContext, code: Code, is_error: bool) {
    let span = context.inner().span();
    if !span.is_recording() {
        return;
    }
    span.set_attribute(KeyValue::new("rpc.grpc.status_code", code_name(code)));
    if is_error {
        set_error(&span, code_name(code));
    }
    span.end();
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use tonic::Code;

    use crate::Metrics;

    fn begin(server: &super::Server, path: &str) -> super::Call {
        server.begin(path, &HeaderMap::new(), "id")
    }

    #[test]
    fn a_call_is_active_until_it_ends_and_then_counted_under_its_method_and_code() {
        let metrics = Metrics::new();
        let server = metrics.server("test", ["/p.S/Get".to_owned()]);
        let mut call = begin(&server, "/p.S/Get");
        assert!(
            metrics
                .to_text()
                .contains("rpc_server_active_calls{service=\"test\"} 1\n")
        );
        call.end(Code::NotFound);
        drop(call);
        drop(begin(&server, "/p.S/Get"));
        let text = metrics.to_text();
        assert!(
            text.contains("rpc_server_active_calls{service=\"test\"} 0\n"),
            "{text}"
        );
        for code in ["NOT_FOUND", "CANCELLED"] {
            let line = format!(
                "rpc_server_call_duration_seconds_count{{service=\"test\",rpc_method=\"p.S/Get\",\
                 rpc_grpc_status_code=\"{code}\"}} 1\n"
            );
            assert!(text.contains(&line), "no {line} in {text}");
        }
    }

    #[test]
    fn callers_cannot_make_time_series() {
        let metrics = Metrics::new();
        let server = metrics.server("test", ["/p.S/Get".to_owned()]);
        for number in 0..100 {
            begin(&server, &format!("/p.S/Get{number}")).end(Code::Unimplemented);
        }
        let text = metrics.to_text();
        assert!(!text.contains("Get7"), "{text}");
        let counted = "rpc_method=\"_OTHER\",rpc_grpc_status_code=\"UNIMPLEMENTED\"} 100\n";
        assert!(text.contains(counted), "{text}");
    }

    #[test]
    fn refused_calls_are_counted() {
        let metrics = Metrics::new();
        metrics.server("test", []).count_refused();
        let line = "rpc_server_refused_calls_total{service=\"test\"} 1\n";
        assert!(metrics.to_text().contains(line), "{}", metrics.to_text());
    }
}
