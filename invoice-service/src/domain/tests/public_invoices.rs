//! Invoices that others published, recomputed. See `tests/data/README.md`.

use serde_json::Value;

use super::builders::{amount, cash_step, content, line_per, on_document, on_line, tax};
use crate::domain::{
    adjustment::AdjustmentKind,
    content::InvoiceContent,
    decimal::Decimal,
    money::{Currency, MinorUnits},
    tax::{Tax, TaxCategory},
    totals::{Computed, compute},
};

/// A figure that the file states otherwise than it was computed.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Difference {
    figure: String,
    stated: i64,
    computed: i64,
}

fn entries() -> Vec<Value> {
    serde_json::from_str(include_str!("../../../tests/data/public_invoices.json")).unwrap()
}

#[test]
fn every_published_figure_is_reproduced_or_differs_as_known() {
    let entries = entries();
    assert_eq!(entries.len(), 81);
    assert_eq!(
        entries
            .iter()
            .filter(|entry| list(entry, "differences").is_empty())
            .count(),
        71
    );
    for entry in &entries {
        let mut known: Vec<Difference> = list(entry, "differences").iter().map(known_difference).collect();
        let mut found = differences(entry);
        known.sort();
        found.sort();
        assert_eq!(found, known, "{}", entry["source"]);
    }
}

#[test]
fn cash_rounding_explains_what_most_rounded_invoices_state() {
    let rounded: Vec<_> = entries()
        .into_iter()
        .filter(|entry| stated(entry, "rounding").get() != 0)
        .collect();
    assert_eq!(rounded.len(), 12);
    let explained: Vec<_> = rounded
        .iter()
        .filter_map(|entry| Some((entry, explaining_step(entry)?)))
        .collect();
    // Not explained: a rounded amount due after prepayments (3), a single cent, a wrong line.
    assert_eq!(explained.len(), 7);
    for (entry, step) in explained {
        let mut content = content_of(entry);
        content.header.cash_rounding = Some(cash_step(step));
        let totals = compute(&content).unwrap().totals;
        assert_eq!(totals.rounding, stated(entry, "rounding"), "{}", entry["source"]);
    }
}

/// Everything that the entry states otherwise than we compute it.
fn differences(entry: &Value) -> Vec<Difference> {
    let computed = compute(&content_of(entry)).unwrap();
    let totals = computed.totals;
    let mut figures: Vec<(String, MinorUnits, MinorUnits)> = Vec::new();
    for (index, (line, net)) in list(entry, "lines").iter().zip(&computed.line_nets).enumerate() {
        figures.push((format!("line {}", index + 1), minor(&line["expected_net"]), *net));
    }
    for (key, figure) in [
        ("lines", totals.lines_net),
        ("allow", totals.allowances),
        ("charge", totals.charges),
        ("net", totals.net),
        ("vat", totals.tax),
        ("gross", totals.gross),
        ("due", due(entry, &computed)),
    ] {
        let is_stated = !entry["expected"][key].is_null();
        assert!(
            is_stated || figure == MinorUnits::ZERO,
            "{}: {key} is silent",
            entry["source"]
        );
        figures.push((key.to_owned(), stated(entry, key), figure));
    }
    let groups = list(entry, "expected_vat_groups");
    assert_eq!(groups.len(), computed.tax_breakdown.len(), "{}", entry["source"]);
    for group in groups {
        let wanted = tax_of(group);
        let subtotal = computed
            .tax_breakdown
            .iter()
            .find(|subtotal| subtotal.category == wanted.category() && subtotal.rate == wanted.rate())
            .unwrap();
        let name = format!("vat group {} {}", text(&group["vat_category"]), subtotal.rate);
        figures.push((format!("{name} base"), minor(&group["base"]), subtotal.taxable));
        figures.push((format!("{name} tax"), minor(&group["tax"]), subtotal.tax));
    }
    figures
        .into_iter()
        .filter(|(_, stated, computed)| stated != computed)
        .map(|(figure, stated, computed)| Difference {
            figure,
            stated: stated.get(),
            computed: computed.get(),
        })
        .collect()
}

