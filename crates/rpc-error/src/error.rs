use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use prost::Message as _;
use prost_types::Any;
use tonic::{Code, Status};
use tonic_types::pb::bad_request::FieldViolation;
use tonic_types::pb::{BadRequest, ErrorInfo, ResourceInfo, RetryInfo};

use crate::{DOMAIN, Violation};

/// Reasons that every service may send, whatever it serves. Each stands in the `ErrorReason` enum of every package.
pub mod reason {
    /// `INVALID_ARGUMENT`: one or more fields are wrong; `BadRequest` lists them.
    pub const FIELDS_INVALID: &str = "FIELDS_INVALID";
    /// `INVALID_ARGUMENT`: the request is larger than the service reads.
    pub const MESSAGE_TOO_LARGE: &str = "MESSAGE_TOO_LARGE";
    /// `INVALID_ARGUMENT`: the bytes are not the request message.
    pub const MESSAGE_MALFORMED: &str = "MESSAGE_MALFORMED";
    /// `UNIMPLEMENTED`: no such service or rpc here.
    pub const METHOD_UNKNOWN: &str = "METHOD_UNKNOWN";
    /// `UNIMPLEMENTED`: the request is compressed, which no rpc reads.
    pub const ENCODING_UNSUPPORTED: &str = "ENCODING_UNSUPPORTED";
    /// `DEADLINE_EXCEEDED`: the caller's or the service's deadline passed; the effect is unknown.
    pub const DEADLINE_EXCEEDED: &str = "DEADLINE_EXCEEDED";
    /// `UNAVAILABLE`: too much work in flight; try again after `RetryInfo`.
    pub const OVERLOADED: &str = "OVERLOADED";
    /// `UNAVAILABLE`: the store or another service cannot be reached; try again after `RetryInfo`.
    pub const BACKEND_UNAVAILABLE: &str = "BACKEND_UNAVAILABLE";
    /// `UNAVAILABLE`: this process is going down; try again, at another replica.
    pub const SHUTTING_DOWN: &str = "SHUTTING_DOWN";
    /// `INTERNAL`: our fault; the cause is logged under the request id.
    pub const INTERNAL: &str = "INTERNAL";
}

/// 5 KiB of field violations become 7 KiB of base64: clients on gRPC's C core begin to refuse trailers at 8 KiB.
const MOST_DETAIL_BYTES: usize = 5 * 1024;

fn field_violation(violation: Violation) -> FieldViolation {
    FieldViolation {
        field: violation.path.to_string(),
        description: violation.description,
        reason: violation.reason.to_owned(),
        localized_message: None,
    }
}

/// An error on its way to a client. Build it with a constructor named after its situation; `Status::from` sends it.
#[derive(Debug, Clone)]
pub struct RpcError {
    code: Code,
    reason: &'static str,
    message: String,
    metadata: BTreeMap<String, String>,
    details: Vec<Any>,
}

