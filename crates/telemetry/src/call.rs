use std::fmt;
use std::future::Future;
use std::sync::Arc;

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TraceId};
use opentelemetry_sdk::propagation::TraceContextPropagator;

use crate::traces::{Extract, Inject};

/// Which call is being worked on, and where in which trace: what every log line and every span of it is marked with.
///
/// It belongs to a future, not to a thread: [`CallContext::wrap`] makes it current whenever that future is polled. A
/// spawned task begins with none, so work that goes on there is wrapped too:
/// `tokio::spawn(CallContext::current().wrap(work))`.
#[derive(Clone, Default)]
pub struct CallContext(Context);

/// The request id in a [`Context`].
#[derive(Debug, Clone)]
struct RequestId(Arc<str>);

impl CallContext {
    /// The call in which this code runs; one without names when it runs in none.
    pub fn current() -> Self {
        Self(Context::current())
    }

    /// A call that came in with `headers` (W3C `traceparent`, which counts only when it is well formed).
    pub(crate) fn incoming(headers: &HeaderMap, request_id: &str) -> Self {
        let caller = TraceContextPropagator::new().extract_with_context(&Context::new(), &Extract(headers));
        Self(caller.with_value(RequestId(request_id.into())))
    }

    /// The same call, inside of a span.
    pub(crate) fn within(&self, span: opentelemetry_sdk::trace::Span) -> Self {
        Self(self.0.with_span(span))
    }

    pub(crate) fn inner(&self) -> &Context {
        &self.0
    }

    /// Makes this the current call whenever `work` is polled.
    pub fn wrap<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        work.with_context(self.0.clone())
    }

    /// Makes this the current call while `work` runs.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let _current = self.0.clone().attach();
        work()
    }

    /// Writes the place in the trace (W3C `traceparent` and `tracestate`) into the headers of a request on behalf of this
    /// call, over what they say. Does nothing without a trace.
    pub fn inject(&self, headers: &mut HeaderMap) {
        TraceContextPropagator::new().inject_context(&self.0, &mut Inject(headers));
    }

    /// The trace's id, when there is one.
    pub fn trace_id(&self) -> Option<TraceId> {
        let span = self.0.span();
        let context = span.span_context();
        context.is_valid().then(|| context.trace_id())
    }

    /// The request's id, when this is a call.
    pub fn request_id(&self) -> Option<&str> {
        self.0.get::<RequestId>().map(|id| &*id.0)
    }
}

impl fmt::Debug for CallContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallContext")
            .field("request_id", &self.request_id())
            .field("trace_id", &self.trace_id())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::CallContext;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn headers(traceparent: &str) -> HeaderMap {
        let value = HeaderValue::from_str(traceparent).unwrap();
        HeaderMap::from_iter([(http::HeaderName::from_static("traceparent"), value)])
    }

    #[test]
    fn a_callers_trace_is_taken_up_and_passed_on() {
        let sent = headers(&format!("00-{TRACE}-00f067aa0ba902b7-01"));
        let call = CallContext::incoming(&sent, "id-1");
        assert_eq!(call.trace_id().unwrap().to_string(), TRACE);
        let mut passed_on = HeaderMap::new();
        call.inject(&mut passed_on);
        assert_eq!(passed_on["traceparent"], sent["traceparent"]);
        assert!(!passed_on.contains_key("tracestate"), "an empty one is none");
    }

    #[test]
    fn what_is_no_traceparent_counts_as_none() {
        for wrong in [
            "",
            "no",
            "00-0-0-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        ] {
            let call = CallContext::incoming(&headers(wrong), "id-1");
            assert!(call.trace_id().is_none(), "{wrong:?}");
            assert_eq!(call.request_id(), Some("id-1"));
        }
    }

    #[tokio::test]
    async fn a_call_is_current_where_it_is_worked_on_and_nowhere_else() {
        let call = CallContext::incoming(&HeaderMap::new(), "id-1");
        let worked = call.wrap(async {
            tokio::task::yield_now().await;
            CallContext::current().request_id().map(str::to_owned)
        });
        assert_eq!(worked.await.as_deref(), Some("id-1"));
        assert!(CallContext::current().request_id().is_none());
        assert!(call.run(|| CallContext::current().request_id().is_some()));
    }
}
