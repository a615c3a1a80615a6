//! What holds of credit notes, whatever is credited in whatever order.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::builders::minor;
use super::credits::{give, nets, ordered};
use super::issuing::{day, draft};
use super::strategies::invoice;
use crate::domain::{
    content::InvoiceContent,
    credit::{CreditError, CreditProblem, Extent, LineToCredit},
    decimal::Quantity,
    invoice::Invoice,
    money::MinorUnits,
    state::State,
    totals::{TaxSubtotal, compute},
};

/// A random invoice as it is once it is issued: whatever stands in the way of issuing it has no effect on its figures.
fn as_issued(content: InvoiceContent) -> Option<Invoice> {
    let mut invoice = draft(content);
    if invoice.totals.gross < MinorUnits::ZERO {
        return None;
    }
    invoice.header.issue_date = Some(day("2026-03-01"));
    let settled = invoice.totals.remaining == MinorUnits::ZERO;
    invoice.state = if settled { State::Paid } else { State::Open };
    Some(invoice)
}

/// A piece of what is left of a line, in 256ths; odd rolls ask by amount.
fn piece(invoice: &Invoice, position: usize, left: MinorUnits, roll: u8) -> Option<LineToCredit> {
    let line = &invoice.lines[position];
    let part = |whole: i128| whole * (i128::from(roll) + 1) / 256;
    let of_line = line.content.quantity.map_or(0, Quantity::millionths);
    let credited = line.credited.quantity.map_or(0, Quantity::millionths);
    let extent = if roll % 2 == 1 {
        Extent::Amount(MinorUnits::try_from(part(left.get().into())).unwrap())
    } else {
        Extent::Quantity(Quantity::from_millionths(part(of_line - credited)).unwrap())
    };
    let nothing = matches!(extent, Extent::Amount(MinorUnits::ZERO));
    let no_units = matches!(extent, Extent::Quantity(quantity) if quantity.millionths() == 0);
    (!nothing && !no_units && left != MinorUnits::ZERO).then(|| LineToCredit {
        line_id: line.id.clone(),
        extent,
    })
}

fn sum_of<'a>(notes: impl IntoIterator<Item = &'a Invoice>, of: fn(&Invoice) -> MinorUnits) -> i64 {
    notes.into_iter().map(|note| of(note).get()).sum()
}

/// Taxable and tax of every tax that the notes have, added up by category and rate.
fn taxes_of(notes: &[&Invoice]) -> Vec<(&'static str, String, i64, i64)> {
    let mut sums = BTreeMap::<(&str, String), (i64, i64)>::new();
    let subtotals = notes.iter().flat_map(|note| &note.tax_breakdown);
    for TaxSubtotal {
        category,
        rate,
        taxable,
        tax,
    } in subtotals
    {
        let sum = sums.entry((category.code(), rate.to_string())).or_default();
        *sum = (sum.0 + taxable.get(), sum.1 + tax.get());
    }
    let rows = sums.into_iter().filter(|(_, sum)| *sum != (0, 0));
    rows.map(|((code, rate), (taxable, tax))| (code, rate, taxable, tax))
        .collect()
}

fn twice(invoice: &Invoice, code: &str, rate: &str) -> bool {
    let same =
        |subtotal: &&TaxSubtotal| subtotal.category.code() == code && subtotal.rate.to_string() == rate;
    invoice.tax_breakdown.iter().filter(same).count() > 1
}

