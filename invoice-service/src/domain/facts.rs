//! An invoice as a list of named texts: what its history compares and hashes (docs/adr/0016).
//!
//! The list is a format: stored hashes are made of it. A fact's name and text never change; a new fact has a new name,
//! and is blank, that is left out, for every invoice that was stored before.

use jiff::Timestamp;

use super::{
    adjustment::{AdjustmentKind, AdjustmentReason, AdjustmentValue},
    content::PaymentTermsDays,
    credit::{Credit, LineCredit},
    invoice::{Invoice, InvoiceKind},
    line::Line,
    money::CashRoundingStep,
    party::Party,
    payment::Payment,
    tax::Tax,
};

/// Between the values of a fact that has several. No text of an invoice holds a control character but line feed and tab.
const UNIT: char = '\u{1f}';
/// Between the items of a fact that is a list.
const RECORD: char = '\u{1e}';
/// Between the items of a list within an item.
const GROUP: char = '\u{1d}';

/// A name and a text that is not blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) text: String,
}

impl Fact {
    /// Whether it is a list or a list item rather than a text that people read.
    pub(super) fn is_composite(&self) -> bool {
        self.text.contains([UNIT, RECORD, GROUP])
    }
}

/// Everything that can change in an invoice's life, as named in the API.
pub(super) fn facts(invoice: &Invoice) -> Vec<Fact> {
    let mut facts = Facts(Vec::new());
    facts.document(invoice);
    facts.header(invoice);
    let header = &invoice.header;
    for (party, names) in [
        (header.seller.as_ref(), SELLER),
        (header.effective_buyer(), BUYER),
    ] {
        if let Some(party) = party {
            facts.party(party, names);
        }
    }
    facts.list("lines", invoice.lines.iter().map(line));
    facts.list(
        "adjustments",
        invoice.header.adjustments.iter().map(|adjustment| {
            let tax = adjustment.tax.map(tax).unwrap_or_default();
            let reason = &adjustment.reason;
            self::adjustment(adjustment.kind, adjustment.value, reason, &tax)
        }),
    );
    let metadata = invoice.header.metadata.entries().iter();
    facts.list("metadata", metadata.map(|(key, value)| units([key, value])));
    facts.totals(invoice);
    facts.list("payments", invoice.payments.iter().map(payment));
    facts.list("credit_notes", invoice.credits.iter().map(credit));
    let credited = invoice.lines.iter();
    let credited = credited.filter(|line| line.credited != LineCredit::default());
    facts.list("credited_lines", credited.map(credited_line));
    facts.0
}

struct Facts(Vec<Fact>);

impl Facts {
    fn put(&mut self, name: &'static str, text: &(impl ToString + ?Sized)) {
        let text = text.to_string();
        if !text.is_empty() {
            self.0.push(Fact { name, text });
        }
    }

    fn maybe(&mut self, name: &'static str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.put(name, &value);
        }
    }

    fn list(&mut self, name: &'static str, items: impl Iterator<Item = String>) {
        self.put(name, &joined(items, RECORD));
    }

    fn document(&mut self, invoice: &Invoice) {
        let kind = match invoice.kind {
            InvoiceKind::Invoice => "INVOICE",
            InvoiceKind::CreditNote => "CREDIT_NOTE",
        };
        self.put("type", kind);
        self.put("state", &invoice.state);
        self.maybe("number", invoice.number.as_ref());
        self.maybe("series", invoice.series.as_ref());
        if let Some(place) = &invoice.number_place {
            self.put("period", &place.period);
            self.put("sequence", &place.sequence);
        }
        self.maybe("preceding_invoice_id", invoice.preceding_invoice_id.as_ref());
        self.put("created_by", &invoice.identity.created_by);
        self.put("create_time", &invoice.create_time.as_millisecond());
        self.maybe("issue_time", invoice.issue_time.map(Timestamp::as_millisecond));
    }

    fn header(&mut self, invoice: &Invoice) {
        let header = &invoice.header;
        self.put("currency_code", &header.currency);
        self.maybe("issue_date", header.issue_date);
        self.maybe("due_date", header.due_date);
        self.maybe(
            "payment_terms_days",
            header.payment_terms_days.map(PaymentTermsDays::get),
        );
        self.maybe("supply_date", header.supply_date);
        self.maybe("customer_id", header.customer_id.as_ref());
        self.put(
            "prices_include_tax",
            if header.prices_include_tax { "true" } else { "" },
        );
        self.maybe(
            "cash_rounding_minor",
            header.cash_rounding.map(CashRoundingStep::minor_units),
        );
        self.put("buyer_reference", &header.buyer_reference);
        self.put("purchase_order", &header.purchase_order);
        self.put("note", &header.note);
    }

    fn party(&mut self, party: &Party, names: PartyNames) {
        let address = &party.address;
        let country = address.country_code.as_ref();
        let texts = [
            party.name.to_string(),
            party.email.to_string(),
            party.phone.to_string(),
            party.tax_id.to_string(),
            party.legal_id.to_string(),
            address.line1.to_string(),
            address.line2.to_string(),
            address.city.to_string(),
            address.postal_code.to_string(),
            address.region.to_string(),
            country.map(ToString::to_string).unwrap_or_default(),
        ];
        for (name, text) in names.into_iter().zip(texts) {
            self.put(name, &text);
        }
    }

    fn totals(&mut self, invoice: &Invoice) {
        let totals = &invoice.totals;
        let subtotals = invoice.tax_breakdown.iter().map(|subtotal| {
            units([
                subtotal.category.code().to_owned(),
                subtotal.rate.to_string(),
                subtotal.taxable.to_string(),
                subtotal.tax.to_string(),
            ])
        });
        self.list("tax_breakdown", subtotals);
        for (name, amount) in [
            ("totals.lines_net_minor", totals.lines_net),
            ("totals.allowances_minor", totals.allowances),
            ("totals.charges_minor", totals.charges),
            ("totals.net_minor", totals.net),
            ("totals.tax_minor", totals.tax),
            ("totals.gross_minor", totals.gross),
            ("totals.rounding_minor", totals.rounding),
            ("totals.paid_minor", totals.paid),
            ("totals.credited_minor", totals.credited),
            ("totals.remaining_minor", totals.remaining),
            ("totals.overpaid_minor", totals.overpaid),
        ] {
            self.put(name, &amount);
        }
    }
}

