//! Refusals and failures as clients see them.

use std::error::Error;
use std::time::Duration;

use rpc_error::{FieldPath, RpcError, Violations, reason};
use telemetry::chain;
use tonic::Status;

use super::inward;
use crate::domain::completeness::IssueField;
use crate::domain::content::ContentViolation;
use crate::domain::credit::{BEFORE_INVOICE, CreditError, CreditProblem, LineProblem};
use crate::domain::invoice::ContentError;
use crate::domain::lifecycle::IssueProblem;
use crate::domain::number::NumberError;
use crate::domain::payment::{PaymentAmountError, PaymentError};
use crate::domain::state::{Action, StateError};
use crate::domain::totals::{Figure, TotalsError};
use crate::invoices::{InvoiceError, WatchFailed, WatchRefused};
use crate::store::{StoreError, WatchEnded};

/// A store that is down is asked again after this long; it answers health checks every second.
const RETRY_STORE: Duration = Duration::from_secs(1);
/// A full queue empties within milliseconds.
const RETRY_OVERLOAD: Duration = Duration::from_millis(200);
/// A watch that is cut off is noticed by then.
const RETRY_WATCH: Duration = Duration::from_secs(30);
/// An id is shorter; a longer text is no id, and is not sent back.
const LONGEST_ID: usize = 64;

/// Reasons of this package; each stands in `ErrorReason` of the contract.
mod own_reason {
    pub(super) const INVOICE_NOT_FOUND: &str = "INVOICE_NOT_FOUND";
    pub(super) const CUSTOMER_NOT_FOUND: &str = "CUSTOMER_NOT_FOUND";
    pub(in crate::rpc) const ETAG_MISMATCH: &str = "ETAG_MISMATCH";
    pub(super) const INVOICE_STATE: &str = "INVOICE_STATE";
    pub(in crate::rpc) const REQUEST_ID_REUSED: &str = "REQUEST_ID_REUSED";
    pub(super) const HISTORY_FULL: &str = "HISTORY_FULL";
    pub(super) const PAYMENTS_FULL: &str = "PAYMENTS_FULL";
    pub(super) const PAYMENT_NOT_FOUND: &str = "PAYMENT_NOT_FOUND";
    pub(super) const PAYMENT_REVERSED: &str = "PAYMENT_REVERSED";
    pub(super) const SUMMARY_TOO_LARGE: &str = "SUMMARY_TOO_LARGE";
    pub(super) const NOTHING_TO_CREDIT: &str = "NOTHING_TO_CREDIT";
    pub(super) const CREDIT_NOTES_FULL: &str = "CREDIT_NOTES_FULL";
    pub(super) const TOO_MANY_WATCHES: &str = "TOO_MANY_WATCHES";
    pub(super) const RESUME_TOKEN_EXPIRED: &str = "RESUME_TOKEN_EXPIRED";
    pub(super) const WATCH_FELL_BEHIND: &str = "WATCH_FELL_BEHIND";
}

pub(super) use own_reason::{ETAG_MISMATCH, REQUEST_ID_REUSED};

/// The answer for an id that names no invoice of the caller's organization, whatever the cause.
pub(super) fn not_found(id: &str) -> Status {
    let name = if id.len() <= LONGEST_ID { id } else { "" };
    RpcError::not_found(own_reason::INVOICE_NOT_FOUND, "invoice", name).into()
}

/// The answer for an id that names no customer of the caller's organization, whatever the cause.
pub(super) fn customer_not_found(id: &str) -> Status {
    let name = if id.len() <= LONGEST_ID { id } else { "" };
    RpcError::not_found(own_reason::CUSTOMER_NOT_FOUND, "customer", name).into()
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
            RpcError::aborted(ETAG_MISMATCH, text).into()
        }
        InvoiceError::State(error) => state(error),
        InvoiceError::Content(error) => content(&error),
        InvoiceError::Issue(problems) => issue(&problems),
        InvoiceError::HistoryFull(error) => {
            let text = format!("{error}; a duplicate of it can go on");
            RpcError::failed_precondition(own_reason::HISTORY_FULL, text)
                .metadata("entries", error.entries.to_string())
                .into()
        }
        InvoiceError::Payment(error) => payment(error),
        InvoiceError::Summary(error) => {
            RpcError::failed_precondition(own_reason::SUMMARY_TOO_LARGE, error.to_string())
                .metadata("currency_code", error.currency.code())
                .into()
        }
        InvoiceError::Credit(error) => credit(error),
        InvoiceError::RequestIdReused => {
            let text = "the request id was used before with other content; make a new one";
            RpcError::invalid_argument(REQUEST_ID_REUSED, text).into()
        }
        InvoiceError::Patch(refusal) => refused(refusal),
        InvoiceError::Store(error) => store(&error),
    }
}

