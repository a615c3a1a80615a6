use std::net::SocketAddr;

use http::HeaderMap;
use telemetry::{Call, CallContext, Server, code_name};
use tonic::Code;

use super::RequestId;

/// A path may be anything a caller sends; a log line carries no more of it than this.
const MAX_METHOD_LENGTH: usize = 128;

/// What is kept of a call: its one log line, its place in the metrics and its span, all finished by [`CallLog::end`],
/// or when dropped: then nobody waited for the end.
///
/// The line names server, method, code, duration, request id, trace and peer, and nothing of the request or of who sent it.
#[derive(Debug)]
pub(super) struct CallLog {
    method: String,
    id: RequestId,
    peer: Option<SocketAddr>,
    call: Call,
    ended: bool,
}

impl CallLog {
    pub(super) fn begin(
        server: &Server,
        path: &str,
        headers: &HeaderMap,
        id: RequestId,
        peer: Option<SocketAddr>,
    ) -> Self {
        let end = path.floor_char_boundary(MAX_METHOD_LENGTH);
        Self {
            method: path.get(..end).unwrap_or_default().to_owned(),
            call: server.begin(path, headers, id.as_str()),
            id,
            peer,
            ended: false,
        }
    }

    /// The names under which the call's work runs.
    pub(super) fn context(&self) -> &CallContext {
        self.call.context()
    }

    pub(super) fn end(mut self, code: Code) {
        self.write(code);
    }

    fn write(&mut self, code: Code) {
        self.ended = true;
        let duration_us = u64::try_from(self.call.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.call.end(code);
        let server = self.call.service();
        let method = self.method.as_str();
        let request_id = self.id.as_str();
        let trace_id = self.context().trace_id().map(tracing::field::display);
        let peer = self.peer.map(tracing::field::display);
        let code_name = code_name(code);
        if is_our_fault(code) {
            tracing::error!(
                server,
                method,
                code = code_name,
                duration_us,
                request_id,
                trace_id,
                peer,
                "call"
            );
        } else if method.starts_with("/grpc.health.") {
            tracing::debug!(
                server,
                method,
                code = code_name,
                duration_us,
                request_id,
                trace_id,
                peer,
                "call"
            );
        } else {
            tracing::info!(
                server,
                method,
                code = code_name,
                duration_us,
                request_id,
                trace_id,
                peer,
                "call"
            );
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
