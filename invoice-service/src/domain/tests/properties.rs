//! What holds for every invoice.

use num_bigint::BigInt;
use proptest::prelude::*;

use super::{
    builders::{amounts, computed, content, line_per, minor, standard},
    strategies::{decimal, decimal_text, invoice, oracle_round, oracle_units, positive_decimal},
};
use crate::domain::{
    adjustment::{AdjustmentKind, AdjustmentValue},
    content::InvoiceContent,
    decimal::{Decimal, Quantity},
    money::MinorUnits,
    rounding::{allocate, round_half_away, round_to_total},
    totals::{Totals, compute},
};

/// The same invoice taken back: every quantity and every fixed amount with the opposite sign.
fn opposite(content: &InvoiceContent) -> InvoiceContent {
    let negated = |value: &mut AdjustmentValue| {
        if let AdjustmentValue::Amount(amount) = value {
            *amount = amount.negated();
        }
    };
    let mut opposite = content.clone();
    for line in &mut opposite.lines {
        let quantity = line.content.quantity.unwrap().decimal();
        let text = decimal_text(-quantity.mantissa(), quantity.scale().into());
        line.content.quantity = Some(Quantity::parse(&text).unwrap());
        line.content
            .adjustments
            .iter_mut()
            .for_each(|adjustment| negated(&mut adjustment.value));
    }
    opposite
        .header
        .adjustments
        .iter_mut()
        .for_each(|adjustment| negated(&mut adjustment.value));
    opposite
}

fn sum(amounts: impl IntoIterator<Item = MinorUnits>) -> i64 {
    amounts.into_iter().map(MinorUnits::get).sum()
}

