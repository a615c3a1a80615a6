use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// 30 s: then an operation that nobody waits for any more is dropped, with its connection.
const ABANDONED_AFTER: Duration = Duration::from_secs(30);

/// What an operation gives, or what it panicked with.
type Ended<T> = Result<T, Box<dyn Any + Send>>;

/// An operation that its caller polls, and that goes on in a task of its own when the caller drops it before its end.
///
/// A task from the beginning would do as well, and would wake two threads in every operation for what happens to few.
pub(crate) struct Underway<T: 'static, P: Send + 'static> {
    /// What is left to do, and what is given back after it. `None` at its end.
    rest: Option<(Operation<T>, P)>,
    tracker: TaskTracker,
    /// Lets [`TaskTracker::wait`] wait for it wherever it is polled.
    _tracked: TaskTrackerToken,
}

type Operation<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<T: 'static, P: Send + 'static> Underway<T, P> {
    /// `place` is dropped when the operation has ended, waited for or not.
    pub(crate) fn new(
        tracker: &TaskTracker,
        operation: impl Future<Output = T> + Send + 'static,
        place: P,
    ) -> Self {
        Self {
            rest: Some((Box::pin(operation), place)),
            tracker: tracker.clone(),
            _tracked: tracker.token(),
        }
    }
}

impl<T: 'static, P: Send + Unpin + 'static> Future for Underway<T, P> {
    type Output = Ended<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ended<T>> {
        let Some((operation, _)) = &mut self.rest else {
            // Nobody polls a future after its end.
            return Poll::Pending;
        };
        let polled = catch_unwind(AssertUnwindSafe(|| operation.as_mut().poll(context)));
        let ended = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(value)) => Ok(value),
            Err(panic) => Err(panic),
        };
        self.rest = None;
        Poll::Ready(ended)
    }
}

impl<T: 'static, P: Send + 'static> Drop for Underway<T, P> {
    fn drop(&mut self) {
        let Some((operation, place)) = self.rest.take() else {
            return;
        };
        // Without a runtime the process is ending, and nothing can go on.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let rest = async move {
            let _place = place;
            // Nobody asks any more how it ended.
            let _ = tokio::time::timeout(ABANDONED_AFTER, operation).await;
        };
        self.tracker.spawn_on(rest, &runtime);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Waker;

    use tokio::sync::{Notify, Semaphore};

    use super::*;

    #[tokio::test]
    async fn a_dropped_operation_goes_on_and_gives_its_place_back_at_its_end() {
        let (tracker, places) = (TaskTracker::new(), Arc::new(Semaphore::new(1)));
        let (go, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let place = Arc::clone(&places).try_acquire_owned().unwrap();
        let (gone, ended) = (Arc::clone(&go), Arc::clone(&done));
        let operation = async move {
            gone.notified().await;
            ended.notify_one();
        };
        let mut underway = Underway::new(&tracker, operation, place);
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut underway).poll(&mut context).is_pending());
        drop(underway);
        tracker.close();
        assert_eq!((places.available_permits(), tracker.len()), (0, 1));

        go.notify_one();
        done.notified().await;
        tracker.wait().await;
        assert_eq!(places.available_permits(), 1);
    }

    #[tokio::test]
    async fn a_panic_is_an_end_like_others() {
        let tracker = TaskTracker::new();
        let ended: Ended<()> = Underway::new(&tracker, async { panic!("of a test") }, ()).await;
        assert!(ended.is_err());
        assert!(tracker.is_empty(), "nothing is left to do");
    }

    #[test]
    fn an_operation_that_outlives_its_runtime_is_dropped() {
        let tracker = TaskTracker::new();
        drop(Underway::new(&tracker, std::future::pending::<()>(), ()));
        assert!(tracker.is_empty());
    }
}
