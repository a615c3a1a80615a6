use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;

/// How much may wait for a reader that does not read, in bytes. Lines beyond it are lost.
const LIMIT: usize = 4 << 20;

/// What a line counts at least, in bytes, so that [`LIMIT`] bounds the number of lines too.
const LEAST: usize = 256;

/// The thread that writes, until [`finish`] ends it.
static WORKER: Mutex<Option<WorkerGuard>> = Mutex::new(None);

/// Lines that were never written, since the start of the process.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Lines that were never written, since the start of the process.
pub(crate) fn lines_lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Where log lines go: a bounded queue in front of standard error, written by a thread of its own.
///
/// Whoever logs never waits and never sees an error: not when nobody reads standard error, and not when it is
/// a full disk or a closed pipe.
#[derive(Clone)]
pub(crate) struct Queue {
    lines: NonBlocking,
    backlog: Arc<Backlog>,
}

impl Queue {
    /// An empty queue and its thread, which ends with the guard.
    pub(crate) fn to_stderr() -> (Self, WorkerGuard) {
        let backlog = Arc::<Backlog>::default();
        let (lines, worker) = NonBlockingBuilder::default()
            .thread_name("log")
            .lossy(true)
            // One place more than lines can take: the guard's own message always finds room. Without it,
            // the guard would report a full queue on standard output, which may be the same stalled pipe.
            .buffered_lines_limit(LIMIT / LEAST + 1)
            .finish(Stderr(Arc::clone(&backlog)));
        (Self { lines, backlog }, worker)
    }

    /// What waits in this queue.
    pub(crate) fn backlog(&self) -> Arc<Backlog> {
        Arc::clone(&self.backlog)
    }
}

impl Write for Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.backlog.admit(line) {
            self.lines.write(line)
        } else {
            LOST.fetch_add(1, Ordering::Relaxed);
            Ok(line.len())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Queue {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The worker's end of the queue. An error of standard error can be told to nobody, so it is only counted.
struct Stderr(Arc<Backlog>);

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if io::stderr().write_all(line).is_err() {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
        self.0.release(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What was queued and not yet written.
#[derive(Default)]
pub(crate) struct Backlog {
    totals: Mutex<Totals>,
    progress: Condvar,
}

/// Bytes since the start of the process, every line counted as at least [`LEAST`].
#[derive(Default)]
struct Totals {
    queued: usize,
    written: usize,
}

impl Backlog {
    /// Waits until everything queued before this call is written, but not longer than `patience`.
    pub(crate) fn wait(&self, patience: Duration) {
        let totals = self.totals();
        let goal = totals.queued;
        let _either = self
            .progress
            .wait_timeout_while(totals, patience, |totals| totals.written < goal);
    }

    /// Counts a line in, unless the backlog is full.
    fn admit(&self, line: &[u8]) -> bool {
        let mut totals = self.totals();
        let queued = totals.queued.saturating_add(weight(line));
        let fits = queued.saturating_sub(totals.written) <= LIMIT;
        if fits {
            totals.queued = queued;
        }
        fits
    }

    fn release(&self, line: &[u8]) {
        let mut totals = self.totals();
        totals.written = totals.written.saturating_add(weight(line));
        drop(totals);
        self.progress.notify_all();
    }

    /// Two numbers cannot be left half changed, so poison means nothing here.
    fn totals(&self) -> MutexGuard<'_, Totals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn weight(line: &[u8]) -> usize {
    line.len().max(LEAST)
}

/// Keeps the thread of this process's log running until [`finish`].
pub(crate) fn keep(worker: WorkerGuard) {
    *WORKER.lock().unwrap_or_else(PoisonError::into_inner) = Some(worker);
}

/// Writes what is queued and ends the thread. Waits for a stalled reader no longer than the guard does, about
/// one second. What is logged later is lost.
pub(crate) fn finish() {
    let worker = WORKER.lock().unwrap_or_else(PoisonError::into_inner).take();
    drop(worker);
}

#[cfg(test)]
mod tests {
    use super::{Backlog, LEAST, LIMIT};

    #[test]
    fn a_full_backlog_takes_lines_again_once_some_are_written() {
        let backlog = Backlog::default();
        let half = vec![b'x'; LIMIT / 2];
        assert!(backlog.admit(&half));
        assert!(backlog.admit(&half));
        assert!(!backlog.admit(b"one more"));

        backlog.release(&half);

        assert!(backlog.admit(b"one more"));
    }

    #[test]
    fn the_number_of_short_lines_is_bounded_too() {
        let backlog = Backlog::default();
        let admitted = (0..LIMIT).take_while(|_| backlog.admit(b"x")).count();
        assert_eq!(admitted, LIMIT / LEAST);
    }
}