proptest! {
    #[test]
    fn gross_is_net_and_tax_and_each_total_is_the_sum_of_its_parts(content in invoice(2)) {
        let computed = computed(&content);
        let Totals { lines_net, allowances, charges, net, tax, gross, .. } = computed.totals;
        prop_assert_eq!(lines_net.get(), sum(computed.line_nets));
        let of = |wanted| {
            let adjustments = content.header.adjustments.iter().zip(&computed.adjustment_nets);
            sum(adjustments.filter(|(adjustment, _)| adjustment.kind == wanted).map(|(_, net)| *net))
        };
        prop_assert_eq!(allowances.get(), of(AdjustmentKind::Allowance));
        prop_assert_eq!(charges.get(), of(AdjustmentKind::Charge));
        prop_assert_eq!(net.get(), lines_net.get() - allowances.get() + charges.get());
        prop_assert_eq!(tax.get(), sum(computed.tax_breakdown.iter().map(|subtotal| subtotal.tax)));
        prop_assert_eq!(gross.get(), net.get() + tax.get());
    }

    #[test]
    fn the_breakdown_adds_up_to_the_net_when_every_line_has_one_tax(content in invoice(0)) {
        let computed = computed(&content);
        prop_assume!(!content.lines.is_empty());
        prop_assert_eq!(
            computed.totals.net.get(),
            sum(computed.tax_breakdown.iter().map(|subtotal| subtotal.taxable))
        );
    }

    #[test]
    fn br_co_17_every_tax_before_price_is_its_base_times_its_rate_rounded_once(mut content in invoice(2)) {
        content.header.prices_include_tax = false;
        for subtotal in computed(&content).tax_breakdown {
            let exact = BigInt::from(subtotal.taxable.get()) * oracle_units(&subtotal.rate.to_string());
            let hundred_percent = BigInt::from(10).pow(20);
            prop_assert_eq!(BigInt::from(subtotal.tax.get()), oracle_round(&exact, &hundred_percent));
        }
    }

    #[test]
    fn the_breakdown_names_every_tax_once_and_in_order(content in invoice(0)) {
        let breakdown = computed(&content).tax_breakdown;
        let keys: Vec<_> = breakdown.iter().map(|subtotal| (subtotal.category, subtotal.rate)).collect();
        prop_assert!(keys.is_sorted_by(|a, b| a < b), "{:?}", keys);
    }

    #[test]
    fn the_order_of_lines_does_not_matter(
        (content, shuffled) in invoice(2).prop_flat_map(|content| {
            let lines = Just(content.lines.clone()).prop_shuffle();
            (Just(content), lines)
        })
    ) {
        let before = computed(&content);
        let after = computed(&InvoiceContent { lines: shuffled, ..content });
        prop_assert_eq!(after.totals, before.totals);
        prop_assert_eq!(after.tax_breakdown, before.tax_breakdown);
        prop_assert_eq!(after.adjustment_nets, before.adjustment_nets);
        let (mut after, mut before) = (after.line_nets, before.line_nets);
        after.sort();
        before.sort();
        prop_assert_eq!(after, before);
    }

    #[test]
    fn prices_that_include_tax_never_move_the_gross(mut content in invoice(2)) {
        content.header.prices_include_tax = true;
        let gross = computed(&content).totals.gross;
        content.header.prices_include_tax = false;
        prop_assert_eq!(gross, computed(&content).totals.net);
    }

    #[test]
    fn what_is_taken_back_is_the_exact_opposite(content in invoice(2)) {
        let (there, back) = (computed(&content), computed(&opposite(&content)));
        prop_assert_eq!(back.totals.net, there.totals.net.negated());
        prop_assert_eq!(back.totals.tax, there.totals.tax.negated());
        prop_assert_eq!(back.totals.gross, there.totals.gross.negated());
        prop_assert_eq!(back.totals.rounding, there.totals.rounding.negated());
        if !content.header.prices_include_tax {
            let opposite: Vec<_> = amounts(&there.line_nets).into_iter().map(|amount| -amount).collect();
            prop_assert_eq!(amounts(&back.line_nets), opposite);
        }
    }

    #[test]
    fn cash_rounding_reaches_a_multiple_of_the_step_by_at_most_half_of_it(content in invoice(0)) {
        let totals = computed(&content).totals;
        let step = content.header.cash_rounding.map_or(1, |step| step.minor_units().get());
        prop_assert_eq!(totals.payable().unwrap().get() % step, 0);
        prop_assert!(totals.rounding.get().abs() * 2 <= step);
    }

    #[test]
    fn paid_credited_remaining_and_overpaid_account_for_all_that_is_payable(
        content in invoice(0), paid in 0..1_000_000_i64, credited in 0..1_000_000_i64,
    ) {
        let totals = computed(&content).totals.settled(minor(paid), minor(credited)).unwrap();
        let Totals { remaining, overpaid, .. } = totals;
        prop_assert_eq!(paid + credited + remaining.get() - overpaid.get(), totals.payable().unwrap().get());
        prop_assert!(!remaining.is_negative() && !overpaid.is_negative());
        prop_assert!(remaining == MinorUnits::ZERO || overpaid == MinorUnits::ZERO);
    }

    #[test]
    fn parts_of_a_shared_out_amount_add_up_and_are_within_a_unit_of_their_share(
        amount in -1_000_000_000_i128..1_000_000_000,
        weights in prop::collection::vec(-100_000_i128..100_000, 1..20),
    ) {
        let parts = allocate(amount, &weights).unwrap();
        prop_assert_eq!(parts.iter().sum::<i128>(), amount);
        let whole: i128 = weights.iter().map(|weight| weight.abs()).sum();
        if whole > 0 {
            for (part, weight) in parts.iter().zip(&weights) {
                prop_assert!((part * whole - amount * weight.abs()).abs() < whole);
            }
        }
    }

    #[test]
    fn parts_rounded_to_a_total_add_up_to_it_whatever_their_signs(
        numerators in prop::collection::vec(-1_000_000_i128..1_000_000, 1..20), denominator in 1..1_000_i128,
    ) {
        let total = round_half_away(numerators.iter().sum(), denominator).unwrap();
        let parts = round_to_total(total, &numerators, denominator, |index| index).unwrap();
        prop_assert_eq!(parts.iter().sum::<i128>(), total);
        for (part, numerator) in parts.iter().zip(&numerators) {
            prop_assert!((part * denominator - numerator).abs() <= denominator);
        }
    }

    #[test]
    fn rounding_is_symmetric_and_nearest(numerator in any::<i64>(), denominator in 1..i64::MAX) {
        let (numerator, denominator) = (i128::from(numerator), i128::from(denominator));
        let rounded = round_half_away(numerator, denominator).unwrap();
        prop_assert_eq!(round_half_away(-numerator, denominator), Some(-rounded));
        prop_assert!((rounded * denominator - numerator).abs() * 2 <= denominator);
        let half = round_half_away(2 * numerator + numerator.signum(), 2);
        prop_assert_eq!(half, Some(numerator + numerator.signum()));
    }

    #[test]
    fn a_decimal_survives_being_written_and_read(text in decimal(true, 18, 18)) {
        let value = Decimal::parse(&text).unwrap();
        let is_negative_zero = value == Decimal::ZERO && text.starts_with('-');
        prop_assert!(value.to_string() == text || is_negative_zero);
        prop_assert_eq!(Decimal::parse(&value.to_string()).unwrap(), value);
        prop_assert_eq!(Decimal::parse(&value.normalized().to_string()).unwrap(), value);
    }

    #[test]
    fn decimals_compare_by_value(a in decimal(true, 2, 3), b in decimal(true, 2, 3)) {
        let read = |text: &str| Decimal::parse(text).unwrap();
        prop_assert_eq!(read(&a).cmp(&read(&b)), oracle_units(&a).cmp(&oracle_units(&b)));
    }

    #[test]
    fn no_text_makes_the_parser_panic_and_what_it_takes_is_plain(text in "[-+0-9.,eE ]{0,12}") {
        if let Ok(value) = Decimal::parse(&text) {
            prop_assert_eq!(oracle_units(&value.to_string()), oracle_units(&text));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn bt_131_a_line_net_agrees_with_big_integers_over_the_whole_range_of_inputs(
        code in prop::sample::select(vec![("JPY", 0_u32), ("EUR", 2), ("KWD", 3), ("CLF", 4)]),
        quantity in decimal(true, 9, 6),
        price in decimal(false, 10, 8),
        base_quantity in positive_decimal(9, 6),
    ) {
        let (code, exponent) = code;
        // Every value is an integer of 10^-18; one such factor is left over and divided away.
        let scale = BigInt::from(10).pow(18);
        let numerator = oracle_units(&quantity) * oracle_units(&price) * BigInt::from(10).pow(exponent);
        let expected = oracle_round(&numerator, &(oracle_units(&base_quantity) * scale));
        let content = content(code, [line_per(&quantity, &price, &base_quantity, standard("0"))]);
        match compute(&content) {
            Ok(computed) => prop_assert_eq!(BigInt::from(computed.line_nets[0].get()), expected),
            Err(_) => prop_assert!(expected.magnitude() > BigInt::from(MinorUnits::MAX.get()).magnitude()),
        }
    }
}
