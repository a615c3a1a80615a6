use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::{
    AdjustmentDocument, InvoiceDocument, LineDocument, PartyDocument, PaymentDocument, RequestDocument,
    SCHEMA, TaxDocument, TaxSubtotalDocument, TotalsDocument,
};
use crate::domain::adjustment::{AdjustmentKind, AdjustmentValue, DocumentAdjustment, LineAdjustment};
use crate::domain::content::PaymentTermsDays;
use crate::domain::date::CalendarDate;
use crate::domain::invoice::{Invoice, InvoiceKind};
use crate::domain::line::Line;
use crate::domain::money::CashRoundingStep;
use crate::domain::party::Party;
use crate::domain::payment::Payment;
use crate::domain::tax::Tax;
use crate::domain::totals::{TaxSubtotal, Totals};
use crate::idempotency::AppliedRequest;
use crate::store::StoredInvoice;

impl From<&StoredInvoice> for InvoiceDocument {
    fn from(stored: &StoredInvoice) -> Self {
        let Invoice { identity, header, .. } = &stored.invoice;
        let invoice = &stored.invoice;
        Self {
            schema: SCHEMA,
            id: identity.id.to_string(),
            org_id: identity.organization_id.to_string(),
            version: invoice.version.get(),
            kind: kind_name(invoice.kind).to_owned(),
            state: invoice.state.name().to_owned(),
            number: text(invoice.number.as_ref()),
            series: text(invoice.series.as_ref()),
            period: text(invoice.number_place.as_ref().map(|place| &place.period)),
            sequence: invoice.number_place.as_ref().map(|place| place.sequence),
            preceding_invoice_id: text(invoice.preceding_invoice_id.as_ref()),
            created_by: identity.created_by.to_string(),
            create_time_ms: invoice.create_time.as_millisecond(),
            update_time_ms: invoice.update_time.as_millisecond(),
            issue_time_ms: invoice.issue_time.map(jiff::Timestamp::as_millisecond),
            currency_code: header.currency.code().to_owned(),
            issue_date: day(header.issue_date),
            due_date: day(header.due_date),
            payment_terms_days: header.payment_terms_days.map(PaymentTermsDays::get),
            supply_date: day(header.supply_date),
            seller: header.seller.as_ref().map(Into::into),
            buyer: header.buyer.as_ref().map(Into::into),
            customer_id: text(header.customer_id.as_ref()),
            customer_party: header.customer_party.as_ref().map(Into::into),
            lines: invoice.lines.iter().map(Into::into).collect(),
            adjustments: header.adjustments.iter().map(Into::into).collect(),
            tax_breakdown: invoice.tax_breakdown.iter().map(Into::into).collect(),
            totals: (&invoice.totals).into(),
            payments: invoice.payments.iter().map(Into::into).collect(),
            credits: invoice.credits.iter().map(Into::into).collect(),
            prices_include_tax: header.prices_include_tax,
            cash_rounding_minor: header
                .cash_rounding
                .map(|step: CashRoundingStep| step.minor_units().get()),
            buyer_reference: header.buyer_reference.to_string(),
            purchase_order: header.purchase_order.to_string(),
            note: header.note.to_string(),
            metadata: header.metadata.entries().clone(),
            created_by_request: stored.created_by_request.as_ref().map(Into::into),
            applied_requests: stored.applied.iter().map(Into::into).collect(),
        }
    }
}

/// The stored name of a kind.
pub(in crate::store) const fn kind_name(kind: InvoiceKind) -> &'static str {
    match kind {
        InvoiceKind::Invoice => "INVOICE",
        InvoiceKind::CreditNote => "CREDIT_NOTE",
    }
}

/// `YYYY-MM-DD`, or blank.
pub(in crate::store) fn day(date: Option<CalendarDate>) -> String {
    text(date.as_ref())
}

