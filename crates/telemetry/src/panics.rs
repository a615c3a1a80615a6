use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::time::Duration;

use crate::queue::Backlog;

/// How long a panicking thread waits for its line to be written. The panic may be the last thing that the
/// process does; a reader that stalls must not hold the thread for long all the same.
const PATIENCE: Duration = Duration::from_millis(250);

/// Replaces the default hook, which writes several lines that no log reader understands.
///
/// A panic inside a hook aborts the process. This one only formats text and puts it into the queue, which
/// never fails.
pub(crate) fn log_them(backlog: Arc<Backlog>) {
    panic::set_hook(Box::new(move |panic| {
        log(panic);
        backlog.wait(PATIENCE);
    }));
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
