//! From messages to domain values. Every problem is recorded with the path of its field, and the conversion goes on.

use std::collections::{BTreeMap, BTreeSet};

use rpc_error::{FieldPath, Violations};

use proto::invoice::v1 as pb;
use proto::r#type::v1::Address as PbAddress;

use super::text::{Reader, optional};
use crate::domain::adjustment::{AdjustmentKind, AdjustmentValue, DocumentAdjustment, LineAdjustment};
use crate::domain::content::{
    ContentViolation, InvoiceContent, InvoiceHeader, MAX_DOCUMENT_ADJUSTMENTS, MAX_LINES, PaymentTermsDays,
};
use crate::domain::country::CountryCode;
use crate::domain::date::CalendarDate;
use crate::domain::decimal::{PriceBaseQuantity, Quantity, Rate, UnitPrice};
use crate::domain::ids::{CustomerId, LineId};
use crate::domain::invoice::SeriesId;
use crate::domain::line::{LineContent, NewLine};
use crate::domain::metadata::Metadata;
use crate::domain::money::{CashRoundingStep, Currency, MinorUnits};
use crate::domain::party::{Address, Party};
use crate::domain::tax::{Tax, TaxCategory, TaxProfile};
use crate::domain::text::{TextError, UnitCode};

/// Field names that errors of the domain are placed at, too.
pub(super) const LINES: &str = "lines";
pub(super) const ADJUSTMENTS: &str = "adjustments";

/// What a client says about an invoice, or `None` with everything that is wrong with it in `violations`.
///
/// Output-only fields are not looked at. Sizes come first: nothing is converted item by item of a list that is too long.
pub(crate) fn content(
    invoice: &pb::Invoice,
    at: &FieldPath,
    violations: &mut Violations,
) -> Option<InvoiceContent> {
    let header = header(invoice, at, violations);
    let lines = lines(&invoice.lines, &at.field(LINES), violations);
    Some(InvoiceContent {
        header: header?,
        lines: lines?,
    })
}

fn header(invoice: &pb::Invoice, at: &FieldPath, violations: &mut Violations) -> Option<InvoiceHeader> {
    let mut read = Reader::new(at, violations);
    let currency = read.required("currency_code", &invoice.currency_code, Currency::parse);
    let issue_date = read.optional("issue_date", &invoice.issue_date, CalendarDate::parse);
    let due_date = read.optional("due_date", &invoice.due_date, CalendarDate::parse);
    let payment_terms_days = read.value(
        "payment_terms_days",
        invoice
            .payment_terms_days
            .map(|days| PaymentTermsDays::new(i64::from(days)))
            .transpose(),
    );
    let supply_date = read.optional("supply_date", &invoice.supply_date, CalendarDate::parse);
    let customer_id = read.optional("customer_id", &invoice.customer_id, CustomerId::parse);
    let cash_rounding = match invoice.cash_rounding_minor {
        0 => Some(None),
        step => read
            .value("cash_rounding_minor", CashRoundingStep::new(step))
            .map(Some),
    };
    let buyer_reference = read.text("buyer_reference", &invoice.buyer_reference);
    let purchase_order = read.text("purchase_order", &invoice.purchase_order);
    let note = read.paragraph("note", &invoice.note);
    let seller = optional(invoice.seller.as_ref(), |party| {
        self::party(party, &at.field("seller"), violations)
    })
    .map(|party| party.filter(|party| *party != Party::default()));
    let buyer = optional(invoice.buyer.as_ref(), |party| {
        self::party(party, &at.field("buyer"), violations)
    })
    .map(|party| party.filter(|party| *party != Party::default()));
    let metadata = metadata(&invoice.metadata, &at.field("metadata"), violations);
    let adjustments = document_adjustments(&invoice.adjustments, &at.field(ADJUSTMENTS), violations);
    Some(InvoiceHeader {
        currency: currency?,
        issue_date: issue_date?,
        due_date: due_date?,
        payment_terms_days: payment_terms_days?,
        supply_date: supply_date?,
        seller: seller?,
        buyer: buyer?,
        customer_id: customer_id?,
        // The use cases know it.
        customer_party: None,
        adjustments: adjustments?,
        prices_include_tax: invoice.prices_include_tax,
        cash_rounding: cash_rounding?,
        buyer_reference: buyer_reference?,
        purchase_order: purchase_order?,
        note: note?,
        metadata: metadata?,
    })
}

/// Each bad entry is recorded under its key.
fn metadata(
    entries: &BTreeMap<String, String>,
    at: &FieldPath,
    violations: &mut Violations,
) -> Option<Metadata> {
    let found = Metadata::violations(entries);
    for violation in &found {
        let at = violation.key().map_or_else(|| at.clone(), |key| at.key(key));
        violations.push(at, violation.reason(), violation.to_string());
    }
    Metadata::new(entries.clone()).ok()
}

