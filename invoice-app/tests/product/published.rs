//! Invoices that others published, as requests, and the figures that they state (invoice-service/tests/data/README.md).

use std::fs;

use harness::workspace_root;
use proto::invoice::v1::adjustment::{Kind, Value as AdjustmentValue};
use proto::invoice::v1::{Adjustment, Invoice, Line, TaxCategory};
use serde_json::Value;

const FILE: &str = "invoice-service/tests/data/public_invoices.json";
/// All of them are in currencies with cents.
const MINOR_DIGITS: usize = 2;

/// One published invoice.
pub(crate) struct Published(Value);

/// A figure that the file states otherwise than it was computed, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Difference {
    pub(crate) figure: String,
    pub(crate) stated: i64,
    pub(crate) computed: i64,
}

impl Published {
    /// Every entry of the file.
    pub(crate) fn all() -> Vec<Self> {
        let text = fs::read_to_string(workspace_root().join(FILE)).unwrap();
        let entries: Vec<Value> = serde_json::from_str(&text).unwrap();
        entries.into_iter().map(Self).collect()
    }

    /// Repository and file.
    pub(crate) fn source(&self) -> &str {
        text(&self.0["source"])
    }

    /// The request that its inputs make. What it states as a result is not in there, except the cash rounding when a
    /// usual step explains it.
    pub(crate) fn invoice(&self) -> Invoice {
        Invoice {
            currency_code: text(&self.0["currency"]).to_owned(),
            lines: list(&self.0, "lines").iter().map(line).collect(),
            adjustments: list(&self.0, "allowance_charges")
                .iter()
                .map(on_document)
                .collect(),
            cash_rounding_minor: self.cash_rounding_step().unwrap_or(0),
            note: self.source().to_owned(),
            ..Invoice::default()
        }
    }

    /// The step that leads from the stated gross to the stated rounding.
    pub(crate) fn cash_rounding_step(&self) -> Option<i64> {
        let (gross, rounding) = (self.stated("gross"), self.stated("rounding"));
        let is_explained = |step: &i64| (gross + rounding) % step == 0 && rounding.abs() * 2 <= *step;
        let is_rounded = rounding != 0 && self.is_reproducible();
        is_rounded
            .then(|| [5, 10, 50, 100].into_iter().find(is_explained))
            .flatten()
    }

    /// Whether our rules give every figure that it states.
    pub(crate) fn is_reproducible(&self) -> bool {
        list(&self.0, "differences").is_empty()
    }

    /// What is known to differ, sorted.
    pub(crate) fn known_differences(&self) -> Vec<Difference> {
        let known = list(&self.0, "differences").iter().map(|known| Difference {
            figure: text(&known["figure"]).to_owned(),
            stated: minor(&known["stated"]),
            computed: minor(&known["computed"]),
        });
        sorted(known.collect())
    }

    /// What `answered` has otherwise than the file states, sorted.
    pub(crate) fn differences(&self, answered: &Invoice) -> Vec<Difference> {
        let mut figures = self.lines(answered);
        figures.extend(self.totals(answered));
        figures.extend(self.tax_groups(answered));
        figures.retain(|figure| figure.stated != figure.computed);
        sorted(figures)
    }

    fn lines(&self, answered: &Invoice) -> Vec<Difference> {
        let lines = list(&self.0, "lines");
        assert_eq!(lines.len(), answered.lines.len(), "{}", self.source());
        let pairs = lines.iter().zip(&answered.lines).enumerate();
        pairs
            .map(|(index, (stated, line))| Difference {
                figure: format!("line {}", index + 1),
                stated: minor(&stated["expected_net"]),
                computed: line.net_minor,
            })
            .collect()
    }

    fn totals(&self, answered: &Invoice) -> Vec<Difference> {
        let totals = answered.totals.unwrap();
        let rounding = self.stated("rounding");
        let prepaid = self.stated("prepaid");
        // Nothing is paid here, so what is asked for, less what is owed back, is the gross as rounded.
        let payable = totals.remaining_minor - totals.overpaid_minor;
        assert_eq!(
            payable,
            totals.gross_minor + totals.rounding_minor,
            "{}",
            self.source()
        );
        // BR-CO-16: due = gross + rounding - prepaid. Where a step was sent, the rounding is the service's own.
        let due = if self.cash_rounding_step().is_some() {
            assert_eq!(totals.rounding_minor, rounding, "{}", self.source());
            payable - prepaid
        } else {
            assert_eq!(totals.rounding_minor, 0, "{}", self.source());
            payable + rounding - prepaid
        };
        let figures = [
            ("lines", totals.lines_net_minor),
            ("allow", totals.allowances_minor),
            ("charge", totals.charges_minor),
            ("net", totals.net_minor),
            ("vat", totals.tax_minor),
            ("gross", totals.gross_minor),
            ("due", due),
        ];
        let figures = figures.map(|(figure, computed)| Difference {
            figure: figure.to_owned(),
            stated: self.stated(figure),
            computed,
        });
        figures.to_vec()
    }