impl RpcError {
    fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            metadata: BTreeMap::new(),
            details: Vec::new(),
        }
    }

    /// `INVALID_ARGUMENT`: the request as a whole is wrong, not one field of it.
    pub fn invalid_argument(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, reason, message)
    }

    /// `INVALID_ARGUMENT` with the problems of the request and the paths of their fields; `total` counts those that were
    /// not kept, too. As many are listed as fit [`MOST_DETAIL_BYTES`]; the text says when some do not.
    pub(crate) fn bad_fields(violations: Vec<Violation>, total: usize) -> Self {
        let only = match violations.as_slice() {
            [only] if total == 1 => Some(format!("{}: {}", only.path, only.description)),
            _ => None,
        };
        let mut bytes = 0;
        let field_violations: Vec<_> = violations
            .into_iter()
            .map(field_violation)
            .take_while(|violation| {
                bytes += violation.encoded_len() + 4;
                bytes <= MOST_DETAIL_BYTES
            })
            .collect();
        let listed = field_violations.len();
        let message = match only {
            Some(only) => only,
            None if listed < total => format!("{total} fields are invalid; the first {listed} are listed"),
            None => format!("{total} fields are invalid"),
        };
        Self::new(Code::InvalidArgument, reason::FIELDS_INVALID, message)
            .with(BAD_REQUEST, &BadRequest { field_violations })
    }

    /// `UNAUTHENTICATED`: no proof, or no valid proof, of who is calling.
    pub fn unauthenticated(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::Unauthenticated, reason, message)
    }

    /// `PERMISSION_DENIED`: known caller, not allowed.
    pub fn permission_denied(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::PermissionDenied, reason, message)
    }

    /// `NOT_FOUND`: unknown, deleted, or another organization's. The answer is the same for all of them, and it
    /// repeats nothing but what the caller sent.
    pub fn not_found(reason: &'static str, resource_type: &str, resource_name: &str) -> Self {
        let resource = ResourceInfo {
            resource_type: resource_type.to_owned(),
            resource_name: resource_name.to_owned(),
            owner: String::new(),
            description: String::new(),
        };
        Self::new(Code::NotFound, reason, format!("{resource_type} not found")).with(RESOURCE_INFO, &resource)
    }

    /// `ALREADY_EXISTS`: what would be created is there already.
    pub fn already_exists(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::AlreadyExists, reason, message)
    }

    /// `ABORTED`: the caller decided on a state that has changed since; read again, decide again.
    pub fn aborted(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::Aborted, reason, message)
    }

    /// `FAILED_PRECONDITION`: not in this state; trying again changes nothing.
    pub fn failed_precondition(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::FailedPrecondition, reason, message)
    }

    /// `RESOURCE_EXHAUSTED`: this caller asks too much; `retry_after` says when to try again.
    pub fn resource_exhausted(
        reason: &'static str,
        message: impl Into<String>,
        retry_after: Duration,
    ) -> Self {
        Self::new(Code::ResourceExhausted, reason, message).retry_after(retry_after)
    }

    /// `UNAVAILABLE`: nobody can be served now; `retry_after` says when to try again.
    pub fn unavailable(reason: &'static str, message: impl Into<String>, retry_after: Duration) -> Self {
        Self::new(Code::Unavailable, reason, message).retry_after(retry_after)
    }

    /// `DEADLINE_EXCEEDED`: time is up; whether the call took effect is unknown to the caller.
    pub fn deadline_exceeded() -> Self {
        Self::new(
            Code::DeadlineExceeded,
            reason::DEADLINE_EXCEEDED,
            "the deadline passed before the call was answered",
        )
    }

    /// `UNIMPLEMENTED`: no such service or rpc here.
    pub fn unimplemented(message: impl Into<String>) -> Self {
        Self::new(Code::Unimplemented, reason::METHOD_UNKNOWN, message)
    }

    /// `UNIMPLEMENTED`: the request is compressed. A small one could become very large, so none is read.
    pub fn encoding_unsupported() -> Self {
        Self::new(
            Code::Unimplemented,
            reason::ENCODING_UNSUPPORTED,
            "compressed requests are not read; send grpc-encoding: identity",
        )
        .metadata("accepted_encoding", "identity")
    }

    /// `INTERNAL`: our fault. The text is fixed, so nothing internal can leak; log the cause where you build this.
    /// The call stack adds the request id ([`attach_request_id`](crate::attach_request_id)).
    pub fn internal() -> Self {
        Self::new(
            Code::Internal,
            reason::INTERNAL,
            "internal error; quote the request id when you report it",
        )
    }

    /// Adds one entry to `ErrorInfo.metadata`.
    #[must_use]
    pub fn metadata(mut self, key: &str, value: impl Into<String>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }

    fn retry_after(self, delay: Duration) -> Self {
        let retry_delay = prost_types::Duration::try_from(delay).ok();
        self.with(RETRY_INFO, &RetryInfo { retry_delay })
    }

    fn with(mut self, type_url: &str, detail: &impl prost::Message) -> Self {
        self.details.push(Any {
            type_url: type_url.to_owned(),
            value: detail.encode_to_vec(),
        });
        self
    }

    /// The status code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The reason in `ErrorInfo`.
    pub fn reason(&self) -> &'static str {
        self.reason
    }
}

pub(crate) const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";
pub(crate) const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";
pub(crate) const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";
pub(crate) const RESOURCE_INFO: &str = "type.googleapis.com/google.rpc.ResourceInfo";
pub(crate) const REQUEST_INFO: &str = "type.googleapis.com/google.rpc.RequestInfo";

impl From<RpcError> for Status {
    fn from(error: RpcError) -> Self {
        let info = ErrorInfo {
            reason: error.reason.to_owned(),
            domain: DOMAIN.to_owned(),
            metadata: HashMap::from_iter(error.metadata),
        };
        let mut details = vec![Any {
            type_url: ERROR_INFO.to_owned(),
            value: info.encode_to_vec(),
        }];
        details.extend(error.details);
        let status = tonic_types::pb::Status {
            code: error.code.into(),
            message: error.message.clone(),
            details,
        };
        Self::with_details(error.code, error.message, status.encode_to_vec().into())
    }
}