pub(super) fn party(party: &pb::Party, at: &FieldPath, violations: &mut Violations) -> Option<Party> {
    let mut read = Reader::new(at, violations);
    let name = read.text("name", &party.name);
    let email = read.text("email", &party.email);
    let phone = read.text("phone", &party.phone);
    let tax_id = read.text("tax_id", &party.tax_id);
    let legal_id = read.text("legal_id", &party.legal_id);
    let address = match &party.address {
        Some(address) => self::address(address, &at.field("address"), violations),
        None => Some(Address::default()),
    };
    Some(Party {
        name: name?,
        email: email?,
        phone: phone?,
        tax_id: tax_id?,
        legal_id: legal_id?,
        address: address?,
    })
}

/// The id of a number series: it stands in requests and, maybe one day, in paths.
///
/// # Errors
/// [`TextError`] for other characters than `A-Za-z0-9_.-`, none, or more than 40.
pub(super) fn series_id(id: &str) -> Result<SeriesId, TextError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if id.is_empty() || !id.bytes().all(is_plain) {
        return Err(TextError::Form {
            form: "1 to 40 letters without accents, digits, or one of _.-",
        });
    }
    SeriesId::parse(id)
}

fn address(address: &PbAddress, at: &FieldPath, violations: &mut Violations) -> Option<Address> {
    let mut read = Reader::new(at, violations);
    let line1 = read.text("line1", &address.line1);
    let line2 = read.text("line2", &address.line2);
    let city = read.text("city", &address.city);
    let postal_code = read.text("postal_code", &address.postal_code);
    let region = read.text("region", &address.region);
    let country_code = read.optional("country_code", &address.country_code, CountryCode::parse);
    Some(Address {
        line1: line1?,
        line2: line2?,
        city: city?,
        postal_code: postal_code?,
        region: region?,
        country_code: country_code?,
    })
}

fn lines(lines: &[pb::Line], at: &FieldPath, violations: &mut Violations) -> Option<Vec<NewLine>> {
    let converted = super::text::each(lines, MAX_LINES, "TOO_MANY_LINES", at, violations, line);
    let mut ids = BTreeSet::new();
    for (position, line) in lines.iter().take(MAX_LINES).enumerate() {
        if !line.id.is_empty() && !ids.insert(&line.id) {
            let duplicate = ContentViolation::DuplicateLineId { line: position };
            violations.push(
                at.index(position).field("id"),
                duplicate.reason(),
                duplicate.to_string(),
            );
        }
    }
    converted.filter(|lines| ids.len() == lines.iter().filter(|line| line.id.is_some()).count())
}

fn line(line: &pb::Line, at: &FieldPath, violations: &mut Violations) -> Option<NewLine> {
    let mut read = Reader::new(at, violations);
    let id = read.optional("id", &line.id, LineId::parse);
    let description = read.text("description", &line.description);
    let detail = read.paragraph("detail", &line.detail);
    let quantity = read.optional("quantity", &line.quantity, Quantity::parse);
    let unit_code = read.value("unit_code", UnitCode::parse(&line.unit_code));
    let unit_price = read.optional("unit_price", &line.unit_price, UnitPrice::parse);
    let price_base_quantity = read.optional(
        "price_base_quantity",
        &line.price_base_quantity,
        PriceBaseQuantity::parse,
    );
    let exemption_reason = read.text("exemption_reason", &line.exemption_reason);
    let adjustments = line_adjustments(&line.adjustments, &at.field(ADJUSTMENTS), violations);
    let tax = tax_profile(line, at, violations);
    Some(NewLine {
        id: id?,
        content: LineContent {
            description: description?,
            detail: detail?,
            quantity: quantity?,
            unit_code: unit_code?,
            unit_price: unit_price?,
            price_base_quantity: price_base_quantity?.unwrap_or_default(),
            adjustments: adjustments?,
            tax: tax?,
            exemption_reason: exemption_reason?,
        },
    })
}

fn tax_profile(line: &pb::Line, at: &FieldPath, violations: &mut Violations) -> Option<TaxProfile> {
    let primary = tax(line.tax_category, &line.tax_rate, at, violations);
    let extra_path = at.field("extra_taxes");
    let extra = super::text::each(
        &line.extra_taxes,
        TaxProfile::MAX_EXTRA_TAXES,
        "TOO_MANY_EXTRA_TAXES",
        &extra_path,
        violations,
        |extra, at, violations| tax(extra.tax_category, &extra.tax_rate, at, violations),
    );
    let profile = TaxProfile::new(primary?, extra?);
    Reader::new(at, violations).value("extra_taxes", profile)
}

/// A category and a rate; a blank rate is 0.
fn tax(category: i32, rate: &str, at: &FieldPath, violations: &mut Violations) -> Option<Tax> {
    let category = tax_category(category, at, violations);
    let mut read = Reader::new(at, violations);
    let rate = read
        .optional("tax_rate", rate, Rate::parse)?
        .unwrap_or(Rate::ZERO);
    let tax = Tax::new(category?, rate);
    read.value("tax_rate", tax)
}

