//! Statuses that did not come from a handler of ours. Tonic's router and codec make them without details and
//! with texts that name Rust types and every nested field; a client gets a short text and a reason instead.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use rpc_error::{RpcError, attach_request_id, reason};
use tonic::{Code, Status};

use super::RequestId;

/// gRPC writes binary headers without padding and accepts them with it.
const BINARY_HEADER: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a status depends on besides itself.
#[derive(Debug, Clone)]
pub(super) struct CallFacts {
    /// Goes into every `INTERNAL`.
    pub(super) id: RequestId,
    /// The request came with a `grpc-encoding` other than `identity`.
    pub(super) compressed: bool,
    /// A response message is on its way already, so the request cannot be what is wrong.
    pub(super) answered: bool,
}

impl CallFacts {
    /// `error` as it is sent for this call.
    pub(super) fn status(&self, error: RpcError) -> Status {
        let status = Status::from(error);
        if status.code() == Code::Internal {
            attach_request_id(&status, self.id.as_str())
        } else {
            status
        }
    }
}

/// Puts the status in `headers` (of a response without a body, or trailers) into our form and returns its
/// code.
pub(super) fn settle(headers: &mut HeaderMap, facts: &CallFacts) -> Code {
    let sent = headers.get(Status::GRPC_STATUS);
    let code = sent.map_or(Code::Ok, |value| Code::from_bytes(value.as_bytes()));
    let ours = if headers.contains_key(Status::GRPC_STATUS_DETAILS) {
        with_request_id(headers, code, facts)
    } else {
        of_framework(code, facts).map(|error| facts.status(error))
    };
    let Some(status) = ours else {
        return code;
    };
    // `add_header` fails only for metadata that is no header; these have none.
    if status.add_header(headers).is_err() {
        return code;
    }
    status.code()
}

/// The error to send instead of a status without details.
fn of_framework(code: Code, facts: &CallFacts) -> Option<RpcError> {
    match code {
        Code::OutOfRange => Some(RpcError::invalid_argument(
            reason::MESSAGE_TOO_LARGE,
            "the request message is larger than this method reads",
        )),
        Code::Internal if facts.answered => Some(RpcError::internal()),
        Code::Internal => Some(RpcError::invalid_argument(
            reason::MESSAGE_MALFORMED,
            "the request is not exactly one complete message of this method",
        )),
        Code::Unimplemented if facts.compressed => Some(RpcError::encoding_unsupported()),
        Code::Unimplemented => Some(RpcError::unimplemented("no such service or method here")),
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => None,
    }
}

/// A handler's `INTERNAL` with the name of the call, under which its cause is logged.
fn with_request_id(headers: &HeaderMap, code: Code, facts: &CallFacts) -> Option<Status> {
    if code != Code::Internal {
        return None;
    }
    let details = headers.get(Status::GRPC_STATUS_DETAILS)?;
    // `Status::from_header_map` panics on details that are no base64.
    let details = BINARY_HEADER.decode(details).ok()?;
    let message = Status::from_header_map(headers)?.message().to_owned();
    let status = Status::with_details(code, message, details.into());
    Some(attach_request_id(&status, facts.id.as_str()))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use rpc_error::{Details, RpcError, reason};
    use tonic::{Code, Status};

    use super::{CallFacts, RequestId, settle};

    fn facts() -> CallFacts {
        CallFacts {
            id: RequestId::parse("call-1").unwrap(),
            compressed: false,
            answered: false,
        }
    }

    fn settled(status: &Status, facts: &CallFacts) -> (Code, String, Details) {
        let mut headers = HeaderMap::new();
        status.add_header(&mut headers).unwrap();
        let code = settle(&mut headers, facts);
        let status = Status::from_header_map(&headers).unwrap();
        assert_eq!(status.code(), code);
        (code, status.message().to_owned(), Details::of(&status))
    }

    #[test]
    fn what_the_codec_says_is_replaced_by_a_short_text_and_a_reason() {
        let cases = [
            (
                Status::out_of_range("found 9 bytes"),
                Code::InvalidArgument,
                reason::MESSAGE_TOO_LARGE,
            ),
            (
                Status::internal("failed to decode Protobuf message: Line.quantity"),
                Code::InvalidArgument,
                reason::MESSAGE_MALFORMED,
            ),
            (
                Status::unimplemented(""),
                Code::Unimplemented,
                reason::METHOD_UNKNOWN,
            ),
        ];
        for (made_by_tonic, code, reason) in cases {
            let (sent_code, message, details) = settled(&made_by_tonic, &facts());
            assert_eq!((sent_code, details.reason()), (code, reason));
            assert!(!message.contains(made_by_tonic.message()) || made_by_tonic.message().is_empty());
        }
    }

    #[test]
    fn a_failure_after_the_first_answer_is_not_the_callers() {
        let facts = CallFacts {
            answered: true,
            ..facts()
        };
        let (code, _, details) = settled(&Status::internal("encoder"), &facts);
        assert_eq!((code, details.reason()), (Code::Internal, reason::INTERNAL));
        assert_eq!(details.request_info.unwrap().request_id, "call-1");
    }

    #[test]
    fn an_internal_error_of_a_handler_gets_the_calls_name_and_nothing_else_changes() {
        let (code, _, details) = settled(&RpcError::internal().into(), &facts());
        assert_eq!(code, Code::Internal);
        assert_eq!(details.request_info.unwrap().request_id, "call-1");

        let refused: Status = RpcError::unauthenticated("TOKEN_MISSING", "no token").into();
        let (code, message, details) = settled(&refused, &facts());
        assert_eq!((code, message.as_str()), (Code::Unauthenticated, "no token"));
        assert!(details.request_info.is_none());
    }

    #[test]
    fn details_that_are_no_base64_are_passed_on_untouched() {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", HeaderValue::from_static("13"));
        headers.insert("grpc-status-details-bin", HeaderValue::from_static("%%%"));
        assert_eq!(settle(&mut headers, &facts()), Code::Internal);
        assert_eq!(headers["grpc-status-details-bin"], "%%%");
    }
}
