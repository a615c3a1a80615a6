//! What a new draft takes from the profile where it says nothing.

use proto::invoice::v1 as pb;
use rpc_error::{FieldPath, Violations};
use tonic::Status;

use super::{InvoiceService, error, inward};
use crate::domain::content::{InvoiceContent, PaymentTermsDays};
use crate::domain::profile::ProfileContent;
use crate::invoices::Caller;

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
        if lacks_something(&invoice) {
            let profile = self.invoices.profiles().recent(&caller.organization).await;
            let profile = profile.map_err(|error| error::store(&error))?;
            complete(&mut invoice, &profile.content);
        }
        Ok(inward::content(&invoice, &at, violations))
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
