//! From what a file says of an invoice to the invoice, by the way that every invoice goes.

use interchange::Record;
use jiff::Timestamp;
use proto::invoice::v1 as pb;
use rpc_error::{FieldPath, Violations};

use super::import::Importer;
use crate::domain::content::InvoiceContent;
use crate::domain::date::CalendarDate;
use crate::domain::history::{Deed, Reason};
use crate::domain::ids::{InvoiceId, SessionId};
use crate::domain::invoice::{Invoice, InvoiceIdentity};
use crate::domain::lifecycle::IssueError;
use crate::domain::money::MinorUnits;
use crate::domain::number::{LastNumber, Series};
use crate::domain::payment::NewPayment;
use crate::domain::state::{Action, State};
use crate::domain::text::Text;
use crate::idempotency::RequestId;
use crate::rpc;

/// The action of the first entry in the history of an imported invoice.
const IMPORT: &str = "ImportInvoice";
/// Where the number that an invoice had elsewhere is kept when it gets another one.
const IMPORTED_NUMBER: &str = "imported_number";
/// Where the id that an invoice had elsewhere is kept when it is not one of ours.
const IMPORTED_ID: &str = "imported_id";

/// What a number is given after.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbering<'a> {
    pub(super) series: &'a Series,
    pub(super) last: Option<&'a LastNumber>,
    pub(super) today: CalendarDate,
}

impl<'a> Numbering<'a> {
    /// The same, after this number.
    pub(super) const fn after(self, last: Option<&'a LastNumber>) -> Self {
        Self { last, ..self }
    }

    /// The number that an invoice of this day gets; none where it would be refused.
    fn next(&self, invoice: &pb::Invoice) -> Option<String> {
        let day = CalendarDate::parse(&invoice.issue_date).ok()?;
        let next = self.series.next(self.last, day, self.today).ok()?;
        Some(next.number.to_string())
    }
}

/// The invoice that the record describes, with its number and its history, for `importer` under `request`.
///
/// # Errors
/// Everything that keeps it from being one.
pub(super) fn replay(
    record: &Record,
    importer: &Importer,
    request: RequestId,
    numbering: Numbering<'_>,
    now: Timestamp,
) -> Result<Invoice, Violations> {
    let mut violations = Violations::new();
    let content = content(record, numbering, &mut violations);
    let target = state(&record.invoice, &mut violations);
    let payments = payments(&record.invoice, &mut violations);
    let (Some(content), Some(target), Some(payments), true) =
        (content, target, payments, violations.is_empty())
    else {
        return Err(violations);
    };
    let steps = Steps { importer, now };
    let draft = steps.drafted(content, request)?;
    if target == State::Draft {
        return match payments.first() {
            Some(_) => Err(refused(
                "payments",
                "INVOICE_STATE",
                "must be none: a draft is owed by nobody",
            )),
            None => Ok(draft),
        };
    }
    let issued = steps.issued(&draft, numbering)?;
    let paid = steps.paid(issued, payments, target, numbering.today)?;
    steps.ended(paid, target)
}

/// What the file says about the document, with the id and the number that it had elsewhere in its metadata, unless they
/// are ours.
fn content(record: &Record, numbering: Numbering<'_>, violations: &mut Violations) -> Option<InvoiceContent> {
    let at = FieldPath::new("invoice");
    let id = &record.id;
    let id_is_ours = id.is_empty() || InvoiceId::parse(id).is_ok();
    let number = &record.invoice.number;
    let number_stays = number.is_empty()
        || numbering
            .next(&record.invoice)
            .is_some_and(|next| next == *number);
    if id_is_ours && number_stays {
        return rpc::content_of(&record.invoice, &at, violations);
    }
    let mut invoice = record.invoice.clone();
    for (key, text, is_ours) in [
        (IMPORTED_ID, id, id_is_ours),
        (IMPORTED_NUMBER, number, number_stays),
    ] {
        if !is_ours {
            invoice
                .metadata
                .entry(key.to_owned())
                .or_insert_with(|| text.clone());
        }
    }
    rpc::content_of(&invoice, &at, violations)
}