/// BR-CO-16: what remains of the gross with the stated rounding after the stated prepayment.
fn due(entry: &Value, computed: &Computed) -> MinorUnits {
    let mut totals = computed.totals;
    totals.rounding = stated(entry, "rounding");
    let settled = totals
        .settled(stated(entry, "prepaid"), MinorUnits::ZERO)
        .unwrap();
    settled.remaining.checked_sub(settled.overpaid).unwrap()
}

/// The cash rounding step that leads from the stated gross to the stated rounding.
fn explaining_step(entry: &Value) -> Option<i64> {
    let payable = stated(entry, "gross").get() + stated(entry, "rounding").get();
    let rounding = stated(entry, "rounding").get().abs();
    let is_reproducible = list(entry, "differences").is_empty();
    [5, 10, 50, 100]
        .into_iter()
        .find(|step| is_reproducible && payable % step == 0 && rounding * 2 <= *step)
}

fn content_of(entry: &Value) -> InvoiceContent {
    let lines = list(entry, "lines").iter().map(|line| {
        let base_quantity = line["base_quantity"].as_str().unwrap_or("1");
        let (price, base_quantity) = within_price_scale(text(&line["price"]), base_quantity);
        let mut new_line = line_per(text(&line["quantity"]), &price, &base_quantity, tax_of(line));
        for adjustment in list(line, "allowance_charges") {
            let value = amount(minor(&adjustment["amount"]).get());
            new_line
                .content
                .adjustments
                .push(on_line(kind_of(adjustment), value));
        }
        new_line
    });
    let mut content = content(text(&entry["currency"]), lines);
    for adjustment in list(entry, "allowance_charges") {
        let value = amount(minor(&adjustment["amount"]).get());
        content
            .header
            .adjustments
            .push(on_document(kind_of(adjustment), value, Some(tax_of(adjustment))));
    }
    content
}

/// One file has a price of nine digits after the point, one more than we take: the same price
/// of ten units has eight.
fn within_price_scale(price: &str, base_quantity: &str) -> (String, String) {
    match price.split_once('.') {
        Some(("0", fraction)) if fraction.len() == 9 && base_quantity == "1" => {
            (format!("{}.{}", &fraction[..1], &fraction[1..]), "10".to_owned())
        }
        Some(_) | None => (price.to_owned(), base_quantity.to_owned()),
    }
}

fn kind_of(adjustment: &Value) -> AdjustmentKind {
    if adjustment["charge"].as_bool().unwrap() {
        AdjustmentKind::Charge
    } else {
        AdjustmentKind::Allowance
    }
}

/// Split payment (B) is taxed like the standard rate; outside the scope (O) states no rate.
fn tax_of(taxed: &Value) -> Tax {
    let category = match text(&taxed["vat_category"]) {
        "S" | "B" => TaxCategory::Standard,
        "Z" => TaxCategory::Zero,
        "E" => TaxCategory::Exempt,
        "AE" => TaxCategory::ReverseCharge,
        "K" => TaxCategory::IntraCommunity,
        "G" => TaxCategory::Export,
        "O" => TaxCategory::OutsideScope,
        other => panic!("unknown category {other}"),
    };
    tax(category, taxed["vat_rate"].as_str().unwrap_or("0"))
}

fn known_difference(known: &Value) -> Difference {
    Difference {
        figure: text(&known["figure"]).to_owned(),
        stated: minor(&known["stated"]).get(),
        computed: minor(&known["computed"]).get(),
    }
}

/// The stated document figure; 0 where the file is silent.
fn stated(entry: &Value, key: &str) -> MinorUnits {
    let figure = &entry["expected"][key];
    if figure.is_null() {
        MinorUnits::ZERO
    } else {
        minor(figure)
    }
}

/// An amount in minor units; all files are in currencies of two digits.
fn minor(figure: &Value) -> MinorUnits {
    let exponent = Currency::parse("EUR").unwrap().exponent();
    let decimal = Decimal::parse(text(figure)).unwrap().normalized();
    let up = exponent.checked_sub(decimal.scale()).unwrap();
    MinorUnits::try_from(decimal.mantissa() * 10_i128.pow(up.into())).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap()
}