fn state(error: StateError) -> Status {
    let allowed: Vec<_> = error.allowed_actions().map(Action::name).collect();
    RpcError::failed_precondition(own_reason::INVOICE_STATE, error.to_string())
        .metadata("state", error.state.name())
        .metadata("allowed_actions", allowed.join(","))
        .into()
}

fn content(error: &ContentError) -> Status {
    invalid(content_violations(error))
}

/// What keeps a content from being an invoice, with the fields of the request.
pub(crate) fn content_violations(error: &ContentError) -> Violations {
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
    violations
}

/// The answer for an id that names no payment of the invoice.
pub(super) fn payment_not_found(id: &str) -> Status {
    let name = if id.len() <= LONGEST_ID { id } else { "" };
    RpcError::not_found(own_reason::PAYMENT_NOT_FOUND, "payment", name).into()
}

fn payment(error: PaymentError) -> Status {
    match error {
        PaymentError::State(error) => state(error),
        PaymentError::Amount(error) => payment_amount(error),
        PaymentError::TooMany => {
            RpcError::failed_precondition(own_reason::PAYMENTS_FULL, error.to_string()).into()
        }
        PaymentError::NotFound => payment_not_found(""),
        PaymentError::AlreadyReversed => {
            RpcError::failed_precondition(own_reason::PAYMENT_REVERSED, error.to_string()).into()
        }
    }
}

fn payment_amount(error: PaymentAmountError) -> Status {
    let mut violations = Violations::new();
    violations.push(FieldPath::new("amount_minor"), error.reason(), error.to_string());
    invalid(violations)
}

fn issue(problems: &[IssueProblem]) -> Status {
    invalid(issue_violations(problems))
}

/// What stands in the way of issuing, with the fields of the request.
pub(crate) fn issue_violations(problems: &[IssueProblem]) -> Violations {
    let at = FieldPath::new("invoice");
    let mut violations = Violations::new();
    for problem in problems {
        match problem {
            IssueProblem::Field(field, incomplete) => violations.push(
                issue_field(*field, &at),
                incomplete.reason(),
                incomplete.to_string(),
            ),
            IssueProblem::Number(error) => number(*error, &mut violations),
            IssueProblem::Series(error) => {
                violations.push(FieldPath::new("series"), error.reason(), error.to_string());
            }
        }
    }
    violations
}

fn number(error: NumberError, violations: &mut Violations) {
    let field = match error {
        NumberError::DateBeforeLast { .. } | NumberError::DateTooFar { .. } => "issue_date",
        NumberError::Exhausted => "series",
    };
    violations.push(FieldPath::new(field), error.reason(), error.to_string());
}

fn credit(error: CreditError) -> Status {
    match error {
        CreditError::State(error) => state(error),
        CreditError::NothingLeft => {
            RpcError::failed_precondition(own_reason::NOTHING_TO_CREDIT, error.to_string()).into()
        }
        CreditError::TooMany => {
            RpcError::failed_precondition(own_reason::CREDIT_NOTES_FULL, error.to_string()).into()
        }
        CreditError::Problems(problems) => credit_problems(&problems),
        CreditError::Totals(error) => {
            let mut violations = Violations::new();
            violations.push(FieldPath::new(inward::LINES), error.reason(), error.to_string());
            invalid(violations)
        }
    }
}

fn credit_problems(problems: &[CreditProblem]) -> Status {
    let lines = FieldPath::new(inward::LINES);
    let mut violations = Violations::new();
    for problem in problems {
        match problem {
            CreditProblem::Line(position, problem) => violations.push(
                credit_line(&lines.index(*position), *problem),
                problem.reason(),
                problem.to_string(),
            ),
            CreditProblem::Lines(problem) => {
                violations.push(lines.clone(), problem.reason(), problem.to_string());
            }
            CreditProblem::BeforeInvoice(day) => violations.push(
                FieldPath::new("issue_date"),
                BEFORE_INVOICE,
                format!("must not be before {day}, the day of the invoice"),
            ),
            CreditProblem::Number(error) => number(*error, &mut violations),
        }
    }
    invalid(violations)
}

fn credit_line(at: &FieldPath, problem: LineProblem) -> FieldPath {
    match problem {
        LineProblem::Unknown | LineProblem::Repeated | LineProblem::NothingLeft => at.field("line_id"),
        LineProblem::ZeroQuantity | LineProblem::QuantityExceedsLeft { .. } => at.field("quantity"),
        LineProblem::ZeroAmount | LineProblem::AmountExceedsLeft { .. } => at.field("amount_minor"),
    }
}

