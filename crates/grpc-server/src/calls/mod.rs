//! What happens around every gRPC call, from the outside in: request id, log line, content type, deadline,
//! the request's arrival, place in flight, panic, the handler, and the statuses that tonic makes by itself.

mod arrival;
mod body;
mod deadline;
mod framework_status;
mod in_flight;
mod limits;
mod log;
mod message_boundary;
mod one_message;
mod request_id;
mod stack;
mod unsent;

pub use ::deadline::Deadline;
pub use deadline::encode_timeout;
pub use limits::{CallLimits, MAX_REQUEST_BYTES};
pub use request_id::{REQUEST_ID_HEADER, RequestId};
pub use stack::{CallStack, call_stack};
pub use unsent::{ReservedBytes, UnsentBytes};
