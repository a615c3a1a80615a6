//! From domain values to messages.

use prost_types::Timestamp;

use proto::invoice::v1 as pb;
use proto::r#type::v1::Address as PbAddress;

use crate::domain::adjustment::{AdjustmentKind, AdjustmentValue, DocumentAdjustment, LineAdjustment};
use crate::domain::credit::Credit;
use crate::domain::date::CalendarDate;
use crate::domain::invoice::{Invoice, InvoiceKind};
use crate::domain::line::Line;
use crate::domain::party::{Address, Party};
use crate::domain::payment::Payment;
use crate::domain::state::{PaymentState, State};
use crate::domain::tax::{Tax, TaxCategory};
use crate::domain::totals::{TaxSubtotal, Totals};

/// The invoice as clients see it; `today` decides whether it is overdue.
pub(crate) fn invoice(invoice: &Invoice, today: CalendarDate) -> pb::Invoice {
    pb::Invoice {
        lines: lines(invoice),
        ..document(invoice, today)
    }
}

/// The invoice without its lines.
fn document(invoice: &Invoice, today: CalendarDate) -> pb::Invoice {
    let header = &invoice.header;
    pb::Invoice {
        id: invoice.identity.id.to_string(),
        r#type: kind(invoice.kind).into(),
        state: state(invoice.state).into(),
        payment_state: payment_state(invoice.payment_state()).into(),
        overdue: invoice.overdue(today),
        number: text(invoice.number.as_ref()),
        series: text(invoice.series.as_ref()),
        currency_code: header.currency.to_string(),
        issue_date: text(header.issue_date.as_ref()),
        due_date: text(header.due_date.as_ref()),
        payment_terms_days: header.payment_terms_days.map(|terms| i32::from(terms.get())),
        supply_date: text(header.supply_date.as_ref()),
        seller: header.seller.as_ref().map(party),
        buyer: header.effective_buyer().map(party),
        customer_id: text(header.customer_id.as_ref()),
        lines: Vec::new(),
        adjustments: header.adjustments.iter().map(document_adjustment).collect(),
        tax_breakdown: invoice.tax_breakdown.iter().map(tax_subtotal).collect(),
        totals: Some(totals(&invoice.totals)),
        prices_include_tax: header.prices_include_tax,
        cash_rounding_minor: header.cash_rounding.map_or(0, |step| step.minor_units().get()),
        buyer_reference: header.buyer_reference.to_string(),
        purchase_order: header.purchase_order.to_string(),
        note: header.note.to_string(),
        metadata: header.metadata.entries().clone(),
        payments: invoice.payments.iter().map(payment).collect(),
        preceding_invoice_id: text(invoice.preceding_invoice_id.as_ref()),
        etag: invoice.etag().to_string(),
        create_time: Some(timestamp(invoice.create_time)),
        update_time: Some(timestamp(invoice.update_time)),
        issue_time: invoice.issue_time.map(timestamp),
        credit_notes: invoice.credits.iter().map(credit_note).collect(),
    }
}

/// As [`invoice`], for lists: without payments and credit notes, and without what is left of each line.
pub(super) fn listed(invoice: &Invoice, today: CalendarDate) -> pb::Invoice {
    pb::Invoice {
        lines: invoice.lines.iter().map(line).collect(),
        payments: Vec::new(),
        credit_notes: Vec::new(),
        ..document(invoice, today)
    }
}

fn credit_note(credit: &Credit) -> pb::CreditNoteReference {
    pb::CreditNoteReference {
        id: credit.note_id.to_string(),
        number: credit.number.to_string(),
        issue_date: credit.issue_date.to_string(),
        amount_minor: credit.amount.get(),
    }
}

/// The lines with what is left of each.
fn lines(invoice: &Invoice) -> Vec<pb::Line> {
    let creditable = invoice.lines.iter().zip(invoice.creditable());
    creditable
        .map(|(line, left)| pb::Line {
            creditable_minor: left.get(),
            ..self::line(line)
        })
        .collect()
}

fn payment(payment: &Payment) -> pb::Payment {
    pb::Payment {
        id: payment.id.to_string(),
        amount_minor: payment.amount.get(),
        paid_on: payment.paid_on.to_string(),
        method: payment.method.to_string(),
        reference: payment.reference.to_string(),
        reversed: payment.reversed,
        create_time: Some(timestamp(payment.create_time)),
    }
}

/// A state as the contract names it.
pub(super) const fn state(state: State) -> pb::invoice::State {
    match state {
        State::Draft => pb::invoice::State::Draft,
        State::Open => pb::invoice::State::Open,
        State::Paid => pb::invoice::State::Paid,
        State::Void => pb::invoice::State::Void,
        State::Uncollectible => pb::invoice::State::Uncollectible,
    }
}

pub(super) const fn kind(kind: InvoiceKind) -> pb::invoice::Type {
    match kind {
        InvoiceKind::Invoice => pb::invoice::Type::Invoice,
        InvoiceKind::CreditNote => pb::invoice::Type::CreditNote,
    }
}

