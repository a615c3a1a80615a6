use std::panic::{self, PanicHookInfo};

/// Replaces the default hook, which writes several lines that no log reader understands.
pub(crate) fn log_them() {
    panic::set_hook(Box::new(log));
}

fn log(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(String::new, ToString::to_string);
    tracing::error!(place, cause = text_of(panic), "panic");
}

/// The panic's text on one line. Payloads other than text have none.
fn text_of(panic: &PanicHookInfo<'_>) -> String {
    panic
        .payload_as_str()
        .unwrap_or("not a text")
        .replace(['\n', '\r'], " ")
}
