//! How far an operator's command is, and Ctrl-C.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use grpc_server::Shutdown;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Between two lines of the log, where nobody watches a bar.
const A_LINE_EVERY: Duration = Duration::from_secs(5);
const BAR: &str = "{msg:<24} {bar:30} {human_pos}/{human_len} {per_sec:.0} {eta}";

/// A bar on a terminal, lines in the log elsewhere, and Ctrl-C.
pub(crate) struct Progress {
    shutdown: Shutdown,
    bar: ProgressBar,
    now: Mutex<Now>,
}

/// What is being done.
struct Now {
    what: String,
    all: u64,
    done: u64,
    logged: Instant,
}

impl Progress {
    pub(crate) fn new(shutdown: Shutdown) -> Self {
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
                all: 0,
                done: 0,
                logged: Instant::now(),
            }),
        }
    }

    /// Something begins, of which `done` of `all` was done before.
    pub(crate) fn begin(&self, what: String, all: u64, done: u64) {
        self.bar.reset();
        self.bar.set_length(all);
        self.bar.set_message(what.clone());
        self.bar.set_position(done);
        self.bar.reset_eta();
        if self.bar.is_hidden() {
            tracing::info!(all, done, "{what}");
        }
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = Now {
            what,
            all,
            done,
            logged: Instant::now(),
        };
    }

    /// So much more is done.
    pub(crate) fn advance(&self, more: u64) {
        self.bar.inc(more);
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.done += more;
        if self.bar.is_hidden() && now.logged.elapsed() >= A_LINE_EVERY {
            now.logged = Instant::now();
            tracing::info!(all = now.all, done = now.done, "{}", now.what);
        }
    }

    /// Whether somebody wants it to stop.
    pub(crate) fn is_to_stop(&self) -> bool {
        self.shutdown.has_begun()
    }

    /// Removes the bar.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
