use std::io;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How fast a server goes down. The two together stay below 30 s: what starts us then waits no longer before
/// it kills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrainPace {
    /// How long health says `NOT_SERVING` while everything is still served, so that load balancers look
    /// elsewhere before a call is refused. Skipped when no connection is open.
    pub announce: Duration,
    /// How long calls in flight may go on after that; then their connections are cut.
    pub finish: Duration,
}

impl DrainPace {
    /// SIGTERM: behind a load balancer. 3 s, then 25 s.
    pub const DEPLOYED: Self = Self {
        announce: Duration::from_secs(3),
        finish: Duration::from_secs(25),
    };
    /// Ctrl-C: someone at a terminal waits. Nobody is told ahead, calls get 5 s.
    pub const INTERACTIVE: Self = Self {
        announce: Duration::ZERO,
        finish: Duration::from_secs(5),
    };
}

/// The one switch that ends a process: every server of the process holds a clone.
#[derive(Debug, Clone)]
pub struct Shutdown {
    began: CancellationToken,
    aborted: CancellationToken,
    pace: Arc<OnceLock<(DrainPace, Instant)>>,
}

impl Shutdown {
    /// A switch that only [`Shutdown::begin`] turns: for tests and for embedding.
    pub fn manual() -> Self {
        Self {
            began: CancellationToken::new(),
            aborted: CancellationToken::new(),
            pace: Arc::default(),
        }
    }

    /// SIGTERM begins a [`DrainPace::DEPLOYED`] shutdown, SIGINT (Ctrl-C) a [`DrainPace::INTERACTIVE`] one;
    /// the second signal of either kind cuts what is left at once.
    ///
    /// # Errors
    /// When the process may not listen to signals.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn on_signals() -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = Self::manual();
        let switch = shutdown.clone();
        tokio::spawn(async move {
            let pace = tokio::select! {
                _ = terminate.recv() => DrainPace::DEPLOYED,
                _ = interrupt.recv() => DrainPace::INTERACTIVE,
            };
            tracing::info!(?pace, "shutting down");
            switch.begin(pace);
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::warn!("second signal: cutting open calls");
            switch.abort();
        });
        Ok(shutdown)
    }

    /// Begins the shutdown. Only the first call sets the pace.
    pub fn begin(&self, pace: DrainPace) {
        self.pace.get_or_init(|| (pace, Instant::now()));
        self.began.cancel();
    }

    /// Begins the shutdown if need be and cuts every open connection at once.
    pub fn abort(&self) {
        self.begin(DrainPace::INTERACTIVE);
        self.aborted.cancel();
    }

    /// Whether the shutdown has begun.
    pub fn has_begun(&self) -> bool {
        self.began.is_cancelled()
    }

    /// The time since the shutdown began; `None` before.
    pub fn elapsed(&self) -> Option<Duration> {
        self.pace.get().map(|(_, began)| began.elapsed())
    }

    /// Waits until the shutdown begins. Cancel-safe.
    pub async fn begun(&self) -> DrainPace {
        self.began.cancelled().await;
        self.pace.get_or_init(|| (DrainPace::DEPLOYED, Instant::now())).0
    }

    /// Waits until [`Shutdown::abort`]. Cancel-safe.
    pub async fn aborted(&self) {
        self.aborted.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::{DrainPace, Shutdown};

    #[tokio::test]
    async fn the_first_to_begin_sets_the_pace() {
        let shutdown = Shutdown::manual();
        assert!(!shutdown.has_begun());
        shutdown.begin(DrainPace::INTERACTIVE);
        shutdown.clone().begin(DrainPace::DEPLOYED);
        assert_eq!(shutdown.begun().await, DrainPace::INTERACTIVE);
    }

    #[test]
    fn a_deployed_process_is_gone_before_thirty_seconds() {
        let pace = DrainPace::DEPLOYED;
        assert!((pace.announce + pace.finish).as_secs() < 30);
    }
}