/// The state to reach. Without one, it is a draft.
fn state(invoice: &pb::Invoice, violations: &mut Violations) -> Option<State> {
    if invoice.r#type == i32::from(pb::invoice::Type::CreditNote) || !invoice.preceding_invoice_id.is_empty()
    {
        let text = "must be TYPE_INVOICE: credit notes are not imported";
        violations.push(FieldPath::new("invoice").field("type"), "TYPE_UNSUPPORTED", text);
        return None;
    }
    if invoice
        .totals
        .as_ref()
        .is_some_and(|totals| totals.credited_minor != 0)
    {
        let at = FieldPath::new("invoice").field("totals").field("credited_minor");
        let text = "must be 0: invoices with credit notes are not imported";
        violations.push(at, "CREDITS_UNSUPPORTED", text);
        return None;
    }
    match pb::invoice::State::try_from(invoice.state) {
        Ok(pb::invoice::State::Unspecified | pb::invoice::State::Draft) => Some(State::Draft),
        Ok(pb::invoice::State::Open) => Some(State::Open),
        Ok(pb::invoice::State::Paid) => Some(State::Paid),
        Ok(pb::invoice::State::Void) => Some(State::Void),
        Ok(pb::invoice::State::Uncollectible) => Some(State::Uncollectible),
        Err(_) => {
            let at = FieldPath::new("invoice").field("state");
            violations.push(at, "ENUM_UNKNOWN", "must be a value of Invoice.State");
            None
        }
    }
}

/// A payment, and whether it was taken back.
type ImportedPayment = (NewPayment, bool);

fn payments(invoice: &pb::Invoice, violations: &mut Violations) -> Option<Vec<ImportedPayment>> {
    let at = FieldPath::new("invoice").field("payments");
    let before = violations.as_slice().len();
    let mut payments = Vec::new();
    for (position, payment) in invoice.payments.iter().enumerate() {
        let at = at.index(position);
        let amount = violations.check(at.field("amount_minor"), MinorUnits::new(payment.amount_minor));
        let paid_on = violations.check(at.field("paid_on"), CalendarDate::parse(&payment.paid_on));
        let method = violations.check(at.field("method"), Text::parse(&payment.method));
        let reference = violations.check(at.field("reference"), Text::parse(&payment.reference));
        if let (Some(amount), Some(paid_on), Some(method), Some(reference)) =
            (amount, paid_on, method, reference)
        {
            let new = NewPayment {
                amount: Some(amount),
                // It has happened, whether or not it should have.
                allow_overpayment: true,
                paid_on,
                method,
                reference,
            };
            payments.push((new, payment.reversed));
        }
    }
    (violations.as_slice().len() == before).then_some(payments)
}

/// The steps of an invoice's life, each with its entry in the history.
struct Steps<'a> {
    importer: &'a Importer,
    now: Timestamp,
}