fn tax_category(category: i32, at: &FieldPath, violations: &mut Violations) -> Option<TaxCategory> {
    let Ok(category) = pb::TaxCategory::try_from(category) else {
        violations.push(
            at.field("tax_category"),
            "ENUM_UNKNOWN",
            "must be a value of TaxCategory",
        );
        return None;
    };
    Some(match category {
        pb::TaxCategory::Unspecified => TaxCategory::Unspecified,
        pb::TaxCategory::Standard => TaxCategory::Standard,
        pb::TaxCategory::Zero => TaxCategory::Zero,
        pb::TaxCategory::Exempt => TaxCategory::Exempt,
        pb::TaxCategory::ReverseCharge => TaxCategory::ReverseCharge,
        pb::TaxCategory::IntraCommunity => TaxCategory::IntraCommunity,
        pb::TaxCategory::Export => TaxCategory::Export,
        pb::TaxCategory::OutsideScope => TaxCategory::OutsideScope,
    })
}

fn line_adjustments(
    adjustments: &[pb::Adjustment],
    at: &FieldPath,
    violations: &mut Violations,
) -> Option<Vec<LineAdjustment>> {
    let most = crate::domain::line::MAX_LINE_ADJUSTMENTS;
    super::text::each(
        adjustments,
        most,
        "TOO_MANY_ADJUSTMENTS",
        at,
        violations,
        |adjustment, at, violations| {
            let has_tax = adjustment.tax_category != 0 || !adjustment.tax_rate.is_empty();
            if has_tax {
                let text = "must be blank on a line: the adjustment is taxed like its line";
                violations.push(at.field("tax_category"), "FIELD_NOT_HERE", text);
            }
            untaxed(adjustment, at, violations).filter(|_| !has_tax)
        },
    )
}

fn document_adjustments(
    adjustments: &[pb::Adjustment],
    at: &FieldPath,
    violations: &mut Violations,
) -> Option<Vec<DocumentAdjustment>> {
    let most = MAX_DOCUMENT_ADJUSTMENTS;
    super::text::each(
        adjustments,
        most,
        "TOO_MANY_ADJUSTMENTS",
        at,
        violations,
        |adjustment, at, violations| {
            let untaxed = untaxed(adjustment, at, violations);
            let tax = match (adjustment.tax_category, adjustment.tax_rate.as_str()) {
                (0, "") => Some(None),
                (0, _) => {
                    let text =
                        "must be set when tax_rate is; without both the amount is spread over the tax groups";
                    violations.push(at.field("tax_category"), "FIELD_REQUIRED", text);
                    None
                }
                (category, rate) => tax(category, rate, at, violations).map(Some),
            };
            let LineAdjustment { kind, value, reason } = untaxed?;
            Some(DocumentAdjustment {
                kind,
                value,
                reason,
                tax: tax?,
            })
        },
    )
}

/// What line and document adjustments have in common.
fn untaxed(
    adjustment: &pb::Adjustment,
    at: &FieldPath,
    violations: &mut Violations,
) -> Option<LineAdjustment> {
    let kind = adjustment_kind(adjustment, at, violations);
    let value = adjustment_value(adjustment, at, violations);
    let reason = Reader::new(at, violations).text("reason", &adjustment.reason);
    Some(LineAdjustment {
        kind: kind?,
        value: value?,
        reason: reason?,
    })
}

fn adjustment_kind(
    adjustment: &pb::Adjustment,
    at: &FieldPath,
    violations: &mut Violations,
) -> Option<AdjustmentKind> {
    match pb::adjustment::Kind::try_from(adjustment.kind) {
        Ok(pb::adjustment::Kind::Allowance) => Some(AdjustmentKind::Allowance),
        Ok(pb::adjustment::Kind::Charge) => Some(AdjustmentKind::Charge),
        Ok(pb::adjustment::Kind::Unspecified) => {
            violations.push(
                at.field("kind"),
                "FIELD_REQUIRED",
                "must be KIND_ALLOWANCE or KIND_CHARGE",
            );
            None
        }
        Err(_) => {
            violations.push(
                at.field("kind"),
                "ENUM_UNKNOWN",
                "must be a value of Adjustment.Kind",
            );
            None
        }
    }
}

fn adjustment_value(
    adjustment: &pb::Adjustment,
    at: &FieldPath,
    violations: &mut Violations,
) -> Option<AdjustmentValue> {
    let mut read = Reader::new(at, violations);
    match &adjustment.value {
        Some(pb::adjustment::Value::AmountMinor(amount)) => read
            .value("amount_minor", MinorUnits::new(*amount))
            .map(AdjustmentValue::Amount),
        Some(pb::adjustment::Value::Percent(percent)) => read
            .value("percent", Rate::parse(percent))
            .map(AdjustmentValue::Percent),
        None => {
            violations.push(at.clone(), "FIELD_REQUIRED", "must have amount_minor or percent");
            None
        }
    }
}
