//! Errors as clients of the product see them: a status code and `google.rpc` details, in both directions.
//!
//! Outwards, an [`RpcError`] becomes a [`tonic::Status`] whose `grpc-status-details-bin` holds exactly one
//! `ErrorInfo` (domain [`DOMAIN`]) and whatever else its situation calls for (AIP-193). Inwards, [`Details`]
//! reads them back. [`Violations`] collects every problem of a request with the path of its field, so that a
//! caller learns all of them at once.

mod details;
mod error;
mod path;
mod violations;

pub use details::{Details, attach_request_id};
pub use error::{RpcError, reason};
pub use path::FieldPath;
pub use violations::{IntoViolation, Violation, Violations};

/// The `domain` of every `ErrorInfo` that the product sends.
pub const DOMAIN: &str = "invoiceapp";
