use std::sync::Arc;
use std::time::Duration;

use rpc_error::{RpcError, reason};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::CallLimits;
use super::limits::{HEALTH_CHECK, HEALTH_WATCH, is_reflection};

/// When a refused caller may come back: by then most of the calls in flight are answered.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// The places for calls of one server. Nobody queues: who waits in line is late already.
#[derive(Debug)]
pub(super) struct InFlight {
    calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    health_streams: Arc<Semaphore>,
    reflection_streams: Arc<Semaphore>,
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
        let places = |count| Arc::new(Semaphore::new(count));
        Self {
            calls: places(limits.in_flight),
            streams: places(limits.streams),
            health_streams: places(limits.health_streams),
            reflection_streams: places(limits.reflection_streams),
        }
    }

    /// A place for a call of `method`. Each kind of stream has its own: what anyone may open without a token
    /// takes no place of the product's.
    ///
    /// # Errors
    /// `UNAVAILABLE` with reason `OVERLOADED` and a `RetryInfo`, at once, when all places are taken.
    pub(super) fn enter(&self, method: &str, limits: &CallLimits) -> Result<Place, RpcError> {
        if method == HEALTH_CHECK {
            return Ok(Place::Free);
        }
        if !limits.long_lived.contains(method) {
            return match Arc::clone(&self.calls).try_acquire_owned() {
                Ok(permit) => Ok(Place::UntilAnswered { _permit: permit }),
                Err(_) => Err(overloaded("too many calls in flight; try again shortly")),
            };
        }
        let streams = if method == HEALTH_WATCH {
            &self.health_streams
        } else if is_reflection(method) {
            &self.reflection_streams
        } else {
            &self.streams
        };
        match Arc::clone(streams).try_acquire_owned() {
            Ok(permit) => Ok(Place::UntilEnd { _permit: permit }),
            Err(_) => Err(overloaded("too many streams are open; try again shortly")),
        }
    }
}

/// The answer to a call for which there is no room; it has not begun.
pub(super) fn overloaded(message: &str) -> RpcError {
    RpcError::unavailable(reason::OVERLOADED, message, RETRY_AFTER)
}
