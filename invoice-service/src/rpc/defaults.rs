//! What a new draft takes from its customer, then from the profile, where it says nothing.

use proto::invoice::v1 as pb;
use rpc_error::{FieldPath, Violations};
use tonic::Status;

use super::{InvoiceService, error, inward};
use crate::domain::content::{InvoiceContent, PaymentTermsDays};
use crate::domain::customer::{Customer, CustomerContent};
use crate::domain::ids::CustomerId;
use crate::domain::party::Party;
use crate::domain::profile::ProfileContent;
use crate::invoices::{Caller, party_of};

impl InvoiceService {
    /// The content of a new draft, or `None` with everything that is wrong with it in `violations`.
    pub(super) async fn new_content(
        &self,
        caller: &Caller,
        invoice: Option<&pb::Invoice>,
        violations: &mut Violations,
    ) -> Result<Option<InvoiceContent>, Status> {
        let at = FieldPath::new("invoice");
        let Some(invoice) = invoice else {
            violations.push(at, "FIELD_REQUIRED", "must be set");
            return Ok(None);
        };
        let mut invoice = invoice.clone();
        let customer = self.named_customer(caller, &invoice.customer_id).await?;
        if let Some(customer) = &customer {
            complete_for(&mut invoice, &customer.content);
        }
        if lacks_something(&invoice) {
            let profile = self.invoices.profiles().recent(&caller.organization).await;
            let profile = profile.map_err(|error| error::store(&error))?;
            complete(&mut invoice, &profile.content);
        }
        let content = inward::content(&invoice, &at, violations);
        let is_unknown = customer.is_none() && CustomerId::parse(&invoice.customer_id).is_ok();
        if is_unknown {
            violations.push(at.field("customer_id"), CUSTOMER_UNKNOWN.0, CUSTOMER_UNKNOWN.1);
        }
        let content = content.filter(|_| !is_unknown);
        Ok(content.map(|content| with_customer(content, customer.as_ref().and_then(party_of))))
    }

    /// The customer with this id; none for what cannot be one, too.
    pub(super) async fn named_customer(&self, caller: &Caller, id: &str) -> Result<Option<Customer>, Status> {
        let Ok(id) = CustomerId::parse(id) else {
            return Ok(None);
        };
        let customer = self.invoices.customer(&caller.organization, &id).await;
        customer.map_err(|error| error::status(error, ""))
    }
}

/// Reason and text for an id that names no customer of the organization, whosever it is.
pub(super) const CUSTOMER_UNKNOWN: (&str, &str) = (
    "CUSTOMER_UNKNOWN",
    "must be the id of a customer of the organization",
);

/// The content with the party that its customer has. A buyer that is equal to it is not typed.
pub(super) fn with_customer(mut content: InvoiceContent, party: Option<Party>) -> InvoiceContent {
    if content.header.buyer == party {
        content.header.buyer = None;
    }
    content.header.customer_party = party;
    content
}

/// Fills in what the customer says.
fn complete_for(invoice: &mut pb::Invoice, customer: &CustomerContent) {
    if let (true, Some(currency)) = (invoice.currency_code.is_empty(), customer.currency) {
        invoice.currency_code = currency.to_string();
    }
    if lacks_terms(invoice) {
        let terms = customer.payment_terms_days.map(PaymentTermsDays::get);
        invoice.payment_terms_days = terms.map(i32::from);
    }
}

fn lacks_terms(invoice: &pb::Invoice) -> bool {
    invoice.payment_terms_days.is_none() && invoice.due_date.is_empty()
}

fn lacks_something(invoice: &pb::Invoice) -> bool {
    invoice.currency_code.is_empty() || invoice.note.is_empty() || lacks_terms(invoice)
}

/// Fills in the defaults. The seller is none of them: a draft goes on following the profile's.
fn complete(invoice: &mut pb::Invoice, profile: &ProfileContent) {
    if let (true, Some(currency)) = (invoice.currency_code.is_empty(), profile.currency) {
        invoice.currency_code = currency.to_string();
    }
    if lacks_terms(invoice) {
        let terms = profile.payment_terms_days.map(PaymentTermsDays::get);
        invoice.payment_terms_days = terms.map(i32::from);
    }
    if invoice.note.is_empty() {
        invoice.note = profile.note.to_string();
    }
}
