use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector};

/// 512 bytes: the length up to which W3C Trace Context (3.3.1.5) wants a `tracestate` propagated. Longer ones only cost
/// the upstream.
const MOST: usize = 512;

/// Reads what a caller says about its trace.
pub(crate) struct Extract<'a>(pub(crate) &'a HeaderMap);

impl Extractor for Extract<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let value = self.0.get(key).filter(|value| value.len() <= MOST)?;
        value.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// Writes what an upstream has to know of a trace.
pub(crate) struct Inject<'a>(pub(crate) &'a mut HeaderMap);

impl Injector for Inject<'_> {
    fn set(&mut self, key: &str, value: String) {
        let Ok(name) = HeaderName::try_from(key) else {
            return;
        };
        match HeaderValue::try_from(value) {
            Ok(value) if !value.is_empty() => {
                self.0.insert(name, value);
            }
            Ok(_) | Err(_) => {
                self.0.remove(name);
            }
        }
    }
}
