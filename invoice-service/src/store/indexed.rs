//! What every store keeps of an invoice beside its document, for its indexes.

use super::document::{day, kind_name};
use super::{StoreError, StoredCustomer, StoredInvoice, broken};
use crate::domain::date::CalendarDate;
use crate::domain::ids::Version;
use crate::domain::number::{LastNumber, NumberPlace, Period};
use crate::search::{Words, name_key};

/// What a due date or number that is absent is stored as: it sorts after every other text, as lists want it.
const LAST: &str = "\u{10FFFF}";

/// The text, or what stands for a blank one in a field that sorts blanks last.
pub(super) fn or_last(text: &str) -> &str {
    if text.is_empty() { LAST } else { text }
}

/// The fields that lists filter and sort by, derived from the invoice. Text that is absent is blank, or [`or_last`].
#[derive(Debug, Clone)]
pub(super) struct IndexedFields {
    pub(super) org_id: String,
    pub(super) id: String,
    pub(super) version: i64,
    pub(super) state: &'static str,
    pub(super) kind: &'static str,
    pub(super) customer_id: String,
    pub(super) currency_code: &'static str,
    /// Blank last.
    pub(super) number: String,
    pub(super) issue_date: String,
    /// Blank last.
    pub(super) due_date: String,
    pub(super) gross_minor: i64,
    pub(super) remaining_minor: i64,
    pub(super) paid_minor: i64,
    pub(super) credited_minor: i64,
    pub(super) create_time_ms: i64,
    /// Each word with a blank before it, so that the beginnings of words can be told.
    pub(super) words: String,
    pub(super) create_request_id: Option<String>,
    pub(super) create_fingerprint: Option<Vec<u8>>,
    /// The place in its series; none until it is issued.
    pub(super) place: Option<IndexedPlace>,
}

/// What no other invoice of the organization has.
#[derive(Debug, Clone)]
pub(super) struct IndexedPlace {
    pub(super) series: String,
    pub(super) period: String,
    pub(super) sequence: i64,
}

impl IndexedFields {
    pub(super) fn of(stored: &StoredInvoice) -> Result<Self, StoreError> {
        let invoice = &stored.invoice;
        let header = &invoice.header;
        let request = stored.created_by_request.as_ref();
        let text = |value: Option<String>| value.unwrap_or_default();
        Ok(Self {
            org_id: invoice.identity.organization_id.to_string(),
            id: invoice.identity.id.to_string(),
            version: signed(invoice.version)?,
            state: invoice.state.name(),
            kind: kind_name(invoice.kind),
            customer_id: text(header.customer_id.as_ref().map(ToString::to_string)),
            currency_code: header.currency.code(),
            number: or_last(&text(invoice.number.as_ref().map(ToString::to_string))).to_owned(),
            issue_date: day(header.issue_date),
            due_date: or_last(&day(header.effective_due_date())).to_owned(),
            gross_minor: invoice.totals.gross.get(),
            remaining_minor: invoice.totals.remaining.get(),
            paid_minor: invoice.totals.paid.get(),
            credited_minor: invoice.totals.credited.get(),
            create_time_ms: invoice.create_time.as_millisecond(),
            words: Words::of_invoice(invoice)
                .iter()
                .flat_map(|word| [" ", word])
                .collect(),
            create_request_id: request.map(|request| request.id.to_string()),
            create_fingerprint: request.map(|request| request.fingerprint.as_bytes().to_vec()),
            place: invoice.number_place.as_ref().map(|place| IndexedPlace {
                series: text(invoice.series.as_ref().map(ToString::to_string)),
                period: place.period.to_string(),
                sequence: i64::from(place.sequence),
            }),
        })
    }
}

/// What every store keeps of a customer beside its document.
#[derive(Debug, Clone)]
pub(super) struct IndexedCustomer {
    pub(super) org_id: String,
    pub(super) id: String,
    pub(super) version: i64,
    pub(super) name_key: String,
    pub(super) create_time_ms: i64,
    /// Each word with a blank before it, so that the beginnings of words can be told.
    pub(super) words: String,
    pub(super) create_request_id: Option<String>,
    pub(super) create_fingerprint: Option<Vec<u8>>,
}

impl IndexedCustomer {
    pub(super) fn of(stored: &StoredCustomer) -> Result<Self, StoreError> {
        let customer = &stored.customer;
        let party = &customer.content.party;
        let request = stored.created_by_request.as_ref();
        Ok(Self {
            org_id: customer.organization_id.to_string(),
            id: customer.id.to_string(),
            version: signed(customer.version)?,
            name_key: name_key(party.name.as_str()),
            create_time_ms: customer.create_time.as_millisecond(),
            words: Words::of_customer(party)
                .iter()
                .flat_map(|word| [" ", word])
                .collect(),
            create_request_id: request.map(|request| request.id.to_string()),
            create_fingerprint: request.map(|request| request.fingerprint.as_bytes().to_vec()),
        })
    }
}

/// The integers of databases are signed.
pub(super) fn signed(version: Version) -> Result<i64, StoreError> {
    i64::try_from(version.get()).map_err(broken)
}

/// The last number of a series, of what its index holds.
pub(super) fn last_number(period: &str, sequence: u32, issue_date: &str) -> Result<LastNumber, StoreError> {
    Ok(LastNumber {
        place: NumberPlace {
            period: Period::parse(period).map_err(broken)?,
            sequence,
        },
        issue_date: CalendarDate::parse(issue_date).map_err(broken)?,
    })
}
