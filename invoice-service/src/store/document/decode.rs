use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::Timestamp;

use super::credit::credited;
use super::{
    AdjustmentDocument, DocumentError, InvoiceDocument, LineDocument, Origin, PartyDocument, PaymentDocument,
    RequestDocument, SCHEMA, TaxDocument, TaxSubtotalDocument, TotalsDocument,
};
use crate::domain::adjustment::{
    AdjustmentKind, AdjustmentReason, AdjustmentValue, DocumentAdjustment, LineAdjustment,
};
use crate::domain::content::{InvoiceHeader, PaymentTermsDays};
use crate::domain::country::CountryCode;
use crate::domain::date::CalendarDate;
use crate::domain::decimal::{PriceBaseQuantity, Quantity, Rate, UnitPrice};
use crate::domain::history::History;
use crate::domain::ids::{CustomerId, InvoiceId, LineId, OrganizationId, PaymentId, UserId, Version};
use crate::domain::invoice::{Invoice, InvoiceIdentity, InvoiceKind, InvoiceNumber, SeriesId};
use crate::domain::line::{Line, LineContent};
use crate::domain::metadata::Metadata;
use crate::domain::money::{CashRoundingStep, Currency, MinorUnits};
use crate::domain::number::NumberPlace;
use crate::domain::party::{Address, Party};
use crate::domain::payment::Payment;
use crate::domain::state::State;
use crate::domain::tax::{Tax, TaxCategory, TaxProfile};
use crate::domain::text::{Paragraph, Text, UnitCode};
use crate::domain::totals::{TaxSubtotal, Totals};
use crate::idempotency::{AppliedRequest, Fingerprint, RequestId};
use crate::store::StoredInvoice;

pub(super) type Decoded<T> = Result<T, DocumentError>;

/// The value, or the complaint that `field` holds something else.
pub(super) fn field<T, E>(field: &'static str, parsed: Result<T, E>) -> Decoded<T> {
    parsed.map_err(|_| DocumentError::Field { field })
}

/// As [`field`]; a blank text is none.
pub(super) fn optional<T, E>(
    name: &'static str,
    text: &str,
    parse: fn(&str) -> Result<T, E>,
) -> Decoded<Option<T>> {
    if text.is_empty() {
        Ok(None)
    } else {
        field(name, parse(text)).map(Some)
    }
}

pub(super) fn text<const MAX: usize>(name: &'static str, value: &str) -> Decoded<Text<MAX>> {
    field(name, Text::parse(value))
}

pub(super) fn paragraph<const MAX: usize>(name: &'static str, value: &str) -> Decoded<Paragraph<MAX>> {
    field(name, Paragraph::parse(value))
}

pub(super) fn amount(name: &'static str, minor_units: i64) -> Decoded<MinorUnits> {
    field(name, MinorUnits::new(minor_units))
}

pub(super) fn instant(name: &'static str, milliseconds: i64) -> Decoded<Timestamp> {
    field(name, Timestamp::from_millisecond(milliseconds))
}

impl InvoiceDocument {
    /// Refuses a document that this release would misread.
    pub(in crate::store) fn check_schema(&self) -> Decoded<()> {
        if self.schema > SCHEMA {
            return Err(DocumentError::TooNew { found: self.schema });
        }
        Ok(())
    }
}

impl TryFrom<InvoiceDocument> for StoredInvoice {
    type Error = DocumentError;

    fn try_from(document: InvoiceDocument) -> Decoded<Self> {
        document.check_schema()?;
        let created_by_request = document
            .created_by_request
            .as_ref()
            .map(TryInto::try_into)
            .transpose()?;
        let applied: Vec<AppliedRequest> = document
            .applied_requests
            .iter()
            .map(TryInto::try_into)
            .collect::<Decoded<_>>()?;
        Ok(Self {
            invoice: invoice(document)?,
            created_by_request,
            applied: applied.into_iter().collect(),
            origin: Origin::default(),
        })
    }
}

