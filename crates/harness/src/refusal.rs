use rpc_error::Details;
use tonic::{Code, Status};

/// An error as a test wants to compare it: code, reason, and the violations as `path REASON`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status code.
    pub code: Code,
    /// The reason of its `ErrorInfo`.
    pub reason: String,
    /// `path REASON` of each field violation, in the order sent.
    pub violations: Vec<String>,
}

impl Refusal {
    /// A refusal without violations.
    pub fn new(code: Code, reason: &str) -> Self {
        Self {
            code,
            reason: reason.to_owned(),
            violations: Vec::new(),
        }
    }

    /// `INVALID_ARGUMENT` with these violations and no other.
    pub fn fields(violations: &[&str]) -> Self {
        Self {
            violations: violations
                .iter()
                .map(|violation| (*violation).to_owned())
                .collect(),
            ..Self::new(Code::InvalidArgument, "FIELDS_INVALID")
        }
    }

    /// Reads a status. It must carry exactly what every error of ours carries.
    pub fn of(status: &Status) -> Self {
        let details = Details::of(status);
        let info = details
            .error_info
            .as_ref()
            .unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
        assert_eq!(info.domain, rpc_error::DOMAIN, "{status:?}");
        let violations = details.violations();
        Self {
            code: status.code(),
            reason: info.reason.clone(),
            violations: violations
                .iter()
                .map(|(path, reason)| format!("{path} {reason}"))
                .collect(),
        }
    }

    /// The refusal in a result that must be one.
    pub fn in_result<T: std::fmt::Debug>(result: Result<T, Status>) -> Self {
        match result {
            Ok(answer) => panic!("must have been refused, but answered {answer:?}"),
            Err(status) => Self::of(&status),
        }
    }
}