    fn tax_groups(&self, answered: &Invoice) -> Vec<Difference> {
        let groups = list(&self.0, "expected_vat_groups");
        assert_eq!(groups.len(), answered.tax_breakdown.len(), "{}", self.source());
        let mut figures = Vec::new();
        for group in groups {
            let (category, rate) = (category(group), rate(group));
            let mut subtotals = answered.tax_breakdown.iter();
            let subtotal = subtotals
                .find(|subtotal| subtotal.tax_category() == category && subtotal.tax_rate == rate)
                .unwrap_or_else(|| panic!("{}: no group {category:?} {rate}", self.source()));
            let name = format!("vat group {} {rate}", text(&group["vat_category"]));
            for (key, suffix, computed) in [
                ("base", "base", subtotal.taxable_minor),
                ("tax", "tax", subtotal.tax_minor),
            ] {
                figures.push(Difference {
                    figure: format!("{name} {suffix}"),
                    stated: minor(&group[key]),
                    computed,
                });
            }
        }
        figures
    }

    /// A figure of the document; 0 where the file is silent.
    fn stated(&self, key: &str) -> i64 {
        let figure = &self.0["expected"][key];
        if figure.is_null() { 0 } else { minor(figure) }
    }
}

fn line(entry: &Value) -> Line {
    let (unit_price, price_base_quantity) = within_price_scale(
        text(&entry["price"]),
        entry["base_quantity"].as_str().unwrap_or_default(),
    );
    Line {
        quantity: text(&entry["quantity"]).to_owned(),
        unit_price,
        price_base_quantity,
        adjustments: list(entry, "allowance_charges").iter().map(on_line).collect(),
        tax_category: category(entry).into(),
        tax_rate: rate(entry).to_owned(),
        ..Line::default()
    }
}

/// One file has a price of nine digits after the point, one more than the API takes: the same price of ten units has eight.
fn within_price_scale(price: &str, base_quantity: &str) -> (String, String) {
    match price.split_once('.') {
        Some(("0", fraction)) if fraction.len() == 9 && ["", "1"].contains(&base_quantity) => {
            (format!("{}.{}", &fraction[..1], &fraction[1..]), "10".to_owned())
        }
        Some(_) | None => (price.to_owned(), base_quantity.to_owned()),
    }
}

fn on_line(entry: &Value) -> Adjustment {
    let kind = if entry["charge"].as_bool().unwrap() {
        Kind::Charge
    } else {
        Kind::Allowance
    };
    Adjustment {
        kind: kind.into(),
        value: Some(AdjustmentValue::AmountMinor(minor(&entry["amount"]))),
        ..Adjustment::default()
    }
}

fn on_document(entry: &Value) -> Adjustment {
    Adjustment {
        tax_category: category(entry).into(),
        tax_rate: rate(entry).to_owned(),
        ..on_line(entry)
    }
}

/// Split payment (B) is taxed like the standard rate.
fn category(taxed: &Value) -> TaxCategory {
    match text(&taxed["vat_category"]) {
        "S" | "B" => TaxCategory::Standard,
        "Z" => TaxCategory::Zero,
        "E" => TaxCategory::Exempt,
        "AE" => TaxCategory::ReverseCharge,
        "K" => TaxCategory::IntraCommunity,
        "G" => TaxCategory::Export,
        "O" => TaxCategory::OutsideScope,
        other => panic!("unknown category {other}"),
    }
}

/// What is outside the scope of tax (O) states no rate.
fn rate(taxed: &Value) -> &str {
    taxed["vat_rate"].as_str().unwrap_or("0")
}

/// A decimal amount in minor units, by its digits.
fn minor(figure: &Value) -> i64 {
    let (whole, fraction) = text(figure).split_once('.').unwrap_or((text(figure), ""));
    assert!(fraction.len() <= MINOR_DIGITS, "{figure}");
    format!("{whole}{fraction:0<MINOR_DIGITS$}").parse().unwrap()
}

fn sorted(mut differences: Vec<Difference>) -> Vec<Difference> {
    differences.sort();
    differences
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap()
}