fn invoice(document: InvoiceDocument) -> Decoded<Invoice> {
    Ok(Invoice {
        identity: InvoiceIdentity {
            id: field("id", InvoiceId::parse(&document.id))?,
            organization_id: field("org_id", OrganizationId::parse(&document.org_id))?,
            created_by: field("created_by", UserId::parse(&document.created_by))?,
        },
        kind: kind(&document.kind)?,
        state: state(&document.state)?,
        number: optional("number", &document.number, InvoiceNumber::parse)?,
        series: optional("series", &document.series, SeriesId::parse)?,
        number_place: number_place(&document)?,
        preceding_invoice_id: optional(
            "preceding_invoice_id",
            &document.preceding_invoice_id,
            InvoiceId::parse,
        )?,
        lines: document
            .lines
            .iter()
            .map(TryInto::try_into)
            .collect::<Decoded<_>>()?,
        tax_breakdown: document
            .tax_breakdown
            .iter()
            .map(TryInto::try_into)
            .collect::<Decoded<_>>()?,
        totals: (&document.totals).try_into()?,
        payments: document
            .payments
            .iter()
            .map(TryInto::try_into)
            .collect::<Decoded<_>>()?,
        credits: document
            .credits
            .iter()
            .map(TryInto::try_into)
            .collect::<Decoded<_>>()?,
        version: Version::new(document.version),
        create_time: instant("create_time_ms", document.create_time_ms)?,
        update_time: instant("update_time_ms", document.update_time_ms)?,
        issue_time: document
            .issue_time_ms
            .map(|time| instant("issue_time_ms", time))
            .transpose()?,
        history: History::default(),
        header: header(document)?,
    })
}

fn number_place(document: &InvoiceDocument) -> Decoded<Option<NumberPlace>> {
    let Some(sequence) = document.sequence else {
        return Ok(None);
    };
    Ok(Some(NumberPlace {
        period: text("period", &document.period)?,
        sequence,
    }))
}

fn header(document: InvoiceDocument) -> Decoded<InvoiceHeader> {
    let terms = document
        .payment_terms_days
        .map(|days| PaymentTermsDays::new(i64::from(days)))
        .transpose();
    Ok(InvoiceHeader {
        currency: field("currency_code", Currency::parse(&document.currency_code))?,
        issue_date: optional("issue_date", &document.issue_date, CalendarDate::parse)?,
        due_date: optional("due_date", &document.due_date, CalendarDate::parse)?,
        payment_terms_days: field("payment_terms_days", terms)?,
        supply_date: optional("supply_date", &document.supply_date, CalendarDate::parse)?,
        seller: document.seller.as_ref().map(TryInto::try_into).transpose()?,
        buyer: document.buyer.as_ref().map(TryInto::try_into).transpose()?,
        customer_id: optional("customer_id", &document.customer_id, CustomerId::parse)?,
        customer_party: document
            .customer_party
            .as_ref()
            .map(TryInto::try_into)
            .transpose()?,
        adjustments: document
            .adjustments
            .iter()
            .map(TryInto::try_into)
            .collect::<Decoded<_>>()?,
        prices_include_tax: document.prices_include_tax,
        cash_rounding: field(
            "cash_rounding_minor",
            document
                .cash_rounding_minor
                .map(CashRoundingStep::new)
                .transpose(),
        )?,
        buyer_reference: text("buyer_reference", &document.buyer_reference)?,
        purchase_order: text("purchase_order", &document.purchase_order)?,
        note: paragraph("note", &document.note)?,
        metadata: field("metadata", Metadata::new(document.metadata))?,
    })
}

/// The kind with this stored name.
pub(in crate::store) fn kind(name: &str) -> Decoded<InvoiceKind> {
    match name {
        "INVOICE" => Ok(InvoiceKind::Invoice),
        "CREDIT_NOTE" => Ok(InvoiceKind::CreditNote),
        _ => Err(DocumentError::Field { field: "kind" }),
    }
}

