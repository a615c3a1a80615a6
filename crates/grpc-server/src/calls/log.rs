use std::net::SocketAddr;
use std::time::Instant;

use tonic::Code;

use super::RequestId;

/// A path may be anything a caller sends; a log line carries no more of it than this.
const MAX_METHOD_LENGTH: usize = 128;

/// The one log line of a call, written by [`CallLog::end`], or when dropped: then nobody waited for the end.
///
/// It names method, code, duration, request id and peer, and nothing of the request or of who sent it.
#[derive(Debug)]
pub(super) struct CallLog {
    method: String,
    id: RequestId,
    peer: Option<SocketAddr>,
    begun: Instant,
    ended: bool,
}

impl CallLog {
    pub(super) fn begin(path: &str, id: RequestId, peer: Option<SocketAddr>) -> Self {
        let end = path.floor_char_boundary(MAX_METHOD_LENGTH);
        Self {
            method: path.get(..end).unwrap_or_default().to_owned(),
            id,
            peer,
            begun: Instant::now(),
            ended: false,
        }
    }

    pub(super) fn end(mut self, code: Code) {
        self.write(code);
    }

    fn write(&mut self, code: Code) {
        self.ended = true;
        let duration_us = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let method = self.method.as_str();
        let request_id = self.id.as_str();
        let peer = self.peer.map(tracing::field::display);
        let code_name = name(code);
        if is_our_fault(code) {
            tracing::error!(method, code = code_name, duration_us, request_id, peer, "call");
        } else if method.starts_with("/grpc.health.") {
            tracing::debug!(method, code = code_name, duration_us, request_id, peer, "call");
        } else {
            tracing::info!(method, code = code_name, duration_us, request_id, peer, "call");
        }
    }
}

impl Drop for CallLog {
    fn drop(&mut self) {
        if !self.ended {
            self.write(Code::Cancelled);
        }
    }
}

fn is_our_fault(code: Code) -> bool {
    matches!(code, Code::Internal | Code::Unknown | Code::DataLoss)
}

/// The code as the protocol's documents write it.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
