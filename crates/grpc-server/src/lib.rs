//! What every server of the product has and tonic does not do by itself (docs/ARCHITECTURE.md, "Servers").
//!
//! Two halves that meet in a request's extensions:
//!
//! - **Connections**: [`Listener::bind`], then [`serve`] any tower HTTP service on it under [`ConnectionLimits`]
//!   until [`Shutdown`]: HTTP/1 and HTTP/2 on one port, peers that say nothing are closed, the drain always ends.
//! - **Calls**: [`call_stack`] around a tonic `Routes` (or anything that answers gRPC): request id, one log line,
//!   panics, overload, deadlines, drain of streams, and the statuses that tonic makes by itself put into our form.
//!
//! Beside them [`Readiness`] serves `grpc.health.v1.Health`, and [`add_reflection`] serves both versions of
//! reflection.

mod activity;
mod calls;
mod connection;
mod handshake;
mod health;
mod limits;
mod listener;
mod methods;
mod reflection;
mod sending;
mod serve;
mod shutdown;

pub use calls::{
    CallLimits, CallStack, Deadline, MAX_REQUEST_BYTES, REQUEST_ID_HEADER, RequestId, ReservedBytes,
    UnsentBytes, call_stack, encode_timeout,
};
pub use connection::{ConnectionInfo, TlsInfo};
pub use health::{CheckReport, HealthService, Readiness, ReadinessReport, ReadinessView};
pub use limits::ConnectionLimits;
pub use listener::Listener;
pub use methods::methods;
pub use reflection::{ReflectionError, add_reflection};
pub use serve::{Drained, serve};
pub use shutdown::{DrainPace, Shutdown};
