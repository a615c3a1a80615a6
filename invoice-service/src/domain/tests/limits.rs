//! Amounts at and beyond the limit: an error that names the figure, never a wrapped number.

use super::builders::{
    amount, cash_step, content, line, line_per, on_document, on_line, percent, standard, tax,
};
use crate::domain::{
    adjustment::AdjustmentKind::{Allowance, Charge},
    content::InvoiceContent,
    line::NewLine,
    money::MinorUnits,
    tax::TaxCategory,
    totals::{Figure, TotalsError, compute},
};

fn refused_for(content: &InvoiceContent) -> Figure {
    let TotalsError { figure } = compute(content).unwrap_err();
    figure
}

/// A zero-rated line of exactly the greatest amount: 999 999 999 999.99 EUR.
fn most() -> NewLine {
    line("100", "9999999999.9999", tax(TaxCategory::Zero, "0"))
}

#[test]
fn the_greatest_amount_is_computed() {
    let computed = compute(&content("EUR", [most()])).unwrap();
    assert_eq!(computed.totals.gross, MinorUnits::MAX);
}

#[test]
fn the_largest_inputs_name_the_line() {
    let small = line("1", "1", standard("20"));
    for code in ["JPY", "EUR", "CLF"] {
        let largest = line_per(
            "-999999999.999999",
            "9999999999.99999999",
            "0.000001",
            standard("100"),
        );
        assert_eq!(
            refused_for(&content(code, [small.clone(), largest])),
            Figure::Line(1),
            "{code}"
        );
    }
}

#[test]
fn a_percentage_of_the_largest_line_names_the_line() {
    let mut largest = line_per(
        "999999999.999999",
        "9999999999.99999999",
        "0.000001",
        standard("20"),
    );
    let all = on_line(Allowance, percent("100"));
    largest.content.adjustments = vec![all];
    // The line comes to 0, although what it is taken from is far outside the limit.
    assert_eq!(
        compute(&content("CLF", [largest.clone()])).unwrap().totals.gross,
        MinorUnits::ZERO
    );
    largest.content.adjustments = vec![on_line(Charge, percent("100")); 20];
    assert_eq!(refused_for(&content("CLF", [largest])), Figure::Line(0));
}

#[test]
fn sums_beyond_the_limit_name_the_total() {
    let one_cent = line("1", "0.01", tax(TaxCategory::Zero, "0"));
    assert_eq!(refused_for(&content("EUR", [most(), one_cent])), Figure::Tax);
    let standard_most = line("100", "9999999999.9999", standard("0.0001"));
    assert_eq!(
        refused_for(&content("EUR", [standard_most.clone()])),
        Figure::Gross
    );
    assert_eq!(
        refused_for(&content("EUR", [standard_most, most()])),
        Figure::LinesNet
    );

    let mut charged = content("EUR", [most()]);
    charged.header.adjustments = vec![on_document(Charge, amount(1), Some(standard("0")))];
    assert_eq!(refused_for(&charged), Figure::Net);
    charged.header.adjustments = [Charge; 2]
        .map(|kind| on_document(kind, amount(MinorUnits::MAX.get()), None))
        .to_vec();
    charged.lines.clear();
    assert_eq!(refused_for(&charged), Figure::Charges);
    charged.header.adjustments = [Allowance; 2]
        .map(|kind| on_document(kind, amount(MinorUnits::MAX.get()), None))
        .to_vec();
    assert_eq!(refused_for(&charged), Figure::Allowances);
}

#[test]
fn rounding_beyond_the_limit_names_the_rounding() {
    let mut content = content("EUR", [most()]);
    content.header.cash_rounding = Some(cash_step(100));
    assert_eq!(refused_for(&content), Figure::Rounding);
}
