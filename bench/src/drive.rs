//! Callers that call one after the other, all at the same time, and what they see.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::latencies::Latencies;

/// One of several that call at the same time.
pub(crate) trait Caller: Send + 'static {
    /// Makes one call and waits for its answer. An error is the name under which it is counted; `None`: there is nothing
    /// left to call for.
    fn call(&mut self) -> impl Future<Output = Option<Result<(), &'static str>>> + Send;
}

/// When to stop. No call is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// So many calls have been made, by all callers together.
    Calls(u64),
    /// So much time has passed.
    Elapsed(Duration),
}

/// What the callers saw.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// From the first call to the end of the last.
    pub(crate) took: Duration,
    /// Of the calls that succeeded.
    pub(crate) latencies: Latencies,
    /// Calls that failed, by name.
    pub(crate) errors: BTreeMap<&'static str, u64>,
}

impl Run {
    /// Calls that succeeded.
    pub(crate) fn calls(&self) -> u64 {
        self.latencies.count()
    }

    /// Calls that succeeded, per second.
    pub(crate) fn rate(&self) -> u64 {
        let rate = u128::from(self.calls()) * 1_000_000_000 / self.took.as_nanos().max(1);
        u64::try_from(rate).unwrap_or(u64::MAX)
    }

    fn add(&mut self, other: &Self) {
        self.latencies.add(&other.latencies);
        for (name, count) in &other.errors {
            *self.errors.entry(name).or_default() += count;
        }
    }
}

/// Lets all callers call until the end, and gives them back.
pub(crate) async fn drive<C: Caller>(callers: &mut Vec<C>, until: Until) -> Run {
    let left = Arc::new(AtomicU64::new(match until {
        Until::Calls(calls) => calls,
        Until::Elapsed(_) => u64::MAX,
    }));
    let began = Instant::now();
    let end = match until {
        Until::Calls(_) => None,
        Until::Elapsed(time) => Some(began + time),
    };
    let mut tasks = JoinSet::new();
    for caller in callers.drain(..) {
        tasks.spawn(go_on(caller, Arc::clone(&left), end));
    }
    let mut run = Run::default();
    for (caller, seen) in tasks.join_all().await {
        callers.push(caller);
        run.add(&seen);
    }
    run.took = began.elapsed();
    run
}

async fn go_on<C: Caller>(mut caller: C, left: Arc<AtomicU64>, end: Option<Instant>) -> (C, Run) {
    let mut seen = Run::default();
    let one_less = |left: u64| left.checked_sub(1);
    while left
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
        .is_ok()
    {
        let began = Instant::now();
        if end.is_some_and(|end| began >= end) {
            break;
        }
        match caller.call().await {
            Some(Ok(())) => seen.latencies.record(began.elapsed()),
            Some(Err(name)) => *seen.errors.entry(name).or_default() += 1,
            None => break,
        }
    }
    (caller, seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails every third call, and has `left` calls.
    struct Sometimes {
        made: u64,
        left: u64,
    }

    impl Caller for Sometimes {
        async fn call(&mut self) -> Option<Result<(), &'static str>> {
            self.left = self.left.checked_sub(1)?;
            self.made += 1;
            tokio::task::yield_now().await;
            Some(if self.made.is_multiple_of(3) {
                Err("UNAVAILABLE")
            } else {
                Ok(())
            })
        }
    }

    fn callers(left: u64) -> Vec<Sometimes> {
        (0..4).map(|_| Sometimes { made: 0, left }).collect()
    }

    #[tokio::test]
    async fn callers_share_the_number_of_calls_and_failures_are_counted_apart() {
        let mut callers = callers(u64::MAX);
        let run = drive(&mut callers, Until::Calls(1_000)).await;
        let failed = run.errors.get("UNAVAILABLE").copied().unwrap_or_default();
        let expected: u64 = callers.iter().map(|caller| caller.made / 3).sum();
        assert_eq!((run.calls() + failed, failed), (1_000, expected));
        assert!(failed > 300, "{failed}");
    }

    #[tokio::test]
    async fn the_rate_is_of_calls_that_succeeded() {
        let mut callers = callers(3);
        let mut run = drive(&mut callers, Until::Elapsed(Duration::from_mins(1))).await;
        assert_eq!(run.calls(), 8, "callers stop when they have nothing left");
        run.took = Duration::from_millis(500);
        assert_eq!(run.rate(), 16);
    }

    #[tokio::test]
    async fn when_the_time_is_over_nobody_calls() {
        let mut callers = callers(u64::MAX);
        let run = drive(&mut callers, Until::Elapsed(Duration::ZERO)).await;
        assert_eq!((run.calls(), callers.len()), (0, 4));
    }
}
