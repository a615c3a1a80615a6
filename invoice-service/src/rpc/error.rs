//! Refusals and failures as clients see them.

use std::error::Error;
use std::time::Duration;

use rpc_error::{FieldPath, RpcError, Violations, reason};
use telemetry::chain;
use tonic::Status;

use super::inward;
use crate::domain::content::ContentViolation;
use crate::domain::invoice::ContentError;
use crate::domain::state::StateError;
use crate::domain::totals::{Figure, TotalsError};
use crate::invoices::InvoiceError;
use crate::store::StoreError;

/// A store that is down is asked again after this long; it answers health checks every second.
const RETRY_STORE: Duration = Duration::from_secs(1);
/// A full queue empties within milliseconds.
const RETRY_OVERLOAD: Duration = Duration::from_millis(200);
/// An id is shorter; a longer text is no id, and is not sent back.
const LONGEST_ID: usize = 64;

/// Reasons of this package; each stands in `ErrorReason` of the contract.
mod own_reason {
    pub(super) const INVOICE_NOT_FOUND: &str = "INVOICE_NOT_FOUND";
    pub(super) const ETAG_MISMATCH: &str = "ETAG_MISMATCH";
    pub(super) const INVOICE_STATE: &str = "INVOICE_STATE";
    pub(super) const REQUEST_ID_REUSED: &str = "REQUEST_ID_REUSED";
}

/// The answer for an id that names no invoice of the caller's organization, whatever the cause.
pub(super) fn not_found(id: &str) -> Status {
    let name = if id.len() <= LONGEST_ID { id } else { "" };
    RpcError::not_found(own_reason::INVOICE_NOT_FOUND, "invoice", name).into()
}

/// The answer for an error of a use case about the invoice `id`.
pub(super) fn status(error: InvoiceError, id: &str) -> Status {
    patched(error, id, |never| match never {})
}

/// As [`status`], for an update whose patch can be refused.
pub(super) fn update_status(error: InvoiceError<Violations>, id: &str) -> Status {
    patched(error, id, invalid)
}

/// `INVALID_ARGUMENT` with the violations.
pub(super) fn invalid(violations: Violations) -> Status {
    match violations.into_result() {
        Err(error) => error.into(),
        Ok(()) => internal(&NothingWrong),
    }
}

fn patched<P>(error: InvoiceError<P>, id: &str, refused: impl FnOnce(P) -> Status) -> Status {
    match error {
        InvoiceError::NotFound => not_found(id),
        InvoiceError::EtagMismatch => {
            let text = "the invoice has changed since it was read; read it again and decide again";
            RpcError::aborted(own_reason::ETAG_MISMATCH, text).into()
        }
        InvoiceError::State(error) => state(error),
        InvoiceError::Content(error) => content(&error),
        InvoiceError::RequestIdReused => {
            let text = "the request id was used before with other content; make a new one";
            RpcError::invalid_argument(own_reason::REQUEST_ID_REUSED, text).into()
        }
        InvoiceError::Patch(refusal) => refused(refusal),
        InvoiceError::Store(error) => store(&error),
    }
}

fn state(error: StateError) -> Status {
    let allowed: Vec<_> = error
        .allowed_actions()
        .iter()
        .map(|action| action.name())
        .collect();
    RpcError::failed_precondition(own_reason::INVOICE_STATE, error.to_string())
        .metadata("state", error.state.name())
        .metadata("allowed_actions", allowed.join(","))
        .into()
}

fn content(error: &ContentError) -> Status {
    let at = FieldPath::new("invoice");
    let mut violations = Violations::new();
    match error {
        ContentError::Violations(found) => {
            for violation in found {
                violations.push(place(*violation, &at), violation.reason(), violation.to_string());
            }
        }
        ContentError::Totals(error) => {
            violations.push(figure(*error, &at), error.reason(), error.to_string());
        }
    }
    invalid(violations)
}

fn place(violation: ContentViolation, at: &FieldPath) -> FieldPath {
    match violation {
        ContentViolation::TooManyLines => at.field(inward::LINES),
        ContentViolation::TooManyAdjustments => at.field(inward::ADJUSTMENTS),
        ContentViolation::TooManyLineAdjustments { line } => {
            at.field(inward::LINES).index(line).field(inward::ADJUSTMENTS)
        }
        ContentViolation::DuplicateLineId { line } => at.field(inward::LINES).index(line).field("id"),
    }
}

fn figure(error: TotalsError, at: &FieldPath) -> FieldPath {
    let total = |name| at.field("totals").field(name);
    match error.figure {
        Figure::Line(line) => at.field(inward::LINES).index(line),
        Figure::Adjustment(position) => at.field(inward::ADJUSTMENTS).index(position),
        Figure::LinesNet => total("lines_net_minor"),
        Figure::Allowances => total("allowances_minor"),
        Figure::Charges => total("charges_minor"),
        Figure::Net => total("net_minor"),
        Figure::Tax => total("tax_minor"),
        Figure::Gross => total("gross_minor"),
        Figure::Rounding => total("rounding_minor"),
    }
}

fn store(error: &StoreError) -> Status {
    match error {
        StoreError::Overloaded => RpcError::unavailable(
            reason::OVERLOADED,
            "too many writes are waiting; try again",
            RETRY_OVERLOAD,
        )
        .into(),
        StoreError::Unavailable(_) => {
            tracing::error!(error = chain(error), "the invoice store is unavailable");
            let text = "the invoice store cannot be reached; try again";
            RpcError::unavailable(reason::BACKEND_UNAVAILABLE, text, RETRY_STORE).into()
        }
        // The use cases turn these three into their own errors; here they mean a defect.
        StoreError::NotFound
        | StoreError::VersionConflict { .. }
        | StoreError::NotDraft { .. }
        | StoreError::Broken(_) => internal(error),
    }
}

/// `INTERNAL`, after the cause was logged; the call's span has its request id.
pub(super) fn internal(error: &(dyn Error + 'static)) -> Status {
    tracing::error!(error = chain(error), "internal error");
    RpcError::internal().into()
}

/// An answer "invalid" without a violation: a defect of ours.
#[derive(Debug, thiserror::Error)]
#[error("a request was refused without a violation")]
struct NothingWrong;

#[cfg(test)]
mod tests {
    use proto::invoice::v1::ErrorReason;

    use super::own_reason::{ETAG_MISMATCH, INVOICE_NOT_FOUND, INVOICE_STATE, REQUEST_ID_REUSED};

    #[test]
    fn every_reason_stands_in_the_contract() {
        for reason in [INVOICE_NOT_FOUND, ETAG_MISMATCH, INVOICE_STATE, REQUEST_ID_REUSED] {
            let known = ErrorReason::from_str_name(&format!("ERROR_REASON_{reason}"));
            assert!(known.is_some(), "{reason}");
        }
    }
}
