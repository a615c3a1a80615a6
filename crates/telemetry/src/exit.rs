use std::error::Error;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use tracing_subscriber::util::SubscriberInitExt as _;

use crate::queue::{self, Queue};
use crate::traces;

/// 2 s: for a collector to take the last spans, unless [`end_traces`] has waited already.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// What `main` returns: success, or failure after the error and its causes were logged on one line.
///
/// Ends the traces and the log of this process: what waits is sent and written, which a stalled collector delays by two
/// seconds and a stalled reader by about one second at most, and what comes afterwards is lost. An error of [`init`](crate::init) itself finds no log, so it
/// is logged with the default one.
pub fn exit_code(result: Result<(), Box<dyn Error>>) -> ExitCode {
    let code = match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log_by_default();
            tracing::error!(error = chain(error.as_ref()), "cannot go on");
            ExitCode::FAILURE
        }
    };
    traces::finish(LAST_SPANS);
    queue::finish();
    code
}

/// Sends the last spans of this process, for at most `patience` (and never longer than 2 s): for a process that has to be
/// gone by a certain time. Without it, [`exit_code`] does.
pub fn end_traces(patience: Duration) {
    traces::finish(patience.min(LAST_SPANS));
}

/// Sets up the default log, unless the process has one.
fn log_by_default() {
    let (queue, worker) = Queue::to_stderr();
    let unset = tracing_subscriber::fmt()
        .with_ansi(std::io::stderr().is_terminal())
        .log_internal_errors(false)
        .with_writer(queue)
        .finish()
        .try_init();
    if unset.is_ok() {
        queue::keep(worker);
    }
}

/// An error and all its causes on one line: `cannot connect: timed out`. A cause whose text its effect
/// repeats is left out.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::chain;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot start{0}")]
    struct Effect(&'static str, #[source] std::io::Error);

    #[test]
    fn causes_are_named_once() {
        let cause = || std::io::Error::other("disk full");
        assert_eq!(chain(&Effect("", cause())), "cannot start: disk full");
        assert_eq!(chain(&Effect(": disk full", cause())), "cannot start: disk full");
    }
}
