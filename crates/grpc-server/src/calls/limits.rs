use std::collections::HashSet;
use std::num::NonZero;
use std::time::Duration;

/// 256 KiB: the largest request message. Give it to every tonic server as `max_decoding_message_size`.
pub const MAX_REQUEST_BYTES: usize = 256 * 1024;

/// What one server grants to calls. [`Default`] is the product's starting values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallLimits {
    /// 256 per core: calls being worked on at a time; one more is refused at once. Long-lived ones do not
    /// count.
    pub in_flight: usize,
    /// 1,024: open long-lived streams; one more is refused at once.
    pub streams: usize,
    /// 5 s: for a call whose caller names no time-out.
    pub default_deadline: Duration,
    /// 30 s: the longest deadline of a call, whatever its caller asks for.
    pub longest_deadline: Duration,
    /// Full methods (`/package.Service/Method`) of streams that are meant to stay open: they have no deadline
    /// but their caller's. Health.Watch and reflection are among them from the start.
    pub long_lived: HashSet<String>,
}

impl CallLimits {
    const PER_CORE: usize = 256;

    /// Adds long-lived methods.
    #[must_use]
    pub fn with_long_lived<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.long_lived.extend(methods.into_iter().map(Into::into));
        self
    }
}

impl Default for CallLimits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let long_lived = [
            "/grpc.health.v1.Health/Watch",
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        ];
        Self {
            in_flight: Self::PER_CORE * cores,
            streams: 1024,
            default_deadline: Duration::from_secs(5),
            longest_deadline: Duration::from_secs(30),
            long_lived: long_lived.into_iter().map(str::to_owned).collect(),
        }
    }
}