pub(super) fn text(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

impl From<&Party> for PartyDocument {
    fn from(party: &Party) -> Self {
        let address = &party.address;
        Self {
            name: party.name.to_string(),
            email: party.email.to_string(),
            phone: party.phone.to_string(),
            tax_id: party.tax_id.to_string(),
            legal_id: party.legal_id.to_string(),
            line1: address.line1.to_string(),
            line2: address.line2.to_string(),
            city: address.city.to_string(),
            postal_code: address.postal_code.to_string(),
            region: address.region.to_string(),
            country_code: text(address.country_code.as_ref()),
        }
    }
}

impl From<&Line> for LineDocument {
    fn from(line: &Line) -> Self {
        let content = &line.content;
        Self {
            id: line.id.to_string(),
            description: content.description.to_string(),
            detail: content.detail.to_string(),
            quantity: content.quantity.map(|quantity| quantity.to_string()),
            unit_code: content.unit_code.as_str().to_owned(),
            unit_price: content.unit_price.map(|price| price.to_string()),
            price_base_quantity: content.price_base_quantity.to_string(),
            adjustments: content.adjustments.iter().map(Into::into).collect(),
            tax: content.tax.primary().into(),
            extra_taxes: content.tax.extra().iter().map(|tax| (*tax).into()).collect(),
            exemption_reason: content.exemption_reason.to_string(),
            net_minor: line.net.get(),
            credited_quantity: line.credited.quantity.map(|quantity| quantity.to_string()),
            credited_minor: line.credited.amount.get(),
        }
    }
}

impl From<Tax> for TaxDocument {
    fn from(tax: Tax) -> Self {
        Self {
            category: tax.category().code().to_owned(),
            rate: tax.rate().to_string(),
        }
    }
}

const fn adjustment_kind_name(kind: AdjustmentKind) -> &'static str {
    match kind {
        AdjustmentKind::Allowance => "ALLOWANCE",
        AdjustmentKind::Charge => "CHARGE",
    }
}

fn adjustment(kind: AdjustmentKind, value: AdjustmentValue, reason: &impl ToString) -> AdjustmentDocument {
    let (amount_minor, percent) = match value {
        AdjustmentValue::Amount(amount) => (Some(amount.get()), None),
        AdjustmentValue::Percent(rate) => (None, Some(rate.to_string())),
    };
    AdjustmentDocument {
        kind: adjustment_kind_name(kind).to_owned(),
        amount_minor,
        percent,
        reason: reason.to_string(),
        tax: None,
    }
}

impl From<&LineAdjustment> for AdjustmentDocument {
    fn from(from: &LineAdjustment) -> Self {
        adjustment(from.kind, from.value, &from.reason)
    }
}

impl From<&DocumentAdjustment> for AdjustmentDocument {
    fn from(from: &DocumentAdjustment) -> Self {
        Self {
            tax: from.tax.map(Into::into),
            ..adjustment(from.kind, from.value, &from.reason)
        }
    }
}

impl From<&TaxSubtotal> for TaxSubtotalDocument {
    fn from(subtotal: &TaxSubtotal) -> Self {
        Self {
            category: subtotal.category.code().to_owned(),
            rate: subtotal.rate.to_string(),
            taxable_minor: subtotal.taxable.get(),
            tax_minor: subtotal.tax.get(),
        }
    }
}

impl From<&Totals> for TotalsDocument {
    fn from(totals: &Totals) -> Self {
        Self {
            lines_net_minor: totals.lines_net.get(),
            allowances_minor: totals.allowances.get(),
            charges_minor: totals.charges.get(),
            net_minor: totals.net.get(),
            tax_minor: totals.tax.get(),
            gross_minor: totals.gross.get(),
            rounding_minor: totals.rounding.get(),
            paid_minor: totals.paid.get(),
            credited_minor: totals.credited.get(),
            remaining_minor: totals.remaining.get(),
            overpaid_minor: totals.overpaid.get(),
        }
    }
}

impl From<&Payment> for PaymentDocument {
    fn from(payment: &Payment) -> Self {
        Self {
            id: payment.id.to_string(),
            amount_minor: payment.amount.get(),
            paid_on: payment.paid_on.to_string(),
            method: payment.method.to_string(),
            reference: payment.reference.to_string(),
            reversed: payment.reversed,
            create_time_ms: payment.create_time.as_millisecond(),
        }
    }
}

impl From<&AppliedRequest> for RequestDocument {
    fn from(request: &AppliedRequest) -> Self {
        Self {
            id: request.id.to_string(),
            fingerprint: STANDARD_NO_PAD.encode(request.fingerprint.as_bytes()),
        }
    }
}
