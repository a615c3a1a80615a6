//! Worked figures with prices before tax. Amounts are minor units.

use super::builders::{
    amount, amounts, breakdown, cash_step, computed, content, line, line_per, minor, net_tax_gross,
    on_document, on_line, percent, rate, standard, tax,
};
use crate::domain::{
    adjustment::AdjustmentKind::{Allowance, Charge},
    content::InvoiceContent,
    decimal::Quantity,
    tax::{TaxCategory, TaxProfile},
};

/// 100.00 at 20 %, 50.00 at 10 %, 33.33 zero rated.
fn three_groups() -> InvoiceContent {
    content(
        "CHF",
        [
            line("1", "100", standard("20")),
            line("1", "50", standard("10")),
            line("1", "33.33", tax(TaxCategory::Zero, "0")),
        ],
    )
}

#[test]
fn bt_131_a_line_is_rounded_once_from_the_exact_product() {
    let computed = computed(&content(
        "EUR",
        [
            line("804878.94", "0.01146", standard("19")),
            line("245", "0.1973", standard("19")),
        ],
    ));
    assert_eq!(amounts(&computed.line_nets), [922_391, 4_834]);
}

#[test]
fn br_co_17_tax_is_rounded_once_per_group_and_never_per_line() {
    let computed = computed(&content("EUR", (0..4).map(|_| line("1", "17.50", standard("7")))));
    assert_eq!(breakdown(&computed), [("S", "7".to_owned(), 7_000, 490)]);
}

#[test]
fn br_s_08_rates_of_one_value_make_one_group() {
    let lines = ["7", "7.0", "7.00"].map(|rate| line("1", "10", standard(rate)));
    assert_eq!(
        breakdown(&computed(&content("EUR", lines))),
        [("S", "7".to_owned(), 3_000, 210)]
    );
}

#[test]
fn a_document_discount_without_category_is_spread_by_largest_remainder() {
    let mut content = three_groups();
    content.header.adjustments = vec![on_document(Allowance, amount(1_000), None)];
    content.header.cash_rounding = Some(cash_step(5));
    let computed = computed(&content);
    // Shares 5.45, 2.73 and 1.82.
    assert_eq!(
        breakdown(&computed),
        [
            ("S", "10".to_owned(), 4_727, 473),
            ("S", "20".to_owned(), 9_455, 1_891),
            ("Z", "0".to_owned(), 3_151, 0)
        ]
    );
    assert_eq!(net_tax_gross(&computed), (17_333, 2_364, 19_697));
    assert_eq!(computed.totals.rounding.get(), -2);
    assert_eq!(computed.totals.remaining.get(), 19_695);
    assert_eq!(amounts(&computed.adjustment_nets), [1_000]);
}

#[test]
fn a_currency_without_minor_unit_is_rounded_to_whole_units() {
    let computed = computed(&content("JPY", [line("3", "333", standard("10"))]));
    assert_eq!(net_tax_gross(&computed), (999, 100, 1_099));
}

#[test]
fn a_currency_with_three_digits_is_rounded_to_the_third() {
    let computed = computed(&content("KWD", [line("2.5", "0.1235", standard("5"))]));
    assert_eq!(net_tax_gross(&computed), (309, 15, 324));
}

#[test]
fn br_co_17_a_rate_may_have_three_digits_after_the_point() {
    let computed = computed(&content("CAD", [line("1", "8180", standard("9.975"))]));
    assert_eq!(computed.totals.tax.get(), 81_596);
}