/// The state with this stored name.
pub(in crate::store) fn state(name: &str) -> Decoded<State> {
    let known = State::ALL.into_iter().find(|state| state.name() == name);
    known.ok_or(DocumentError::Field { field: "state" })
}

impl TryFrom<&PartyDocument> for Party {
    type Error = DocumentError;

    fn try_from(party: &PartyDocument) -> Decoded<Self> {
        Ok(Self {
            name: text("party.name", &party.name)?,
            email: text("party.email", &party.email)?,
            phone: text("party.phone", &party.phone)?,
            tax_id: text("party.tax_id", &party.tax_id)?,
            legal_id: text("party.legal_id", &party.legal_id)?,
            address: Address {
                line1: text("party.line1", &party.line1)?,
                line2: text("party.line2", &party.line2)?,
                city: text("party.city", &party.city)?,
                postal_code: text("party.postal_code", &party.postal_code)?,
                region: text("party.region", &party.region)?,
                country_code: optional("party.country_code", &party.country_code, CountryCode::parse)?,
            },
        })
    }
}

impl TryFrom<&LineDocument> for Line {
    type Error = DocumentError;

    fn try_from(line: &LineDocument) -> Decoded<Self> {
        let extra = line
            .extra_taxes
            .iter()
            .map(TryInto::try_into)
            .collect::<Decoded<_>>()?;
        let content = LineContent {
            description: text("line.description", &line.description)?,
            detail: paragraph("line.detail", &line.detail)?,
            quantity: field(
                "line.quantity",
                line.quantity.as_deref().map(Quantity::parse).transpose(),
            )?,
            unit_code: field("line.unit_code", UnitCode::parse(&line.unit_code))?,
            unit_price: field(
                "line.unit_price",
                line.unit_price.as_deref().map(UnitPrice::parse).transpose(),
            )?,
            price_base_quantity: field(
                "line.price_base_quantity",
                PriceBaseQuantity::parse(&line.price_base_quantity),
            )?,
            adjustments: line
                .adjustments
                .iter()
                .map(TryInto::try_into)
                .collect::<Decoded<_>>()?,
            tax: field(
                "line.extra_taxes",
                TaxProfile::new((&line.tax).try_into()?, extra),
            )?,
            exemption_reason: text("line.exemption_reason", &line.exemption_reason)?,
        };
        Ok(Self {
            id: field("line.id", LineId::parse(&line.id))?,
            content,
            net: amount("line.net_minor", line.net_minor)?,
            credited: credited(line)?,
        })
    }
}

fn category(code: &str) -> Decoded<TaxCategory> {
    let known = TaxCategory::ALL
        .into_iter()
        .find(|category| category.code() == code);
    known.ok_or(DocumentError::Field {
        field: "tax.category",
    })
}

impl TryFrom<&TaxDocument> for Tax {
    type Error = DocumentError;

    fn try_from(tax: &TaxDocument) -> Decoded<Self> {
        let rate = field("tax.rate", Rate::parse(&tax.rate))?;
        field("tax", Self::new(category(&tax.category)?, rate))
    }
}

impl AdjustmentDocument {
    fn kind(&self) -> Decoded<AdjustmentKind> {
        match self.kind.as_str() {
            "ALLOWANCE" => Ok(AdjustmentKind::Allowance),
            "CHARGE" => Ok(AdjustmentKind::Charge),
            _ => Err(DocumentError::Field {
                field: "adjustment.kind",
            }),
        }
    }

    fn value(&self) -> Decoded<AdjustmentValue> {
        match (self.amount_minor, &self.percent) {
            (Some(minor_units), None) => Ok(AdjustmentValue::Amount(amount(
                "adjustment.amount_minor",
                minor_units,
            )?)),
            (None, Some(percent)) => Ok(AdjustmentValue::Percent(field(
                "adjustment.percent",
                Rate::parse(percent),
            )?)),
            (Some(_), Some(_)) | (None, None) => Err(DocumentError::Field { field: "adjustment" }),
        }
    }

