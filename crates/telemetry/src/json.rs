use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent};
use tracing_subscriber::registry::LookupSpan;

/// One JSON object per event: `service`, `timestamp` (RFC 3339, UTC), `level`, `target` and the event's own
/// fields, all at the top level.
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
        write!(writer, "{{\"service\":\"{}\",{members}", self.service)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::{JsonFields, JsonLine};

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

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

    #[test]
    fn an_event_is_one_json_object_with_service_level_and_fields() {
        let captured = Captured::default();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(JsonFields::new())
            .event_format(JsonLine::new("test-service"))
            .with_writer(captured.clone())
            .finish();

        tracing::subscriber::with_default(subscriber, || tracing::info!(answer = 42, "two\nlines"));

        let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["service"], "test-service");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["answer"], 42);
        assert_eq!(line["message"], "two\nlines");
    }
}