fn issue_field(field: IssueField, at: &FieldPath) -> FieldPath {
    let line = |position, name| at.field(inward::LINES).index(position).field(name);
    let extra =
        |line_position, position, name| line(line_position, "extra_taxes").index(position).field(name);
    let country = |party| at.field(party).field("address").field("country_code");
    match field {
        IssueField::SellerName => at.field("seller").field("name"),
        IssueField::SellerCountry => country("seller"),
        IssueField::BuyerName => at.field("buyer").field("name"),
        IssueField::BuyerCountry => country("buyer"),
        IssueField::DueDate => at.field("due_date"),
        IssueField::PaymentTerms => at.field("payment_terms_days"),
        IssueField::Lines => at.field(inward::LINES),
        IssueField::LineDescription(position) => line(position, "description"),
        IssueField::LineQuantity(position) => line(position, "quantity"),
        IssueField::LinePrice(position) => line(position, "unit_price"),
        IssueField::LineTaxCategory(position) => line(position, "tax_category"),
        IssueField::LineTaxRate(position) => line(position, "tax_rate"),
        IssueField::LineExemptionReason(position) => line(position, "exemption_reason"),
        IssueField::ExtraTaxCategory(position, tax) => extra(position, tax, "tax_category"),
        IssueField::ExtraTaxRate(position, tax) => extra(position, tax, "tax_rate"),
        IssueField::AdjustmentTaxRate(position) => {
            at.field(inward::ADJUSTMENTS).index(position).field("tax_rate")
        }
        IssueField::Gross => at.field("totals").field("gross_minor"),
    }
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

/// The answer for a watch that cannot begin.
pub(super) fn watch_refused(error: WatchRefused) -> Status {
    match error {
        WatchRefused::TooMany => {
            RpcError::resource_exhausted(own_reason::TOO_MANY_WATCHES, error.to_string(), RETRY_WATCH).into()
        }
        WatchRefused::PlaceLost => {
            let text = format!("{error}; begin without a resume_token");
            RpcError::failed_precondition(own_reason::RESUME_TOKEN_EXPIRED, text).into()
        }
        WatchRefused::Store(error) => store(&error),
    }
}

/// How a watch ends when neither its token does nor the server goes down.
pub(super) fn watch_failed(error: &WatchFailed) -> Status {
    match error {
        WatchFailed::Ended(WatchEnded::Behind) => {
            let text = "invoices changed faster than this stream was read; go on with its last resume_token";
            RpcError::unavailable(own_reason::WATCH_FELL_BEHIND, text, RETRY_OVERLOAD).into()
        }
        WatchFailed::Ended(WatchEnded::Lost) => {
            let text = "changes may have been missed; go on with the last resume_token of this stream";
            RpcError::unavailable(reason::BACKEND_UNAVAILABLE, text, RETRY_STORE).into()
        }
        WatchFailed::Store(error) => store(error),
    }
}

pub(super) fn store(error: &StoreError) -> Status {
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
        // The use cases turn these four into their own errors; here they mean a defect.
        StoreError::NotFound
        | StoreError::VersionConflict { .. }
        | StoreError::NumberTaken
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

    use super::own_reason::{
        CREDIT_NOTES_FULL, CUSTOMER_NOT_FOUND, ETAG_MISMATCH, HISTORY_FULL, INVOICE_NOT_FOUND, INVOICE_STATE,
        NOTHING_TO_CREDIT, PAYMENT_NOT_FOUND, PAYMENT_REVERSED, PAYMENTS_FULL, REQUEST_ID_REUSED,
        RESUME_TOKEN_EXPIRED, SUMMARY_TOO_LARGE, TOO_MANY_WATCHES, WATCH_FELL_BEHIND,
    };

    #[test]
    fn every_reason_stands_in_the_contract() {
        for reason in [
            INVOICE_NOT_FOUND,
            CUSTOMER_NOT_FOUND,
            ETAG_MISMATCH,
            INVOICE_STATE,
            REQUEST_ID_REUSED,
            HISTORY_FULL,
            PAYMENTS_FULL,
            PAYMENT_NOT_FOUND,
            PAYMENT_REVERSED,
            SUMMARY_TOO_LARGE,
            NOTHING_TO_CREDIT,
            CREDIT_NOTES_FULL,
            TOO_MANY_WATCHES,
            RESUME_TOKEN_EXPIRED,
            WATCH_FELL_BEHIND,
        ] {
            let known = ErrorReason::from_str_name(&format!("ERROR_REASON_{reason}"));
            assert!(known.is_some(), "{reason}");
        }
    }
}