    fn reason(&self) -> Decoded<AdjustmentReason> {
        text("adjustment.reason", &self.reason)
    }
}

impl TryFrom<&AdjustmentDocument> for LineAdjustment {
    type Error = DocumentError;

    fn try_from(from: &AdjustmentDocument) -> Decoded<Self> {
        Ok(Self {
            kind: from.kind()?,
            value: from.value()?,
            reason: from.reason()?,
        })
    }
}

impl TryFrom<&AdjustmentDocument> for DocumentAdjustment {
    type Error = DocumentError;

    fn try_from(from: &AdjustmentDocument) -> Decoded<Self> {
        let tax = from.tax.as_ref().map(TryInto::try_into).transpose()?;
        Ok(Self {
            kind: from.kind()?,
            value: from.value()?,
            reason: from.reason()?,
            tax,
        })
    }
}

impl TryFrom<&TaxSubtotalDocument> for TaxSubtotal {
    type Error = DocumentError;

    fn try_from(subtotal: &TaxSubtotalDocument) -> Decoded<Self> {
        Ok(Self {
            category: category(&subtotal.category)?,
            rate: field("tax_breakdown.rate", Rate::parse(&subtotal.rate))?,
            taxable: amount("tax_breakdown.taxable_minor", subtotal.taxable_minor)?,
            tax: amount("tax_breakdown.tax_minor", subtotal.tax_minor)?,
        })
    }
}

impl TryFrom<&TotalsDocument> for Totals {
    type Error = DocumentError;

    fn try_from(totals: &TotalsDocument) -> Decoded<Self> {
        Ok(Self {
            lines_net: amount("totals.lines_net_minor", totals.lines_net_minor)?,
            allowances: amount("totals.allowances_minor", totals.allowances_minor)?,
            charges: amount("totals.charges_minor", totals.charges_minor)?,
            net: amount("totals.net_minor", totals.net_minor)?,
            tax: amount("totals.tax_minor", totals.tax_minor)?,
            gross: amount("totals.gross_minor", totals.gross_minor)?,
            rounding: amount("totals.rounding_minor", totals.rounding_minor)?,
            paid: amount("totals.paid_minor", totals.paid_minor)?,
            credited: amount("totals.credited_minor", totals.credited_minor)?,
            remaining: amount("totals.remaining_minor", totals.remaining_minor)?,
            overpaid: amount("totals.overpaid_minor", totals.overpaid_minor)?,
        })
    }
}

impl TryFrom<&PaymentDocument> for Payment {
    type Error = DocumentError;

    fn try_from(payment: &PaymentDocument) -> Decoded<Self> {
        Ok(Self {
            id: field("payment.id", PaymentId::parse(&payment.id))?,
            amount: amount("payment.amount_minor", payment.amount_minor)?,
            paid_on: field("payment.paid_on", CalendarDate::parse(&payment.paid_on))?,
            method: text("payment.method", &payment.method)?,
            reference: text("payment.reference", &payment.reference)?,
            reversed: payment.reversed,
            create_time: instant("payment.create_time_ms", payment.create_time_ms)?,
        })
    }
}

impl TryFrom<&RequestDocument> for AppliedRequest {
    type Error = DocumentError;

    fn try_from(request: &RequestDocument) -> Decoded<Self> {
        let bytes = field(
            "request.fingerprint",
            STANDARD_NO_PAD.decode(&request.fingerprint),
        )?;
        let fingerprint = Fingerprint::from_bytes(&bytes);
        Ok(Self {
            id: field("request.id", RequestId::parse(&request.id))?,
            fingerprint: fingerprint.ok_or(DocumentError::Field {
                field: "request.fingerprint",
            })?,
        })
    }
}
