use tonic::Code;

/// How many codes gRPC has.
pub(crate) const CODES: usize = 17;

/// The code as the protocol's documents write it, and as logs, metrics and spans do.
pub fn code_name(code: Code) -> &'static str {
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

/// The code's place among all [`CODES`], its number on the wire.
pub(crate) fn code_index(code: Code) -> usize {
    usize::try_from(i32::from(code)).unwrap_or_default()
}

/// Whether a server answers this because something is wrong with it (OpenTelemetry, "Semantic conventions for
/// gRPC"): the other codes are the caller's affair.
pub(crate) fn is_server_error(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_place_of_its_own() {
        let codes = (0_i32..).map(Code::from_i32).take(CODES);
        assert!(codes.map(code_index).eq(0..CODES));
        assert_eq!(Code::from_i32(17), Code::Unknown, "there is one more");
    }
}
