//! When a call must be answered, known to everything that works on it.

use std::time::Duration;

use tokio::time::Instant;

tokio::task_local! {
    static CURRENT: Deadline;
}

/// When a call must be answered. Calls on behalf of it pass on what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// `timeout` from now.
    pub fn after(timeout: Duration) -> Self {
        Self(Instant::now() + timeout)
    }

    /// The instant.
    pub fn instant(self) -> Instant {
        self.0
    }

    /// The time left; zero when it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The deadline of the call that this task works on, if it has one. Tasks that are spawned do not inherit it.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|deadline| *deadline).ok()
    }

    /// Runs `work` with this deadline as [`Deadline::current`].
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Deadline;

    #[tokio::test]
    async fn work_knows_the_deadline_of_its_call_and_a_spawned_task_does_not() {
        assert_eq!(Deadline::current(), None);
        let deadline = Deadline::after(Duration::from_secs(5));
        let (seen, spawned) = deadline
            .scope(async {
                let spawned = tokio::spawn(async { Deadline::current() });
                (Deadline::current(), spawned.await.unwrap())
            })
            .await;
        assert_eq!((seen, spawned), (Some(deadline), None));
    }

    #[tokio::test]
    async fn nothing_is_left_of_a_deadline_that_has_passed() {
        let deadline = Deadline::after(Duration::ZERO);
        assert_eq!(deadline.remaining(), Duration::ZERO);
    }
}
