//! How one event becomes one line, with the names of the call in which it happened.

use std::fmt::{self, Write as _};

use opentelemetry::trace::TraceId;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Full, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::CallContext;

const REQUEST_ID: &str = "request_id";
const TRACE_ID: &str = "trace_id";

/// One JSON object per event: `service`, `request_id` and `trace_id` of the current call, `timestamp` (RFC 3339, UTC),
/// `level`, `target` and the event's own fields, all at the top level.
pub(crate) struct JsonLine {
    service: &'static str,
    event: Format<Json>,
}

impl JsonLine {
    /// `service` is written as it is, so it must be a plain name.
    pub(crate) fn new(service: &'static str) -> Self {
        let event = tracing_subscriber::fmt::format()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false);
        Self { service, event }
    }
}

impl<S> FormatEvent<S, JsonFields> for JsonLine
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::with_capacity(256);
        self.event.format_event(context, Writer::new(&mut line), event)?;
        let members = line.strip_prefix('{').unwrap_or(&line);
        write!(writer, "{{\"service\":\"{}\",", self.service)?;
        let names = Names::missing_in(event);
        if let Some(id) = names.request_id() {
            // A request id is letters, digits, `_` and `-`: nothing to escape.
            write!(writer, "\"{REQUEST_ID}\":\"{id}\",")?;
        }
        if let Some(id) = names.trace_id() {
            write!(writer, "\"{TRACE_ID}\":\"{id}\",")?;
        }
        writer.write_str(members)
    }
}

/// One line of text for people, which ends with the names of the current call.
pub(crate) struct TextLine {
    event: Format<Full>,
}

impl TextLine {
    pub(crate) fn new(colored: bool) -> Self {
        let event = tracing_subscriber::fmt::format().with_ansi(colored);
        Self { event }
    }
}

impl<S, N> FormatEvent<S, N> for TextLine
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::with_capacity(256);
        self.event.format_event(context, Writer::new(&mut line), event)?;
        line.truncate(line.trim_end().len());
        let names = Names::missing_in(event);
        if let Some(id) = names.request_id() {
            write!(line, " {REQUEST_ID}={id}")?;
        }
        if let Some(id) = names.trace_id() {
            write!(line, " {TRACE_ID}={id}")?;
        }
        writeln!(writer, "{line}")
    }
}

/// The names of the current call that an event does not give itself.
struct Names {
    call: CallContext,
    request_id: bool,
    trace_id: bool,
}

impl Names {
    fn missing_in(event: &Event<'_>) -> Self {
        let fields = event.metadata().fields();
        Self {
            call: CallContext::current(),
            request_id: fields.field(REQUEST_ID).is_none(),
            trace_id: fields.field(TRACE_ID).is_none(),
        }
    }

    fn request_id(&self) -> Option<&str> {
        self.call.request_id().filter(|_| self.request_id)
    }

    fn trace_id(&self) -> Option<TraceId> {
        self.call.trace_id().filter(|_| self.trace_id)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use http::{HeaderMap, HeaderValue};
    use tracing_subscriber::fmt::MakeWriter;

    use super::{JsonFields, JsonLine, TextLine};
    use crate::CallContext;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Captured {
        /// The one line in it.
        fn line(&self) -> String {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            assert_eq!(text.lines().count(), 1, "{text}");
            text
        }
    }

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Captured {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    /// What `log` logs as JSON.
    fn json(log: impl FnOnce()) -> serde_json::Value {
        let captured = Captured::default();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(JsonFields::new())
            .event_format(JsonLine::new("test-service"))
            .with_writer(captured.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        serde_json::from_str(&captured.line()).unwrap()
    }

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn traced_call() -> CallContext {
        let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", HeaderValue::try_from(traceparent).unwrap());
        CallContext::incoming(&headers, "call-1")
    }

    #[test]
    fn an_event_is_one_json_object_with_service_level_and_fields() {
        let line = json(|| tracing::info!(answer = 42, "two\nlines"));
        assert_eq!(line["service"], "test-service");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["answer"], 42);
        assert_eq!(line["message"], "two\nlines");
        assert!(line.get("request_id").is_none());
    }

    #[test]
    fn a_line_of_a_call_names_the_call_and_its_trace() {
        let line = json(|| traced_call().run(|| tracing::info!("within")));
        assert_eq!(line["request_id"], "call-1");
        assert_eq!(line["trace_id"], TRACE);
        let line =
            json(|| CallContext::incoming(&HeaderMap::new(), "call-2").run(|| tracing::info!("within")));
        assert_eq!(line["request_id"], "call-2");
        assert!(line.get("trace_id").is_none());
    }

    #[test]
    fn a_name_that_the_event_gives_itself_is_written_once() {
        let captured = Captured::default();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(JsonFields::new())
            .event_format(JsonLine::new("test-service"))
            .with_writer(captured.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            traced_call().run(|| tracing::info!(request_id = "own", "within"));
        });
        let line = captured.line();
        assert_eq!(line.matches("request_id").count(), 1, "{line}");
        assert!(line.contains(r#""request_id":"own""#), "{line}");
    }

    #[test]
    fn a_line_of_text_ends_with_the_names_of_its_call() {
        let captured = Captured::default();
        let subscriber = tracing_subscriber::fmt()
            .event_format(TextLine::new(false))
            .with_writer(captured.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            traced_call().run(|| tracing::info!(answer = 42, "within"));
        });
        let line = captured.line();
        let end = format!("within answer=42 request_id=call-1 trace_id={TRACE}\n");
        assert!(line.ends_with(&end), "{line:?}");
    }
}