fn holds_of_every_note(note: &Invoice) {
    let totals = note.totals;
    assert_eq!(totals.gross.get(), totals.net.get() + totals.tax.get());
    let charges = totals.charges.get() - totals.allowances.get();
    assert_eq!(totals.net.get(), totals.lines_net.get() + charges);
    assert_eq!(totals.lines_net.get(), nets(note).iter().sum::<i64>());
    assert!(totals.gross >= MinorUnits::ZERO && totals.credited >= MinorUnits::ZERO);
    assert_eq!(
        (totals.paid, totals.remaining, totals.overpaid),
        (minor(0), minor(0), minor(0))
    );
    assert_eq!(totals.credited.get(), totals.gross.get() + totals.rounding.get());
    // What its lines say is what they come to (BT-131).
    let said = compute(&note.content()).unwrap();
    if !note.header.prices_include_tax {
        assert_eq!(
            said.line_nets,
            note.lines.iter().map(|line| line.net).collect::<Vec<_>>()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn credits_in_any_order_neither_exceed_nor_miss_the_invoice(
        content in invoice(3),
        rolls in prop::collection::vec((any::<usize>(), any::<u8>(), any::<u8>()), 0..20),
    ) {
        let Some(invoice) = as_issued(content) else { return Ok(()) };
        let mut now = invoice.clone();
        let mut notes = Vec::new();
        let mut finished = false;
        for (position, first, second) in rolls.iter().map(Some).chain([None]).map(|roll| roll.copied().unwrap_or((usize::MAX, 0, 0))) {
            let last = position == usize::MAX;
            let lines = if last || now.lines.is_empty() {
                Vec::new()
            } else {
                let left = now.creditable();
                let at = [position % left.len(), (position + 1) % left.len()];
                let pieces = at.into_iter().zip([first, second]).take(left.len().min(2));
                pieces.filter_map(|(at, roll)| piece(&now, at, left[at], roll)).collect()
            };
            if lines.is_empty() && !last {
                continue;
            }
            match give(&now, &ordered(lines), None) {
                Ok(credited) => {
                    holds_of_every_note(&credited.note);
                    let totals = credited.invoice.totals;
                    prop_assert!(totals.credited.get() <= invoice.totals.gross.get() + invoice.totals.rounding.get());
                    prop_assert_eq!(totals.overpaid, minor(0));
                    prop_assert_eq!(totals.remaining.get() + totals.credited.get(), totals.gross.get() + totals.rounding.get());
                    now = credited.invoice;
                    notes.push(credited.note);
                }
                // Only once everything is credited, or when there never was anything.
                Err(CreditError::NothingLeft) => {
                    let completed = now.credits.iter().any(|credit| credit.completes);
                    prop_assert!(completed || notes.is_empty());
                    finished = true;
                }
                Err(CreditError::Problems(problems)) => {
                    let together = problems.iter().all(|problem| matches!(problem, CreditProblem::Lines(_)));
                    prop_assert!(together, "{problems:?}");
                }
                Err(error) => prop_assert!(false, "{error}"),
            }
            let so_far: Vec<&Invoice> = notes.iter().collect();
            for (code, rate, taxable, tax) in taxes_of(&so_far) {
                // A tax that a line has twice is two taxes, and either may be below zero.
                if twice(&invoice, code, &rate) {
                    continue;
                }
                let whole = taxes_of(&[&invoice]);
                let of_invoice = whole.iter().find(|row| row.0 == code && row.1 == rate);
                let (whole_base, whole_tax) = of_invoice.map_or((0, 0), |row| (row.2, row.3));
                prop_assert!((whole_base.min(0)..=whole_base.max(0)).contains(&taxable), "{code} {rate}: {taxable} of {whole_base}");
                prop_assert!((whole_tax.min(0)..=whole_tax.max(0)).contains(&tax), "{code} {rate}: {tax} of {whole_tax}");
            }
        }
        let completed = now.credits.iter().any(|credit| credit.completes);
        prop_assert!(completed || finished);
        let notes: Vec<&Invoice> = notes.iter().collect();
        prop_assert_eq!(now.totals.credited.get(), sum_of(notes.iter().copied(), |note| note.totals.credited));
        if completed {
            prop_assert_eq!(now.totals.remaining, minor(0));
            prop_assert_eq!(taxes_of(&notes), taxes_of(&[&invoice]));
            for of in [|note: &Invoice| note.totals.gross, |note: &Invoice| note.totals.tax, |note: &Invoice| note.totals.net] {
                prop_assert_eq!(sum_of(notes.iter().copied(), of), of(&invoice).get());
            }
        }
    }
}
