//! The credit notes that an invoice names, and what they have taken of its lines.

use serde::{Deserialize, Serialize};

use super::decode::{Decoded, amount, field};
use super::{DocumentError, LineDocument};
use crate::domain::credit::{Credit, LineCredit};
use crate::domain::date::CalendarDate;
use crate::domain::decimal::Quantity;
use crate::domain::ids::InvoiceId;
use crate::domain::invoice::InvoiceNumber;

/// `id` is that of the credit note.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreditDocument {
    id: String,
    number: String,
    issue_date: String,
    amount_minor: i64,
    #[serde(default)]
    completes: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    request_id: String,
}

impl From<&Credit> for CreditDocument {
    fn from(credit: &Credit) -> Self {
        Self {
            id: credit.note_id.to_string(),
            number: credit.number.to_string(),
            issue_date: credit.issue_date.to_string(),
            amount_minor: credit.amount.get(),
            completes: credit.completes,
            request_id: credit.request_id.clone(),
        }
    }
}

impl TryFrom<&CreditDocument> for Credit {
    type Error = DocumentError;

    fn try_from(credit: &CreditDocument) -> Decoded<Self> {
        Ok(Self {
            note_id: field("credit.id", InvoiceId::parse(&credit.id))?,
            number: field("credit.number", InvoiceNumber::parse(&credit.number))?,
            issue_date: field("credit.issue_date", CalendarDate::parse(&credit.issue_date))?,
            amount: amount("credit.amount_minor", credit.amount_minor)?,
            completes: credit.completes,
            request_id: credit.request_id.clone(),
        })
    }
}

/// What is credited of a line.
pub(super) fn credited(line: &LineDocument) -> Decoded<LineCredit> {
    let quantity = line.credited_quantity.as_deref().map(Quantity::parse).transpose();
    Ok(LineCredit {
        quantity: field("line.credited_quantity", quantity)?,
        amount: amount("line.credited_minor", line.credited_minor)?,
    })
}