#[test]
fn several_taxes_on_one_base_are_each_rounded_alone() {
    let profile = TaxProfile::new(standard("5"), vec![standard("9.975")]).unwrap();
    let computed = computed(&content("CAD", [line("1", "140", profile)]));
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
fn the_same_tax_twice_on_a_line_is_two_taxes() {
    let profile = TaxProfile::new(standard("9"), vec![standard("9.0")]).unwrap();
    // 0.06 × 9 % rounds to 0.01 twice; 18 % of it, or 9 % of twice the base, would be 0.01.
    let computed = computed(&content("INR", [line("1", "0.06", profile)]));
    assert_eq!(
        breakdown(&computed),
        [("S", "9".to_owned(), 6, 1), ("S", "9".to_owned(), 6, 1)]
    );
}

#[test]
fn a_tax_that_two_profiles_share_is_rounded_over_both() {
    let both = TaxProfile::new(standard("5"), vec![standard("9.975")]).unwrap();
    let computed = computed(&content(
        "CAD",
        [line("1", "0.10", both), line("1", "0.10", standard("5"))],
    ));
    // 5 % of 0.20 is 0.01; 5 % of 0.10 would round to 0.01 twice.
    assert_eq!(
        breakdown(&computed),
        [("S", "5".to_owned(), 20, 1), ("S", "9.975".to_owned(), 10, 1)]
    );
}

#[test]
fn br_co_13_a_document_discount_lowers_the_taxed_base() {
    let mut content = content("EUR", [line("1", "8500", standard("19"))]);
    content.header.adjustments = vec![on_document(Allowance, amount(750_000), Some(standard("19")))];
    let computed = computed(&content);
    assert_eq!(net_tax_gross(&computed), (100_000, 19_000, 119_000));
    assert_eq!(computed.totals.lines_net.get(), 850_000);
    assert_eq!(computed.totals.allowances.get(), 750_000);
}

#[test]
fn half_a_minor_unit_is_rounded_away_from_zero_below_zero_too() {
    let debit = computed(&content("DKK", [line("1", "625743.54", standard("25"))]));
    let credit = computed(&content("DKK", [line("-1", "625743.54", standard("25"))]));
    assert_eq!(net_tax_gross(&debit), (62_574_354, 15_643_589, 78_217_943));
    assert_eq!(net_tax_gross(&credit), (-62_574_354, -15_643_589, -78_217_943));
}

#[test]
fn br_co_10_lines_net_is_the_sum_of_rounded_line_nets() {
    let computed = computed(&content(
        "EUR",
        (0..3).map(|_| line("1", "0.335", standard("19"))),
    ));
    assert_eq!(amounts(&computed.line_nets), [34, 34, 34]);
    assert_eq!(computed.totals.lines_net.get(), 102);
}

#[test]
fn bt_149_a_price_may_be_per_a_hundred_or_per_a_third() {
    let computed = computed(&content(
        "EUR",
        [
            line_per("250", "1.99", "100", standard("19")),
            line_per("1", "1", "0.333333", standard("19")),
        ],
    ));
    assert_eq!(amounts(&computed.line_nets), [498, 300]);
}

#[test]
fn percentages_of_a_line_are_of_its_price_and_each_rounded_alone() {
    let mut line = line("1", "10.01", standard("20"));
    line.content.adjustments = vec![
        on_line(Allowance, percent("2.5")),
        on_line(Allowance, percent("2.5")),
        on_line(Charge, percent("50")),
        on_line(Charge, amount(7)),
    ];
    // 0.25025 → 0.25 twice (0.5005 at once would be 0.50), 5.005 → 5.01.
    assert_eq!(
        amounts(&computed(&content("EUR", [line])).line_nets),
        [1_001 - 25 - 25 + 501 + 7]
    );
}

#[test]
fn a_document_percentage_is_of_all_line_nets_also_when_it_has_its_own_category() {
    let mut content = three_groups();
    content.header.adjustments = vec![on_document(
        Charge,
        percent("10"),
        Some(tax(TaxCategory::Exempt, "0")),
    )];
    let computed = computed(&content);
    assert_eq!(amounts(&computed.adjustment_nets), [1_833]);
    assert_eq!(computed.totals.charges.get(), 1_833);
    assert_eq!(breakdown(&computed)[3], ("E", "0".to_owned(), 1_833, 0));
}

#[test]
fn shares_of_groups_with_mixed_signs_are_weighed_by_size() {
    let mut content = content(
        "EUR",
        [line("1", "30", standard("10")), line("-1", "10", standard("20"))],
    );
    content.header.adjustments = vec![on_document(Allowance, amount(400), None)];
    assert_eq!(
        breakdown(&computed(&content)),
        [
            ("S", "10".to_owned(), 2_700, 270),
            ("S", "20".to_owned(), -1_100, -220)
        ]
    );
}

#[test]
fn equal_remainders_of_a_spread_adjustment_go_to_the_lower_group() {
    let mut content = content(
        "EUR",
        [line("1", "1", standard("20")), line("1", "1", standard("10"))],
    );
    for (kind, lower) in [(Charge, 101), (Allowance, 99)] {
        content.header.adjustments = vec![on_document(kind, amount(1), None)];
        let taxable = computed(&content)
            .tax_breakdown
            .iter()
            .map(|subtotal| subtotal.taxable.get())
            .collect::<Vec<_>>();
        assert_eq!(taxable, [lower, 100], "{kind:?}");
    }
}

#[test]
fn a_spread_adjustment_is_weighed_by_lines_and_not_by_other_adjustments() {
    let mut content = content(
        "EUR",
        [line("1", "100", standard("20")), line("1", "100", standard("10"))],
    );
    content.header.adjustments = vec![
        on_document(Allowance, amount(900), None),
        on_document(Charge, amount(10_000), Some(standard("20"))),
    ];
    let taxable = computed(&content)
        .tax_breakdown
        .iter()
        .map(|subtotal| subtotal.taxable.get())
        .collect::<Vec<_>>();
    assert_eq!(taxable, [9_550, 19_550]);
}

#[test]
fn an_adjustment_without_category_goes_to_the_first_group_when_no_line_has_an_amount() {
    let mut content = content(
        "EUR",
        [line("0", "1", standard("20")), line("0", "1", standard("10"))],
    );
    content.header.adjustments = vec![on_document(Charge, amount(100), None)];
    assert_eq!(
        breakdown(&computed(&content)),
        [("S", "10".to_owned(), 100, 10), ("S", "20".to_owned(), 0, 0)]
    );
}

#[test]
fn an_adjustment_without_category_or_lines_counts_but_is_not_taxed() {
    let mut content = content("EUR", []);
    content.header.adjustments = vec![on_document(Charge, amount(100), None)];
    let computed = computed(&content);
    assert_eq!(breakdown(&computed), []);
    assert_eq!(net_tax_gross(&computed), (100, 0, 100));
}

#[test]
fn cash_rounding_goes_to_the_nearest_step_half_away_from_zero() {
    for (price, step, rounding) in [
        ("10.02", 5, -2),
        ("10.025", 5, 2),
        ("10.50", 100, 50),
        ("10.49", 100, -49),
        ("10", 5, 0),
    ] {
        let mut content = content("CHF", [line("1", price, tax(TaxCategory::Zero, "0"))]);
        content.header.cash_rounding = Some(cash_step(step));
        assert_eq!(
            computed(&content).totals.rounding.get(),
            rounding,
            "{price} to {step}"
        );
        content.lines[0].content.quantity = Some(Quantity::parse("-1").unwrap());
        assert_eq!(
            computed(&content).totals.rounding.get(),
            -rounding,
            "-{price} to {step}"
        );
    }
}

#[test]
fn bt_115_what_remains_and_what_is_overpaid_are_never_negative() {
    let totals = computed(&content("EUR", [line("1", "100", standard("20"))])).totals;
    let of = |paid, credited| {
        let settled = totals.settled(minor(paid), minor(credited)).unwrap();
        (settled.remaining.get(), settled.overpaid.get())
    };
    assert_eq!(of(0, 0), (12_000, 0));
    assert_eq!(of(2_000, 4_000), (6_000, 0));
    assert_eq!(of(8_000, 4_000), (0, 0));
    assert_eq!(of(12_000, 1), (0, 1));
}

#[test]
fn a_blank_quantity_or_price_counts_as_nothing() {
    let mut blank = line("3", "5", standard("20"));
    blank.content.quantity = None;
    assert_eq!(
        net_tax_gross(&computed(&content("EUR", [blank.clone()]))),
        (0, 0, 0)
    );
    blank.content.adjustments = vec![on_line(Charge, amount(100))];
    assert_eq!(net_tax_gross(&computed(&content("EUR", [blank]))), (100, 20, 120));
}

#[test]
fn a_subtotal_states_its_rate_without_trailing_zeros() {
    let computed = computed(&content("EUR", [line("1", "1", standard("5.50"))]));
    assert_eq!(computed.tax_breakdown[0].rate.to_string(), "5.5");
    assert_eq!(computed.tax_breakdown[0].rate, rate("5.50"));
}
