use std::collections::HashSet;
use std::num::NonZero;
use std::time::Duration;

/// 256 KiB: the largest request message. Give it to every tonic server as `max_decoding_message_size`.
pub const MAX_REQUEST_BYTES: usize = 256 * 1024;

pub(super) const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";
pub(super) const HEALTH_WATCH: &str = "/grpc.health.v1.Health/Watch";
const REFLECTION: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// Whether `method` is the one of reflection: the only one whose client streams.
pub(super) fn is_reflection(method: &str) -> bool {
    REFLECTION.contains(&method)
}

/// What one server grants to calls. [`Default`] is the product's starting values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallLimits {
    /// 256 per core: calls being worked on at a time; one more is refused at once. Long-lived ones do not
    /// count.
    pub in_flight: usize,
    /// 1,024: open long-lived streams of the product; one more is refused at once.
    pub streams: usize,
    /// 256: open streams of Health.Watch; one more is refused at once.
    pub health_streams: usize,
    /// 64: open streams of reflection, both versions together; one more is refused at once.
    pub reflection_streams: usize,
    /// 5 s: for a request to arrive, however long its deadline is; 256 KiB take that on a bad mobile connection.
    pub arrival: Duration,
    /// 256 per core: requests that are arriving at a time, each of up to [`MAX_REQUEST_BYTES`]; one more is
    /// refused at once.
    pub arriving: usize,
    /// A quarter of them: those that one peer address sends slowly, over more than 250 ms. One peer cannot keep
    /// out the others. A peer with a client certificate of ours is a gateway and has no share; a proxy that shows none is
    /// one address, so behind it this is the share of all its clients together.
    pub slow_arrivals_per_peer: usize,
    /// 64 MiB: response bytes that peers have not taken, of all calls together, counted in frames of 16 KiB and more; a
    /// response with one frame more ends as refused. It is half of what a service of ours may take in memory, and 60 of
    /// the largest pages.
    pub unsent_bytes: usize,
    /// 10 s: for a response to be taken after its call's deadline; then its stream is reset.
    pub taken_after_deadline: Duration,
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
    const UNSENT_BYTES: usize = 64 * 1024 * 1024;

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
        let long_lived = REFLECTION.into_iter().chain([HEALTH_WATCH]);
        Self {
            in_flight: Self::PER_CORE * cores,
            streams: 1024,
            health_streams: 256,
            reflection_streams: 64,
            arrival: Duration::from_secs(5),
            arriving: Self::PER_CORE * cores,
            slow_arrivals_per_peer: Self::PER_CORE * cores / 4,
            unsent_bytes: Self::UNSENT_BYTES,
            taken_after_deadline: Duration::from_secs(10),
            default_deadline: Duration::from_secs(5),
            longest_deadline: Duration::from_secs(30),
            long_lived: long_lived.map(str::to_owned).collect(),
        }
    }
}
