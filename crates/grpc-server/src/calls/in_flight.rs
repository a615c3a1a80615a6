use std::sync::Arc;
use std::time::Duration;

use rpc_error::{RpcError, reason};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::CallLimits;

/// When a refused caller may come back: by then most of the calls in flight are answered.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// The places for calls of one server. Nobody queues: who waits in line is late already.
#[derive(Debug)]
pub(super) struct InFlight {
    calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

/// A call's place, free again when dropped.
#[derive(Debug)]
pub(super) enum Place {
    /// Until the handler has answered; what is left then is writing bytes that exist.
    UntilAnswered { _permit: OwnedSemaphorePermit },
    /// Until the stream has ended.
    UntilEnd { _permit: OwnedSemaphorePermit },
    /// Health checks are answered under overload too: whoever asks would otherwise restart a busy process.
    Free,
}

impl Place {
    /// The place while the response body is written: a stream keeps its own, a call gives it back.
    pub(super) fn kept_for_the_body(self) -> Option<Self> {
        match self {
            Self::UntilEnd { .. } => Some(self),
            Self::UntilAnswered { .. } | Self::Free => None,
        }
    }
}

impl InFlight {
    pub(super) fn new(limits: &CallLimits) -> Self {
        Self {
            calls: Arc::new(Semaphore::new(limits.in_flight)),
            streams: Arc::new(Semaphore::new(limits.streams)),
        }
    }

    /// A place for a call of `method`.
    ///
    /// # Errors
    /// `UNAVAILABLE` with reason `OVERLOADED` and a `RetryInfo`, at once, when all places are taken.
    pub(super) fn enter(&self, method: &str, limits: &CallLimits) -> Result<Place, RpcError> {
        if method == "/grpc.health.v1.Health/Check" {
            return Ok(Place::Free);
        }
        let place = if limits.long_lived.contains(method) {
            let permit = Arc::clone(&self.streams).try_acquire_owned();
            permit.map(|permit| Place::UntilEnd { _permit: permit })
        } else {
            let permit = Arc::clone(&self.calls).try_acquire_owned();
            permit.map(|permit| Place::UntilAnswered { _permit: permit })
        };
        place.map_err(|_| {
            RpcError::unavailable(
                reason::OVERLOADED,
                "too many calls in flight; try again shortly",
                RETRY_AFTER,
            )
        })
    }
}
