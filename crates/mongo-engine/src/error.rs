use mongodb::error::{Error, ErrorKind, WriteFailure};

/// Why an operation did not give a result.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// More operations are under way than the engine takes. Nothing was done; try again later.
    #[error("too many operations are under way")]
    Overloaded,
    /// No primary can be reached, it is stepping down, or it did not answer in time. A write may or may not have
    /// happened. Try again later.
    #[error("MongoDB is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A unique index holds the value already. Nothing was written. Which index, the caller knows or finds out by
    /// reading: the driver withholds the server's text, which would show the value.
    #[error("a unique index holds this value already")]
    Duplicate,
    /// [`crate::Engine::close`] came first. Nothing was done.
    #[error("the engine is closed")]
    Closed,
    /// The operation panicked; the hook has logged where.
    #[error("an operation panicked")]
    Panicked,
    /// The server refuses the operation, or answers what this program did not write: a defect.
    #[error("MongoDB refuses an operation")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl EngineError {
    pub(crate) fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<Error> for EngineError {
    fn from(error: Error) -> Self {
        if is_duplicate(&error) {
            Self::Duplicate
        } else if is_temporary(&error) {
            Self::Unavailable(Box::new(error))
        } else {
            Self::Refused(Box::new(error))
        }
    }
}

/// Whether a unique index refused a write. For an operation that goes on after it.
pub fn is_duplicate(error: &Error) -> bool {
    const DUPLICATE_KEY: i32 = 11_000;
    codes(error).0 == Some(DUPLICATE_KEY)
}

/// Whether the same operation can succeed later.
fn is_temporary(error: &Error) -> bool {
    let (code, write_concern) = codes(error);
    if write_concern || code.is_some_and(|code| TEMPORARY_CODES.contains(&code)) {
        return true;
    }
    let labels = [
        "RetryableWriteError",
        "TransientTransactionError",
        "RetryableError",
    ];
    if labels.iter().any(|label| error.contains_label(label)) {
        return true;
    }
    matches!(
        &*error.kind,
        ErrorKind::Io(_)
            | ErrorKind::ServerSelection { .. }
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::DnsResolve { .. }
            | ErrorKind::Authentication { .. }
            | ErrorKind::Shutdown
    )
}

/// Codes of states that pass (MongoDB's error_codes.yml): unreachable or restarting members, elections, time limits,
/// write conflicts, full disks, and credentials that are being changed.
const TEMPORARY_CODES: &[i32] = &[
    6,      // HostUnreachable
    7,      // HostNotFound
    13,     // Unauthorized
    18,     // AuthenticationFailed
    24,     // LockTimeout
    46,     // LockBusy
    50,     // MaxTimeMSExpired
    63,     // StaleShardVersion
    64,     // WriteConcernFailed
    89,     // NetworkTimeout
    91,     // ShutdownInProgress
    112,    // WriteConflict
    133,    // FailedToSatisfyReadPreference
    134,    // ReadConcernMajorityNotAvailableYet
    150,    // StaleEpoch
    189,    // PrimarySteppedDown
    202,    // NetworkInterfaceExceededTimeLimit
    234,    // RetryChangeStream
    262,    // ExceededTimeLimit
    317,    // ConnectionPoolExpired
    361,    // TooManyFilesOpen
    9001,   // SocketException
    10_058, // LegacyNotPrimary
    10_107, // NotWritablePrimary
    11_600, // InterruptedAtShutdown
    11_602, // InterruptedDueToReplStateChange
    13_435, // NotPrimaryNoSecondaryOk
    13_436, // NotPrimaryOrSecondary
    14_031, // OutOfDiskSpace
];

/// The server's error code, and whether it is about the acknowledgement by a majority: then the write itself is done.
fn codes(error: &Error) -> (Option<i32>, bool) {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the driver's kinds are non-exhaustive; the others carry no code"
    )]
    match &*error.kind {
        ErrorKind::Write(WriteFailure::WriteError(write)) => (Some(write.code), false),
        ErrorKind::Write(WriteFailure::WriteConcernError(write)) => (Some(write.code), true),
        ErrorKind::Command(command) => (Some(command.code), false),
        ErrorKind::InsertMany(many) => {
            let write = many.write_errors.as_ref().and_then(|errors| errors.first());
            (
                write.map(|write| write.code),
                write.is_none() && many.write_concern_error.is_some(),
            )
        }
        _ => (None, false),
    }
}
