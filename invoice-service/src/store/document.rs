//! The invoice as it is stored: one self-contained document, the same for every store.
//!
//! Figures are integers of minor units, decimals are text with the digits that were sent, days are `YYYY-MM-DD`, and
//! instants are milliseconds since 1970. Blank parts are left out. A document is written whole and only by its owner;
//! [`SCHEMA`] rises when a reader of the old shape would misread the new one.

mod credit;
mod customer;
mod decode;
mod encode;
mod history;
mod profile;
mod unknown;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use credit::CreditDocument;
pub(super) use customer::CustomerDocument;
pub(super) use decode::{kind, state};
pub(super) use encode::{day, kind_name};
pub(super) use history::HistoryEntryDocument;
pub(super) use profile::ProfileDocument;
pub(crate) use unknown::Origin;
pub(super) use unknown::{bson_of, json_of, to_bson, to_json};

/// The shape written today.
const SCHEMA: u32 = 1;

/// See the module.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct InvoiceDocument {
    schema: u32,
    id: String,
    org_id: String,
    version: u64,
    kind: String,
    state: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    number: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    series: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    period: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sequence: Option<u32>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    preceding_invoice_id: String,
    created_by: String,
    create_time_ms: i64,
    update_time_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issue_time_ms: Option<i64>,
    currency_code: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    issue_date: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    due_date: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payment_terms_days: Option<u16>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    supply_date: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seller: Option<PartyDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    buyer: Option<PartyDocument>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    customer_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer_party: Option<PartyDocument>,
    lines: Vec<LineDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    adjustments: Vec<AdjustmentDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tax_breakdown: Vec<TaxSubtotalDocument>,
    totals: TotalsDocument,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    payments: Vec<PaymentDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    credits: Vec<CreditDocument>,
    #[serde(default)]
    prices_include_tax: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cash_rounding_minor: Option<i64>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    buyer_reference: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    purchase_order: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    note: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_by_request: Option<RequestDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    applied_requests: Vec<RequestDocument>,
}

impl InvoiceDocument {
    /// What was paid.
    pub(super) fn paid_minor(&self) -> i64 {
        self.totals.paid_minor
    }

    /// What was credited.
    pub(super) fn credited_minor(&self) -> i64 {
        self.totals.credited_minor
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct PartyDocument {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    email: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    phone: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    tax_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    legal_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    line1: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    line2: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    city: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    postal_code: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    region: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    country_code: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct LineDocument {
    id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quantity: Option<String>,
    unit_code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit_price: Option<String>,
    price_base_quantity: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    adjustments: Vec<AdjustmentDocument>,
    tax: TaxDocument,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    extra_taxes: Vec<TaxDocument>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    exemption_reason: String,
    net_minor: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credited_quantity: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    credited_minor: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
const fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

/// `category` is the code of UNCL 5305, blank when there is none yet.
#[derive(Debug, Serialize, Deserialize)]
struct TaxDocument {
    category: String,
    rate: String,
}

/// Exactly one of `amount_minor` and `percent` is there.
#[derive(Debug, Serialize, Deserialize)]
struct AdjustmentDocument {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amount_minor: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    percent: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tax: Option<TaxDocument>,
}

#[derive(Debug, Serialize, Deserialize)]
struct TaxSubtotalDocument {
    category: String,
    rate: String,
    taxable_minor: i64,
    tax_minor: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct TotalsDocument {
    lines_net_minor: i64,
    allowances_minor: i64,
    charges_minor: i64,
    net_minor: i64,
    tax_minor: i64,
    gross_minor: i64,
    rounding_minor: i64,
    paid_minor: i64,
    credited_minor: i64,
    remaining_minor: i64,
    overpaid_minor: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct PaymentDocument {
    id: String,
    amount_minor: i64,
    paid_on: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    method: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reference: String,
    #[serde(default)]
    reversed: bool,
    create_time_ms: i64,
}

/// `fingerprint` is base64.
#[derive(Debug, Serialize, Deserialize)]
struct RequestDocument {
    id: String,
    fingerprint: String,
}

/// A stored document that this program cannot have written.
#[derive(Debug, thiserror::Error)]
pub(super) enum DocumentError {
    /// Written by a newer release.
    #[error("a stored document has schema {found}, this program reads up to {SCHEMA}: run the newer release")]
    TooNew {
        /// Its schema.
        found: u32,
    },
    /// A field holds what its constructor refuses. The value is left out: it may be personal.
    #[error("the field {field} of a stored document is invalid")]
    Field {
        /// Which.
        field: &'static str,
    },
}
