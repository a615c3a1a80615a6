//! Worked figures with prices that include tax: the gross never moves. Amounts are minor units.

use super::builders::{
    amount, amounts, breakdown, computed, content, line, net_tax_gross, on_document, on_line, percent,
    standard, tax,
};
use crate::domain::{
    adjustment::AdjustmentKind::{Allowance, Charge},
    content::InvoiceContent,
    line::NewLine,
    tax::{TaxCategory, TaxProfile},
};

fn inclusive(lines: impl IntoIterator<Item = NewLine>) -> InvoiceContent {
    let mut content = content("EUR", lines);
    content.header.prices_include_tax = true;
    content
}

#[test]
fn tax_is_what_the_net_leaves_of_the_gross() {
    for (quantity, price, rate, expected) in [
        ("1", "353.90", "19", (29_739, 5_651, 35_390)),
        ("100", "0.65", "21", (5_372, 1_128, 6_500)),
        ("1", "500", "10", (45_455, 4_545, 50_000)),
    ] {
        let computed = computed(&inclusive([line(quantity, price, standard(rate))]));
        assert_eq!(
            net_tax_gross(&computed),
            expected,
            "{quantity} × {price} at {rate} %"
        );
    }
}

#[test]
fn line_nets_share_the_net_of_their_group_by_largest_remainder() {
    let computed = computed(&inclusive(
        ["0.10", "0.10", "0.20"].map(|price| line("1", price, standard("20"))),
    ));
    // 0.40 ÷ 1.2 = 0.33; exact nets 8.33, 8.33 and 16.67 cents.
    assert_eq!(amounts(&computed.line_nets), [8, 8, 17]);
    assert_eq!(net_tax_gross(&computed), (33, 7, 40));
}

#[test]
fn equal_remainders_go_to_the_larger_line_wherever_it_stands() {
    let nets = |prices: [&str; 2]| {
        amounts(&computed(&inclusive(prices.map(|price| line("1", price, standard("20"))))).line_nets)
    };
    // Exact nets 2.5 and 7.5 cents of 10.
    assert_eq!(nets(["0.03", "0.09"]), [2, 8]);
    assert_eq!(nets(["0.09", "0.03"]), [8, 2]);
}

#[test]
fn lines_of_mixed_signs_keep_their_own_share() {
    let computed = computed(&inclusive([
        line("1", "1000", standard("19")),
        line("-1", "999.99", standard("19")),
    ]));
    assert_eq!(amounts(&computed.line_nets), [84_034, -84_033]);
    assert_eq!(net_tax_gross(&computed), (1, 0, 1));
}

#[test]
fn what_is_taken_back_is_the_exact_opposite() {
    let lines = |quantity: &str| {
        inclusive([
            line(quantity, "0.35", standard("19")),
            line(quantity, "0.99", standard("19")),
        ])
    };
    let (sold, taken_back) = (computed(&lines("1")), computed(&lines("-1")));
    let opposite = |amounts: Vec<i64>| amounts.into_iter().map(|amount| -amount).collect::<Vec<_>>();
    assert_eq!(amounts(&taken_back.line_nets), opposite(amounts(&sold.line_nets)));
    assert_eq!(taken_back.totals.tax, sold.totals.tax.negated());
}

#[test]
fn several_taxes_in_one_price_share_the_tax_by_largest_remainder() {
    let profile = TaxProfile::new(standard("5"), vec![standard("9.975")]).unwrap();
    let computed = computed(&inclusive([line("1", "160.97", profile)]));
    assert_eq!(
        breakdown(&computed),
        [
            ("S", "5".to_owned(), 14_000, 700),
            ("S", "9.975".to_owned(), 14_000, 1_397)
        ]
    );
    assert_eq!(net_tax_gross(&computed), (14_000, 2_097, 16_097));
}

#[test]
fn adjustments_include_tax_too_and_the_totals_state_them_net() {
    let mut line = line("2", "60", standard("20"));
    line.content.adjustments = vec![on_line(Allowance, percent("10"))];
    let mut content = inclusive([line]);
    content.header.adjustments = vec![
        on_document(Allowance, amount(1_200), Some(standard("20"))),
        on_document(Charge, percent("10"), Some(tax(TaxCategory::Exempt, "0"))),
    ];
    let computed = computed(&content);
    assert_eq!(amounts(&computed.line_nets), [9_000]);
    assert_eq!(amounts(&computed.adjustment_nets), [1_000, 1_080]);
    assert_eq!(computed.totals.allowances.get(), 1_000);
    assert_eq!(computed.totals.charges.get(), 1_080);
    assert_eq!(net_tax_gross(&computed), (9_080, 1_600, 10_800 - 1_200 + 1_080));
}

#[test]
fn a_discount_without_category_is_spread_over_what_the_groups_cost_with_tax() {
    let mut content = inclusive([line("1", "120", standard("20")), line("1", "60", standard("0"))]);
    content.header.adjustments = vec![on_document(Allowance, amount(900), None)];
    let computed = computed(&content);
    assert_eq!(
        breakdown(&computed),
        [
            ("S", "0".to_owned(), 5_700, 0),
            ("S", "20".to_owned(), 9_500, 1_900)
        ]
    );
    assert_eq!(computed.totals.gross.get(), 17_100);
    assert_eq!(amounts(&computed.adjustment_nets), [800]);
}

#[test]
fn lines_that_are_taxed_alike_are_one_group_whichever_tax_each_names_first() {
    let taxed = |first, second| TaxProfile::new(standard(first), vec![standard(second)]).unwrap();
    let lines = [
        line("1", "100.00", taxed("5", "9.975")),
        line("1", "33.33", taxed("9.975", "5")),
    ];
    let mut content = content("CAD", lines);
    content.header.prices_include_tax = true;
    let computed = computed(&content);
    // R(133.33 × 100 ÷ 114.975); in two groups it would be 115.97.
    assert_eq!(net_tax_gross(&computed), (11_596, 1_737, 13_333));
}
