use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use grpc_server::Shutdown;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use store_copy::{Operator, Step};

/// Between two lines of the log, where nobody watches a bar.
const A_LINE_EVERY: Duration = Duration::from_secs(5);
const BAR: &str = "{msg:<24} {bar:30} {human_pos}/{human_len} {per_sec:.0} {eta}";

/// A bar on a terminal, lines in the log elsewhere, and Ctrl-C.
pub(super) struct Progress {
    shutdown: Shutdown,
    bar: ProgressBar,
    now: Mutex<Now>,
}

/// What is being done.
struct Now {
    what: String,
    records: u64,
    done: u64,
    logged: Instant,
}

impl Progress {
    pub(super) fn new(shutdown: Shutdown) -> Self {
        // Hidden by itself when standard error is no terminal.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(BAR) {
            bar.set_style(style);
        }
        Self {
            shutdown,
            bar,
            now: Mutex::new(Now {
                what: String::new(),
                records: 0,
                done: 0,
                logged: Instant::now(),
            }),
        }
    }

    /// Removes the bar.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Operator for Progress {
    fn begins(&self, step: Step, collection: &'static str, records: u64, done: u64) {
        let what = match step {
            Step::Copying => format!("copying {collection}"),
            Step::Verifying => format!("verifying {collection}"),
        };
        self.bar.reset();
        self.bar.set_length(records);
        self.bar.set_message(what.clone());
        self.bar.set_position(done);
        self.bar.reset_eta();
        if self.bar.is_hidden() {
            tracing::info!(records, done, "{what}");
        }
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = Now {
            what,
            records,
            done,
            logged: Instant::now(),
        };
    }

    fn advances(&self, records: u64) {
        self.bar.inc(records);
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.done += records;
        if self.bar.is_hidden() && now.logged.elapsed() >= A_LINE_EVERY {
            now.logged = Instant::now();
            tracing::info!(records = now.records, done = now.done, "{}", now.what);
        }
    }

    fn wants_to_stop(&self) -> bool {
        self.shutdown.has_begun()
    }
}
