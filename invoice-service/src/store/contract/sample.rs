//! Invoices to store: valid by default, changed where a case needs it.

use std::collections::BTreeMap;

use crate::domain::adjustment::{AdjustmentKind, AdjustmentValue, DocumentAdjustment, LineAdjustment};
use crate::domain::content::{InvoiceContent, InvoiceHeader, PaymentTermsDays};
use crate::domain::country::CountryCode;
use crate::domain::date::CalendarDate;
use crate::domain::decimal::{PriceBaseQuantity, Quantity, Rate, UnitPrice};
use crate::domain::history::Deed;
use crate::domain::ids::{CustomerId, InvoiceId, OrganizationId, SessionId, UserId};
use crate::domain::invoice::{Invoice, InvoiceIdentity};
use crate::domain::line::{LineContent, NewLine};
use crate::domain::metadata::Metadata;
use crate::domain::money::{CashRoundingStep, Currency, MinorUnits};
use crate::domain::party::{Address, Party};
use crate::domain::tax::{Tax, TaxCategory, TaxProfile};
use crate::domain::text::{Paragraph, Text, UnitCode};
use crate::idempotency::{AppliedRequest, Fingerprint, RequestId};

pub(in crate::store) fn organization(name: &str) -> OrganizationId {
    OrganizationId::parse(&format!("org_{name}")).unwrap()
}

pub(in crate::store) fn date(text: &str) -> CalendarDate {
    CalendarDate::parse(text).unwrap()
}

pub(in crate::store) fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::parse(text).unwrap()
}

/// A request with an id of its own for each number.
pub(in crate::store) fn request(number: u32, content: &str) -> AppliedRequest {
    AppliedRequest {
        id: RequestId::parse(&format!("f81d4fae-7dec-41d0-a765-0000{number:08x}")).unwrap(),
        fingerprint: Fingerprint::of("CreateInvoice", content.as_bytes()),
    }
}

/// A draft with nothing but a currency.
pub(crate) fn blank(organization: &OrganizationId) -> Invoice {
    draft(
        organization,
        InvoiceHeader::blank(Currency::parse("EUR").unwrap()),
        Vec::new(),
    )
}

pub(in crate::store) fn draft(
    organization: &OrganizationId,
    header: InvoiceHeader,
    lines: Vec<NewLine>,
) -> Invoice {
    let identity = InvoiceIdentity {
        id: InvoiceId::generate(),
        organization_id: organization.clone(),
        created_by: UserId::parse("usr_1").unwrap(),
    };
    Invoice::draft(InvoiceContent { header, lines }, identity, jiff::Timestamp::now()).unwrap()
}

/// A line of one piece at this price, without tax.
pub(in crate::store) fn line(price: &str) -> NewLine {
    NewLine {
        id: None,
        content: LineContent {
            description: text("Work"),
            quantity: Some(Quantity::parse("1").unwrap()),
            unit_price: Some(UnitPrice::parse(price).unwrap()),
            ..LineContent::default()
        },
    }
}

/// A content that can be issued.
pub(crate) fn complete() -> InvoiceContent {
    let tax = Tax::new(TaxCategory::Standard, Rate::parse("19").unwrap()).unwrap();
    let mut line = line("80");
    line.content.tax = tax.into();
    let header = InvoiceHeader {
        issue_date: Some(date("2026-03-01")),
        payment_terms_days: Some(PaymentTermsDays::new(14).unwrap()),
        seller: Some(party("Seller")),
        buyer: Some(party("Buyer")),
        ..InvoiceHeader::blank(Currency::parse("EUR").unwrap())
    };
    InvoiceContent {
        header,
        lines: vec![line],
    }
}

/// What somebody does by `action`.
pub(in crate::store) fn deed(action: &'static str) -> Deed {
    Deed {
        action,
        user: UserId::parse("usr_1").unwrap(),
        session: SessionId::parse("ses_1").unwrap(),
        request_id: Some("f81d4fae-7dec-41d0-a765-00a0c91e6bf6".to_owned()),
        reason: text("because"),
    }
}

/// A draft with every field set to something that a careless store would lose or change.
pub(in crate::store) fn rich(organization: &OrganizationId) -> Invoice {
    let standard = |rate| Tax::new(TaxCategory::Standard, Rate::parse(rate).unwrap()).unwrap();
    let metadata = [(
        "order".to_owned(),
        "{\"$gt\":\"\"} '; DROP TABLE invoice; --".to_owned(),
    )];
    let header = InvoiceHeader {
        currency: Currency::parse("CHF").unwrap(),
        issue_date: Some(date("2026-02-28")),
        due_date: Some(date("2026-03-30")),
        payment_terms_days: Some(PaymentTermsDays::new(0).unwrap()),
        supply_date: Some(date("1999-12-31")),
        seller: Some(party("Müller & Søn ✓")),
        buyer: Some(Party::default()),
        customer_id: Some(CustomerId::generate()),
        customer_party: Some(party("Kunde")),
        adjustments: vec![
            adjustment(
                AdjustmentKind::Allowance,
                AdjustmentValue::Percent(Rate::parse("2.50").unwrap()),
                None,
            ),
            adjustment(
                AdjustmentKind::Charge,
                AdjustmentValue::Amount(MinorUnits::new(-1).unwrap()),
                Some(standard("7.0")),
            ),
        ],
        prices_include_tax: true,
        cash_rounding: Some(CashRoundingStep::new(5).unwrap()),
        buyer_reference: text("04011000-12345-34"),
        purchase_order: text("PO \"7\""),
        note: Paragraph::parse("two\nlines\tand a tab").unwrap(),
        metadata: Metadata::new(BTreeMap::from(metadata)).unwrap(),
    };
    let rich_line = NewLine {
        id: None,
        content: LineContent {
            description: text("Work"),
            detail: Paragraph::parse("by hand\nand by heart").unwrap(),
            quantity: Some(Quantity::parse("-1.500").unwrap()),
            unit_code: UnitCode::parse("HUR").unwrap(),
            unit_price: Some(UnitPrice::parse("0.01146").unwrap()),
            price_base_quantity: PriceBaseQuantity::parse("100").unwrap(),
            adjustments: vec![LineAdjustment {
                kind: AdjustmentKind::Charge,
                value: AdjustmentValue::Amount(MinorUnits::new(250).unwrap()),
                reason: text("freight"),
            }],
            tax: TaxProfile::new(standard("5"), vec![standard("9.975")]).unwrap(),
            exemption_reason: text("none"),
        },
    };
    let blank_line = NewLine::default();
    draft(organization, header, vec![rich_line, blank_line])
}

fn adjustment(kind: AdjustmentKind, value: AdjustmentValue, tax: Option<Tax>) -> DocumentAdjustment {
    DocumentAdjustment {
        kind,
        value,
        reason: text("loyalty"),
        tax,
    }
}

pub(in crate::store) fn party(name: &str) -> Party {
    Party {
        name: text(name),
        email: text("a@example.com"),
        phone: text("+49 221 1"),
        tax_id: text("DE1"),
        legal_id: text("HRB 1"),
        address: Address {
            line1: text("Straße 1"),
            line2: text("Hof"),
            city: text("Köln"),
            postal_code: text("50667"),
            region: text("NRW"),
            country_code: Some(CountryCode::parse("DE").unwrap()),
        },
    }
}