impl Steps<'_> {
    fn deed(&self, action: &'static str, request: Option<RequestId>) -> Result<Deed, Violations> {
        // No session: an operator acts for the user.
        let session = SessionId::parse("ses_import")
            .map_err(|error| refused("", error.reason(), &error.to_string()))?;
        Ok(Deed {
            action,
            user: self.importer.user.clone(),
            session,
            request_id: request.map(|request| request.to_string()),
            reason: Reason::parse("imported").unwrap_or_default(),
        })
    }

    fn recorded(
        &self,
        before: Option<&Invoice>,
        after: Invoice,
        action: &'static str,
    ) -> Result<Invoice, Violations> {
        let recorded = after.recorded(before, self.deed(action, None)?);
        recorded.map_err(|error| refused("payments", "HISTORY_FULL", &error.to_string()))
    }

    fn drafted(&self, content: InvoiceContent, request: RequestId) -> Result<Invoice, Violations> {
        let identity = InvoiceIdentity {
            id: InvoiceId::generate(),
            organization_id: self.importer.organization.clone(),
            created_by: self.importer.user.clone(),
        };
        let draft = Invoice::draft(content, identity, self.now);
        let draft = draft.map_err(|error| rpc::content_violations(&error))?;
        let recorded = draft.recorded(None, self.deed(IMPORT, Some(request))?);
        recorded.map_err(|error| refused("", "HISTORY_FULL", &error.to_string()))
    }

    fn issued(&self, draft: &Invoice, numbering: Numbering<'_>) -> Result<Invoice, Violations> {
        let Some(day) = draft.header.issue_date else {
            let text = "must be set: an invoice that was issued has the day on which it was";
            return Err(refused("issue_date", "FIELD_REQUIRED", text));
        };
        let issued = draft
            .issue(day, numbering.series, numbering.last, numbering.today, self.now)
            .map_err(|error| match error {
                IssueError::State(error) => refused("state", "INVOICE_STATE", &error.to_string()),
                IssueError::Problems(problems) => rpc::issue_violations(&problems),
                IssueError::Content(error) => rpc::content_violations(&error),
            })?;
        self.recorded(Some(draft), issued, Action::IssueInvoice.name())
    }

    /// With its payments, each reversed at once where it was. One that is paid without a payment was paid by one.
    fn paid(
        &self,
        mut invoice: Invoice,
        mut payments: Vec<ImportedPayment>,
        target: State,
        today: CalendarDate,
    ) -> Result<Invoice, Violations> {
        if target == State::Paid && payments.is_empty() && invoice.state == State::Open {
            payments.push((in_full(&invoice, today), false));
        }
        for (position, (payment, is_reversed)) in payments.into_iter().enumerate() {
            let at = format!("payments[{position}]");
            let refusal =
                |error: crate::domain::payment::PaymentError| refused(&at, "PAYMENT", &error.to_string());
            let paid = invoice.pay(payment, self.now).map_err(refusal)?;
            let paid = self.recorded(Some(&invoice), paid, Action::RecordPayment.name())?;
            invoice = match paid.payments.last().map(|payment| payment.id.clone()) {
                Some(id) if is_reversed => {
                    let reversed = paid.reverse(&id, self.now).map_err(refusal)?;
                    self.recorded(Some(&paid), reversed, Action::ReversePayment.name())?
                }
                Some(_) | None => paid,
            };
        }
        Ok(invoice)
    }

    /// In the state that the file states, which must follow from the rest.
    fn ended(&self, invoice: Invoice, target: State) -> Result<Invoice, Violations> {
        let refusal =
            |error: crate::domain::state::StateError| refused("state", "INVOICE_STATE", &error.to_string());
        let invoice = match target {
            State::Void => {
                let void = invoice.void(self.now).map_err(refusal)?;
                self.recorded(Some(&invoice), void, Action::VoidInvoice.name())?
            }
            State::Uncollectible => {
                let given_up = invoice.mark_uncollectible(self.now).map_err(refusal)?;
                self.recorded(Some(&invoice), given_up, Action::MarkInvoiceUncollectible.name())?
            }
            State::Draft | State::Open | State::Paid => invoice,
        };
        if invoice.state == target {
            return Ok(invoice);
        }
        let text = format!(
            "must be {}, which follows from the total and the payments",
            invoice.state
        );
        Err(refused("state", "STATE_MISMATCH", &text))
    }
}

/// All that remains, paid when it was due, or today if that is earlier, but not before it was issued: the day is not known.
fn in_full(invoice: &Invoice, today: CalendarDate) -> NewPayment {
    let issued = invoice.header.issue_date.unwrap_or(today);
    let due = invoice.header.effective_due_date().unwrap_or(issued);
    NewPayment {
        amount: None,
        allow_overpayment: false,
        paid_on: due.min(today).max(issued),
        method: Text::parse("imported").unwrap_or_default(),
        reference: Text::default(),
    }
}

/// One violation, of a field of the invoice.
fn refused(field: &str, reason: &'static str, text: &str) -> Violations {
    let mut violations = Violations::new();
    let at = FieldPath::new("invoice");
    let at = if field.is_empty() { at } else { at.field(field) };
    violations.push(at, reason, text);
    violations
}