type PartyNames = [&'static str; 11];

macro_rules! party_names {
    ($party:literal) => {
        [
            concat!($party, ".name"),
            concat!($party, ".email"),
            concat!($party, ".phone"),
            concat!($party, ".tax_id"),
            concat!($party, ".legal_id"),
            concat!($party, ".address.line1"),
            concat!($party, ".address.line2"),
            concat!($party, ".address.city"),
            concat!($party, ".address.postal_code"),
            concat!($party, ".address.region"),
            concat!($party, ".address.country_code"),
        ]
    };
}

const SELLER: PartyNames = party_names!("seller");
const BUYER: PartyNames = party_names!("buyer");

fn line(line: &Line) -> String {
    let content = &line.content;
    let adjustments = content
        .adjustments
        .iter()
        .map(|item| adjustment(item.kind, item.value, &item.reason, ""));
    units([
        line.id.to_string(),
        content.description.to_string(),
        content.detail.to_string(),
        content
            .quantity
            .map(|quantity| quantity.to_string())
            .unwrap_or_default(),
        content.unit_code.as_str().to_owned(),
        content
            .unit_price
            .map(|price| price.to_string())
            .unwrap_or_default(),
        content.price_base_quantity.to_string(),
        joined(adjustments, GROUP),
        joined(content.tax.taxes().map(tax), GROUP),
        content.exemption_reason.to_string(),
        line.net.to_string(),
    ])
}

fn payment(payment: &Payment) -> String {
    units([
        payment.id.as_str(),
        &payment.amount.to_string(),
        &payment.paid_on.to_string(),
        payment.method.as_str(),
        payment.reference.as_str(),
        if payment.reversed { "reversed" } else { "" },
        &payment.create_time.as_millisecond().to_string(),
    ])
}

fn credit(credit: &Credit) -> String {
    units([
        credit.note_id.as_str(),
        credit.number.as_str(),
        &credit.issue_date.to_string(),
        &credit.amount.to_string(),
        if credit.completes { "completes" } else { "" },
        &credit.request_id,
    ])
}

fn credited_line(line: &Line) -> String {
    let quantity = line.credited.quantity.map(|quantity| quantity.to_string());
    units([
        line.id.as_str(),
        &quantity.unwrap_or_default(),
        &line.credited.amount.to_string(),
    ])
}

fn adjustment(kind: AdjustmentKind, value: AdjustmentValue, reason: &AdjustmentReason, tax: &str) -> String {
    let kind = match kind {
        AdjustmentKind::Allowance => "ALLOWANCE",
        AdjustmentKind::Charge => "CHARGE",
    };
    let value = match value {
        AdjustmentValue::Amount(amount) => amount.to_string(),
        AdjustmentValue::Percent(rate) => format!("{rate}%"),
    };
    units([kind, &value, reason.as_str(), tax])
}

fn tax(tax: Tax) -> String {
    format!("{} {}%", tax.category().code(), tax.rate())
}

fn units<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> String {
    let mut text = String::new();
    for value in values {
        text.push_str(value.as_ref());
        text.push(UNIT);
    }
    text
}

fn joined(items: impl Iterator<Item = String>, separator: char) -> String {
    let mut text = String::new();
    for item in items {
        text.push_str(&item);
        text.push(separator);
    }
    text
}