const fn payment_state(state: PaymentState) -> pb::invoice::PaymentState {
    match state {
        PaymentState::Unpaid => pb::invoice::PaymentState::Unpaid,
        PaymentState::PartiallyPaid => pb::invoice::PaymentState::PartiallyPaid,
        PaymentState::Paid => pb::invoice::PaymentState::Paid,
        PaymentState::Overpaid => pb::invoice::PaymentState::Overpaid,
    }
}

pub(super) fn party(party: &Party) -> pb::Party {
    pb::Party {
        name: party.name.to_string(),
        email: party.email.to_string(),
        phone: party.phone.to_string(),
        tax_id: party.tax_id.to_string(),
        legal_id: party.legal_id.to_string(),
        address: (party.address != Address::default()).then(|| address(&party.address)),
    }
}

fn address(address: &Address) -> PbAddress {
    PbAddress {
        line1: address.line1.to_string(),
        line2: address.line2.to_string(),
        city: address.city.to_string(),
        postal_code: address.postal_code.to_string(),
        region: address.region.to_string(),
        country_code: text(address.country_code.as_ref()),
    }
}

fn line(line: &Line) -> pb::Line {
    let content = &line.content;
    let (tax_category, tax_rate) = tax(content.tax.primary());
    pb::Line {
        id: line.id.to_string(),
        description: content.description.to_string(),
        detail: content.detail.to_string(),
        quantity: text(content.quantity.as_ref()),
        unit_code: content.unit_code.as_str().to_owned(),
        unit_price: text(content.unit_price.as_ref()),
        price_base_quantity: content.price_base_quantity.to_string(),
        adjustments: content.adjustments.iter().map(line_adjustment).collect(),
        tax_category,
        tax_rate,
        extra_taxes: content
            .tax
            .extra()
            .iter()
            .map(|extra| extra_tax(*extra))
            .collect(),
        exemption_reason: content.exemption_reason.to_string(),
        net_minor: line.net.get(),
        credited_quantity: text(line.credited.quantity.as_ref()),
        credited_minor: line.credited.amount.get(),
        creditable_minor: 0,
    }
}

fn extra_tax(extra: Tax) -> pb::ExtraTax {
    let (tax_category, tax_rate) = tax(extra);
    pb::ExtraTax {
        tax_category,
        tax_rate,
    }
}

fn tax(tax: Tax) -> (i32, String) {
    (tax_category(tax.category()).into(), tax.rate().to_string())
}

const fn tax_category(category: TaxCategory) -> pb::TaxCategory {
    match category {
        TaxCategory::Unspecified => pb::TaxCategory::Unspecified,
        TaxCategory::Standard => pb::TaxCategory::Standard,
        TaxCategory::Zero => pb::TaxCategory::Zero,
        TaxCategory::Exempt => pb::TaxCategory::Exempt,
        TaxCategory::ReverseCharge => pb::TaxCategory::ReverseCharge,
        TaxCategory::IntraCommunity => pb::TaxCategory::IntraCommunity,
        TaxCategory::Export => pb::TaxCategory::Export,
        TaxCategory::OutsideScope => pb::TaxCategory::OutsideScope,
    }
}

fn line_adjustment(from: &LineAdjustment) -> pb::Adjustment {
    pb::Adjustment {
        kind: adjustment_kind(from.kind).into(),
        value: Some(adjustment_value(from.value)),
        reason: from.reason.to_string(),
        ..pb::Adjustment::default()
    }
}

fn document_adjustment(from: &DocumentAdjustment) -> pb::Adjustment {
    let (tax_category, tax_rate) = from.tax.map(tax).unwrap_or_default();
    pb::Adjustment {
        kind: adjustment_kind(from.kind).into(),
        value: Some(adjustment_value(from.value)),
        reason: from.reason.to_string(),
        tax_category,
        tax_rate,
    }
}

const fn adjustment_kind(kind: AdjustmentKind) -> pb::adjustment::Kind {
    match kind {
        AdjustmentKind::Allowance => pb::adjustment::Kind::Allowance,
        AdjustmentKind::Charge => pb::adjustment::Kind::Charge,
    }
}

fn adjustment_value(value: AdjustmentValue) -> pb::adjustment::Value {
    match value {
        AdjustmentValue::Amount(amount) => pb::adjustment::Value::AmountMinor(amount.get()),
        AdjustmentValue::Percent(rate) => pb::adjustment::Value::Percent(rate.to_string()),
    }
}

fn tax_subtotal(subtotal: &TaxSubtotal) -> pb::TaxSubtotal {
    pb::TaxSubtotal {
        tax_category: tax_category(subtotal.category).into(),
        tax_rate: subtotal.rate.to_string(),
        taxable_minor: subtotal.taxable.get(),
        tax_minor: subtotal.tax.get(),
    }
}

fn totals(totals: &Totals) -> pb::Totals {
    pb::Totals {
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

pub(super) fn timestamp(instant: jiff::Timestamp) -> Timestamp {
    Timestamp {
        seconds: instant.as_second(),
        nanos: instant.subsec_nanosecond(),
    }
}

fn text(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}
